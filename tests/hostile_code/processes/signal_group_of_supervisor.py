# Sends signal 0 to the supervisor's process group.
import os


def attempt():
    os.killpg(os.getpgid(given["supervisor"]), 0)
    return "the group can be signalled"


outcome = tried(attempt)
