# Raises an exception with thirty thousand causes.
outcome = "did it: the exception follows"
last = ValueError("first")
for number in range(30_000):
    following = ValueError(number)
    following.__cause__ = last
    last = following
raise last
