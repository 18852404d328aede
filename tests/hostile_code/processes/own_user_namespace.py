# Makes user and mount namespaces of its own, and mounts a file system there.


def attempt():
    call("unshare", NEWUSER | NEWNS)
    call("mount", b"none", given["work"].encode(), b"tmpfs", 0, None)
    return "mounted in a namespace of its own"


outcome = tried(lambda: in_child(attempt), lacking=("ENOSPC", "EPERM"))
