# Forks children that sleep, up to `children_max`, in its own process group. ends: limited
import os
import signal


def attempt():
    children = []
    try:
        while len(children) < min(given["children_max"], 2000):
            child = os.fork()
            if child == 0:
                time.sleep(10)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{len(children)} children"


outcome = tried(attempt)
