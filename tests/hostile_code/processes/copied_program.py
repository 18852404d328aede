# Copies a program into the allowed folder and starts the copy.
import os
import shutil


def attempt():
    shutil.copyfile(given["program"], in_work("copied"))
    os.chmod(in_work("copied"), 0o700)
    return greeting_in(output_of(lambda: os.execv(in_work("copied"), ["echo", given["greeting"]])))


outcome = tried(attempt)
