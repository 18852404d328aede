"""Reads an spsc ring by its published layout alone, without circlet: plain_reader.py NAME

Prints the length and the CRC-32 of each payload until the writer closes. What such a reader may not do:

* run on anything but x86-64: the two stores of `release` are in order there, and nowhere else without a barrier;
* store a position by anything but an item of a cast memoryview: struct.pack_into clears its target before it writes,
  and the writer would read a position of 0;
* wake a writer that sleeps for room: that takes a futex. The writer looks by itself every 50 ms;
* be seen: it takes no seat, so that nobody keeps a second reader out, or learns of this one's death; nor does it
  learn that the writer died, which the kernel tells by a lock: then it waits for ever;
* let Python's resource tracker have the segment: before Python 3.13 it deletes whatever an attached process leaves.
"""

import sys
import time
import zlib
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

MAGIC, VERSION, SPSC = int.from_bytes(b"CIRCLET\0", "little"), 1, 1
# Offsets, from docs/layout.md.
CAPACITY, WRITER_SEAT, HEAD, FRAMES_RELEASED, DATA = 0x28, 0x1100, 0x2000, 0x2008, 0x4004
PAYLOAD, PADDING, CLOSED = 0b010, 0b110, 2


def attach(name: str) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    return memory


def payloads(memory: SharedMemory) -> Iterator[bytes]:
    with memory.buf.cast("I") as words, memory.buf.cast("Q") as longs:
        if longs[0] != MAGIC or words[2] & 0xFFFF != VERSION or words[4] != SPSC:
            raise ValueError("not an spsc ring of this layout")
        head, capacity, is_last_look = longs[HEAD // 8], longs[CAPACITY // 8], False
        while True:
            start = DATA + head % capacity
            word = words[start // 4]
            state, size = word >> 29, word & 0x1FFF_FFFF
            if state == PAYLOAD:
                yield bytes(memory.buf[start + 4 : start + 4 + size])
            elif word == 0:
                if is_last_look:
                    return
                # What was written before the writer closed is there by the next look.
                is_last_look = words[WRITER_SEAT // 4] & 0xFF == CLOSED
                time.sleep(0 if is_last_look else 0.001)
                continue
            elif state != PADDING:
                raise ValueError(f"the word {word:#010x} at {head}: fragments are for circlet to read")
            head += 4 + size + 7 & ~7
            longs[HEAD // 8] = head
            longs[FRAMES_RELEASED // 8] += state == PAYLOAD


if __name__ == "__main__":
    segment = attach(sys.argv[1])
    for payload in payloads(segment):
        print(len(payload), zlib.crc32(payload))
    segment.close()
