# Starts a program by os.system.
import os


def attempt():
    status = os.system(f"echo {given['greeting']} > {in_work('printed')}")
    if status:
        raise Nothing(f"status {status}")
    return greeting_in(read(in_work("printed")))


outcome = tried(attempt)
