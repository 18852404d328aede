# Leaves a thread behind that prints and computes after the end of the run.
import threading


def go_on():
    until = time.monotonic() + 3
    while time.monotonic() < until:
        print("still here")
        time.sleep(0.01)


threading.Thread(target=go_on, daemon=True).start()
outcome = "did it: a thread goes on"
