# Starts a program by a symbolic link in the allowed folder.
import os


def attempt():
    os.symlink(given["program"], in_work("linked"))
    return greeting_in(output_of(lambda: os.execv(in_work("linked"), ["echo", given["greeting"]])))


outcome = tried(attempt)
