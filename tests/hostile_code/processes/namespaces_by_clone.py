# Makes a process in new namespaces by the old call clone.
import os


def attempt():
    number = {"x86_64": 56, "aarch64": 220}.get(MACHINE)
    if number is None:
        raise Absent(f"no number of clone on {MACHINE}")
    words = [ctypes.c_long(each) for each in (number, NEWUSER | NEWPID | 17, 0, 0, 0, 0)]
    child = checked(LIBC.syscall(*words), "clone")
    if child == 0:
        os._exit(7)
    return f"the process ended with {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


outcome = tried(attempt, lacking=("ENOSPC", "EPERM"))
