# Changes the times of a file that it may only read.
import os


def attempt():
    os.utime(given["read_only"], (1, 1))
    return os.stat(given["read_only"]).st_mtime


outcome = tried(attempt)
