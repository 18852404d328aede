# Raises an exception with a hundred thousand causes.
outcome = "did it: the exception follows"
last = ValueError("first")
for number in range(100_000):
    following = ValueError(number)
    following.__cause__ = last
    last = following
raise last
