# Takes the promise back that no program gives it new privileges.


def attempt():
    LIBC.prctl(38, ctypes.c_ulong(0), 0, 0, 0)
    if LIBC.prctl(39, 0, 0, 0, 0):
        raise OSError(errno.EPERM, "the promise holds")
    return "programs may give it new privileges"


# Some machines have it so for everybody, such as containers.
outcome = tried(attempt, lacking=("EPERM",))
