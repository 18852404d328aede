# Makes a folder outside.
import os


def attempt():
    os.mkdir(os.path.join(given["outside"], "folder"))
    return "a folder is made"


outcome = tried(attempt)
