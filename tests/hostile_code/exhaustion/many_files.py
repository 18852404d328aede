# Makes a thousand empty files.
import os


def attempt():
    os.mkdir(in_work("many"))
    for number in range(1000):
        write(os.path.join(in_work("many"), str(number)), b"")
    return f"{len(os.listdir(in_work('many')))} files"


outcome = tried(attempt)
