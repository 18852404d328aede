# Opens the secret by `..` relative to a descriptor of the allowed folder.
import os


def attempt():
    folder = os.open(given["work"], os.O_RDONLY | os.O_DIRECTORY)
    descriptor = os.open(os.path.relpath(given["secret"], given["work"]), os.O_RDONLY, dir_fd=folder)
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt)
