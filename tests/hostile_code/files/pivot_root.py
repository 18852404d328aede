# Makes the allowed folder the root of a mount namespace of its own.
import os


def attempt():
    call("unshare", NEWNS)
    call("mount", b"none", b"/", None, 0x44000, None)
    call("mount", given["work"].encode(), given["work"].encode(), None, 4096, None)
    os.mkdir(in_work("old"))
    os.chdir(given["work"])
    call("pivot_root", b".", b"old")
    return secret_in(read("/old" + given["secret"]))


outcome = tried(lambda: in_child(attempt), needs=SYS_ADMIN)
