# Leads a session of its own, in a process of its own.
import os


def attempt():
    os.setsid()
    return f"session {os.getsid(0)}"


outcome = tried(lambda: in_child(attempt))
