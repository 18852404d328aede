# Removes a file outside.
import os


def attempt():
    os.unlink(given["kept"])
    return "a file outside is gone"


outcome = tried(attempt)
