# Makes a device node in the allowed folder.
import os
import stat


def attempt():
    os.mknod(in_work("device"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return "a device is made"


outcome = tried(attempt, needs=MKNOD)
