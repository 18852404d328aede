# Sends the supervisor SIGCONT, which does nothing where nothing is stopped.
import os
import signal


def attempt():
    os.kill(given["supervisor"], signal.SIGCONT)
    return "the supervisor was signalled"


outcome = tried(attempt)
