# Touches memory page by page, up to `memory_cap` bytes. ends: limited
import mmap


def attempt():
    parts, size = [], 0
    while size < given["memory_cap"]:
        part = mmap.mmap(-1, 1 << 24)
        for page in range(0, 1 << 24, 4096):
            part[page] = 1
        parts.append(part)
        size += 1 << 24
    return f"{size} bytes"


outcome = tried(attempt)
