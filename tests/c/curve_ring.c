/* A batch of curves is sampled straight into a claim, and another process reads its points in place. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

enum { CURVES = 8, FRAMES = 40 };
/* Points of each curve: fewer in all than threads are woken for, which last to the end of the process. */
static const uint32_t POINTS_EACH[] = {1, 2, 33, 500, 8000};
enum { SIZES = sizeof POINTS_EACH / sizeof *POINTS_EACH };

static void make(circlet_curve **curves) {
    for (int number = 0; number < CURVES; number++) {
        const double points[] = {number, 0, 0.1, number / 3.0, 7, -number, 1.5 * number, 4, 0.7, 0.3};
        EXPECT(0, circlet_curve_new("catmull_rom", NULL, 2, points, 5, &curves[number]));
    }
}

static void discard(circlet_curve **curves) {
    for (int number = 0; number < CURVES; number++) circlet_curve_free(curves[number]);
}

static uint32_t each_of(int number) { return POINTS_EACH[number % SIZES]; }

static void read_all(void *name) {
    circlet_ring *ring;
    EXPECT(0, circlet_ring_open(name, NULL, &ring));
    void *memory;
    uint64_t bytes;
    EXPECT(0, circlet_ring_memory(ring, &memory, &bytes));
    circlet_curve *curves[CURVES];
    make(curves);
    circlet_frame frame;
    for (int number = 0; number < FRAMES; number++) {
        size_t size = 16 * (size_t)CURVES * each_of(number);
        double *wanted = malloc(size);
        CHECK(wanted);
        EXPECT(0, circlet_curve_batch_sample((const circlet_curve *const *)curves, CURVES, each_of(number), wanted));
        EXPECT(0, circlet_ring_recv(ring, LONG, &frame));
        CHECK(frame.len == size && (uintptr_t)frame.data % _Alignof(double) == 0);
        CHECK(frame.data == (uint8_t *)memory + frame.offset && frame.offset + size <= bytes);
        CHECK(memcmp(frame.data, wanted, size) == 0);
        EXPECT(0, circlet_ring_release(ring));
        free(wanted);
    }
    EXPECT(CIRCLET_CLOSED, circlet_ring_recv(ring, LONG, &frame));
    discard(curves);
    circlet_ring_close(ring);
}

int main(void) {
    alarm(120);
    const char *name = own_name("curve-ring");
    circlet_ring *ring;
    circlet_ring_options options = {.struct_size = sizeof options, .capacity = 4 << 20};
    EXPECT(0, circlet_ring_create(name, &options, &ring));
    pid_t reader = start(read_all, (void *)(uintptr_t)name);
    circlet_curve *curves[CURVES];
    make(curves);
    for (int number = 0; number < FRAMES; number++) {
        uint32_t size = 16 * CURVES * each_of(number);
        circlet_frame frame;
        EXPECT(0, circlet_ring_claim(ring, size, LONG, &frame));
        EXPECT(0, circlet_curve_batch_sample((const circlet_curve *const *)curves, CURVES, each_of(number), frame.data));
        EXPECT(0, circlet_ring_commit(ring, size));
    }
    EXPECT(0, circlet_ring_detach(ring, CIRCLET_PRODUCER));
    join(reader);
    discard(curves);
    circlet_ring_close(ring);
    return 0;
}
