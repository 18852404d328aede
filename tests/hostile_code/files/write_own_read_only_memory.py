# Writes to a page of its own that is mapped to be read, by /proc/self/mem.
import ctypes
import os


def attempt():
    page = mapped(4096, -1, 0, protection=1, flags=0x22)
    memory = os.open("/proc/self/mem", os.O_RDWR)
    os.pwrite(memory, b"changed", page)
    return ctypes.string_at(page, 7)


outcome = tried(attempt, lacking=("EIO",))
