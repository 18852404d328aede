# Sends signal 0 to the supervisor, which does nothing there.
import os


def attempt():
    os.kill(given["supervisor"], 0)
    return "the supervisor can be signalled"


outcome = tried(attempt)
