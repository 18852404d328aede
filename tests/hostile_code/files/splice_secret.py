# Moves the secret into a pipe by splice.
import os


def attempt():
    source = os.open(given["secret"], os.O_RDONLY)
    readable, writable = os.pipe()
    os.splice(source, writable, 4096)
    return secret_in(os.read(readable, 4096))


outcome = tried(attempt)
