"""Pools of worker processes: an executor of `concurrent.futures`, whose futures can be awaited too."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as WaitTimeoutError
from ctypes import byref, c_char_p, c_uint64, c_void_p
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar, cast, overload

from . import _native
from ._arguments import at_least_1, flag, number, opened, path_of, shown, text, word
from ._call_line import MISSING, Batch, CallFuture, CallLine, RemoteTraceback
from ._called import Named, Pickled, folders_of, main_of
from ._native import ClosedError, InvalidError, bare, check, library
from ._pool_line import is_ours
from ._pool_options import (
    KINDS,
    PoolOverflow,
    Strategy,
    first_block,
    heap_options,
    milliseconds,
    pool_options,
    wishes_of,
)
from ._pool_ports import Ports, worker_number
from ._table import ProcessOptions
from ._waiting import within

__all__ = ["CallFuture", "ProcessPool", "RemoteTraceback"]

T = TypeVar("T")
#: What becomes of what workers print: it goes on to this process's own outputs, is dropped, or is kept for `output`.
Output = Literal["pass_on", "drop", "keep"]

# In the order of the library's numbers.
OUTPUTS = ("pass_on", "drop", "keep")
IDEMPOTENT = 1
#: So many calls of a map are submitted at once.
_AT_ONCE = 1024

_call = bare("circlet_pool_call")


class ProcessPool(Ports, Executor):
    """Worker processes that call functions, as many as the calls need. Any thread may submit.

    An executor as `concurrent.futures` has them. Functions and classes of modules go by their names, arguments and
    results as pickles, and exceptions as themselves, with the worker's traceback as their cause. Workers are started
    afresh: what is called in the main script is run from that, under `__mp_main__`, so that what makes the pool stands
    under `if __name__ == "__main__":`. Lambdas and closures need cloudpickle.

    Timeouts and times are seconds. Leaving a `with` or an `async with` block finishes the calls. A pool that is not
    closed when the interpreter ends takes its workers with it, and what they have started: its calls are aborted.

    >>> import math
    >>> from circlet import ProcessPool
    >>> with ProcessPool(2) as pool:
    ...     pool.submit(math.sqrt, 16).result(), list(pool.map(pow, range(4), [2] * 4))
    (4.0, [0, 1, 4, 9])

    In an event loop:

    >>> import asyncio
    >>> async def main():
    ...     async with ProcessPool(1) as pool:
    ...         return await pool.submit(divmod, 7, 2)
    >>> asyncio.run(main())
    (3, 1)
    """

    _line: CallLine

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        kind: Literal["python", "bun"] = "python",
        script: str | os.PathLike[str] | None = None,
        program: str | os.PathLike[str] | None = None,
        path: Iterable[str | os.PathLike[str]] = (),
        min: int = 1,
        queue: int | None = None,
        overflow: PoolOverflow = "block",
        block: float | None = None,
        strategy: Strategy = "round_robin",
        keep: float | None = None,
        target_wait: float | None = None,
        window: float | None = None,
        name: str = "circlet",
        memory: int | None = None,
        hard_memory: int | None = None,
        tasks: int | None = None,
        lifetime: float | None = None,
        ready_within: float | None = None,
        grace: float | None = None,
        output: Output = "pass_on",
        output_bytes: int | None = None,
    ) -> None:
        """Describes the workers, and starts `min` of at most `max_workers`, as many as there are processors by default.

        `kind="bun"` calls what a `script` exports, by name and with JSON. `program` is the interpreter, this one by
        default. Modules are looked for in `path`, and then where this process does.

        `queue`, `overflow`, `block`, `strategy`, `keep`, `target_wait`, `window` and `name` are as in `Pool`. A worker
        is replaced between two calls when it has `memory` bytes of its own, has run `tasks` calls, or is `lifetime`
        old; what asks for more than `hard_memory` bytes gets a `MemoryError`. A worker has `ready_within` (10) to boot,
        and an aborted call `grace` (1) to give in before its worker is killed. What workers print goes on to this
        process's outputs, is dropped, or its last `output_bytes` (1 MiB) are kept for `output`.
        """
        if getattr(sys.modules.get("__mp_main__"), "__circlet_is_loading__", False):
            raise RuntimeError(
                "a worker runs the main script to find what is called, and that makes a pool of its own: put what "
                'makes the pool under if __name__ == "__main__":'
            )
        self._waits, self._block = first_block(block, overflow)
        if word("kind", kind, KINDS) == 0:
            raise InvalidError("kind is 'threads': give 'python' or 'bun', or make a Pool")
        is_python = kind == "python"
        if is_python:
            given = None if program is None else path_of("program", program)
            folders = _folders(path) + folders_of(given)
            interpreter = given or sys.executable or "python3"
            if not hasattr(sys.modules["__main__"], "__circlet_main__"):
                # What comes back of the main module's classes has the name that it has in the workers.
                sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
        else:
            folders, interpreter = [], "bun" if program is None else path_of("program", program)
        paths = (c_char_p * len(folders))(*map(os.fsencode, folders))
        processes = ProcessOptions(
            struct_size=ctypes.sizeof(ProcessOptions),
            output=word("output", output, OUTPUTS),
            program=text("program", interpreter),
            library=os.fsencode(library._name),
            script=None if script is None else text("script", os.path.abspath(path_of("script", script))),
            main=text("main", main_of(sys.modules["__main__"])) if is_python else None,
            module_paths=paths,
            module_path_count=len(folders),
            output_bytes=0 if output_bytes is None else number("output_bytes", output_bytes),
            ready_within_ms=milliseconds("ready_within", ready_within),
            grace_ms=milliseconds("grace", grace),
            memory=0 if memory is None else number("memory", memory, bits=64),
            hard_memory=0 if hard_memory is None else number("hard_memory", hard_memory, bits=64),
            tasks=0 if tasks is None else number("tasks", tasks, bits=64),
            lifetime_ms=milliseconds("lifetime", lifetime),
        )
        options = pool_options(
            kind,
            min=min,
            max=max_workers,
            max_name="max_workers",
            queue=queue,
            overflow=overflow,
            strategy=strategy,
            keep=keep,
            target_wait=target_wait,
            window=window,
            name=name,
            processes=processes,
        )
        handle = c_void_p()
        check(library.circlet_pool_new(byref(options), byref(handle)))
        self._called = Pickled() if is_python else Named()
        self._line = CallLine(opened(handle), self._called.decode)
        self._wished: Any = None

    def with_options(
        self,
        *,
        priority: int = 0,
        key: int | None = None,
        deadline: float | None = None,
        idempotent: bool = False,
        nodes: int = 0,
        type: str | None = None,
    ) -> ProcessPool:
        """Returns this pool as one whose calls have these wishes: `pool.with_options(priority=1).submit(...)`.

        Of the calls that wait, those of the highest `priority` start first. Calls of one `key` go to one worker under
        the strategy "affinity". A call that is not over within `deadline` seconds never starts, or is aborted, and its
        future has a `TimedOutError`. An `idempotent` call runs again where its worker died, and fails with the second.
        `nodes` and `type` (the function's name by default) are for snapshots.
        """
        view = object.__new__(ProcessPool)
        view.__dict__.update(self.__dict__)
        flags = IDEMPOTENT if flag("idempotent", idempotent) else 0
        view._wished = wishes_of(priority, key, deadline, nodes, type, flags=flags)
        return view

    @overload
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> CallFuture[T]: ...
    @overload
    def submit(self, fn: str, /, *args: Any, **kwargs: Any) -> CallFuture[Any]: ...
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> CallFuture[Any]:
        """Has a worker call a function, and returns a future of what it returns.

        The function can be named: "module:function", or of a script what it exports. Raises `InvalidError` for what
        cannot go to another process, `FullError` by the overflow, and `ClosedError`.
        """
        line, called, job = self._line, self._called, c_uint64()
        name, data = called.request(fn, args, kwargs)
        if line.is_shut:
            self._refuse()
        future = CallFuture[Any](line)
        status = _call(line.address, name, called.codec, data, c_uint64(len(data)), self._wished, byref(job))
        if status != 0:
            self._waited_for(
                status,
                lambda: _call(line.address, name, called.codec, data, c_uint64(len(data)), self._wished, byref(job)),
            )
        future._job = job.value
        line.calls[future._job] = future
        line.claim(future._job)
        return future

    def _waited_for(self, status: int, call: Callable[[], int]) -> int:
        """Goes on with a submission that found no room."""
        end = time.monotonic() + self._block
        while status == _native.FULL and self._waits and time.monotonic() < end:
            if self._line.is_shut:
                self._refuse()
            status = call()
        return check(status)

    def _refuse(self) -> NoReturn:
        raise ClosedError("this pool was closed here: it takes no more calls")

    def map(
        self,
        fn: Callable[..., T] | str,
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Has workers call a function with each of the arguments; returns an iterator over what it returns, in order.

        All calls are submitted at once; with `buffersize` only so many are ahead of the iterator. `chunksize` of them
        are one call, which costs less where they are short, and fails where one fails. The iterator raises what a call
        raised, and `TimeoutError` where a result is not there `timeout` seconds after this call; the calls behind it
        are aborted then.
        """
        chunksize = at_least_1("chunksize", chunksize)
        if buffersize is not None:
            buffersize = at_least_1("buffersize", buffersize)
        left = within(timeout)
        end = math.inf if left is None else time.monotonic() + left
        arguments: Iterator[tuple[Any, ...]] = zip(*iterables, strict=False)
        requests = (self._called.request(fn, given, {}) for given in arguments)
        if chunksize > 1:
            chunks = iter(lambda: list(itertools.islice(arguments, chunksize)), [])
            requests = (self._called.chunk(fn, chunk) for chunk in chunks)
        batch = Batch()
        ahead = math.inf if buffersize is None else -(-buffersize // chunksize)
        self._submit_some(requests, batch, ahead)
        return self._results(requests, batch, ahead, end, chunksize > 1)

    def _submit_some(self, requests: Iterator[tuple[bytes, bytes]], batch: Batch, count: float) -> None:
        while count > 0:
            part = list(itertools.islice(requests, int(min(count, _AT_ONCE))))
            if not part:
                return
            count -= len(part)
            for name, run in itertools.groupby(part, lambda request: request[0]):
                self._submit_many(name, [data for _, data in run], batch)

    def _submit_many(self, name: bytes, requests: list[bytes], batch: Batch) -> None:
        line, codec, taken = self._line, self._called.codec, 0
        lens, jobs = array("Q", map(len, requests)), (c_uint64 * len(requests))()

        def call() -> int:
            # From the first on that was not taken.
            data, address = b"".join(requests[taken:]), lens.buffer_info()[0] + 8 * taken
            count, numbers = len(requests) - taken, byref(jobs, 8 * taken)
            many = library.circlet_pool_call_many
            return int(many(line.address, name, codec, data, address, count, self._wished, numbers))

        while taken < len(requests):
            if line.is_shut:
                self._refuse()
            status = self._waited_for(call(), call)
            numbers, first = jobs[taken : taken + status], len(batch.jobs)
            batch.add(numbers)
            line.calls.update(zip(numbers, [(batch, index) for index in range(first, first + status)], strict=True))
            for job in numbers:
                line.claim(job)
            taken += status

    def _results(
        self, requests: Iterator[tuple[bytes, bytes]], batch: Batch, ahead: float, end: float, is_chunked: bool
    ) -> Iterator[Any]:
        line, values, index = self._line, batch.values, 0
        try:
            while index < len(values):
                value = values[index]
                if value is MISSING:
                    left = None if end == math.inf else max(0.0, end - time.monotonic())
                    if not line.wait(lambda at=index: values[at] is not MISSING, left):  # type: ignore[misc]
                        raise WaitTimeoutError
                    value = values[index]
                if batch.errors and index in batch.errors:
                    raise batch.errors[index]
                values[index] = None
                index += 1
                if ahead != math.inf:
                    self._submit_some(requests, batch, 1)
                if is_chunked:
                    yield from value
                else:
                    yield value
        finally:
            for job in batch.jobs[index:]:
                line.abort(job)

    def output(self) -> dict[str, Any]:
        """Takes what the workers have printed since the last time, in a pool with `output="keep"`.

        `parts`, in the order in which they came, each with its `worker`, `stream` ("stdout" or "stderr") and `text`;
        and `lost_bytes`, of which there was no more room.
        """
        return self._line.told(library.circlet_pool_output)

    def snapshot(self) -> dict[str, Any]:
        """Looks at every worker at one moment: `pool`, `registry` and `statistics`, as in a session payload."""
        return self._line.told(library.circlet_pool_snapshot)

    def heap_snapshot(
        self,
        worker: str,
        *,
        top: int = 25,
        file: str | os.PathLike[str] | None = None,
        stop: bool = False,
        timeout: float = 60,
    ) -> dict[str, Any]:
        """Asks a worker of `snapshot()["registry"]` what it has on its heap, between two of its calls.

        `source` ("tracemalloc" or "jsc"), `is_first`, `bytes`, and of the `top` each `lines` (`file`, `line`, `bytes`,
        `count`), `grown` (as well `bytes_change` and `count_change`) and `types` (`name`, `count`, and where they are
        known `bytes` and `count_change`). Workers of Python trace allocations from the first snapshot on, which makes
        each slower, and know no line in it; one with `stop` ends that. Workers of Bun count objects by type. The whole
        goes to a `file` too, for `tracemalloc.Snapshot.load`, or for the developer tools of browsers (`.heapsnapshot`).

        Raises `NotFoundError` where there is no such worker, or it ends before; `TimedOutError` after `timeout`
        seconds, the call that it runs included; what the worker raises where it cannot write the file;
        `WorkerDiedError`; and `ClosedError`. Waits as `CallFuture.result` does: in an event loop, give it to
        `asyncio.to_thread`.

        >>> with ProcessPool(1) as pool:
        ...     number = pool.submit(abs, -1).result()
        ...     (worker,) = pool.snapshot()["registry"]
        ...     heap = pool.heap_snapshot(worker, top=3)
        ...     heap["source"], heap["is_first"], len(heap["types"])
        ('tracemalloc', True, 3)
        """
        options = heap_options(top, file, stop, timeout)
        line, asked = self._line, c_uint64()
        if line.is_shut:
            self._refuse()
        future = CallFuture[Any](line)
        check(library.circlet_pool_heap_submit(line.handle, worker_number(worker), byref(options), byref(asked)))
        future._job = asked.value
        line.calls[future._job] = future
        line.claim(future._job)
        return cast("dict[str, Any]", future.result())

    def abort(self, *futures: Future[Any]) -> None:
        """Aborts these calls, or without any all that there are, as cancelling their futures does."""
        for future in futures:
            if not isinstance(future, Future):
                raise InvalidError(f"{shown(future)} is no future: give those of submit, or none for all calls")
        if futures:
            for future in reversed(futures):
                future.cancel()
            return
        self._line.abort_all()

    def drain(self, timeout: float | None = None) -> None:
        """Waits until no call waits or runs. The pool stays open. Raises `TimedOutError`."""
        self._line.drain(timeout)

    def close(self) -> None:
        """Takes no more calls, waits for the end of those that there are, and ends the workers. Safe to call twice."""
        self._line.is_shut = True
        # In slices that Ctrl-C gets in between.
        self.drain()
        check(library.circlet_pool_close(self._line.handle))
        self._line.join()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls, and ends the workers once those that there are have ended.

        With `cancel_futures` those that wait are cancelled. Without `wait` it returns at once, and the interpreter ends
        no sooner than the calls.
        """
        self._line.is_shut = True
        if cancel_futures:
            for job in sorted(self._line.calls, reverse=True):
                self._line.withdraw(job)
        if wait:
            self.close()
        else:
            threading.Thread(target=self.close, name="circlet-pool-close").start()

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`: a pool goes to no other process."""
        raise TypeError("a ProcessPool can be neither copied nor pickled: make one in each process")

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or is_ours(self._line):
            self.close()

    async def __aenter__(self) -> ProcessPool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio  # noqa: PLC0415

        if kind is None or is_ours(self._line):
            self._line.is_shut = True
            await asyncio.to_thread(self.close)


def _folders(path: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Returns the folders as absolute paths, which nothing in them cuts short."""
    if isinstance(path, (str, bytes, os.PathLike)):
        raise InvalidError(f"path is {shown(path)}: give a list of folders, such as [{shown(path)}]")
    try:
        folders = [os.path.abspath(os.fsdecode(folder)) for folder in path]
    except TypeError:
        raise InvalidError(f"path is {shown(path)}: give a list of folders, each a str or a path") from None
    for folder in folders:
        if "\0" in folder:
            raise InvalidError(f"path has {shown(folder)} in it: no folder has a NUL in its name")
    return folders
