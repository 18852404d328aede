"""One side of a ring in tests/languages.rs, which says what it does in CIRCLET_PEER.

send NAME ID COUNT    sends COUNT messages
recv NAME             reads from the oldest to the end, checks everything, and tells how many came and were missed
"""

import os
import struct

from circlet import CONSUMER, LaggedError, SharedRingBuffer

_HEAD = struct.Struct("<II")


def message(producer: int, number: int) -> bytes:
    """Makes the message that follows from its producer and its number: every language's peer makes the same."""
    size = (number * 37 + producer * 11) % 500
    if producer >= 10 and number % 100 == 99:
        size += 20_000  # It goes in fragments.
    return _HEAD.pack(producer, number) + bytes((number * 31 + at * 7 + producer) & 0xFF for at in range(size))


def send(name: str, producer: int, count: int) -> None:
    with SharedRingBuffer.open(name) as ring:
        for number in range(count):
            ring.send(message(producer, number), timeout=60)


def recv(name: str) -> None:
    received, missed, following = 0, 0, dict[int, int]()
    with SharedRingBuffer.open(name) as ring:
        ring.attach(CONSUMER, from_oldest=True)
        over = False
        while not over:
            try:
                for view in ring:
                    producer, number = _HEAD.unpack_from(view)
                    # Before the first there may be some that nobody can read any more.
                    missed += number if producer not in following else 0
                    assert number == following.get(producer, number), f"{producer} {number}"
                    assert view == message(producer, number), f"{producer} {number}"
                    following[producer] = number + 1
                    received += 1
                over = True
            except LaggedError as lag:
                if following:
                    following[1] += lag.frames
                    missed += lag.frames
    print(f"{received} received, {missed} missed")


if __name__ == "__main__":
    match os.environ["CIRCLET_PEER"].split():
        case ["send", name, producer, count]:
            send(name, int(producer), int(count))
        case ["recv", name]:
            recv(name)
