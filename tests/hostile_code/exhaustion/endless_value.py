# Ends with a value whose repr has no end. ends: interrupted


class Endless:
    def __repr__(self):
        until = time.monotonic() + given["seconds"]
        while time.monotonic() < until:
            pass
        return "at last"


outcome = "did it: the value follows"
Endless()
