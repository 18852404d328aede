"""What the runs of an executor share: the session's handle, their order, and whoever takes what comes of them."""

from __future__ import annotations

import ctypes
import json
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import byref, c_double, c_int32, c_uint64, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from . import _native
from ._native import AbortedError, ClosedError, WorkerDiedError, bare, check, library
from ._table import Event
from ._waiting import SLICE
from .outcome import Question

# See _waiting.py.
if TYPE_CHECKING:
    import asyncio

    from ._run import Run

# Kinds of circlet_event.
_OUTPUT, _DISPLAY, _DATA, _ASK, _STATE, _END, _FAILURE = 1, 2, 3, 4, 5, 6, 7
_STREAMS = ("", "stdout", "stderr")
# What is longer stays where the library has it.
_LONG = 1 << 16
# How long an event loop looks before it waits: about as long as it takes to be woken, in milliseconds.
_GLANCE_MS = 0.02
# So many events are taken before an event loop turns.
_AT_ONCE = 64
# How often an event loop looks whether there is room for what is to be sent, in seconds.
_ROOM = 0.001

_next = bare("circlet_executor_next")
_begin = bare("circlet_executor_begin")
_read = json.JSONDecoder().decode


class RunLine:
    """The session's handle, and runs in their order. Whoever waits takes what comes for all; the others are told."""

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library."""
        self.handle, self.address = handle, c_void_p(handle)
        self.process = os.getpid()
        self._end = _native.end_with(self, handle, partial(_free, self.process), partial(_leave, self.process))
        _lines.add(self)
        _native.used["circlet.Executor"] = None
        self.is_closed = self._is_ended = False
        #: Counts sessions: each has a descriptor of its own.
        self.session = 0
        self.current: Run | None = None
        self._queue: deque[Run] = deque()
        # What is to be answered, by whoever took it, once others can take.
        self._asked: deque[tuple[Run, Question]] = deque()
        self._condition = threading.Condition()
        self._leading = threading.Lock()
        # Held while a run begins, so that an interrupt is for the one that it is meant for, and while the handle ends.
        self._beginning = threading.RLock()
        self._followers = self._callers = 0
        self._event = Event()
        self._event_at = byref(self._event)
        # The kind of the event that was fetched last, until it is told of: an interrupt may come in between.
        self._fetched: list[int] = []
        self._watchers: dict[asyncio.AbstractEventLoop, _Watcher] = {}

    # What callers do.

    def add(self, run: Run) -> None:
        """Begins a run, or has it wait for its turn."""
        if self.is_closed:
            raise ClosedError("this executor was closed here: it runs nothing more")
        self._queue.append(run)
        self._attend()

    def wait(self, is_over: Callable[[], bool], timeout: float | None) -> bool:
        """Takes what comes, or waits for who does, until something is over; `False` if it is not in time."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not is_over():
            left = SLICE if timeout is None else min(end - time.monotonic(), SLICE)
            if left <= 0:
                return is_over()
            if not self._callers and self._leading.acquire(blocking=False):
                try:
                    if not is_over():
                        self._pump(left * 1e3)
                finally:
                    self._leading.release()
                    self._resign()
            else:
                with self._condition:
                    self._followers += 1
                    if (self._callers or self._leading.locked()) and not is_over():
                        self._condition.wait(left)
                    self._followers -= 1
        return True

    def interrupt(self, run: Run | None) -> bool:
        """Stops a run, or whichever is under way."""
        with self._beginning:
            if self.is_closed:
                return False
            if run is None or run is self.current:
                return check(library.circlet_executor_interrupt(self.handle)) == 1
        with suppress(ValueError):
            self._queue.remove(run)
            run.fail(AbortedError("the run was interrupted before it began"))
            self._tell()
            return True
        # It may have begun meanwhile.
        return not run.done() and run is self.current and self.interrupt(run)

    def send(self, data: memoryview) -> None:
        """Sends bytes to the code, or has the library keep a copy until there is room."""
        with self._led():
            where = _native.address(data)
            check(library.circlet_executor_send(self._open(), where, data.nbytes))
        self._look_in_loops()

    def answer(self, run: Run, line: bytes | None) -> None:
        """Gives a run the line that it asked for."""
        with self._led():
            if run is self.current and not self.is_closed:
                library.circlet_executor_answer(self.handle, line, 0 if line is None else len(line))
        self._look_in_loops()

    def restart(self) -> None:
        """Ends the session, whatever it does, and starts another."""
        with self._led():
            handle, run = self._open(), self.current
            self._fetched.clear()
            if run is not None:
                self.current = None
                run.fail(AbortedError("the session of the run was ended: the executor was restarted"))
            with self._beginning:
                self.session += 1
                check(library.circlet_executor_restart(handle))
        self._look_in_loops()

    def process_id(self) -> int:
        """Returns the process id of the session that was started last."""
        with self._beginning:
            return check(library.circlet_executor_process_id(self._open()))

    def with_handle(self, call: Callable[[int], int]) -> int:
        """Calls the library with the handle, which stays meanwhile."""
        with self._beginning:
            return check(call(self._open()))

    def close(self) -> None:
        """Ends the session, and what runs in it."""
        with self._beginning:
            if self.is_closed:
                return
            self.is_closed = True
            if self.current is not None:
                library.circlet_executor_kill(self.handle)
        with self._led():
            runs = [] if self.current is None else [self.current]
            runs += self._queue
            self.current = None
            self._queue.clear()
            with self._beginning:
                self._is_ended = True
                # Once and for all: the next executor may have a handle at the same address.
                self._end()
            for run in runs:
                run.fail(ClosedError("this executor was closed before the run was over"))

    def _open(self) -> int:
        if self.is_closed:
            raise ClosedError("this executor was closed here")
        return self.handle

    @contextmanager
    def _led(self) -> Iterator[None]:
        """Takes nothing, and lets nobody else take."""
        self._callers += 1
        try:
            while not self._leading.acquire(timeout=1e-3):
                # Whoever leads may be in the library.
                with self._beginning:
                    if not self._is_ended:
                        library.circlet_executor_wake(self.handle)
        finally:
            self._callers -= 1
        try:
            yield
        finally:
            self._leading.release()
            self._resign()

    def _look_in_loops(self) -> None:
        """Has event loops look for room for what was sent."""
        for watcher in list(self._watchers.values()):
            watcher.call(in_any=True)

    # What the one does who has the lead.

    def _attend(self) -> None:
        """Begins what there is to, unless another thread is about to."""
        while self._queue and self.current is None and self._leading.acquire(blocking=False):
            try:
                if not self.is_closed:
                    self._advance()
            finally:
                self._leading.release()
            self._resign()

    def _resign(self) -> None:
        """Tells others that they may lead, and has questions answered."""
        self._tell()
        with suppress(IndexError):
            while self._asked:
                run, question = self._asked.popleft()
                run.answer(question)
        if self._queue and self.current is None:
            self._attend()
        for watcher in list(self._watchers.values()):
            watcher.call()

    def _tell(self) -> None:
        if self._followers:
            with self._condition:
                self._condition.notify_all()

    def turn(self, watcher: _Watcher) -> int:
        """Takes what came, for an event loop; returns what `circlet_executor_arm` does, or -1 where another leads."""
        if self.is_closed or self._callers or not self._leading.acquire(blocking=False):
            return -1
        try:
            for _ in range(_AT_ONCE):
                if not self._pump(_GLANCE_MS):
                    break
            if self.current is None:
                return 0
            watcher.follow(self.session)
            return check(library.circlet_executor_arm(self.handle))
        finally:
            self._leading.release()
            self._resign()

    def _pump(self, timeout_ms: float) -> bool:
        """Takes an event, and tells of it. `False` where none came."""
        if self.is_closed:
            return False
        fetched = self._fetched
        if not fetched:
            if self.current is None and not self._advance():
                return False
            # Without a step of Python's in between: an interrupt comes before there is an event, or finds its kind.
            fetched.extend(map(_next, (self.address,), (c_double(timeout_ms),), (self._event_at,)))
        _native.stay_at_end()
        found = fetched[0]
        if found > 0:
            self._dispatch(found)
        fetched.clear()
        if found == 0 and self.current is not None:
            # An interrupt came before it had begun.
            self._start(self.current)
        elif found < 0 and found != _native.TIMED_OUT:
            check(found)
        return found > 0

    def _advance(self) -> bool:
        """Begins the next run, if there is one."""
        while self._queue and self.current is None:
            self._start(self._queue[0])
        return self.current is not None

    def _start(self, run: Run) -> None:
        code = run.code
        options = None if run.options is None else byref(run.options)
        with self._beginning:
            self.current = run
            if self._queue and self._queue[0] is run:
                self._queue.popleft()
            if isinstance(code, bytes):
                status = _begin(self.address, code, c_uint64(len(code)), options)
            else:
                status = library.circlet_executor_begin_heap_snapshot(self.handle, byref(code))
        if status == 1:
            self.session += 1
        elif status < 0:
            try:
                check(status)
            except _native.CircletError as error:
                self.current = None
                run.fail(error)

    def _dispatch(self, kind: int) -> None:
        event, run = self._event, self.current
        if run is None:
            return
        number, size = event.number, event.len
        if kind == _OUTPUT:
            run.add(number, _STREAMS[event.stream], ctypes.string_at(event.body, size))
        elif kind == _DATA:
            run.add(number, "data", self._bytes(event.body, size))
        elif kind == _ASK:
            if run.is_first(number):
                prompt = ctypes.string_at(event.body, size).decode(errors="replace")
                self._asked.append((run, Question(prompt, bool(event.stream))))
        else:
            said = _read(ctypes.string_at(event.body, size).decode())
            if kind in (_DISPLAY, _STATE):
                run.add(number, "display" if kind == _DISPLAY else "state", said)
                return
            if kind == _END:
                run.end(said, self._bytes(event.bytes, event.bytes_len) if "bytes" in said else None)
            else:
                run.fail(_failure(said))
            self.current = None
            if self._queue:
                self._advance()

    def _bytes(self, place: int | None, size: int) -> memoryview:
        if size < _LONG or place is None:
            return memoryview(ctypes.string_at(place, size) if place else b"")
        block = c_void_p()
        check(library.circlet_executor_take(self.handle, byref(block)))
        content = (ctypes.c_char * size).from_address(place)
        weakref.finalize(content, library.circlet_block_free, block.value).atexit = False
        return memoryview(content).cast("B")

    # Event loops.

    def watch(self, loop: asyncio.AbstractEventLoop) -> _Watcher:
        """Has an event loop take what comes, until it leaves."""
        watcher = self._watchers.get(loop)
        if watcher is None:
            for old in [old for known, old in self._watchers.items() if known.is_closed()]:
                self.forget(old)
            watcher = self._watchers[loop] = _Watcher(self, loop)
        watcher.enter()
        return watcher

    def forget(self, watcher: _Watcher) -> None:
        """Lets go of an event loop that waits for nothing."""
        if self._watchers.get(watcher.loop) is watcher:
            del self._watchers[watcher.loop]
        watcher.close()

    def forked(self) -> None:
        """Becomes the line of a process that has been forked of its own."""
        for watcher in self._watchers.values():
            watcher.abandon()
        self.__class__ = _ParentsLine  # type: ignore[assignment]


