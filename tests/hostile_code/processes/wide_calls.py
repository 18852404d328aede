# Makes the system call getpid with the bit of x32 in its number.


def attempt():
    if MACHINE != "x86_64":
        raise Absent(f"no such calls on {MACHINE}")
    return f"process {checked(LIBC.syscall(ctypes.c_long(0x40000000 + 39)), 'getpid')}"


outcome = tried(attempt, lacking=("ENOSYS",))
