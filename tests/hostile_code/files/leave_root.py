# Leaves its root by the old way: a second root, and then up from the folder that is outside of it.
import os


def attempt():
    folder = os.open("/", os.O_RDONLY)
    call("chroot", given["work"].encode())
    os.fchdir(folder)
    for _ in range(64):
        os.chdir("..")
    call("chroot", b".")
    return secret_in(read(given["secret"]))


outcome = tried(lambda: in_child(attempt), needs=SYS_CHROOT)
