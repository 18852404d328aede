/* Two processes that never sleep in the library: each waits in epoll for the doorbell of its side. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <sys/epoll.h>

enum { FRAMES = 5000 };

static uint32_t length(uint32_t number) { return number * 13 % 900; }

typedef struct {
    int32_t bell, poll;
} bells;

static bells watch(const circlet_ring *ring, int32_t side) {
    bells made;
    EXPECT(0, circlet_ring_fd(ring, side, &made.bell));
    made.poll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(made.poll >= 0);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(epoll_ctl(made.poll, EPOLL_CTL_ADD, made.bell, &event) == 0);
    return made;
}

/* Waits until there is something to do. */
static void sleep_until_rung(const circlet_ring *ring, int32_t side, uint32_t len, bells watched) {
    int32_t ready = circlet_ring_arm(ring, side, len);
    CHECK(ready == 0 || ready == 1);
    struct epoll_event event;
    if (ready == 0) CHECK(epoll_wait(watched.poll, &event, 1, (int)LONG) == 1);
}

static void unwatch(bells watched) {
    close(watched.poll);
    close(watched.bell);
}

static void read_all(void *name) {
    circlet_ring *ring;
    EXPECT(0, circlet_ring_open(name, NULL, &ring));
    bells watched = watch(ring, CIRCLET_CONSUMER);
    circlet_frame frame;
    uint32_t number = 0;
    for (;;) {
        int32_t status = circlet_ring_recv(ring, 0, &frame);
        if (status == CIRCLET_EMPTY) {
            sleep_until_rung(ring, CIRCLET_CONSUMER, 0, watched);
            continue;
        }
        if (status == CIRCLET_CLOSED) break;
        EXPECT(0, status);
        CHECK(frame.len == length(number) && is_filled(frame.data, frame.len, number));
        number++;
    }
    CHECK(number == FRAMES);
    unwatch(watched);
    circlet_ring_close(ring);
}

int main(void) {
    alarm(120);
    const char *name = own_name("epoll");
    circlet_ring *ring;
    circlet_ring_options options = {.struct_size = sizeof options, .capacity = 4096, .overflow = CIRCLET_FAIL};
    EXPECT(0, circlet_ring_create(name, &options, &ring));
    bells watched = watch(ring, CIRCLET_PRODUCER);
    pid_t reader = start(read_all, (void *)(uintptr_t)name);
    for (uint32_t number = 0; number < FRAMES;) {
        uint8_t payload[900];
        fill(payload, length(number), number);
        int32_t status = circlet_ring_send(ring, payload, length(number), 0);
        if (status == CIRCLET_FULL) {
            sleep_until_rung(ring, CIRCLET_PRODUCER, length(number), watched);
            continue;
        }
        EXPECT(0, status);
        number++;
    }
    circlet_ring_stats stats;
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.frames_sent == FRAMES && stats.producer_waits == 0);
    unwatch(watched);
    EXPECT(0, circlet_ring_detach(ring, CIRCLET_PRODUCER));
    join(reader);
    EXPECT(0, circlet_ring_get_stats(ring, &stats));
    CHECK(stats.frames_received == FRAMES && stats.consumer_waits == 0 && stats.consumer == 2);
    circlet_ring_close(ring);
    return 0;
}
