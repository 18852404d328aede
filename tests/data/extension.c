/* What a session's code calls in C. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Prints so many bytes, by the library's streams and by descriptors in turns; returns how many. */
long say(long bytes) {
    static char block[65536];
    memset(block, 'x', sizeof block);
    long said = 0;
    while (said < bytes) {
        size_t left = (size_t)(bytes - said), count = left < sizeof block ? left : sizeof block;
        long written;
        if (said / (long)sizeof block % 2) {
            written = write(STDOUT_FILENO, block, count);
        } else {
            written = (long)fwrite(block, 1, count, stdout);
            fflush(stdout);
        }
        if (written <= 0) break;
        said += written;
    }
    return said;
}

/* Never returns. */
void hold(void) {
    for (volatile int turns = 0;; turns++) {}
}
