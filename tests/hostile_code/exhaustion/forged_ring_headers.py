# Writes lies into the first page of all shared memory for a second: zeros, ones, and small changes. ends: killed
import ctypes
import random


def attempt():
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    firsts = [
        int(words[0].split("-")[0], 16)
        for words in lines
        if "w" in words[1] and "s" in words[1] and "memfd" in " ".join(words[5:])
    ]
    if not firsts:
        raise Nothing("there is no shared memory")
    until = time.monotonic() + 1
    while time.monotonic() < until:
        place = random.choice(firsts) + 8 * random.randrange(512)
        value = random.choice((0, 1, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, random.getrandbits(64)))
        ctypes.c_uint64.from_address(place).value = value
    return f"{len(firsts)} headers have lied"


outcome = tried(attempt)
