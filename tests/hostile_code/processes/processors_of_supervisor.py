# Sets the processors of the supervisor to what they are.
import os


def attempt():
    os.sched_setaffinity(given["supervisor"], os.sched_getaffinity(given["supervisor"]))
    return "the supervisor has its processors"


outcome = tried(attempt)
