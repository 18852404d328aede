"""The answers of a pool of processes, and who waits for them: one of those who wait fetches for all."""

from __future__ import annotations

import base64
import ctypes
import json
import math
import pickle
import struct
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as WaitTimeoutError
from concurrent.futures._base import CANCELLED_AND_NOTIFIED, FINISHED, PENDING
from contextlib import suppress
from ctypes import byref, c_double, c_uint64, c_void_p
from functools import partial
from itertools import repeat
from typing import Any, TypeVar

from . import _native
from ._native import JobFailedError, WorkerDiedError, bare, check, library
from ._pool_future import PoolFuture
from ._pool_line import Line, is_ours
from ._table import Answers
from ._waiting import SLICE, within

T = TypeVar("T")

_FETCHED = 1024
# circlet_answer: the job's number, an address, the length, the status, nothing.
_ANSWER = struct.Struct("=QQQiI")
# What is longer is not copied out of its block once more.
_LONG = 1 << 14
# The numbers of heap snapshots, whose answers are JSON, begin here: CIRCLET_HEAP_NUMBERS.
_HEAPS = 1 << 52
#: How long the thread stays that tells of ends while no call is open, in seconds.
_LINGER = 1.0
#: What a call gives that has not ended.
MISSING: Any = object()

_fetch = bare("circlet_pool_answers")


class _AbortedError(CancelledError):
    """An end that is no exception of the function's own."""


class RemoteTraceback(Exception):
    """Where a worker raised what a call ended with: the cause of that exception. Its text is the traceback."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class CallFuture(PoolFuture[T]):
    """What comes of a call: a `concurrent.futures.Future` that can be awaited too.

    `cancel` aborts the call: `True` if it never starts; a call that runs is asked to stop, interrupted, and at last
    killed with its worker, and has been cancelled then. Whoever waits for a result fetches those of others meanwhile;
    callbacks, `concurrent.futures.wait` and executors' users in event loops have a thread that does so, which ends a
    second after the last call.
    """

    _line: CallLine

    def __init__(self, line: CallLine) -> None:
        """Made by the pool."""
        # As Future's, with one condition for all of a pool.
        self._line = line
        self._condition = line.condition
        self._state = PENDING
        self._result = None
        self._exception = None
        self._parts = []
        self._done_callbacks: list[Any] = []
        self._job = 0

    def _is_over(self) -> bool:
        return self._state != PENDING

    def _is_over_within(self, timeout: float | None) -> bool:
        if timeout is not None:
            timeout = within(timeout)
        return self._state != PENDING or self._line.wait(self._is_over, timeout)

    def cancel(self) -> bool:
        """Aborts the call; see the class."""
        if self._state == PENDING and self._line.abort(self._job) == 2:
            self._line.end([(self, _AbortedError(), None)])
        return self._state == CANCELLED_AND_NOTIFIED

    def result(self, timeout: float | None = None) -> T:
        """Waits for the call's result, or raises what became of it."""
        if not self._is_over_within(timeout):
            raise WaitTimeoutError
        if self._state != FINISHED:
            raise CancelledError
        if self._exception is not None:
            try:
                raise self._exception
            finally:
                # The exception's traceback has this frame.
                self = None  # type: ignore[assignment]  # noqa: PLW0642
        return self._result  # type: ignore[return-value]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits for what became of the call, and returns the error if it is one."""
        if not self._is_over_within(timeout):
            raise WaitTimeoutError
        if self._state != FINISHED:
            raise CancelledError
        return self._exception


class Batch:
    """What comes of many calls, each at its place."""

    def __init__(self) -> None:
        """Has no calls."""
        self.values: list[Any] = []
        self.errors: dict[int, BaseException] = {}
        self.jobs: list[int] = []

    def add(self, jobs: list[int]) -> None:
        """Takes some more."""
        self.jobs += jobs
        self.values += [MISSING] * len(jobs)


# A future, or a batch and a place in it; the error, if it is one; and the value.
Settled = tuple[Any, BaseException | None, Any]


