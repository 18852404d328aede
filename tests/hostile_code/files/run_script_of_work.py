# Writes a script into the allowed folder and starts it.
import os


def attempt():
    path = write(in_work("script"), f"#!/bin/sh\necho {given['greeting']}\n".encode(), 0o700)
    return greeting_in(output_of(lambda: os.execv(path, [path])))


outcome = tried(attempt)
