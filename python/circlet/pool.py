"""Pools of native worker threads, whose jobs are futures for threads and event loops alike."""

from __future__ import annotations

import ctypes
import time
from _ctypes import CFuncPtr
from array import array
from collections.abc import Callable, Iterable, Sequence
from ctypes import byref, c_char, c_uint64, c_void_p
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar

from . import _native, _numbers
from ._arguments import integer, opened, shown, word
from ._native import CircletError, ClosedError, InvalidError, check, library
from ._pool_future import BatchError, BatchFuture, PoolFuture
from ._pool_line import Line, is_ours
from ._pool_options import PoolOverflow, Strategy, first_block, pool_options, wishes_of
from ._pool_ports import Ports
from .curve import Curve

__all__ = ["BatchError", "Pool", "PoolFuture", "PoolOverflow", "Strategy"]

T = TypeVar("T")
#: A native function `int32_t (*)(void *)`: one of a library that ctypes has loaded, its address, or an object that has
#: the address as `address`, as numba's `cfunc` does.
NativeFunction = Any
#: What a native function is called with: an address, a ctypes object, a buffer (bytes, array, numpy), or nothing.
Data = Any


class Pool(Ports):
    """Worker threads that run native functions, as many as the jobs need. Any thread may submit.

    Python code cannot be a job: its thread would hold the interpreter's lock, and all others would wait for it. A
    `ProcessPool` runs that.

    Timeouts and times are seconds. Leaving a `with` or an `async with` block finishes the jobs, as `close` does.
    A pool that nobody has closed ends when it is collected: what waits is given up, and what runs is waited for, since
    no thread can be killed, and its data has to stay until then. At the interpreter's end nobody waits for anything.

    >>> import ctypes
    >>> from circlet import Pool
    >>> absolute = ctypes.CDLL(None).abs
    >>> with Pool(max=2) as pool:
    ...     one = pool.submit(absolute, -7)
    ...     many = pool.submit_many(absolute, range(-3, 0))
    ...     one.result(), many.result()
    (7, array('i', [3, 2, 1]))

    In an event loop:

    >>> import asyncio
    >>> async def main():
    ...     async with Pool(max=2) as pool:
    ...         return await pool.submit(absolute, -5)
    >>> asyncio.run(main())
    5
    """

    _line: Line

    def __init__(
        self,
        max: int | None = None,
        *,
        min: int = 1,
        queue: int | None = None,
        overflow: PoolOverflow = "block",
        block: float | None = None,
        strategy: Strategy = "round_robin",
        keep: float | None = None,
        target_wait: float | None = None,
        window: float | None = None,
        name: str = "circlet",
        kind: Literal["threads"] = "threads",
    ) -> None:
        """Starts a pool of `min` to `max` workers, by default 1 to as many as the process may use processors.

        `queue` jobs may wait beside those that run, 16384 by default; `overflow` says what a submission does that finds
        no room, and `block` for how many seconds it waits at the most. Workers that were needed are kept for `keep`
        (0.4), a backlog is to be gone within `target_wait` once the workers for it are there (0.005), and the
        statistics have a sliding `window` (60). With a `min` of 0, the first job starts a worker.
        """
        word("kind", kind, ("threads",))
        self._waits, self._block = first_block(block, overflow)
        options = pool_options(
            kind,
            min=min,
            max=max,
            max_name="max",
            queue=queue,
            overflow=overflow,
            strategy=strategy,
            keep=keep,
            target_wait=target_wait,
            window=window,
            name=name,
        )
        handle = c_void_p()
        check(library.circlet_pool_new(byref(options), byref(handle)))
        self._line = Line(opened(handle))

    def submit(
        self,
        function: NativeFunction,
        data: Data = None,
        *,
        priority: int = 0,
        key: int | None = None,
        deadline: float | None = None,
        nodes: int = 0,
        type: str | None = None,
    ) -> PoolFuture[int]:
        """Has a worker call a native function with `data`, and returns a future of what it returns.

        Of the jobs that wait, those of the highest `priority` start first. Jobs of one `key` go to one worker under the
        strategy "affinity". A job that is not over within `deadline` seconds never starts, or is asked to stop, and its
        future has a `TimedOutError`. `nodes` and `type` are for snapshots. `data` stays alive until the job is over.

        The future has a `JobFailedError` where the function called `circlet_job_fail`. Raises `InvalidError` for a
        function of Python, `FullError` by the overflow, and `ClosedError`.
        """
        address, (place, kept) = _address(function), _place(data)
        wishes = wishes_of(priority, key, deadline, nodes, type)
        return self._one(
            (function, kept),
            lambda result: result,
            lambda job: library.circlet_pool_submit(self._line.handle, address, place, wishes, job),
        )

    def submit_many(
        self,
        function: NativeFunction,
        data: Sequence[Data] | Iterable[Data],
        *,
        priority: int = 0,
        key: int | None = None,
        deadline: float | None = None,
        nodes: int = 0,
        type: str | None = None,
    ) -> PoolFuture[array[int]]:
        """Has workers call a native function with each of `data`; returns one future of what they return, in order.

        It costs less for each than `submit`, and the options are for each. Where some have no result, the future has a
        `BatchError`, which has those of the others, once all are over. Raises as `submit`.
        """
        address, places = _address(function), [_place(one) for one in data]
        count, wishes = len(places), wishes_of(priority, key, deadline, nodes, type)
        pointers, jobs = (c_void_p * count)(*[place for place, _ in places]), (c_uint64 * count)()
        future = BatchFuture(self._line, (function, [kept for _, kept in places]), count)
        end = time.monotonic() + self._block
        taken = 0
        while taken < count:
            handle = self._line.handle
            self._check_open()
            status = library.circlet_pool_submit_many(
                handle,
                address,
                ctypes.byref(pointers, taken * ctypes.sizeof(c_void_p)),
                count - taken,
                wishes,
                ctypes.byref(jobs, taken * ctypes.sizeof(c_uint64)),
            )
            if status > 0:
                numbers = jobs[taken : taken + status]
                future._jobs += numbers
                self._line.add(numbers, future, taken)
                taken += status
            elif not (status == _native.FULL and self._waits and time.monotonic() < end):
                try:
                    check(status)
                except CircletError as error:
                    if taken == 0:
                        raise
                    for index in range(taken, count):
                        future.refuse(index, error)
                future.passed(count - taken)
                break
        return future

    def sample_batch(
        self,
        curves: Iterable[Curve],
        points_each: int,
        out: Any = None,
        *,
        priority: int = 0,
        key: int | None = None,
        deadline: float | None = None,
        type: str | None = None,
    ) -> PoolFuture[Any]:
        """Has a worker sample many curves, as `circlet.sample_batch` does, and returns a future of the points.

        A job runs on one worker: split the curves to use more. Leave `out` alone until the job is over. Raises
        `CurveError` for a curve of other dimensions than the first, and as `submit`.

        >>> from circlet import Curve, Pool
        >>> lines = [Curve.make("linear", [(0, y), (4, y)]) for y in range(2)]
        >>> with Pool(max=2) as pool:
        ...     pool.sample_batch(lines, 3).result().tolist()
        [[[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]], [[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]]
        """
        batch, points_each = list(curves), integer("points_each", points_each)
        for index, curve in enumerate(batch):
            if not isinstance(curve, Curve):
                raise InvalidError(f"curve {index} is {shown(curve)}: give a Curve")
        dimensions = batch[0].dimensions if batch else 2
        result, target, is_f32 = _numbers.room(out, len(batch), points_each, dimensions, formats=("d", "f"))
        handles = (c_void_p * len(batch))(*[curve._handle.value for curve in batch])
        submit = library.circlet_pool_submit_curves_f32 if is_f32 else library.circlet_pool_submit_curves
        wishes = wishes_of(priority, key, deadline, 0, type)
        return self._one(
            (batch, result, target),
            lambda _: result,
            lambda job: submit(self._line.handle, handles, len(batch), points_each, target, wishes, job),
        )

    def _one(self, kept: object, value: Callable[[int], T], submit: Callable[[Any], int]) -> PoolFuture[T]:
        future, job = PoolFuture(self._line, kept, value), c_uint64()
        end = time.monotonic() + self._block
        self._check_open()
        status = submit(byref(job))
        while status == _native.FULL and self._waits and time.monotonic() < end:
            self._check_open()
            status = submit(byref(job))
        check(status)
        future.submitted(job.value)
        return future

    def _check_open(self) -> None:
        if self._line.is_shut:
            raise ClosedError("this pool was closed here: it takes no more jobs")

    def snapshot(self) -> dict[str, Any]:
        """Looks at every worker at one moment: `pool`, `registry` and `statistics`, as in a session payload."""
        return self._line.told(library.circlet_pool_snapshot)

    def drain(self, timeout: float | None = None) -> None:
        """Waits until no job waits or runs. The pool stays open. Raises `TimedOutError`."""
        self._line.drain(timeout)

    def close(self) -> None:
        """Takes no more jobs, waits for the end of those that there are, and ends the workers. Safe to call twice."""
        self._line.is_shut = True
        # In slices that Ctrl-C gets in between.
        self.drain()
        check(library.circlet_pool_close(self._line.handle))
        self._line.join()

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`: threads go to no other process."""
        raise TypeError("a Pool can be neither copied nor pickled: make one in each process")

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or is_ours(self._line):
            self.close()

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio  # noqa: PLC0415

        if kind is None or is_ours(self._line):
            self._line.is_shut = True
            await asyncio.to_thread(self.drain)
            self.close()


def _address(function: NativeFunction) -> int:
    """Returns the address of a native function."""
    if isinstance(function, CFuncPtr):
        if any(type(kept).__name__ == "CThunkObject" for kept in (function._objects or {}).values()):
            raise _refusal(function)
        function = ctypes.cast(function, c_void_p).value
    address = function if isinstance(function, int) else getattr(function, "address", None)
    if isinstance(address, int) and 0 < address < 1 << 64:
        return address
    if callable(function):
        raise _refusal(function)
    raise InvalidError(f"the function is {shown(function)}: give one of a library of ctypes, or its address")


def _refusal(function: object) -> InvalidError:
    return InvalidError(
        f"{function!r} is code of Python: a thread that ran it would hold the interpreter's lock, and all others would "
        "wait for it. Give a native function of a library, or use a ProcessPool"
    )


def _place(data: Data) -> tuple[int | None, object]:
    """Returns the address of a job's data, and what keeps it there."""
    if isinstance(data, int) and not -(1 << 63) <= data < 1 << 64:
        raise InvalidError(f"data is {shown(data)}: a function is called with 64 bits, {-(1 << 63)} to {(1 << 64) - 1}")
    if data is None or isinstance(data, int):
        return data, None
    if isinstance(data, bytes):
        return ctypes.cast(ctypes.c_char_p(data), c_void_p).value, data
    if isinstance(data, (ctypes._Pointer, ctypes.c_void_p, ctypes.c_char_p)):
        return ctypes.cast(data, c_void_p).value, data
    if isinstance(data, (ctypes.Structure, ctypes.Union, ctypes.Array, ctypes._SimpleCData)):
        return ctypes.addressof(data), data
    try:
        view = memoryview(data)
    except TypeError:
        raise InvalidError(f"data is {shown(data)}: give an address, what ctypes has, a buffer, or nothing") from None
    if view.nbytes == 0:
        return None, data
    if view.readonly or not view.c_contiguous:
        raise InvalidError("data is read-only or not contiguous: give a writable contiguous buffer, or bytes")
    kept = (c_char * view.nbytes).from_buffer(view)
    return ctypes.addressof(kept), kept
