# Makes a named pipe outside.
import os


def attempt():
    os.mkfifo(os.path.join(given["outside"], "pipe"))
    return "a pipe is made"


outcome = tried(attempt)
