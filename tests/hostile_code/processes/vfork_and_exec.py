# Starts a program by the C library's posix_spawnp, which uses vfork.
import ctypes
import os


def attempt():
    target, child = in_work("printed"), ctypes.c_int()
    words = [b"sh", b"-c", f"echo {given['greeting']} > {target}".encode(), None]
    number = LIBC.posix_spawnp(
        ctypes.byref(child), b"sh", None, None, (ctypes.c_char_p * 4)(*words), (ctypes.c_char_p * 1)(None)
    )
    if number:
        raise OSError(number, os.strerror(number), "posix_spawnp")
    os.waitpid(child.value, 0)
    return greeting_in(read(target))


outcome = tried(attempt)
