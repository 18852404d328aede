/* Four processes send into one ring by every call there is; each one's messages arrive whole and in order. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <time.h>

enum { PRODUCERS = 4, MESSAGES = 300, BATCH = 10 };

typedef struct {
    uint32_t producer, number;
    uint8_t bytes[120];
} message;

typedef struct {
    const char *name;
    circlet_ring *inherited;
    uint32_t producer;
} work;

static uint32_t length(uint32_t number) { return 8 + number % 121; }

static message make(uint32_t producer, uint32_t number) {
    message made = {.producer = producer, .number = number};
    fill(made.bytes, length(number) - 8, number);
    return made;
}

static void produce(void *data) {
    work *mine = data;
    /* A fork's copy of a handle ends nothing but its own mapping. */
    circlet_ring_close(mine->inherited);
    circlet_ring *ring;
    circlet_ring_options options = {.struct_size = sizeof options, .schema = "message v1"};
    EXPECT(0, circlet_ring_open(mine->name, &options, &ring));
    EXPECT(0, circlet_ring_attach(ring, CIRCLET_PRODUCER));
    for (uint32_t number = 0; number < MESSAGES;) {
        switch (number / BATCH % 3) {
        case 0: {
            message one = make(mine->producer, number);
            EXPECT(0, circlet_ring_send(ring, &one, length(number), LONG));
            number++;
            break;
        }
        case 1: {
            circlet_frame frame;
            /* One that is given up leaves no trace, and one that is cut short no more than its length. */
            EXPECT(0, circlet_ring_claim(ring, 64, LONG, &frame));
            EXPECT(0, circlet_ring_abort(ring));
            EXPECT(CIRCLET_INVALID, circlet_ring_commit(ring, 64));
            EXPECT(0, circlet_ring_claim(ring, sizeof(message), LONG, &frame));
            CHECK(frame.len == sizeof(message) && (uintptr_t)frame.data % 8 == 0);
            message one = make(mine->producer, number);
            memcpy(frame.data, &one, sizeof one);
            EXPECT(CIRCLET_TOO_LARGE, circlet_ring_commit(ring, sizeof(message) + 1));
            EXPECT(0, circlet_ring_commit(ring, length(number)));
            number++;
            break;
        }
        default: {
            uint8_t all[BATCH * sizeof(message)];
            uint32_t lens[BATCH], count = 0, bytes = 0;
            for (; count < BATCH && (number + count) / BATCH % 3 == 2 && number + count < MESSAGES; count++) {
                message one = make(mine->producer, number + count);
                lens[count] = length(number + count);
                memcpy(all + bytes, &one, lens[count]);
                bytes += lens[count];
            }
            EXPECT((int32_t)count, circlet_ring_send_many(ring, all, lens, count, LONG));
            number += count;
        }
        }
    }
    circlet_ring_close(ring);
}

int main(void) {
    alarm(120);
    const char *name = own_name("mpsc");
    circlet_ring *ring;
    circlet_ring_options options = {
        .struct_size = sizeof options, .mode = CIRCLET_MPSC, .capacity = 8192, .schema = "message v1"};
    EXPECT(0, circlet_ring_create(name, &options, &ring));
    EXPECT(0, circlet_ring_attach(ring, CIRCLET_CONSUMER));
    pid_t children[PRODUCERS];
    for (uint32_t i = 0; i < PRODUCERS; i++)
        children[i] = start(produce, &(work){.name = name, .inherited = ring, .producer = i});
    /* What one of them sends is more than fits: nobody has ended before all are there. */
    circlet_ring_stats stats;
    do {
        EXPECT(0, circlet_ring_get_stats(ring, &stats));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    } while (stats.producers < PRODUCERS);
    CHECK(stats.mode == CIRCLET_MPSC && stats.producer == 1 && stats.consumer == 1);

    uint32_t next[PRODUCERS] = {0}, total = 0;
    circlet_frame frames[32];
    int32_t count;
    while ((count = circlet_ring_recv_many(ring, frames, 32, LONG)) > 0) {
        for (int32_t i = 0; i < count; i++, total++) {
            message got;
            CHECK(frames[i].len >= 8 && frames[i].len <= sizeof got);
            memcpy(&got, frames[i].data, frames[i].len);
            CHECK(got.producer < PRODUCERS && got.number == next[got.producer]);
            CHECK(frames[i].len == length(got.number) && is_filled(got.bytes, frames[i].len - 8, got.number));
            next[got.producer]++;
        }
    }
    EXPECT(CIRCLET_CLOSED, count);
    CHECK(total == PRODUCERS * MESSAGES);
    for (uint32_t i = 0; i < PRODUCERS; i++) join(children[i]);
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.frames_sent == total && stats.frames_received == total && stats.used_bytes == 0);
    CHECK(stats.producers == 0 && stats.producer == 2 && stats.high_water_bytes > 0);

    /* 32 producers at a time, and no more. */
    circlet_ring *many[33];
    for (int i = 0; i < 33; i++) {
        EXPECT(0, circlet_ring_open(name, &options, &many[i]));
        EXPECT(i < 32 ? 0 : CIRCLET_BUSY, circlet_ring_attach(many[i], CIRCLET_PRODUCER));
    }
    EXPECT(CIRCLET_BUSY, circlet_ring_attach(many[32], CIRCLET_CONSUMER));
    EXPECT(0, circlet_ring_detach(many[7], CIRCLET_PRODUCER));
    EXPECT(0, circlet_ring_attach(many[32], CIRCLET_PRODUCER));
    for (int i = 0; i < 33; i++) circlet_ring_close(many[i]);
    circlet_ring_close(ring);
    EXPECT(CIRCLET_NOT_FOUND, circlet_ring_open(name, &options, &ring));
    return 0;
}
