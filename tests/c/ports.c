/* Ports of a pool: an end of a ring that jobs take, use and hand on. */
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "circlet.h"

enum { MESSAGES = 1000 };

static uint32_t port;
static uint32_t received;

/* Receives one number, which is the next one, and leaves giving the port back to the end of the job. */
static int32_t receive_one(void *data) {
    (void)data;
    circlet_ring *ring = NULL;
    if (circlet_job_port(port, 10000, &ring) != CIRCLET_CONSUMER) return -1;
    circlet_frame frame;
    uint32_t number;
    if (circlet_ring_recv(ring, 10000, &frame) != 0 || frame.len != sizeof number) return -2;
    memcpy(&number, frame.data, sizeof number);
    if (number != received) return -3;
    received += 1;
    /* What is not released comes again. */
    return circlet_ring_release(ring) == 0 ? (int32_t)number : -4;
}

/* Takes the port, is refused what a job may not, and keeps the port for its worker. */
static int32_t keep(void *data) {
    circlet_ring *ring = NULL, *again = NULL;
    if (circlet_job_port(port, 0, &ring) != CIRCLET_CONSUMER) return -1;
    if (circlet_job_port(port, 0, &again) != CIRCLET_BUSY || again != NULL) return -2;
    if (circlet_ring_send(ring, "x", 1, 0) != CIRCLET_INVALID) return -3;
    if (circlet_job_port(0xffffff, 0, &again) != CIRCLET_NOT_FOUND) return -4;
    if (circlet_job_port_back((circlet_ring *)data) != CIRCLET_INVALID) return -5;
    if (circlet_job_port_transfer(ring, 0xfffe) != CIRCLET_NOT_FOUND) return -6;
    int32_t worker = circlet_job_worker();
    if (worker < 0 || circlet_job_port_transfer(ring, (uint32_t)worker) != 0) return -7;
    if (circlet_job_port_back(ring) != CIRCLET_INVALID) return -8;
    return worker;
}

static int32_t result_of(circlet_pool *pool, circlet_job job, void *data) {
    uint64_t number;
    CHECK(circlet_pool_submit(pool, job, data, NULL, &number) == 0);
    circlet_completion completion;
    CHECK(circlet_pool_next(pool, 10000, &completion) == 0);
    CHECK(completion.job == number && completion.status == CIRCLET_OK);
    return completion.result;
}

int main(void) {
    circlet_pool_options options = {.struct_size = sizeof options, .min = 3, .max = 3};
    circlet_pool *pool;
    CHECK(circlet_pool_new(&options, &pool) == 0);
    circlet_ring *ring;
    CHECK(circlet_ring_anonymous(NULL, &ring) == 0);
    CHECK(circlet_pool_port_open(pool, ring, 7, &port) == CIRCLET_INVALID);
    CHECK(circlet_pool_port_open(pool, ring, CIRCLET_CONSUMER, &port) == 0);
    uint32_t other;
    CHECK(circlet_pool_port_open(pool, ring, CIRCLET_CONSUMER, &other) == CIRCLET_BUSY);
    CHECK(circlet_job_worker() == CIRCLET_INVALID);
    circlet_ring *lent = NULL;
    CHECK(circlet_job_port(port, 0, &lent) == CIRCLET_INVALID);

    for (uint32_t number = 0; number < MESSAGES; number++) {
        CHECK(circlet_ring_send(ring, &number, sizeof number, 0) == 0);
    }
    circlet_port entry;
    CHECK(circlet_pool_ports(pool, &entry, 1) == 1);
    CHECK(entry.port == port && entry.owner == CIRCLET_ANY_WORKER && entry.side == CIRCLET_CONSUMER);
    CHECK(entry.state == CIRCLET_PORT_OPEN && entry.messages_queued == MESSAGES);

    for (int32_t number = 0; number < MESSAGES; number++) {
        CHECK(result_of(pool, receive_one, NULL) == number);
    }
    int32_t worker = result_of(pool, keep, ring);
    CHECK(worker >= 0);
    CHECK(circlet_pool_ports(pool, &entry, 1) == 1);
    CHECK(entry.owner == (uint32_t)worker && entry.state == CIRCLET_PORT_TRANSFERRED && entry.messages_queued == 0);
    CHECK(circlet_pool_port_transfer(pool, port, CIRCLET_ANY_WORKER) == 0);
    CHECK(circlet_pool_port_transfer(pool, port, 0x10000) == CIRCLET_INVALID);

    circlet_ring_stats stats;
    CHECK(circlet_ring_get_stats(ring, &stats) == 0 && stats.consumer == 1);
    CHECK(circlet_pool_port_close(pool, port) == 0);
    CHECK(circlet_ring_get_stats(ring, &stats) == 0 && stats.consumer == 2);
    CHECK(circlet_pool_port_close(pool, port) == CIRCLET_NOT_FOUND);
    CHECK(circlet_pool_ports(pool, NULL, 0) == 1);
    CHECK(circlet_pool_ports(pool, &entry, 1) == 1 && entry.state == CIRCLET_PORT_CLOSED);
    circlet_ring_close(ring);
    circlet_pool_free(pool);
    return 0;
}
