# Raises the limit of recursion and takes the repr of a million lists in each other. ends: killed
import sys

sys.setrecursionlimit(10**8)
value = []
for _ in range(1_000_000):
    value = [value]
outcome = f"did it: {len(repr(value))} letters"
