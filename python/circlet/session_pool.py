"""Pools of sessions: executors that are there in a few milliseconds."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from . import _native
from ._arguments import opened
from ._closing import AsyncClosing
from ._executor_options import Settings, executor_options
from ._native import ClosedError, check, library
from ._waiting import first_ms, go_on
from .executor import Executor

# See _waiting.py.
if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["SessionPool"]


class SessionPool(AsyncClosing):
    """Forks sessions from a process that has the interpreter and modules loaded, and keeps some ready.

    Any thread may use it. A session that ends while nobody uses it is replaced. Executors that were opened live on when
    the pool is closed; the last of them ends its processes.

    >>> from circlet import SessionPool
    >>> with SessionPool(ready=2, preload=["decimal"]) as pool, pool.open() as python:
    ...     python.run("import decimal; str(decimal.Decimal(1) / 8)").result().value
    '0.125'
    """

    def __init__(self, **settings: Unpack[Settings]) -> None:
        """Starts the process that forks sessions, and waits until it can. It takes what `Executor` takes.

        `ready` is 1 by default. Raises as `Executor`.
        """
        with executor_options(**settings) as options:
            handle = c_void_p()
            check(library.circlet_session_pool_new(byref(options), byref(handle)))
        self._handle: int | None = opened(handle)
        free = partial(_free, os.getpid())
        self._end = _native.end_with(self, self._handle, free, free)
        _native.used["circlet.SessionPool"] = None
        # How many threads are in the library, and who waits until there is none.
        self._callers = 0
        self._left = threading.Condition()

    def open(self) -> Executor:
        """Opens an executor with a session of its own: one that is ready, else one that is forked now.

        Raises `NoWorkerError` and other `CircletError`s where no session starts.
        """
        handle = c_void_p()
        with self._used() as pool:
            check(library.circlet_session_pool_open(pool, byref(handle)))
        return Executor._of(opened(handle))

    def wait_ready(self, timeout: float | None = None) -> None:
        """Waits until as many sessions are ready as are to be kept.

        Raises `TimedOutError` after `timeout` seconds, or why the last session could not be made.
        """

        def wait(ms: float) -> int:
            with self._used() as pool:
                return int(library.circlet_session_pool_wait(pool, ms))

        go_on(wait(first_ms(timeout)), wait, timeout)

    def snapshot(self) -> dict[str, Any]:
        """Looks at every session: `pool`, how many are in which state, and `registry`, as in a session payload."""
        handle = c_void_p()
        with self._used() as pool:
            check(library.circlet_session_pool_snapshot(pool, byref(handle)))
        try:
            return cast("dict[str, Any]", json.loads(library.circlet_text_data(handle)))
        finally:
            library.circlet_text_free(handle)

    def close(self) -> None:
        """Ends the sessions that are ready, once no other thread opens one. Safe to call twice."""
        with self._left:
            self._handle = None
            while self._callers:
                self._left.wait()
        self._end()

    @contextmanager
    def _used(self) -> Iterator[int]:
        with self._left:
            if self._handle is None:
                raise ClosedError("this pool was closed here: it opens no more sessions")
            handle = self._handle
            self._callers += 1
        try:
            yield handle
        finally:
            with self._left:
                self._callers -= 1
                self._left.notify_all()


def _free(process: int, handle: int) -> None:
    # In a forked child the sessions are its parent's.
    if os.getpid() == process:
        library.circlet_session_pool_free(handle)
