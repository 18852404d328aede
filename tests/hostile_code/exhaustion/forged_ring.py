# Writes random bytes over all shared memory that it has, headers and messages.
import ctypes
import os


def attempt():
    count = 0
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    for words in lines:
        if "w" in words[1] and "s" in words[1] and "memfd" in " ".join(words[5:]):
            first, last = (int(word, 16) for word in words[0].split("-"))
            count += 1
            ctypes.memmove(first, os.urandom(last - first), last - first)
    return f"{count} mappings are written over"


outcome = tried(attempt)
