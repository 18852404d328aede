/* Jobs for the pools of Python and Bun, whose addresses `address` gives. */
#include <circlet.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static atomic_int running, may_end;

static int32_t empty(void *data) { return (int32_t)(intptr_t)data; }

/* Adds up the bytes of a C string. */
static int32_t sum(void *data) {
    int32_t total = 0;
    for (const unsigned char *at = data; *at; at++) total += *at;
    return total;
}

static int32_t fail(void *data) {
    circlet_job_fail(data ? data : "it was to fail");
    return 7;
}

/* Runs until it is asked to stop, and gives in. */
static int32_t endless(void *data) {
    (void)data;
    running++;
    while (!circlet_job_aborted()) {}
    running--;
    return circlet_job_give_in();
}

/* Runs until `open_gate`. */
static int32_t wait_at_gate(void *data) {
    running++;
    while (!may_end) {}
    running--;
    return (int32_t)(intptr_t)data;
}

static int32_t odd_only(void *data) {
    if ((intptr_t)data % 2 == 0) circlet_job_fail("even");
    return (int32_t)(intptr_t)data;
}

/* Receives one message from a port, whose first byte it returns. */
static int32_t take_byte(void *data) {
    circlet_ring *ring;
    circlet_frame frame;
    if (circlet_job_port((uint32_t)(uintptr_t)data, 10000, &ring) < 0) return -1;
    if (circlet_ring_recv(ring, 10000, &frame) < 0) return -2;
    const int32_t byte = *(const unsigned char *)frame.data;
    circlet_ring_release(ring);
    return byte;
}

int32_t jobs_running(void) { return running; }

void open_gate(int32_t open) { may_end = open; }

void *address(const char *name) {
    static const struct {
        const char *name;
        circlet_job job;
    } all[] = {{"empty", empty},     {"sum", sum},   {"fail", fail},
               {"endless", endless}, {"wait_at_gate", wait_at_gate}, {"odd_only", odd_only},
               {"take_byte", take_byte}};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(name, all[i].name) == 0) {
            void *found;
            memcpy(&found, &all[i].job, sizeof found);
            return found;
        }
    }
    return NULL;
}
