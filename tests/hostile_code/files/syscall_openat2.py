# Opens the secret by the bare system call openat2.
import ctypes
import os


def attempt():
    how = (ctypes.c_uint64 * 3)(os.O_RDONLY, 0, 0)
    descriptor = call("openat2", HERE, given["secret"].encode(), ctypes.byref(how), 24)
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt, lacking=("ENOSYS",))
