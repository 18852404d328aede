# Joins the process group of the supervisor, in a process of its own.
import os


def attempt():
    os.setpgid(0, os.getpgid(given["supervisor"]))
    return f"group {os.getpgrp()}"


outcome = tried(lambda: in_child(attempt))
