# Makes a pipe, and sends through it.
import os


def attempt():
    readable, writable = os.pipe()
    os.write(writable, b"to itself")
    return os.read(readable, 16)


outcome = tried(attempt)
