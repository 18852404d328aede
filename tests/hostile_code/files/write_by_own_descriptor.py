# Opens a file to read it, and then its descriptor in /proc to write it.
import os


def attempt():
    reading = os.open(given["read_only"], os.O_RDONLY)
    writing = os.open(f"/proc/self/fd/{reading}", os.O_WRONLY)
    return f"{os.write(writing, b'x')} byte written"


outcome = tried(attempt)
