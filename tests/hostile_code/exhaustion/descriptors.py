# Opens descriptors, up to `descriptors_max`. ends: limited
import os


def attempt():
    opened = []
    try:
        while len(opened) < given["descriptors_max"]:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return f"{len(opened)} descriptors"


outcome = tried(attempt)
