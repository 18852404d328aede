# Fills a file in memory without a name, up to `memory_cap` bytes. ends: limited
import os


def attempt():
    memory, size = os.memfd_create("large"), 0
    try:
        while size < given["memory_cap"]:
            size += os.write(memory, bytes(1 << 20))
    finally:
        os.close(memory)
    return f"{size} bytes"


outcome = tried(attempt)
