# Writes a startup file into a home folder, as `~/.profile` is one.
import os


def attempt():
    os.mkdir(os.path.join(given["outside"], "home"))
    return write(os.path.join(given["outside"], "home", ".profile"), b"echo hostile\n")


outcome = tried(attempt)
