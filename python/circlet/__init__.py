"""Circlet: one native core, shared by the languages of one program.

>>> from circlet import SharedRingBuffer
>>> with SharedRingBuffer.anonymous() as ring:
...     ring.send_many([b"one", b"two"])
...     [bytes(view) for view in ring.recv_many()]
2
[b'one', b'two']
"""

from ._native import (
    CONSUMER,
    PRODUCER,
    BusyError,
    CircletError,
    ClosedError,
    CurveError,
    EmptyError,
    FullError,
    InvalidError,
    NameTakenError,
    NotFoundError,
    PeerDiedError,
    PoisonedError,
    SegmentError,
    TimedOutError,
    TooLargeError,
)
from .curve import Curve
from .ring import SharedRingBuffer, Stats

__all__ = [
    "CONSUMER",
    "PRODUCER",
    "BusyError",
    "CircletError",
    "ClosedError",
    "Curve",
    "CurveError",
    "EmptyError",
    "FullError",
    "InvalidError",
    "NameTakenError",
    "NotFoundError",
    "PeerDiedError",
    "PoisonedError",
    "SegmentError",
    "SharedRingBuffer",
    "Stats",
    "TimedOutError",
    "TooLargeError",
]
