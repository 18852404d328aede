# Has itself scheduled in real time, in a process of its own.
import os


def attempt():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "it is scheduled in real time"


outcome = tried(lambda: in_child(attempt), needs=SYS_NICE)
