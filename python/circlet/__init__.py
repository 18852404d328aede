"""Circlet: one native core, shared by the languages of one program.

>>> from circlet import SharedRingBuffer
>>> with SharedRingBuffer.anonymous() as ring:
...     ring.send_many([b"one", b"two"])
...     [bytes(view) for view in ring.recv_many()]
2
[b'one', b'two']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    NoWorkerError,
    PeerDiedError,
    PoisonedError,
    SchemaError,
    SegmentError,
    TimedOutError,
    TooLargeError,
    WorkerDiedError,
)
from ._options import Stats
from ._pool_ports import Port
from .curve import Curve, sample_batch, simplify
from .executor import Executor, Run, Stream
from .outcome import Chunk, CodeError, Outcome, Question, Usage
from .page import PageValue, SharedPage
from .pool import BatchError, Pool, PoolFuture
from .process_pool import CallFuture, ProcessPool, RemoteTraceback
from .ring import SharedRingBuffer
from .session_pool import SessionPool

if TYPE_CHECKING:
    from .hub import Hub
    from .session_payload import SessionPayload
    from .session_tracker import ReadSession, SessionTracker, read_session

__all__ = [
    "CONSUMER",
    "PRODUCER",
    "AbortedError",
    "BatchError",
    "BusyError",
    "CallFuture",
    "Chunk",
    "CircletError",
    "ClosedError",
    "CodeError",
    "Curve",
    "CurveError",
    "DroppedError",
    "EmptyError",
    "Executor",
    "FullError",
    "Hub",
    "InvalidError",
    "JobFailedError",
    "LaggedError",
    "NameTakenError",
    "NoWorkerError",
    "NotFoundError",
    "Outcome",
    "PageValue",
    "PeerDiedError",
    "PoisonedError",
    "Pool",
    "PoolFuture",
    "Port",
    "ProcessPool",
    "Question",
    "ReadSession",
    "RemoteTraceback",
    "Run",
    "SchemaError",
    "SegmentError",
    "SessionPayload",
    "SessionPool",
    "SessionTracker",
    "SharedPage",
    "SharedRingBuffer",
    "Stats",
    "Stream",
    "TimedOutError",
    "TooLargeError",
    "Usage",
    "WorkerDiedError",
    "read_session",
    "sample_batch",
    "simplify",
]


# Looked up when somebody asks: each session imports this package, and few track one or start a hub.
_LATE = {
    "Hub": ".hub",
    "ReadSession": ".session_tracker",
    "SessionPayload": ".session_payload",
    "SessionTracker": ".session_tracker",
    "read_session": ".session_tracker",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
