/* One side of a ring in tests/languages.rs, which says what it does in CIRCLET_PEER.
 *
 *   send NAME ID COUNT    sends COUNT messages
 *   recv NAME             reads from the oldest to the end, checks everything, and tells how many came and were missed
 */
#include "../c/check.h"

enum { HEAD = 8, SHORT_MAX = 500, LONG_MORE = 20000, PRODUCERS = 16 };

static uint8_t message[HEAD + SHORT_MAX + LONG_MORE];

/* The message follows from its producer and its number: every language's peer makes the same. */
static uint32_t make(uint32_t producer, uint32_t number) {
    uint32_t head[2] = {producer, number}, len = (number * 37 + producer * 11) % SHORT_MAX;
    /* It goes in fragments. */
    if (producer >= 10 && number % 100 == 99) len += LONG_MORE;
    memcpy(message, head, HEAD);
    for (uint32_t i = 0; i < len; i++) message[HEAD + i] = (uint8_t)(number * 31 + i * 7 + producer);
    return HEAD + len;
}

static void send_all(circlet_ring *ring, uint32_t producer, uint32_t count) {
    for (uint32_t number = 0; number < count; number++) {
        uint32_t len = make(producer, number);
        EXPECT(0, circlet_ring_send(ring, message, len, LONG));
    }
}

static void recv_all(circlet_ring *ring) {
    uint64_t received = 0, missed = 0, next[PRODUCERS] = {0}, frames, bytes;
    circlet_frame frame;
    int32_t status;
    EXPECT(0, circlet_ring_attach(ring, CIRCLET_CONSUMER_FROM_OLDEST));
    while ((status = circlet_ring_recv(ring, LONG, &frame)) != CIRCLET_CLOSED) {
        if (status == CIRCLET_LAGGED) {
            EXPECT(0, circlet_ring_missed(ring, &frames, &bytes));
            if (received == 0) continue;
            next[1] += frames;
            missed += frames;
            continue;
        }
        EXPECT(0, status);
        uint32_t head[2];
        CHECK(frame.len >= HEAD);
        memcpy(head, frame.data, HEAD);
        CHECK(head[0] < PRODUCERS);
        /* Before the first there may be some that nobody can read any more. */
        if (next[head[0]] == 0) missed += next[head[0]] = head[1];
        CHECK(head[1] == next[head[0]]);
        CHECK(frame.len == make(head[0], head[1]) && memcmp(frame.data, message, frame.len) == 0);
        next[head[0]]++;
        received++;
    }
    printf("%" PRIu64 " received, %" PRIu64 " missed\n", received, missed);
}

int main(void) {
    alarm(120);
    char name[128];
    uint32_t producer, count;
    circlet_ring *ring;
    const char *role = getenv("CIRCLET_PEER");
    CHECK(role && sscanf(role, "%*s %127s", name) == 1);
    EXPECT(0, circlet_ring_open(name, NULL, &ring));
    if (sscanf(role, "send %127s %" SCNu32 " %" SCNu32, name, &producer, &count) == 3) send_all(ring, producer, count);
    else recv_all(ring);
    circlet_ring_close(ring);
    return 0;
}
