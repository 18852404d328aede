# Sets the schedule of the supervisor to what it is.
import os


def attempt():
    supervisor = given["supervisor"]
    os.sched_setscheduler(supervisor, os.sched_getscheduler(supervisor), os.sched_getparam(supervisor))
    return "the supervisor is scheduled"


outcome = tried(attempt)
