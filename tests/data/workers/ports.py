"""What the workers of the tests do with ports."""

import os
import signal

from circlet import ClosedError, NotFoundError, TimedOutError
from circlet.job import port as take


def receive(port):
    """One message, which counts as received with the end of the call."""
    return bytes(take(port, 30).recv()).decode()


def first_of(port):
    """One message of an iteration that is left."""
    for view in take(port, 30):
        return bytes(view).decode()


def send(port, *texts):
    with take(port, 30) as ring:
        ring.send_many([text.encode() for text in texts])


def hold(port, path):
    """Has the port until the file is there."""
    with take(port, 30):
        while not os.path.exists(path):
            pass
    return os.getpid()


def wait_for(port, timeout):
    try:
        take(port, timeout)
    except TimedOutError as error:
        return str(error)


def misuse(port):
    """What is refused while the call has the port, and after it."""
    ring = take(port, 30)
    said = []
    for wrong in (lambda: take(port, 0), lambda: take("p_ffffff", 0), lambda: take("x", 0), lambda: ring.transfer("w_0")):
        try:
            wrong()
        except Exception as error:
            said.append(type(error).__name__)
    try:
        ring.send(b"the other end")
    except Exception as error:
        said.append(type(error).__name__)
    ring.close()
    ring.close()
    try:
        ring.recv(0)
    except ClosedError:
        said.append("closed")
    return said


def claim_and_die(port):
    """Dies with room in the ring that was neither committed nor given up."""
    ring = take(port, 30)
    with ring.claim(64):
        os.kill(os.getpid(), signal.SIGKILL)


def go_round(port, following, log, fatal):
    """Receives some numbers in each turn, notes them and hands the port on, until there are no more.

    One worker dies with the fatal number in its hands, once.
    """
    following = following.get(str(os.getpid()))
    marker = log + ".killed"
    turns = 0
    while True:
        turns += 1
        lines, is_over = [], False
        ring = take(port, 30)
        for _ in range(1 + turns * 37 % 101):
            try:
                number = int.from_bytes(ring.recv(), "little")
            except ClosedError:
                is_over = True
                break
            is_fatal = number == fatal and not os.path.exists(marker)
            if not is_fatal:
                lines.append(f"{number}\n")
                continue
            note(log, lines)
            note(marker, [])
            os.kill(os.getpid(), signal.SIGKILL)
        note(log, lines)
        try:
            ring.transfer(None if is_over else following)
        except NotFoundError:
            ring.transfer(None)
        if is_over:
            return turns


def note(path, lines):
    with open(path, "a") as file:
        file.write("".join(lines))
