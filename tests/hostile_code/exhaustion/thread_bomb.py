# Starts threads that wait, up to `threads_max`. ends: limited
import threading


def attempt():
    is_over, count = threading.Event(), 0
    threading.stack_size(64 << 10)
    try:
        while count < min(given["threads_max"], 5000):
            # RuntimeError is what Python makes of the kernel's EAGAIN.
            threading.Thread(target=is_over.wait, args=(10,), daemon=True).start()
            count += 1
    finally:
        is_over.set()
        threading.stack_size(0)
    return f"{count} threads"


outcome = tried(attempt)
