# Writes to both outputs without an end, past Python. ends: interrupted
import os

until = time.monotonic() + given["seconds"]
while time.monotonic() < until:
    os.write(1, b"x" * 1000)
    os.write(2, b"\xff" * 1000)
outcome = "did it: nothing ended it"
