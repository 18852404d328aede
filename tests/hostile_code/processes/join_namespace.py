# Enters the mount namespace of the supervisor.
import os


def attempt():
    call("setns", os.open(f"/proc/{given['supervisor']}/ns/mnt", os.O_RDONLY), NEWNS)
    return secret_in(read(given["secret"]))


outcome = tried(lambda: in_child(attempt), needs=SYS_ADMIN)
