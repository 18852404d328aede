# Lets itself be traced by other processes of its user.


def attempt():
    checked(LIBC.prctl(4, ctypes.c_ulong(1), 0, 0, 0), "prctl")
    return f"dumpable {LIBC.prctl(3, 0, 0, 0, 0)}"


outcome = tried(attempt)