class _ParentsLine:
    """The line of an executor in a forked child, which has no part in the session."""

    def __getattribute__(self, name: str) -> NoReturn:
        process = object.__getattribute__(self, "process")
        raise _native.CircletError(
            f"this executor belongs to process {process}, and this is its forked child {os.getpid()}: make one here"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self.__getattribute__(name)


class _Watcher:
    """An event loop that watches a session's descriptor."""

    def __init__(self, line: RunLine, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._line = line
        self._count = 0
        self._fd, self._session = -1, -1
        self._thread = threading.get_ident()
        self._is_called = False

    def enter(self) -> None:
        """Watches for one more who waits."""
        self._count += 1
        self._is_called = True
        self.loop.call_soon(self._look)

    def leave(self) -> None:
        """Watches for one fewer."""
        self._count -= 1
        if self._count == 0:
            # Most often somebody waits again at once.
            with suppress(RuntimeError):
                self.loop.call_soon(self._rest)

    def _rest(self) -> None:
        if self._count == 0:
            self._line.forget(self)

    def call(self, in_any: bool = False) -> None:
        """Has the loop look, from another thread that has led, or from any."""
        if self._count and not self._is_called and (in_any or threading.get_ident() != self._thread):
            self._is_called = True
            # It may have been closed.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._is_called = False
        if self._count == 0:
            return
        armed = self._line.turn(self)
        if armed < 0:
            # Who leads calls, whatever was rung before.
            with suppress(OSError):
                os.read(self._fd, 64)
        elif armed == 1:
            # After the loop has turned.
            self.loop.call_soon(self._look)
        elif armed == 2:
            self.loop.call_later(_ROOM, self._look)

    def follow(self, session: int) -> None:
        """Watches the descriptor of the session that there is."""
        if session == self._session:
            return
        self.close()
        fd = c_int32()
        check(library.circlet_executor_fd(self._line.handle, byref(fd)))
        self._fd, self._session = fd.value, session
        self.loop.add_reader(self._fd, self._look)

    def close(self) -> None:
        """Stops watching, in the loop's own thread or once that is closed."""
        fd, self._fd, self._session = self._fd, -1, -1
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


_lines: weakref.WeakSet[RunLine] = weakref.WeakSet()


def _forked() -> None:
    for line in list(_lines):
        line.forked()
    _lines.clear()


os.register_at_fork(after_in_child=_forked)


def _free(process: int, handle: int) -> None:
    """Ends a session, in the process that made it."""
    if os.getpid() == process:
        if library.circlet_executor_interrupt(handle) == 1:
            # Nobody waits for what runs.
            library.circlet_executor_kill(handle)
        library.circlet_executor_free(handle)


def _leave(process: int, handle: int) -> None:
    """Ends the session with the process, whose daemon threads may be in the handle."""
    if os.getpid() == process:
        library.circlet_executor_kill(handle)


def _failure(said: dict[str, Any]) -> BaseException:
    """Makes what a run without an outcome raises."""
    name = said["status"]
    error = _native.error_named(name, said["message"])
    if isinstance(error, WorkerDiedError):
        for field in ("exit_code", "signal", "out_of_memory", "stderr"):
            setattr(error, field, said[field])
    return error
