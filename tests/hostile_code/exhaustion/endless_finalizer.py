# Has a generator without an end run in a finalizer. ends: killed


class Endless:
    def __del__(self):
        until = time.monotonic() + given["seconds"]
        for _ in iter(int, 1):
            if time.monotonic() > until:
                break


outcome = "did it: the finalizer follows"
endless = Endless()
del endless
