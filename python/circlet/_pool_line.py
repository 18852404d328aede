"""The ends of a pool's jobs, and who is told of them: by a thread, or by the event loops that wait."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from ctypes import byref, c_char, c_int32, c_uint64, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from . import _native
from ._native import check, library
from ._waiting import first_ms, go_on

# See _waiting.py.
if TYPE_CHECKING:
    import asyncio

_FETCHED = 1024
# circlet_completion: the job's number, its status and its result.
_COMPLETION = struct.Struct("=Qii")
#: How long the thread stays that tells of ends while no job is open, in milliseconds.
_LINGER_MS = 1000.0
_WORDS = {
    "CIRCLET_ABORTED": "the job was aborted",
    "CIRCLET_TIMED_OUT": "the deadline of the job passed",
    "CIRCLET_DROPPED": "the job was given up for another: the queue was full",
    "CIRCLET_CLOSED": "the pool closed before the job started",
}


class Waiter(Protocol):
    """Whoever is told of the ends of jobs."""

    def end(self, index: int, status: int, result: int) -> None:
        """Tells of the end of one of its jobs; a status other than 0 says why there is no result."""


class _Fetched:
    """Ends that were fetched, until all of them are told."""

    def __init__(self) -> None:
        self.completions = (c_char * (_COMPLETION.size * _FETCHED))()
        self.ended: dict[int, tuple[Waiter, int, int, int]] = {}
        self.is_sorted = False


class Line:
    """What a pool's futures share with it: its handle, and the jobs that are not over. The handle ends with it."""

    #: What a tracker calls the class of its pool.
    api = "circlet.Pool"

    def __init__(self, handle: int, leave: Callable[[int], None] | None = None) -> None:
        """Owns a handle of the C library; `leave` is called with it as the interpreter ends."""
        self.handle = handle
        self.process = os.getpid()
        _native.end_with(self, handle, partial(_free, self.process), leave or _leave)
        _lines.add(self)
        _native.used[self.api] = None
        #: Whether the pool takes no more jobs.
        self.is_shut = False
        self.is_closed = False
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[Waiter, int]] = {}
        # Ends that were fetched before whoever submitted the job could say who waits.
        self._early: dict[int, tuple[int, int]] = {}
        # Ends that an interrupt came before: they are told of first.
        self._left: list[_Fetched] = []
        # The threads that tell of ends: in callbacks they cannot wait for others.
        self._tellers: set[int] = set()
        self._reader: threading.Thread | None = None
        self._watchers: dict[asyncio.AbstractEventLoop, _Watcher] = {}

    def forked(self) -> None:
        """Becomes the line of a process that has been forked of its own."""
        for watcher in self._watchers.values():
            # The parent's event loop has it, whose selector this process shares.
            watcher.abandon()
        self.__class__ = _ParentsLine  # type: ignore[assignment]

    def told(self, tell: Callable[[Any, Any], int]) -> dict[str, Any]:
        """Returns what a function of the library tells of the pool as JSON."""
        handle = c_void_p()
        check(tell(self.handle, byref(handle)))
        try:
            return cast("dict[str, Any]", json.loads(library.circlet_text_data(handle)))
        finally:
            library.circlet_text_free(handle)

    def drain(self, timeout: float | None) -> None:
        """Waits until no job waits or runs."""
        go_on(
            library.circlet_pool_drain(self.handle, first_ms(timeout)),
            lambda ms: library.circlet_pool_drain(self.handle, ms),
            timeout,
        )

    def add(self, jobs: list[int], waiter: Waiter, first: int = 0) -> None:
        """Notes who is to be told of jobs, which are the waiter's from `first` on."""
        early: list[tuple[int, int, int]] = []
        with self._lock:
            for index, job in enumerate(jobs, first):
                if job in self._early:
                    early.append((index, *self._early.pop(job)))
                else:
                    self._waiting[job] = (waiter, index)
        for end in early:
            waiter.end(*end)

    def abort(self, job: int) -> int:
        """Aborts a job: 2 if it never starts, 1 if it runs and was asked to stop, 0 if it is over."""
        return check(library.circlet_pool_abort(self.handle, byref(c_uint64(job))))

    def error(self, job: int, status: int) -> _native.CircletError:
        """Returns why a job has no result."""
        number = byref(c_uint64(job))
        size = library.circlet_pool_failure(self.handle, number, None, 0) + 1
        if size <= 0:
            error = _native.error_of(status, "")
            error.args = (_WORDS.get(error.status, "the job has no result"),)
            return error
        buffer = ctypes.create_string_buffer(size)
        library.circlet_pool_failure(self.handle, number, buffer, size)
        return _native.error_of(status, buffer.value.decode())

    def collect(self, timeout_ms: float = 0.0) -> int:
        """Tells of the ends of jobs, and returns of how many, or the status where there were none. Any thread."""
        if self._left:
            self._go_on()
        fetched = _Fetched()
        try:
            found: int = library.circlet_pool_next_many(self.handle, fetched.completions, _FETCHED, timeout_ms)
            if found > 0:
                self._tell(fetched)
        except BaseException:
            # Ctrl-C comes between any two steps: what has been fetched is told of all the same.
            self._left.append(fetched)
            self._go_on()
            raise
        return found if found > 0 or found in {_native.TIMED_OUT, _native.CLOSED} else check(found)

    def _go_on(self) -> None:
        """Tells of what was fetched and not told of."""
        with suppress(IndexError):
            while True:
                fetched = self._left.pop()
                try:
                    self._tell(fetched)
                except BaseException:
                    self._left.append(fetched)
                    raise

    def _tell(self, fetched: _Fetched) -> None:
        """Tells of the ends of jobs; once more where that was interrupted."""
        ended, waiting = fetched.ended, self._waiting
        if not fetched.is_sorted:
            with self._lock:
                # Behind the last that was fetched there are zeros, and no job has that number.
                for job, status, result in _COMPLETION.iter_unpack(fetched.completions):
                    if job == 0:
                        break
                    if waiter := waiting.get(job):
                        ended[job] = (*waiter, status, result)
                        del waiting[job]
                    elif job not in ended:
                        self._early[job] = (status, result)
                fetched.is_sorted = True
        thread = threading.get_ident()
        try:
            self._tellers.add(thread)
            for job in list(ended):
                told, index, status, result = ended[job]
                told.end(index, status, result)
                del ended[job]
        finally:
            self._tellers.discard(thread)

    def check_wait(self) -> None:
        """Refuses to wait in a callback for what may be told by nobody but the thread that it is in."""
        if threading.get_ident() in self._tellers:
            raise _native.BusyError(
                "a callback of a future of this pool cannot wait for another one of it: have that one call back, or "
                "wait in a thread of your own"
            )

    def glance(self) -> None:
        """Tells of what has ended by now."""
        if not self.is_closed:
            self.collect()

    def look(self) -> None:
        """Has a thread look for the ends of jobs while there are any."""
        with self._lock:
            if self._reader is None and not self.is_closed:
                # A daemon: at the end of the process nobody waits for it.
                self._reader = threading.Thread(target=self._read, name="circlet-pool", daemon=True)
                self._reader.start()

    def _read(self) -> None:
        while True:
            status = self.collect(_LINGER_MS)
            if status > 0:
                continue
            with self._lock:
                if status == _native.CLOSED or not self._waiting:
                    self._reader = None
                    return

    def join(self) -> None:
        """Waits until everybody was told, once the pool is closed."""
        while self.collect() > 0:
            pass
        with self._lock:
            self.is_closed = True
            reader = self._reader
        if reader is not None and reader is not threading.current_thread():
            reader.join()

    def watch(self, loop: asyncio.AbstractEventLoop) -> _Watcher:
        """Has an event loop, the running one, tell of ends until `_Watcher.leave` was called as often."""
        with self._lock:
            watcher = self._watchers.get(loop)
            if watcher is None:
                watcher = self._watchers[loop] = _Watcher(self, loop)
        watcher.enter()
        return watcher

    def forget(self, watcher: _Watcher) -> None:
        """Lets go of an event loop that waits for nothing."""
        with self._lock:
            if self._watchers.get(watcher.loop) is watcher:
                del self._watchers[watcher.loop]
        watcher.close()


