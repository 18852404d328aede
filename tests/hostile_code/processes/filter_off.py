# Asks for the mode without a filter of system calls, and looks whether there is one.


def attempt():
    LIBC.prctl(22, ctypes.c_ulong(0), 0, 0, 0)
    with open("/proc/self/status") as status:
        modes = [line.split()[1] for line in status if line.startswith("Seccomp:")]
    if modes != ["0"]:
        raise OSError(errno.EPERM, f"the mode is {modes}")
    return "there is no filter"


# Some machines have it so for everybody, such as containers.
outcome = tried(attempt, lacking=("EPERM",))
