# Copies a program into memory without a name, and starts it by its descriptor.
import os


def attempt():
    memory = os.memfd_create("program", 0)
    with open(given["program"], "rb") as program:
        os.write(memory, program.read())
    return greeting_in(output_of(lambda: os.execve(memory, ["echo", given["greeting"]], {})))


outcome = tried(attempt)
