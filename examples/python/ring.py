"""A ring between two processes.

ring.py                    sends 1000 frames from this process to a child, which reads them in place
ring.py send NAME COUNT    creates the ring NAME, and sends COUNT frames to whoever opens it
ring.py recv NAME          opens the ring NAME and reads until it is closed
"""

import os
import subprocess
import sys
import time

from circlet import NotFoundError, SharedRingBuffer


def payload(number: int) -> bytes:
    """The payload of a frame follows from its number: every language's example makes and checks the same."""
    return bytes((number * 31 + at * 7) & 0xFF for at in range(number * 37 % 1500))


def send(name: str, count: int) -> None:
    with SharedRingBuffer.create(name, capacity=64 * 1024) as ring:
        for number in range(count):
            ring.send(payload(number), timeout=20)
        # The name ends with the ring: wait until the reader has drained it.
        while (stats := ring.stats()).frames_received < count and stats.consumer in ("never", "alive"):
            time.sleep(0.001)


def recv(name: str) -> None:
    while True:
        try:
            ring = SharedRingBuffer.open(name)
            break
        except NotFoundError:
            time.sleep(0.001)
    number = 0
    with ring:
        for view in ring:
            if view != payload(number):
                sys.exit(f"frame {number} is not what was sent")
            number += 1
    print(f"{number} frames received")


match sys.argv[1:]:
    case ["send", name, count]:
        send(name, int(count))
    case ["recv", name]:
        recv(name)
    case []:
        name = f"circlet-example-{os.getpid()}"
        child = subprocess.Popen([sys.executable, __file__, "recv", name])
        send(name, 1000)
        sys.exit(child.wait())
    case _:
        sys.exit("usage: ring.py | ring.py send NAME COUNT | ring.py recv NAME")
