/* Mistakes that the tools must find: if they do not find these, they find nothing in the other programs either.
 *
 *   misuse leak         never closes a handle
 *   misuse after-close  reads a value of a page that is closed
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

static void leak(void) {
    circlet_ring *ring;
    EXPECT(0, circlet_ring_anonymous(NULL, &ring));
    EXPECT(0, circlet_ring_send(ring, "x", 1, 0));
}

int main(int argc, char **argv) {
    alarm(120);
    CHECK(argc == 2);
    if (strcmp(argv[1], "leak") == 0) {
        leak();
        /* What the stack and the registers still hold of it is overwritten. */
        volatile uint8_t other[4096];
        for (size_t i = 0; i < sizeof other; i++) other[i] = 0;
        return circlet_abi_version() == 0;
    }
    circlet_page *page;
    const void *value;
    uint64_t version;
    EXPECT(0, circlet_page_anonymous(0, NULL, &page));
    EXPECT(0, circlet_page_write(page, "value", 5));
    EXPECT(5, circlet_page_read(page, 0, &value, &version));
    circlet_page_close(page);
    return *(const volatile uint8_t *)value == 0;
}
