# Writes a file of `disk_cap` bytes. ends: limited
import os
import signal


def attempt():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    descriptor, size = os.open(in_work("dense"), os.O_RDWR | os.O_CREAT, 0o600), 0
    try:
        while size < given["disk_cap"]:
            size += os.write(descriptor, bytes(1 << 20))
    finally:
        os.close(descriptor)
        os.unlink(in_work("dense"))
    return f"{size} bytes"


outcome = tried(attempt)
