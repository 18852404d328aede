# Has four children touch a quarter of `memory_cap` each. ends: limited
import os


def attempt():
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                kept = b"x" * (given["memory_cap"] // 4)
                time.sleep(0.2)
                os._exit(0 if kept else 1)
            finally:
                os._exit(1)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        raise Nothing(f"children ended with {codes}")
    return "all children had theirs"


outcome = tried(attempt)
