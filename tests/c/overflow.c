/* What a producer does that finds no room: it waits, fails, or drops and counts. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

static const uint8_t PAYLOAD[1000];

static circlet_ring *make(uint32_t overflow) {
    circlet_ring *ring;
    circlet_ring_options options = {.struct_size = sizeof options, .capacity = 4096, .overflow = overflow};
    EXPECT(0, circlet_ring_anonymous(&options, &ring));
    for (int i = 0; i < 4; i++) EXPECT(0, circlet_ring_send(ring, PAYLOAD, sizeof PAYLOAD, -1));
    return ring;
}

static circlet_ring_stats stats_of(const circlet_ring *ring) {
    circlet_ring_stats stats;
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    return stats;
}

int main(void) {
    alarm(120);
    circlet_frame frame;

    circlet_ring *blocks = make(CIRCLET_BLOCK);
    EXPECT(CIRCLET_FULL, circlet_ring_send(blocks, PAYLOAD, sizeof PAYLOAD, 0));
    EXPECT(CIRCLET_TIMED_OUT, circlet_ring_send(blocks, PAYLOAD, sizeof PAYLOAD, 20));
    EXPECT(CIRCLET_TIMED_OUT, circlet_ring_claim(blocks, sizeof PAYLOAD, 20, &frame));
    CHECK(stats_of(blocks).full_events >= 2 && stats_of(blocks).dropped == 0);
    CHECK(stats_of(blocks).producer_waits >= 1);
    EXPECT(0, circlet_ring_recv(blocks, 0, &frame));
    EXPECT(CIRCLET_FULL, circlet_ring_send(blocks, PAYLOAD, sizeof PAYLOAD, 0));
    /* The second: what is left at the ring's end is skipped, so that one frame's room is not enough. */
    EXPECT(0, circlet_ring_recv(blocks, 0, &frame));
    EXPECT(0, circlet_ring_release(blocks));
    EXPECT(0, circlet_ring_send(blocks, PAYLOAD, sizeof PAYLOAD, 0));
    circlet_ring_close(blocks);

    circlet_ring *fails = make(CIRCLET_FAIL);
    EXPECT(CIRCLET_FULL, circlet_ring_send(fails, PAYLOAD, sizeof PAYLOAD, -1));
    says("full");
    CHECK(stats_of(fails).overflow == CIRCLET_FAIL && stats_of(fails).dropped == 0);
    uint32_t lens[2] = {8, 1000};
    int32_t sent = circlet_ring_send_many(fails, PAYLOAD, lens, 2, -1);
    CHECK(sent == 1 || sent == CIRCLET_FULL);
    circlet_ring_close(fails);

    circlet_ring *drops = make(CIRCLET_DROP_NEWEST);
    for (int i = 0; i < 5; i++) EXPECT(0, circlet_ring_send(drops, PAYLOAD, sizeof PAYLOAD, -1));
    CHECK(stats_of(drops).dropped == 5 && stats_of(drops).frames_sent == 4);
    EXPECT(CIRCLET_FULL, circlet_ring_claim(drops, sizeof PAYLOAD, 0, &frame));
    for (int i = 0; i < 4; i++) EXPECT(0, circlet_ring_recv(drops, 0, &frame));
    EXPECT(CIRCLET_EMPTY, circlet_ring_recv(drops, 0, &frame));

    /* A handle may do otherwise than its ring. */
    EXPECT(0, circlet_ring_set_overflow(drops, CIRCLET_FAIL));
    while ((sent = circlet_ring_send(drops, PAYLOAD, sizeof PAYLOAD, -1)) == 0) {}
    EXPECT(CIRCLET_FULL, sent);
    EXPECT(CIRCLET_INVALID, circlet_ring_set_overflow(drops, 3));
    EXPECT(CIRCLET_INVALID, circlet_ring_set_spin(drops, CIRCLET_PRODUCER, -1));
    EXPECT(0, circlet_ring_set_overflow(drops, CIRCLET_BLOCK));
    EXPECT(0, circlet_ring_set_spin(drops, CIRCLET_PRODUCER, 0));
    EXPECT(CIRCLET_TIMED_OUT, circlet_ring_send(drops, PAYLOAD, sizeof PAYLOAD, 5));
    circlet_ring_close(drops);
    return 0;
}
