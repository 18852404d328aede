/* Messages that are many times longer than the ring go through it in pieces, and arrive whole. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

enum { LONGEST = 300000 };
static const uint32_t LENGTHS[] = {0, 1, 2043, 2044, 2045, 5000, LONGEST, 3, 4096, 100000};
enum { COUNT = sizeof LENGTHS / sizeof *LENGTHS };

static void read_all(void *name) {
    circlet_ring *ring;
    EXPECT(0, circlet_ring_open(name, NULL, &ring));
    circlet_frame frame;
    for (uint32_t number = 0; number < COUNT; number++) {
        EXPECT(0, circlet_ring_recv(ring, LONG, &frame));
        CHECK(frame.len == LENGTHS[number] && is_filled(frame.data, frame.len, number));
        /* A message that was put together lies outside the ring. */
        CHECK((frame.offset == CIRCLET_NO_OFFSET) == (frame.len > 2044));
        EXPECT(0, circlet_ring_release(ring));
    }
    EXPECT(CIRCLET_CLOSED, circlet_ring_recv(ring, LONG, &frame));
    circlet_ring_close(ring);
}

int main(void) {
    alarm(120);
    const char *name = own_name("fragments");
    circlet_ring *ring;
    circlet_ring_options options = {.struct_size = sizeof options, .capacity = 4096, .max_message = LONGEST};
    EXPECT(0, circlet_ring_create(name, &options, &ring));
    circlet_ring_stats stats;
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.max_frame == 2044 && stats.max_message == LONGEST);
    pid_t reader = start(read_all, (void *)(uintptr_t)name);
    uint8_t *message = malloc(LONGEST + 1);
    CHECK(message);
    for (uint32_t number = 0; number < COUNT; number++) {
        fill(message, LENGTHS[number], number);
        EXPECT(0, circlet_ring_send(ring, message, LENGTHS[number], LONG));
    }
    circlet_frame frame;
    EXPECT(CIRCLET_TOO_LARGE, circlet_ring_send(ring, message, LONGEST + 1, LONG));
    says("300001");
    EXPECT(CIRCLET_TOO_LARGE, circlet_ring_claim(ring, 2045, LONG, &frame));
    says("2044");
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.frames_sent > COUNT);
    /* "Closed" comes after the last message. */
    EXPECT(0, circlet_ring_detach(ring, CIRCLET_PRODUCER));
    join(reader);
    free(message);
    circlet_ring_close(ring);

    options.mode = CIRCLET_BROADCAST;
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, &options, &ring));
    says("broadcast");
    return 0;
}
