# Moves a file from outside into the allowed folder, reads it, and moves it back.
import os


def attempt():
    os.rename(given["kept"], in_work("moved"))
    content = read(in_work("moved"))
    os.rename(in_work("moved"), given["kept"])
    return f"moved and read {len(content)} bytes"


outcome = tried(attempt)
