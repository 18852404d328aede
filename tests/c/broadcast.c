/* Readers of a broadcast ring get each frame whole or learn how many they missed, in this process and in another. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

enum { FRAMES = 20000, LEN = 64 };

typedef struct {
    const char *name;
    int ready, go;
} work;

static void make(uint8_t *bytes, uint32_t number) {
    memcpy(bytes, &number, 4);
    fill(bytes + 4, LEN - 4, number);
}

static uint32_t number_of(const circlet_frame *frame) {
    uint32_t number;
    CHECK(frame->len == LEN && (uintptr_t)frame->data % 8 == 0);
    memcpy(&number, frame->data, 4);
    CHECK(is_filled((const uint8_t *)frame->data + 4, LEN - 4, number));
    return number;
}

/* Reads to the end: what is received and what is missed are all that was sent. */
static void read_all(void *data) {
    work *mine = data;
    circlet_ring *ring;
    EXPECT(0, circlet_ring_open(mine->name, NULL, &ring));
    EXPECT(0, circlet_ring_attach(ring, CIRCLET_CONSUMER));
    CHECK(write(mine->ready, "!", 1) == 1);
    uint64_t next = 0, frames, bytes;
    circlet_frame frame;
    int32_t status;
    while ((status = circlet_ring_recv(ring, LONG, &frame)) != CIRCLET_CLOSED) {
        if (status == CIRCLET_LAGGED) {
            EXPECT(0, circlet_ring_missed(ring, &frames, &bytes));
            CHECK(frames > 0 && bytes >= frames * (LEN + 4));
            next += frames;
        } else {
            EXPECT(0, status);
            CHECK(number_of(&frame) == next);
            next++;
        }
    }
    CHECK(next == FRAMES);
    circlet_ring_close(ring);
}

int main(void) {
    alarm(120);
    const char *name = own_name("broadcast");
    circlet_ring *ring, *late, *slow;
    circlet_ring_options options = {.struct_size = sizeof options, .mode = CIRCLET_BROADCAST, .capacity = 8192};
    EXPECT(0, circlet_ring_create(name, &options, &ring));
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t readers[2];
    for (int i = 0; i < 2; i++) {
        readers[i] = start(read_all, &(work){.name = name, .ready = ready[1]});
        char byte;
        CHECK(read(ready[0], &byte, 1) == 1);
    }

    EXPECT(0, circlet_ring_open(name, NULL, &slow));
    EXPECT(0, circlet_ring_attach(slow, CIRCLET_CONSUMER));
    circlet_frame frame, frames[4];
    uint64_t missed = 7, bytes = 7;
    EXPECT(CIRCLET_EMPTY, circlet_ring_recv(slow, 0, &frame));
    EXPECT(0, circlet_ring_missed(slow, &missed, &bytes));
    CHECK(missed == 0 && bytes == 0);

    uint8_t payload[LEN];
    for (uint32_t number = 0; number < FRAMES; number++) {
        make(payload, number);
        /* It never waits for readers. */
        EXPECT(0, circlet_ring_send(ring, payload, LEN, 0));
        if (number == 2) {
            EXPECT(3, circlet_ring_recv_many(slow, frames, 4, 0));
            for (uint32_t i = 0; i < 3; i++) CHECK(number_of(&frames[i]) == i);
        }
    }
    EXPECT(CIRCLET_LAGGED, circlet_ring_recv(slow, 0, &frame));
    EXPECT(0, circlet_ring_missed(slow, &missed, &bytes));
    uint32_t next = 3 + (uint32_t)missed;
    CHECK(missed > FRAMES - 8192 / (LEN + 8) - 3 && next < FRAMES);
    int32_t status;
    while ((status = circlet_ring_recv(slow, 0, &frame)) == 0) CHECK(number_of(&frame) == next++);
    EXPECT(CIRCLET_EMPTY, status);
    CHECK(next == FRAMES);

    /* Whoever comes late begins with the next frame, or with the oldest there is. */
    EXPECT(0, circlet_ring_open(name, NULL, &late));
    EXPECT(0, circlet_ring_attach(late, CIRCLET_CONSUMER_FROM_OLDEST));
    EXPECT(0, circlet_ring_recv(late, 0, &frame));
    uint32_t oldest = number_of(&frame);
    CHECK(oldest >= FRAMES - 8192 / (LEN + 8) && oldest < FRAMES - 20);

    circlet_ring_stats stats;
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.frames_sent == FRAMES && stats.used_bytes == 0 && stats.frames_received == 0);
    CHECK(stats.consumer == 0 && stats.max_frame == 8192 / 8 - 4);
    EXPECT(CIRCLET_TOO_LARGE, circlet_ring_claim(ring, stats.max_frame + 1, 0, &frame));
    circlet_ring_close(ring);
    EXPECT(CIRCLET_CLOSED, circlet_ring_recv(slow, LONG, &frame));
    circlet_ring_close(slow);
    circlet_ring_close(late);
    for (int i = 0; i < 2; i++) join(readers[i]);
    close(ready[0]);
    close(ready[1]);
    return 0;
}
