# Names the supervisor as who is signalled for a pipe, with a signal that it ignores by itself.
import fcntl
import os
import signal


def attempt():
    readable, writable = os.pipe()
    fcntl.fcntl(readable, 10, signal.SIGURG)
    fcntl.fcntl(readable, fcntl.F_SETOWN, given["supervisor"])
    if fcntl.fcntl(readable, fcntl.F_GETOWN) != given["supervisor"]:
        raise Nothing("the pipe has another owner")
    return "the pipe would signal the supervisor"


outcome = tried(attempt)
