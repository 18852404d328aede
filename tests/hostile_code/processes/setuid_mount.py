# Starts mount, which runs as root whoever starts it.
import os
import shutil


def attempt():
    path = shutil.which("mount") or "/bin/mount"
    return output_of(lambda: os.execv(path, ["mount", "--version"]))[:60]


outcome = tried(attempt, lacking=("ENOENT",))
