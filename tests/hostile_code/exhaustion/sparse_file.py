# Makes a file of `disk_cap` bytes that holds nothing. ends: limited
import os
import signal


def attempt():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    descriptor = os.open(in_work("sparse"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, given["disk_cap"])
        return f"{os.fstat(descriptor).st_size} bytes"
    finally:
        os.close(descriptor)
        os.unlink(in_work("sparse"))


outcome = tried(attempt)
