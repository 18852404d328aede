# Writes, reads, renames and removes a file in the allowed folder.
import os


def attempt():
    os.rename(write(in_work("first"), b"mine"), in_work("second"))
    content = read(in_work("second"))
    os.unlink(in_work("second"))
    return content


outcome = tried(attempt)
