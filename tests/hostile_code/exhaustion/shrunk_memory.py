# Cuts off all files in memory that it has. ends: limited
import os


def attempt():
    cut = []
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if "memfd" in os.readlink(f"/proc/self/fd/{number}"):
                os.ftruncate(number, 0)
                cut.append(number)
        except FileNotFoundError:
            pass
    return f"{cut} are cut off" if cut else "it has none"


outcome = tried(attempt)
