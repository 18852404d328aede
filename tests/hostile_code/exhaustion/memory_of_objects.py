# Makes a list of long strings, up to `memory_cap` bytes. ends: limited


def attempt():
    parts = []
    while len(parts) << 20 < given["memory_cap"]:
        parts.append("x" * (1 << 20))
    return f"{len(parts)} MiB"


outcome = tried(attempt)
