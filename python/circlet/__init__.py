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
    AbortedError,
    BusyError,
    CircletError,
    ClosedError,
    CurveError,
    DroppedError,
    EmptyError,
    FullError,
    InvalidError,
    JobFailedError,
    LaggedError,
    NameTakenError,
    NotFoundError,
    PeerDiedError,
    PoisonedError,
    SchemaError,
    SegmentError,
    TimedOutError,
    TooLargeError,
)
from ._options import Stats
from ._pool_ports import Port
from .curve import Curve, sample_batch, simplify
from .page import PageValue, SharedPage
from .pool import BatchError, Pool, PoolFuture
from .ring import SharedRingBuffer

__all__ = [
    "CONSUMER",
    "PRODUCER",
    "AbortedError",
    "BatchError",
    "BusyError",
    "CircletError",
    "ClosedError",
    "Curve",
    "CurveError",
    "DroppedError",
    "EmptyError",
    "FullError",
    "InvalidError",
    "JobFailedError",
    "LaggedError",
    "NameTakenError",
    "NotFoundError",
    "PageValue",
    "PeerDiedError",
    "PoisonedError",
    "Pool",
    "PoolFuture",
    "Port",
    "SchemaError",
    "SegmentError",
    "SharedPage",
    "SharedRingBuffer",
    "Stats",
    "TimedOutError",
    "TooLargeError",
    "sample_batch",
    "simplify",
]
