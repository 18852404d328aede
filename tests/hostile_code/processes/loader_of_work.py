# Copies the dynamic loader into the allowed folder and starts a program by it.
import glob
import os
import shutil


def attempt():
    loaders = glob.glob("/lib*/ld-linux*") + glob.glob("/lib/*/ld-linux*") + glob.glob("/lib/ld-musl*")
    if not loaders:
        raise Absent("no loader was found")
    shutil.copyfile(loaders[0], in_work("loader"))
    os.chmod(in_work("loader"), 0o700)
    words = ["loader", given["program"], given["greeting"]]
    return greeting_in(output_of(lambda: os.execv(in_work("loader"), words)))


outcome = tried(attempt)
