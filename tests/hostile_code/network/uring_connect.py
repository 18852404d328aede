# Connects by TCP with an io_uring.
import ctypes
import socket


def attempt():
    target = address_of(given["port"])
    with socket.socket() as stream:
        io_uring(16, stream.fileno(), ctypes.addressof(target), offset=16)
        stream.settimeout(3)
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("ENOSYS", "EPERM"))
