# Signals itself, and handles that.
import os
import signal


def attempt():
    taken = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: taken.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    return taken


outcome = tried(attempt)
