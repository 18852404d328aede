# Makes a thousand folders, each in the last.
import os


def attempt():
    folder = os.open(given["work"], os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d" * 20, dir_fd=folder)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    return "a thousand folders"


outcome = tried(attempt)
