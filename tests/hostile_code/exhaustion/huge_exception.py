# Raises an exception whose message has fifty million letters.
outcome = "did it: the exception follows"
raise ValueError("x" * 50_000_000)
