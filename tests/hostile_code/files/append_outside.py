# Appends to a file outside.
import os


def attempt():
    descriptor = os.open(given["kept"], os.O_WRONLY | os.O_APPEND)
    return f"{os.write(descriptor, b'more')} bytes appended"


outcome = tried(attempt)
