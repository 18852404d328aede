/* Whole segments, byte for byte: the steps of tests/data/ring/recipes.txt write the committed dumps, and what is in the
 * dumps is read. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { PRODUCERS = 2, BYTES_MAX = 1 << 16, MESSAGE_MAX = 10000, CAPACITY = 4096 };
/* Of docs/layout.md: what differs from one machine, process and moment to another. */
enum { CREATOR_PID = 0x30, CREATED_MS = 0x38, PRODUCER_SEATS = 0x1100, SEATS = 32, CONSUMER_SEAT = 0x2100 };

/* One dump on its way: its handles, and the lengths of its messages. */
typedef struct {
    char name[32], mode[32], segment[96], path[128];
    circlet_ring *rings[PRODUCERS];
    circlet_page *page;
    int written;
    uint32_t lens[64], count;
} dump;

static uint8_t message[MESSAGE_MAX], bytes[BYTES_MAX], committed[BYTES_MAX];

static const char *data(const char *name, const char *extension) {
    static char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    int folder = slash ? (int)(slash - __FILE__) : 1;
    snprintf(path, sizeof path, "%.*s/../data/ring/%s%s", folder, slash ? __FILE__ : ".", name, extension);
    return path;
}

static size_t read_all(int file, uint8_t *into) {
    CHECK(file >= 0);
    ssize_t len = read(file, into, BYTES_MAX);
    CHECK(len > 0 && len < BYTES_MAX);
    close(file);
    return (size_t)len;
}

static void begin(dump *dump, const char *line) {
    uint32_t longest;
    memset(dump, 0, sizeof *dump);
    CHECK(sscanf(line, "dump %31s %31s %" SCNu32, dump->name, dump->mode, &longest) == 3);
    snprintf(dump->segment, sizeof dump->segment, "%s-%s", own_name("golden"), dump->name);
    snprintf(dump->path, sizeof dump->path, "/dev/shm/%s", dump->segment);
    if (strcmp(dump->mode, "page") == 0) {
        EXPECT(0, circlet_page_create(dump->segment, longest, NULL, &dump->page));
    } else {
        circlet_ring_options options = {.struct_size = sizeof options, .capacity = CAPACITY, .max_message = longest};
        options.mode = strcmp(dump->mode, "spsc") == 0   ? CIRCLET_SPSC
                       : strcmp(dump->mode, "mpsc") == 0 ? CIRCLET_MPSC
                                                         : CIRCLET_BROADCAST;
        EXPECT(0, circlet_ring_create(dump->segment, &options, &dump->rings[0]));
    }
    dump->written = open(dump->path, O_RDONLY);
}

/* Each producer has a handle of its own; the first made the ring, and reads too. */
static circlet_ring *producer(dump *dump, uint32_t index) {
    CHECK(index < PRODUCERS);
    if (!dump->rings[index]) EXPECT(0, circlet_ring_open(dump->segment, NULL, &dump->rings[index]));
    return dump->rings[index];
}

static void step(dump *dump, const char *line) {
    uint32_t index, len;
    circlet_frame frames[64];
    if (sscanf(line, "send %" SCNu32 " %" SCNu32, &index, &len) == 2) {
        CHECK(dump->count < 64 && len <= MESSAGE_MAX);
        fill(message, len, dump->count);
        dump->lens[dump->count++] = len;
        if (dump->page) EXPECT(0, circlet_page_write(dump->page, message, len));
        else EXPECT(0, circlet_ring_send(producer(dump, index), message, len, 0));
    } else if (sscanf(line, "abort %" SCNu32 " %" SCNu32, &index, &len) == 2) {
        EXPECT(0, circlet_ring_claim(producer(dump, index), len, 0, frames));
        EXPECT(0, circlet_ring_abort(producer(dump, index)));
    } else {
        CHECK(sscanf(line, "recv %" SCNu32, &len) == 1);
        EXPECT((int32_t)len, circlet_ring_recv_many(dump->rings[0], frames, len, 0));
        EXPECT(0, circlet_ring_release(dump->rings[0]));
    }
}

static void compare(dump *dump) {
    circlet_page_close(dump->page);
    for (int index = PRODUCERS - 1; index >= 0; index--) circlet_ring_close(dump->rings[index]);
    size_t len = read_all(dump->written, bytes);
    memset(bytes + CREATOR_PID, 0, 4);
    memset(bytes + CREATED_MS, 0, 8);
    for (int seat = 0; seat < SEATS; seat++) memset(bytes + PRODUCER_SEATS + 8 * seat + 4, 0, 4);
    memset(bytes + CONSUMER_SEAT + 4, 0, 4);
    CHECK(read_all(open(data(dump->name, ".bin"), O_RDONLY), committed) == len);
    for (size_t at = 0; at < len; at++) {
        if (bytes[at] == committed[at]) continue;
        fprintf(stderr, "%s: the byte at %#zx is %#x and not %#x\n", dump->name, at, bytes[at], committed[at]);
        exit(1);
    }
}

/* Puts the committed bytes where they can be opened, and reads the messages that are left. */
static void read_back(dump *dump, uint32_t left) {
    size_t len = read_all(open(data(dump->name, ".bin"), O_RDONLY), committed);
    int file = open(dump->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CHECK(file >= 0 && write(file, committed, len) == (ssize_t)len);
    close(file);
    uint32_t number = dump->count - left;
    if (dump->page) {
        const void *value;
        uint64_t version;
        EXPECT(0, circlet_page_open(dump->segment, NULL, &dump->page));
        EXPECT((int32_t)dump->lens[number], circlet_page_read(dump->page, LONG, &value, &version));
        CHECK(version == dump->count && is_filled(value, dump->lens[number], number));
        EXPECT(CIRCLET_CLOSED, circlet_page_read(dump->page, LONG, &value, &version));
        circlet_page_close(dump->page);
    } else {
        circlet_ring *ring;
        circlet_frame frame;
        EXPECT(0, circlet_ring_open(dump->segment, NULL, &ring));
        EXPECT(0, circlet_ring_attach(ring, CIRCLET_CONSUMER_FROM_OLDEST));
        for (; number < dump->count; number++) {
            EXPECT(0, circlet_ring_recv(ring, LONG, &frame));
            CHECK(frame.len == dump->lens[number] && is_filled(frame.data, frame.len, number));
        }
        EXPECT(CIRCLET_CLOSED, circlet_ring_recv(ring, LONG, &frame));
        circlet_ring_close(ring);
    }
    CHECK(unlink(dump->path) == 0);
}

int main(void) {
    alarm(120);
    static dump now;
    char line[256];
    uint32_t left, dumps = 0;
    FILE *recipes = fopen(data("recipes", ".txt"), "r");
    CHECK(recipes);
    while (fgets(line, sizeof line, recipes)) {
        if (strncmp(line, "dump ", 5) == 0) {
            begin(&now, line);
        } else if (sscanf(line, "left %" SCNu32, &left) == 1) {
            compare(&now);
            read_back(&now, left);
            dumps++;
        } else {
            step(&now, line);
        }
    }
    fclose(recipes);
    CHECK(dumps > 0);
    return 0;
}
