# Connects by TCP with the C library's bare calls.
import os


def attempt():
    descriptor = checked(LIBC.socket(2, 1, 0), "socket")
    checked(LIBC.connect(descriptor, address_of(given["port"]), 16), "connect")
    return greeting_in(os.read(descriptor, 256))


outcome = tried(attempt)
