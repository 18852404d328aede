# Computes one power for longer than the deadline. ends: interrupted
power = 3 ** (10**9)
outcome = "did it: nothing ended it"
