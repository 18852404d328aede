# Sends signal 0 to all processes that it may signal.
import os


def attempt():
    os.kill(-1, 0)
    return "there are others that can be signalled"


outcome = tried(attempt)
