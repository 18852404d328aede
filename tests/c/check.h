/* What the C test programs share: checks that end the program, other processes, and a limit of its time. */
#ifndef CHECK_H
#define CHECK_H

#include <circlet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one call may wait, in milliseconds: for what is sure to come. */
#define LONG 60000.0

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
/* Checks what a call returned. */
#define EXPECT(wanted, call) expect(__FILE__, __LINE__, #call, (wanted), (call))

static inline void check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, what);
    exit(1);
}

static inline void expect(const char *file, int line, const char *call, int32_t wanted, int32_t found) {
    if (wanted == found) return;
    char message[512] = "";
    if (found < 0) circlet_last_error(message, sizeof message);
    fprintf(stderr, "%s:%d: %s gave %" PRId32 " (%s) and not %" PRId32 ": %s\n", file, line, call, found,
            found < 0 ? circlet_status_str(found) : "a count", wanted, message);
    exit(1);
}

/* Checks what a text has in it. */
static inline void contains(const char *text, const char *word) {
    if (strstr(text, word)) return;
    fprintf(stderr, "\"%s\" is not in: %s\n", word, text);
    exit(1);
}

/* Checks what the thread's last message says. */
static inline void says(const char *word) {
    char message[512];
    circlet_last_error(message, sizeof message);
    contains(message, word);
}

/* A name for a segment that no other process takes. */
static inline const char *own_name(const char *what) {
    static char name[64];
    snprintf(name, sizeof name, "circlet-c-%s-%ld", what, (long)getpid());
    return name;
}

/* Another process, which does its work and ends. Nothing that was open before is used in it. */
static inline pid_t start(void (*work)(void *), void *data) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) return child;
    alarm(120);
    work(data);
    exit(0);
}

static inline void join(pid_t child) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The bytes of a message follow from its number and its place in it. */
static inline void fill(uint8_t *bytes, uint32_t len, uint32_t number) {
    for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)(number * 31 + i * 7);
}

static inline int is_filled(const uint8_t *bytes, uint32_t len, uint32_t number) {
    for (uint32_t i = 0; i < len; i++)
        if (bytes[i] != (uint8_t)(number * 31 + i * 7)) return 0;
    return 1;
}

#endif
