# Ends with a list of a million numbers.
outcome = "did it: the value follows"
list(range(1_000_000))
