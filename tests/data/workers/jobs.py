"""What the workers of the tests are asked to do."""

import ctypes
import os
import signal
import sys
import threading
import time

HELD = []


def nothing():
    return None


def add(a, b=1):
    return a + b


def process():
    return os.getpid()


def executable():
    return sys.executable


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return os.getpid()


def burn(seconds):
    """Takes time on a processor."""
    while time.process_time() < seconds:
        pass
    return os.getpid()


def sleep(seconds):
    time.sleep(seconds)
    return os.getpid()


def divide(a, b):
    return a / b


def unsayable():
    return {1, 2}


def leave(code):
    os.write(2, b"farewell\n")
    os._exit(code)


def fault():
    os.kill(os.getpid(), signal.SIGSEGV)


def leave_once(path):
    """Ends the process the first time."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "again"
    os._exit(9)


def leave_once_and_mark(once, path, number):
    leave_once(once)
    return mark(path, number)


def stubborn(path):
    """Never gives in, and says that it runs by making a file."""
    open(path, "w").close()
    while True:
        try:
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            pass


def patient(path):
    """Gives in to an interrupt, and says that it runs by making a file."""
    open(path, "w").close()
    while True:
        time.sleep(0.01)


def hold_the_lock(path):
    """Holds the interpreter's lock in C, where no interrupt reaches it."""
    open(path, "w").close()
    ctypes.PyDLL(None).sleep(600)


def leak(bytes):
    """Never gives its memory back; returns the anonymous memory of the process."""
    HELD.append(bytearray(bytes))
    HELD[-1][::4096] = b"x" * len(HELD[-1][::4096])
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = file.read().split()
    return (int(resident) - int(shared)) * 4096


def grow_later(bytes):
    """Takes memory after the call has ended."""
    import threading

    threading.Timer(0.05, leak, [bytes]).start()
    return os.getpid()


def die_in_snapshots():
    import tracemalloc

    tracemalloc.take_snapshot = lambda: os._exit(3)


def mark(path, number):
    """Notes that it ran, in a file that many append to."""
    with open(path, "ab", buffering=0) as file:
        file.write(b"%d\n" % number)
    return number


def mark_after(path, number, seconds):
    spin(seconds)
    return mark(path, number)


def echo(text):
    return text


def polite(path):
    """Asks whether it is to stop."""
    from circlet import job

    open(path, "w").close()
    while not job.aborted():
        time.sleep(0.001)
    raise job.AbortedError


def speak(out, err):
    print(out)
    print(err, file=sys.stderr)


def speak_and_wait():
    print("said", flush=True)
    while True:
        time.sleep(3600)


def linger():
    """Leaves a thread that keeps the process from ending, and returns the process."""
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()
