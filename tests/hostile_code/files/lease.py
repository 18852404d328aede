# Has whoever opens a file wait until the code lets go of it: a lease needs no more than that it can be read.
import fcntl


def attempt():
    with open(given["read_only"]) as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        held = fcntl.fcntl(file, fcntl.F_GETLEASE)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return f"a lease of kind {held} was held"


outcome = tried(attempt)
