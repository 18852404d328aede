# Cuts off a file that it may only read.
import os


def attempt():
    os.truncate(given["read_only"], 1)
    return f"{os.stat(given['read_only']).st_size} byte is left"


outcome = tried(attempt)
