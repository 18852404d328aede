# Starts a program by giving it to the dynamic loader.
import glob
import os


def attempt():
    loaders = glob.glob("/lib*/ld-linux*") + glob.glob("/lib/*/ld-linux*") + glob.glob("/lib/ld-musl*")
    if not loaders:
        raise Absent("no loader was found")
    words = [loaders[0], given["program"], given["greeting"]]
    return greeting_in(output_of(lambda: os.execv(loaders[0], words)))


outcome = tried(attempt)
