# Ends with a value whose repr has fifty million letters.


class Huge:
    def __repr__(self):
        return "x" * 50_000_000


outcome = "did it: the value follows"
Huge()
