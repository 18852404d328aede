# Computes one power for longer than the deadline, in C. ends: killed
power = 3 ** (10**9)
outcome = "did it: nothing ended it"
