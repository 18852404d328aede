# Connects to the allowed port, dissolves that by AF_UNSPEC, and connects the socket to the denied one.
import os


def attempt():
    descriptor = checked(LIBC.socket(2, 1, 0), "socket")
    checked(LIBC.connect(descriptor, address_of(given["allowed_port"]), 16), "connect")
    checked(LIBC.connect(descriptor, bytes(16), 16), "connect")
    checked(LIBC.connect(descriptor, address_of(given["port"]), 16), "connect")
    return greeting_in(os.read(descriptor, 256))


outcome = tried(attempt)
