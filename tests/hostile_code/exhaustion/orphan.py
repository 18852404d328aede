# Leaves a process behind, by two forks and a session of its own, which writes the file `marker` two seconds later.
import os


def attempt():
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(2)
            write(given["marker"], b"the orphan lived")
        os._exit(0)
    os.waitpid(child, 0)
    return "it was left behind"


outcome = tried(attempt)
