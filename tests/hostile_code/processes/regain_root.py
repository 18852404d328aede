# Becomes another user and root again, and looks whether it may administer the system.
import os


def attempt():
    os.setresuid(0, 65534, 0)
    os.setresuid(0, 0, 0)
    if not capable(SYS_ADMIN):
        raise OSError(errno.EPERM, "no capability came of it")
    return "it may administer the system"


outcome = tried(lambda: in_child(attempt), needs=SETUID)
