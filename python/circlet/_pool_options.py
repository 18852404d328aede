"""What pools and their jobs are given, as the library takes it."""

from __future__ import annotations

import ctypes
import math
import os
from ctypes import byref
from typing import Any, Literal

from ._arguments import flag, integer, number, path_of, shown, text, word
from ._native import InvalidError
from ._table import HeapOptions, JobOptions, PoolOptions, ProcessOptions
from ._waiting import SLICE, first_ms

#: What a submission does that finds the queue full: it waits for room, raises `FullError`, or gives up the job of the
#: lowest priority that has waited for longest, whose future has a `DroppedError` then.
PoolOverflow = Literal["block", "fail", "drop_oldest"]
#: Which idle worker a job goes to: the next in turn, the one that was busy for the least time, or that of its key.
Strategy = Literal["round_robin", "least_busy", "affinity"]

# Each in the order of the library's numbers.
KINDS = ("threads", "python", "bun")
STRATEGIES = ("round_robin", "least_busy", "affinity")
OVERFLOWS = {"block": 0, "fail": 1, "drop_oldest": 3}
FROM_ZERO = 1
HEAP_STOP = 1
#: The longest time that may be given, in seconds.
_SECONDS_MAX = 1e15


def milliseconds(what: str, seconds: float | None) -> float:
    """Returns an option in milliseconds, 0 for its default."""
    if seconds is None:
        return 0.0
    try:
        # Of what is no number, a str too, this is no question.
        time = float(seconds) if math.isfinite(seconds) else 0.0
    except (TypeError, ValueError, OverflowError):
        time = 0.0
    if not 0 < time <= _SECONDS_MAX:
        raise InvalidError(f"{what} is {shown(seconds)}: give seconds above 0, at most {_SECONDS_MAX:g}")
    return time * 1e3


def first_block(block: float | None, overflow: str) -> tuple[bool, float]:
    """Returns whether a submission waits for room, and for how many seconds."""
    word("overflow", overflow, tuple(OVERFLOWS))
    first_ms(block, "block")  # It refuses what is no time.
    return overflow == "block", math.inf if block is None else block


def pool_options(
    kind: str,
    *,
    min: int,
    max: int | None,
    max_name: str,
    queue: int | None,
    overflow: str,
    strategy: str,
    keep: float | None,
    target_wait: float | None,
    window: float | None,
    name: str,
    processes: ProcessOptions | None = None,
) -> PoolOptions:
    """Returns what a pool is made with; `max_name` is what its user calls `max`. It keeps `processes` alive."""
    return PoolOptions(
        struct_size=ctypes.sizeof(PoolOptions),
        kind=KINDS.index(kind),
        min=0 if min == 0 else number("min", min),
        max=0 if max is None else number(max_name, max),
        queue=0 if queue is None else number("queue", queue),
        overflow=OVERFLOWS[overflow],
        strategy=word("strategy", strategy, STRATEGIES),
        flags=FROM_ZERO if min == 0 else 0,
        # Between slices Python can be interrupted.
        block_ms=SLICE * 1e3,
        keep_ms=milliseconds("keep", keep),
        target_wait_ms=milliseconds("target_wait", target_wait),
        window_ms=milliseconds("window", window),
        name=text("name", name),
        processes=None if processes is None else ctypes.pointer(processes),
    )


def wishes_of(
    priority: int, key: int | None, deadline: float | None, nodes: int, type: str | None, *, flags: int = 0
) -> Any:
    """Returns what is wished for a job as the library takes it: nothing where nothing is."""
    if priority == 0 and key is None and deadline is None and nodes == 0 and type is None and not flags:
        return None
    allowed = f"{-(1 << 31)} to {(1 << 31) - 1}"
    priority = integer("priority", priority, allowed)
    if not -(1 << 31) <= priority < 1 << 31:
        raise InvalidError(f"priority is {shown(priority)}: give {allowed}")
    return byref(
        JobOptions(
            struct_size=ctypes.sizeof(JobOptions),
            priority=priority,
            nodes=0 if nodes == 0 else number("nodes", nodes, bits=64),
            key=0 if key is None else integer("key", key) & ((1 << 64) - 1),
            has_key=key is not None,
            flags=flags,
            deadline_ms=milliseconds("deadline", deadline),
            kind=None if type is None else text("type", type),
        )
    )


def heap_options(top: int, file: str | os.PathLike[str] | None, stop: bool, timeout: float) -> HeapOptions:
    """Returns what is wished of a heap snapshot."""
    return HeapOptions(
        struct_size=ctypes.sizeof(HeapOptions),
        top=number("top", top),
        file=None if file is None else text("file", os.path.abspath(path_of("file", file))),
        within_ms=milliseconds("timeout", timeout),
        flags=HEAP_STOP if flag("stop", stop) else 0,
    )
