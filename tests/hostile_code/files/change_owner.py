# Changes the owner of a file that it may only read, to who it is.
import os


def attempt():
    status = os.stat(given["read_only"])
    os.chown(given["read_only"], status.st_uid, status.st_gid)
    return "the owner is set"


outcome = tried(attempt, needs=CHOWN)
