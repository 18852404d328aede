# Opens the secret by an io_uring.
import ctypes
import os


def attempt():
    path = ctypes.create_string_buffer(given["secret"].encode())
    descriptor = io_uring(18, HERE, ctypes.addressof(path))
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt, lacking=("ENOSYS", "EPERM"))
