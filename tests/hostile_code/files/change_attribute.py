# Sets an extended attribute of a file that it may only read.
import os


def attempt():
    os.setxattr(given["read_only"], "user.circlet", b"x")
    return os.getxattr(given["read_only"], "user.circlet")


outcome = tried(attempt, lacking=("EOPNOTSUPP",))
