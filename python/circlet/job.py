"""What a function that runs in a worker process of a pool can ask about its call.

Elsewhere no call runs, and none is aborted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._pool_ports import JobPort, _Asked


class AbortedError(Exception):
    """Raised by a function that gives in to an abort: its call then ends as aborted, and not as failed."""


# The shell of a worker puts its own here.
_aborted: Callable[[], bool] = bool
_worker: int = 0
_used: list[_Asked | JobPort] = []


def aborted() -> bool:
    """Tells whether the call that runs was asked to stop. It costs less than a microsecond."""
    return _aborted()


def check() -> None:
    """Gives in to an abort: raises `AbortedError` once the call that runs was asked to stop."""
    if _aborted():
        raise AbortedError("the call was asked to stop")


def port(port: str, timeout: float | None = None) -> JobPort:
    """Takes a port of the pool, such as "p_1a2b", for the call that runs: waits until this worker may have it.

    It is a ring (`SharedRingBuffer`) of which the call has one side, receives or sends with it, and gives it back: by
    `close`, a `with` block, `transfer`, or with its end. An open port goes to whoever asks while nobody uses it; one
    that was transferred, to its worker alone.

    Raises `TimedOutError` after `timeout` seconds, `NotFoundError` for a port that is closed or that there is not,
    `BusyError` where this call has it already, `AbortedError` when the call is asked to stop, and `ClosedError` where
    no call of a pool runs.
    """
    from ._native import ClosedError  # noqa: PLC0415
    from ._pool_ports import take  # noqa: PLC0415

    if not _worker:
        raise ClosedError("no call of a pool runs here: ports are for functions that a worker process runs")
    return take(_worker, port, timeout, _used, check)
