# Makes a network namespace of its own, in a process of its own.
import os


def attempt():
    before = os.readlink("/proc/self/ns/net")
    call("unshare", NEWUSER | NEWNET)
    after = os.readlink("/proc/self/ns/net")
    return after if after != before else None


outcome = tried(lambda: in_child(attempt), lacking=("ENOSPC", "EPERM"))
