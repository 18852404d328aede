# Makes a symbolic link outside.
import os


def attempt():
    os.symlink(given["work"], os.path.join(given["outside"], "link"))
    return "a link is made"


outcome = tried(attempt)
