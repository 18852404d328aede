# Forks children that call themselves what is no text, up to `children_max`. ends: limited
import os
import signal


def attempt():
    children = []
    try:
        while len(children) < min(given["children_max"], 2000):
            child = os.fork()
            if child == 0:
                LIBC.prctl(15, b"\xff) \xfe", 0, 0, 0)  # PR_SET_NAME
                time.sleep(10)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{len(children)} children"


outcome = tried(attempt)
