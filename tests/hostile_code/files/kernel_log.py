# Reads the kernel's log by its device and by its system call.
import os


def device():
    return f"descriptor {os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK)}"


def by_call():
    return f"{call('syslog', 10, None, 0)} bytes long"


outcome = tried(lambda: first_of([device, by_call]), lacking=("ENOENT",), needs=SYSLOG)
