# Calls a function from itself without an end, and catches what comes of it.


def deeper(depth):
    return deeper(depth + 1) + 1


try:
    outcome = f"refused: {deeper(0)}"
except RecursionError as error:
    outcome = f"did it: {error}"