class _ParentsLine:
    """The line of a pool in a forked child, which has neither the pool's threads nor its workers: it is of no use.

    Whatever is done with the pool or with its futures asks the line for something, and is refused.
    """

    def __getattribute__(self, name: str) -> NoReturn:
        process = object.__getattribute__(self, "process")
        raise _native.CircletError(
            f"this pool belongs to process {process}, and this is its forked child {os.getpid()}: make a pool here"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self.__getattribute__(name)


_lines: weakref.WeakSet[Line] = weakref.WeakSet()


def is_ours(line: Line) -> bool:
    """Tells whether a line is of a pool that this process has made."""
    return issubclass(type(line), Line)


def _forked() -> None:
    for line in list(_lines):
        line.forked()
    _lines.clear()


os.register_at_fork(after_in_child=_forked)


class _Watcher:
    """An event loop that watches a pool's descriptor."""

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._line = line
        self._count = 0
        fd = c_int32()
        check(library.circlet_pool_fd(line.handle, byref(fd)))
        self._fd = fd.value

    def enter(self) -> None:
        """Watches for one more who waits."""
        self._count += 1
        if self._count == 1:
            self.loop.add_reader(self._fd, self._look)
            # What is submitted in one go comes first.
            self.loop.call_soon(self._look)

    def leave(self) -> None:
        """Watches for one fewer."""
        self._count -= 1
        if self._count == 0:
            # Most often somebody waits again at once.
            self.loop.call_soon(self._rest)

    def _rest(self) -> None:
        if self._count == 0:
            self._line.forget(self)

    def _look(self) -> None:
        if self._count == 0 or self._fd < 0:
            return
        is_more = self._line.collect() > 0 or check(library.circlet_pool_arm(self._line.handle)) == 1
        if is_more and not self._line.is_closed:
            # After the loop has turned.
            self.loop.call_soon(self._look)

    def close(self) -> None:
        """Stops watching, in the loop's own thread or once that is closed."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        if not self.loop.is_closed():
            self.loop.remove_reader(fd)
        os.close(fd)

    def abandon(self) -> None:
        """Leaves the descriptor to the end of the process."""
        self._fd = -1

    def __del__(self) -> None:
        # At the end of the process the kernel closes it.
        with suppress(TypeError, AttributeError):
            self.close()


def _free(process: int, handle: int) -> None:
    """Ends a pool, in the process that made it: a forked child has neither its threads nor its workers."""
    if os.getpid() == process:
        library.circlet_pool_free(handle)


def _leave(handle: int) -> None:
    """Leaves the pool to the end of the process: its threads may be in code of the caller's."""
