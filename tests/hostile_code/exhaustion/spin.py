# Computes without an end, in Python. ends: interrupted
until = time.monotonic() + given["seconds"]
while time.monotonic() < until:
    pass
outcome = "did it: nothing ended it"
