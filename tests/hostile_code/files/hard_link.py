# Gives the secret a name in the allowed folder by a hard link, and reads that.
import os


def attempt():
    os.link(given["secret"], in_work("hard"))
    return secret_in(read(in_work("hard")))


outcome = tried(attempt)
