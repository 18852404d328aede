/* A page gives its newest value, whole, to readers in this process and in another. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <poll.h>

enum { VALUES = 3000, MAX = 1000 };

static uint32_t length(uint64_t version) { return 1 + (uint32_t)version * 17 % MAX; }

/* Reads by the doorbell until the writer has gone: versions rise, and each value is whole. */
static void read_all(void *name) {
    circlet_page *page;
    EXPECT(0, circlet_page_open(name, "values", &page));
    int32_t fd;
    EXPECT(0, circlet_page_fd(page, &fd));
    const void *value;
    uint64_t version, last = 0;
    while (last < VALUES) {
        int32_t ready = circlet_page_arm(page);
        CHECK(ready == 0 || ready == 1);
        struct pollfd waited_for = {.fd = fd, .events = POLLIN};
        if (ready == 0) CHECK(poll(&waited_for, 1, (int)LONG) == 1);
        int32_t len = circlet_page_read(page, 0, &value, &version);
        if (len == CIRCLET_EMPTY || len == CIRCLET_LAGGED) continue;
        CHECK(version >= last && version <= VALUES);
        EXPECT((int32_t)length(version), len);
        CHECK(is_filled(value, (uint32_t)len, (uint32_t)version));
        last = version;
    }
    EXPECT(CIRCLET_CLOSED, circlet_page_read(page, LONG, &value, &version));
    EXPECT((int32_t)length(VALUES), circlet_page_read(page, 0, &value, &version));
    close(fd);
    circlet_page_close(page);
}

int main(void) {
    alarm(120);
    const char *name = own_name("page");
    circlet_page *page, *other = NULL;
    EXPECT(0, circlet_page_create(name, MAX, "values", &page));
    const void *value;
    uint64_t version;
    EXPECT(CIRCLET_EMPTY, circlet_page_read(page, 0, &value, &version));
    EXPECT(CIRCLET_TIMED_OUT, circlet_page_read(page, 10, &value, &version));
    EXPECT(CIRCLET_BAD_SCHEMA, circlet_page_open(name, NULL, &other));
    EXPECT(CIRCLET_BAD_SCHEMA, circlet_page_open(name, "value", &other));
    EXPECT(0, circlet_page_open(name, "values", &other));

    pid_t readers[2];
    for (int i = 0; i < 2; i++) readers[i] = start(read_all, (void *)(uintptr_t)name);
    uint8_t bytes[MAX + 1] = {0};
    EXPECT(CIRCLET_TOO_LARGE, circlet_page_write(page, bytes, MAX + 1));
    for (uint64_t number = 1; number <= VALUES; number++) {
        fill(bytes, length(number), (uint32_t)number);
        EXPECT(0, circlet_page_write(page, bytes, length(number)));
        if (number % 100 == 0) {
            EXPECT((int32_t)length(number), circlet_page_read(other, LONG, &value, &version));
            CHECK(version == number && is_filled(value, length(number), (uint32_t)number));
        }
    }
    EXPECT(CIRCLET_BUSY, circlet_page_write(other, "x", 1));
    EXPECT(CIRCLET_TIMED_OUT, circlet_page_read(other, 10, &value, &version));
    /* It is the writer's end that the readers wait for. */
    circlet_page_close(page);
    EXPECT(CIRCLET_CLOSED, circlet_page_read(other, LONG, &value, &version));
    for (int i = 0; i < 2; i++) join(readers[i]);
    /* Whoever has it open still has it, and an empty value is one. */
    EXPECT(CIRCLET_NOT_FOUND, circlet_page_open(name, "values", &page));
    EXPECT(0, circlet_page_write(other, NULL, 0));
    EXPECT(0, circlet_page_read(other, 0, &value, &version));
    CHECK(version == VALUES + 1);
    circlet_page_close(other);
    return 0;
}
