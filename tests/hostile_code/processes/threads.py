# Runs a function in a thread.
import threading


def attempt():
    done = []
    thread = threading.Thread(target=lambda: done.append("ran"))
    thread.start()
    thread.join()
    return done


outcome = tried(attempt)
