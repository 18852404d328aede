# Sets the priority of the supervisor to what it is.
import os


def attempt():
    os.setpriority(os.PRIO_PROCESS, given["supervisor"], os.getpriority(os.PRIO_PROCESS, given["supervisor"]))
    return "the supervisor has a priority"


outcome = tried(attempt)
