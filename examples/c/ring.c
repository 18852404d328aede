/* A ring between two processes.
 *
 *   ring                    sends 1000 frames from this process to a child, which reads them in place
 *   ring send NAME COUNT    creates the ring NAME, and sends COUNT frames to whoever opens it
 *   ring recv NAME          opens the ring NAME and reads until it is closed
 *
 * Build: cargo clib && cc -I include examples/c/ring.c -L target/release -lcirclet -o ring
 */
#define _POSIX_C_SOURCE 200809L
#include <circlet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *doing, int32_t status) {
    char message[512];
    circlet_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s: %s\n", doing, circlet_status_str(status), message);
    return 1;
}

/* The payload of a frame follows from its number: every language's example makes and checks the same. */
static uint32_t payload_len(uint32_t number) { return number * 37 % 1500; }
static uint8_t payload_byte(uint32_t number, uint32_t at) { return (uint8_t)(number * 31 + at * 7); }

static int send_all(const char *name, uint32_t count) {
    circlet_ring_options options = {.struct_size = sizeof options, .capacity = 64 * 1024};
    circlet_ring *ring;
    int32_t status = circlet_ring_create(name, &options, &ring);
    if (status < 0) return fail("create", status);
    for (uint32_t number = 0; number < count; number++) {
        circlet_frame frame;
        status = circlet_ring_claim(ring, payload_len(number), 20000, &frame);
        if (status < 0) break;
        uint8_t *bytes = frame.data;
        for (uint32_t i = 0; i < frame.len; i++) bytes[i] = payload_byte(number, i);
        status = circlet_ring_commit(ring, frame.len);
        if (status < 0) break;
    }
    /* The name ends with the ring: wait until the reader has drained it. */
    circlet_ring_stats stats;
    while (status >= 0 && (status = circlet_ring_get_stats(ring, &stats)) >= 0 &&
           stats.frames_received < count && stats.consumer < 2) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (status < 0) fail("send", status);
    circlet_ring_close(ring);
    return status < 0;
}

static int recv_all(const char *name) {
    circlet_ring *ring;
    int32_t status;
    for (int tries = 0; (status = circlet_ring_open(name, NULL, &ring)) == CIRCLET_NOT_FOUND && tries < 20000; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (status < 0) return fail("open", status);
    uint32_t number = 0;
    circlet_frame frames[64];
    while ((status = circlet_ring_recv_many(ring, frames, 64, 20000)) > 0) {
        for (int32_t f = 0; f < status; f++, number++) {
            const uint8_t *bytes = frames[f].data;
            int sound = frames[f].len == payload_len(number);
            for (uint32_t i = 0; sound && i < frames[f].len; i++) sound = bytes[i] == payload_byte(number, i);
            if (!sound) {
                fprintf(stderr, "frame %" PRIu32 " is not what was sent\n", number);
                return 1;
            }
        }
    }
    if (status != CIRCLET_CLOSED) fail("recv", status);
    circlet_ring_close(ring);
    printf("%" PRIu32 " frames received\n", number);
    return status != CIRCLET_CLOSED;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "send") == 0) return send_all(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "recv") == 0) return recv_all(argv[2]);
    if (argc != 1) {
        fprintf(stderr, "usage: ring | ring send NAME COUNT | ring recv NAME\n");
        return 2;
    }
    char name[64];
    snprintf(name, sizeof name, "circlet-example-%ld", (long)getpid());
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) return recv_all(name);
    int failed = send_all(name, 1000);
    int status = 0;
    waitpid(child, &status, 0);
    return failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
