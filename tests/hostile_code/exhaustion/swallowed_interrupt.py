# Swallows every KeyboardInterrupt. ends: killed
until = time.monotonic() + given["seconds"]
while time.monotonic() < until:
    try:
        while time.monotonic() < until:
            pass
    except BaseException:
        pass
outcome = "did it: nothing ended it"
