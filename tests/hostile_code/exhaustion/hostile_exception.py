# Raises an exception whose own methods raise, print and have no end.


class Hostile(Exception):
    def __str__(self):
        raise SystemExit("from __str__")

    __repr__ = __str__

    @property
    def __traceback__(self):
        raise RuntimeError("from __traceback__")


outcome = "did it: the exception follows"
raise Hostile
