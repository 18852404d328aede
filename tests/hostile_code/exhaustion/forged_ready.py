# Writes random bytes to all descriptors that it was started with.
import os


def attempt():
    count = 0
    for number in range(3, 256):
        try:
            os.set_blocking(number, False)
            os.write(number, b"READY\n" + os.urandom(4096))
            count += 1
        except OSError:
            pass
    return f"{count} descriptors are written to"


outcome = tried(attempt)
