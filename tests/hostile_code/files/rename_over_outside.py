# Replaces a file outside by renaming one of the allowed folder over it.
import os


def attempt():
    os.rename(write(in_work("mine"), b"replaced"), given["kept"])
    return "a file outside is replaced"


outcome = tried(attempt)
