# Changes the mode of a file that it may only read, to what it is.
import os


def attempt():
    mode = os.stat(given["read_only"]).st_mode & 0o7777
    os.chmod(given["read_only"], mode ^ 0o100)
    os.chmod(given["read_only"], mode)
    return "the mode is changed, and changed back"


outcome = tried(attempt)