class CallLine(Line):
    """What a pool's futures share with it. Whoever waits first fetches for all, and the others are told."""

    api = "circlet.ProcessPool"

    def __init__(self, handle: int, decode: Callable[[Any], Any]) -> None:
        """Owns a handle of the C library; `decode` reads answers."""
        super().__init__(handle, partial(_end, weakref.ref(self)))
        self.address = c_void_p(handle)
        #: Guards all its futures, and tells those who follow that the leader has fetched, or leads no longer.
        self.condition = threading.Condition()
        self.calls: dict[int, CallFuture[Any] | tuple[Batch, int]] = {}
        self._unclaimed: dict[int, tuple[int, bytes]] = {}
        self._decode = decode
        self._leading = threading.Lock()
        self._followers = 0
        #: Futures whose callbacks are to be called.
        self._told: deque[Any] = deque()
        # What was fetched last, until all of it is settled: how many, the library's block, and the answers.
        self._fetched: list[int] = []
        self._answers = Answers()
        self._taken: list[tuple[int, int, Any]] = []
        self._is_over = False

    def claim(self, job: int) -> None:
        """Looks whether the answer to a call that has just been noted was there already."""
        if self._unclaimed and (found := self._unclaimed.pop(job, None)) and (waiter := self.calls.pop(job, None)):
            self.end([(waiter, *self._read_one(job, *found))])

    def wait(self, is_over: Callable[[], bool], timeout: float | None) -> bool:
        """Fetches, or waits for who does, until something is over; `False` if it is not in time."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not is_over():
            left = min(end - time.monotonic(), SLICE)
            if left <= 0 or self._is_over:
                return is_over()
            if self._leading.acquire(blocking=False):
                try:
                    if not is_over():
                        self._lead(left * 1e3)
                finally:
                    self._leading.release()
                    self._resign()
            else:
                with self.condition:
                    self._followers += 1
                    if self._leading.locked() and not is_over():
                        self.condition.wait(left)
                    self._followers -= 1
        return True

    def _resign(self) -> None:
        """Tells others that they may lead, and calls back whoever wanted that: who may wait here himself."""
        if self._followers:
            with self.condition:
                self.condition.notify_all()
        with suppress(IndexError):
            while self._told:
                self._told.popleft()._invoke_callbacks()

    def collect(self, timeout_ms: float = 0.0) -> int:
        """Fetches what is there, unless another thread does."""
        if not self._leading.acquire(blocking=False):
            return _native.TIMED_OUT
        try:
            return self._lead(timeout_ms)
        finally:
            self._leading.release()
            self._resign()

    def join(self) -> None:
        """Waits until everybody was told, once the pool is closed."""
        self.wait(lambda: self._is_over, None)
        super().join()

    def _lead(self, timeout_ms: float) -> int:
        fetched = self._fetched
        if not fetched:
            if self._taken:
                self._forget_taken()
            # Without a step of Python's in between: an interrupt comes before there are answers, or finds their number.
            fetched.extend(map(_fetch, (self.address,), (_FETCHED,), (c_double(timeout_ms),), (byref(self._answers),)))
        _native.stay_at_end()
        # Else an interrupt came before those that are there were settled.
        found = fetched[0]
        if found <= 0:
            fetched.clear()
            if found == _native.CLOSED:
                self._is_over = True
            return found if found in {_native.TIMED_OUT, _native.CLOSED} else check(found)
        self._settle_fetched()
        return found

    def _settle_fetched(self) -> None:
        """Settles what was fetched. An interrupt may come at any step: who leads next does it once more."""
        answers = self._answers
        if answers.block:
            items = ctypes.string_at(answers.items, self._fetched[0] * _ANSWER.size)
            block = ctypes.string_at(answers.bytes, answers.len)
            self._taken = self._taken_apart(items, block)
            library.circlet_answers_free(byref(answers))
        self.settle(self._read_all(self._taken), self._told)
        self._fetched.clear()
        self._forget_taken()

    def _forget_taken(self) -> None:
        deque(map(self.calls.pop, [job for job, _, _ in self._taken], repeat(None)), 0)
        self._taken = []

    @staticmethod
    def _taken_apart(items: bytes, block: bytes) -> list[tuple[int, int, Any]]:
        whole = memoryview(block)
        taken = []
        end = 0
        for job, _, size, status, _ in _ANSWER.iter_unpack(items):
            begin, end = end, end + size
            taken.append((job, status, block[begin:end] if size < _LONG else whole[begin:end]))
        return taken

    def _read_all(self, answers: list[tuple[int, int, Any]]) -> list[Settled]:
        """Makes values and errors of answers, for those who wait for them."""
        settled: list[Settled] = []
        get, read = self.calls.get, self._read_one
        for job, status, data in answers:
            waiter = get(job)
            if waiter is None:
                # Whoever submitted it has yet to say who waits: whichever of the two comes second finds both.
                self._unclaimed[job] = (status, bytes(data))
                waiter = get(job)
                if waiter is None:
                    continue
                self._unclaimed.pop(job, None)
            settled.append((waiter, *read(job, status, data)))
        return settled

    def _read_one(self, job: int, status: int, data: Any) -> tuple[BaseException | None, Any]:
        try:
            if status != 0:
                return _error(status, bytes(data)), None
            return None, self._decode(data) if job < _HEAPS else json.loads(bytes(data))
        except KeyboardInterrupt:
            # It is for who waits here, and the call has its answer.
            raise
        except BaseException as broken:
            return broken, None

    def end(self, settled: list[Settled]) -> None:
        """Ends futures and places of batches, and tells everybody of it."""
        told: deque[Any] = deque()
        self.settle(settled, told)
        for future in told:
            future._invoke_callbacks()

    def settle(self, settled: list[Settled], told: deque[Any]) -> None:
        """Ends futures and places of batches, tells those who wait, and adds to `told` what is to be called back."""
        with self.condition:
            for waiter, error, value in settled:
                if type(waiter) is tuple:
                    batch, index = waiter
                    if error is not None:
                        batch.errors[index] = error
                    batch.values[index] = value
                elif waiter._state == PENDING:
                    if type(error) is _AbortedError:
                        waiter._state = CANCELLED_AND_NOTIFIED
                    else:
                        waiter._result, waiter._exception, waiter._state = value, error, FINISHED
                    if waiter._done_callbacks:
                        told.append(waiter)
                    if waiter._parts:
                        _tell_waiters(waiter)
            if self._followers:
                self.condition.notify_all()

    def forked(self) -> None:
        """As that of a `Line`; futures that were over can still be asked, whoever was asking then."""
        self.condition._at_fork_reinit()  # type: ignore[attr-defined]
        super().forked()

    def _read(self) -> None:
        while True:
            self.wait(lambda: False, _LINGER)
            with self._lock:
                if self._is_over or not self.calls:
                    self._reader = None
                    return

    def abort_all(self) -> None:
        """Aborts all calls that there are."""
        # Those that came last go first: none of them takes the place of one that has stopped.
        for job in sorted(self.calls, reverse=True):
            self.abort(job)

    def withdraw(self, job: int) -> bool:
        """Takes a call out that waits; `False` if it runs or is over."""
        return check(library.circlet_pool_withdraw(self.handle, byref(c_uint64(job)))) == 2


def _end(owner: weakref.ref[CallLine], handle: int) -> None:
    """Ends the workers with the interpreter, and what they have started with them: a call that runs has the grace.

    The handle stays, as daemon threads may be in it.
    """
    line = owner()
    if line is None or not is_ours(line):
        return
    line.is_shut = True
    status = _native.TIMED_OUT
    while status == _native.TIMED_OUT:
        # A daemon thread may have been about to submit one more.
        line.abort_all()
        status = library.circlet_pool_drain(handle, SLICE * 1e3)
    library.circlet_pool_close(handle)


def _tell_waiters(future: CallFuture[Any]) -> None:
    for waiter in future._parts:
        if future._state == CANCELLED_AND_NOTIFIED:
            waiter.add_cancelled(future)
        elif future._exception is not None:
            waiter.add_exception(future)
        else:
            waiter.add_result(future)


def _error(status: int, data: bytes) -> BaseException:
    """Makes what a call without an answer ended with."""
    if status == _native.ABORTED:
        return _AbortedError()
    said = json.loads(data)
    trace = said.get("traceback", "")
    if encoded := said.get("encoded"):
        try:
            raised = pickle.loads(base64.b64decode(encoded))
            if isinstance(raised, BaseException):
                raised.__cause__ = RemoteTraceback(trace)
                return raised
        except Exception:
            # Its class cannot be made here: it is told in words.
            pass
    kind = said.get("type", "")
    error = _native.error_of(status, f"{kind}: {said['message']}" if kind else said["message"])
    if isinstance(error, JobFailedError):
        error.type, error.traceback = kind, trace
        if trace:
            error.__cause__ = RemoteTraceback(trace)
    elif isinstance(error, WorkerDiedError):
        for name in ("exit_code", "signal", "out_of_memory", "stderr", "kills"):
            setattr(error, name, said[name])
    return error
