# Starts su, which runs as root whoever starts it.
import os
import shutil


def attempt():
    path = shutil.which("su") or "/bin/su"
    return output_of(lambda: os.execv(path, ["su", "--version"]))[:60]


outcome = tried(attempt, lacking=("ENOENT",))
