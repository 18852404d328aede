# Reads the secret through a symbolic link in the allowed folder.
import os


def attempt():
    os.symlink(given["secret"], in_work("link"))
    return secret_in(read(in_work("link")))


outcome = tried(attempt)
