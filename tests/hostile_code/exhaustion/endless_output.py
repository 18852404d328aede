# Prints without an end. ends: interrupted
until = time.monotonic() + given["seconds"]
while time.monotonic() < until:
    print("x" * 1000)
outcome = "did it: nothing ended it"
