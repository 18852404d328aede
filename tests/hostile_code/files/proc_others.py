# Reads the command lines of processes that are not its own.
import os


def attempt():
    own = {os.getpid(), *supervisors()}
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in own]
    return first_of(lambda pid=pid: read(f"/proc/{pid}/cmdline")[:40] for pid in others)


outcome = tried(attempt)
