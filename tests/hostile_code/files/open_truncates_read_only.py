# Cuts off a file that it may only read, by opening it to be read with O_TRUNC.
import os


def attempt():
    os.close(os.open(given["read_only"], os.O_RDONLY | os.O_TRUNC))
    if os.stat(given["read_only"]).st_size:
        raise Nothing("its content is still there")
    return "its content is gone"


outcome = tried(attempt)
