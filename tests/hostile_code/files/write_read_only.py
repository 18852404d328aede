# Opens a file that it may only read to write it.
import os


def attempt():
    descriptor = os.open(given["read_only"], os.O_RDWR)
    return f"{os.write(descriptor, b'x')} byte written"


outcome = tried(attempt)
