# Sets the clock to a time that is none.
import ctypes


def attempt():
    return reached("settimeofday", (ctypes.c_int64 * 2)(0, 1_000_001), None)


outcome = tried(attempt)
