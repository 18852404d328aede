/* What does not fit together is refused with a code of its own: schemas, modes, names, arguments. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <fcntl.h>

#define OPTIONS(...) (&(circlet_ring_options){.struct_size = sizeof(circlet_ring_options), __VA_ARGS__})

int main(void) {
    alarm(120);
    CHECK(circlet_abi_version() >> 16 == CIRCLET_ABI_VERSION >> 16);
    CHECK(circlet_layout_version() == CIRCLET_LAYOUT_VERSION);
    const char *name = own_name("refused");
    circlet_ring *ring, *other = NULL;
    circlet_page *page = NULL;
    EXPECT(0, circlet_ring_create(name, OPTIONS(.schema = "prices v2", .capacity = 5000), &ring));

    EXPECT(CIRCLET_BAD_SCHEMA, circlet_ring_open(name, NULL, &other));
    says("prices v2");
    EXPECT(CIRCLET_BAD_SCHEMA, circlet_ring_open(name, OPTIONS(.schema = "prices v1"), &other));
    says("prices v1");
    EXPECT(CIRCLET_BAD_MODE, circlet_page_open(name, "prices v2", &page));
    EXPECT(CIRCLET_NAME_TAKEN, circlet_ring_create(name, NULL, &other));
    EXPECT(CIRCLET_NAME_TAKEN, circlet_page_create(name, 0, NULL, &page));
    CHECK(!other && !page);
    EXPECT(0, circlet_ring_open(name, OPTIONS(.schema = "prices v2", .flags = CIRCLET_RING_PREFAULT), &other));
    char tag[16], cut[4];
    EXPECT(9, circlet_ring_schema(other, tag, sizeof tag));
    CHECK(strcmp(tag, "prices v2") == 0);
    EXPECT(9, circlet_ring_schema(other, cut, sizeof cut));
    CHECK(strcmp(cut, "pri") == 0);
    EXPECT(9, circlet_ring_schema(other, NULL, 0));

    /* Both lie over the same memory. */
    void *base, *again;
    uint64_t bytes;
    EXPECT(0, circlet_ring_memory(ring, &base, &bytes));
    EXPECT(0, circlet_ring_memory(other, &again, &bytes));
    circlet_frame frame;
    EXPECT(0, circlet_ring_send(ring, "hello", 5, 0));
    EXPECT(0, circlet_ring_recv(other, 0, &frame));
    CHECK(frame.len == 5 && memcmp(frame.data, "hello", 5) == 0);
    CHECK(frame.offset + frame.len <= bytes && memcmp((uint8_t *)base + frame.offset, "hello", 5) == 0);
    uint64_t capacity;
    memcpy(&capacity, (uint8_t *)base + CIRCLET_LAYOUT_CAPACITY, 8);
    CHECK(capacity == 8192);
    EXPECT(CIRCLET_BUSY, circlet_ring_attach(other, CIRCLET_PRODUCER));
    EXPECT(CIRCLET_BUSY, circlet_ring_recv(ring, 0, &frame));

    EXPECT(0, circlet_ring_unlink(other));
    EXPECT(0, circlet_ring_unlink(ring));
    circlet_ring *gone = NULL;
    EXPECT(CIRCLET_NOT_FOUND, circlet_ring_open(name, OPTIONS(.schema = "prices v2"), &gone));
    circlet_ring_close(other);
    circlet_ring_close(ring);

    EXPECT(0, circlet_page_create(name, 0, NULL, &page));
    EXPECT(CIRCLET_BAD_MODE, circlet_ring_open(name, NULL, &gone));
    circlet_page_close(page);

    static const char TOO_LONG[] = "123456789 123456789 123456789 123456789 123456789 1234567";
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.schema = TOO_LONG), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.schema = "\xff"), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.capacity = 1), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.mode = 9), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.overflow = 9), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.flags = 1u << 31), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.permissions = 0777), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, OPTIONS(.max_message = UINT32_MAX), &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create("a/b", NULL, &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(NULL, NULL, &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_create(name, NULL, NULL));
    EXPECT(CIRCLET_INVALID, circlet_ring_open(name, &(circlet_ring_options){.struct_size = 3}, &gone));
    EXPECT(CIRCLET_INVALID, circlet_ring_send(NULL, "x", 1, 0));
    EXPECT(CIRCLET_INVALID, circlet_page_write(NULL, "x", 1));
    EXPECT(CIRCLET_INVALID, circlet_page_create(name, UINT32_MAX, NULL, &page));
    EXPECT(CIRCLET_NOT_SEALED, circlet_ring_from_fd(open("/dev/null", O_RDWR), NULL, &gone));
    EXPECT(CIRCLET_NOT_SEALED, circlet_page_from_fd(open("/dev/null", O_RDWR), NULL, &page));
    CHECK(circlet_ring_from_fd(-1, NULL, &gone) < 0 && !gone);
    circlet_ring_close(NULL);
    circlet_page_close(NULL);

    EXPECT(0, circlet_ring_anonymous(NULL, &ring));
    EXPECT(CIRCLET_INVALID, circlet_ring_attach(ring, 9));
    EXPECT(CIRCLET_INVALID, circlet_ring_send(ring, NULL, 1, 0));
    EXPECT(0, circlet_ring_send(ring, NULL, 0, 0));
    EXPECT(CIRCLET_INVALID, circlet_ring_recv_many(ring, &frame, 0, 0));
    EXPECT(CIRCLET_INVALID, circlet_ring_recv(ring, 0, NULL));
    EXPECT(CIRCLET_INVALID, circlet_ring_send(ring, "x", 1, 0.0 / 0.0));
    circlet_ring_close(ring);
    CHECK(strcmp(circlet_status_str(CIRCLET_BAD_SCHEMA), "CIRCLET_BAD_SCHEMA") == 0);
    CHECK(strcmp(circlet_status_str(77), "unknown circlet_status") == 0);
    return 0;
}
