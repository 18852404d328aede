# Mounts a file system in memory in the allowed folder.
import os


def attempt():
    os.mkdir(in_work("over"))
    call("mount", b"none", in_work("over").encode(), b"tmpfs", 0, None)
    call("umount2", in_work("over").encode(), 2)
    return "mounted, and taken away again"


outcome = tried(attempt, needs=SYS_ADMIN)
