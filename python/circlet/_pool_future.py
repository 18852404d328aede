"""What comes of the jobs of a pool: futures for threads and event loops alike."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator
from concurrent.futures import Future
from concurrent.futures._base import PENDING
from typing import Any, TypeVar

from ._native import ABORTED, CircletError
from ._pool_line import Line
from ._waiting import within

T = TypeVar("T")


class BatchError(CircletError):
    """Some jobs of a batch have no result.

    `results` has those of the others, in order, with 0 where there is none; `errors` says why, by the place in the
    batch.
    """

    results: array[int]
    errors: dict[int, CircletError]


class PoolFuture(Future[T]):
    """What comes of a job: a `concurrent.futures.Future` that can be awaited too.

    `cancel` aborts the job: `True` if it never starts; a job that runs is asked to stop, and has been cancelled if it
    gives in. A task that is cancelled while it awaits cancels the job. `wait` and `as_completed` of
    `concurrent.futures` take it.

    `done` and `cancelled` fetch what has ended; `running` is `False`, whatever the job does: ask the pool's snapshot.

    The first that waits in another way than by awaiting starts one thread for the pool, which ends by itself a second
    after the last job.
    """

    def __init__(self, line: Line, kept: object, value: Callable[[int], T]) -> None:
        """Made by the pool."""
        self._line = line
        self._kept = kept
        self._value = value
        self._job = 0
        self._is_claimed = False
        self._parts: list[Any] = []
        super().__init__()

    @property
    def _waiters(self) -> list[Any]:
        # `concurrent.futures.wait` adds itself here, and waits for some other thread then.
        self._look()
        return self._parts

    @_waiters.setter
    def _waiters(self, waiters: list[Any]) -> None:
        self._parts = waiters

    def submitted(self, job: int) -> None:
        """Notes the job's number; for the pool."""
        self._job = job
        self._line.add([job], self)

    def end(self, index: int, status: int, result: int) -> None:
        """Ends the future; for the pool."""
        self._kept = None
        if not self._claim():
            return
        if status == 0:
            self.set_result(self._value(result))
        elif status == ABORTED:
            self._cancelled()
        else:
            self.set_exception(self._line.error(self._job, status))

    def _claim(self) -> bool:
        """Tells one of those who would end the future, in threads of their own, that it may."""
        with self._condition:
            was_claimed, self._is_claimed = self._is_claimed, True
        return not was_claimed

    def _cancelled(self) -> None:
        super().cancel()
        # Those who wait for several futures learn it by this.
        self.set_running_or_notify_cancel()

    def done(self) -> bool:
        """Tells whether the job is over."""
        self._glance()
        return super().done()

    def cancelled(self) -> bool:
        """Tells whether the job was aborted and is over."""
        self._glance()
        return super().cancelled()

    def _glance(self) -> None:
        """Fetches what has ended, for those who ask again and again instead of waiting."""
        if self._state == PENDING:
            self._line.glance()

    def cancel(self) -> bool:
        """Aborts the job; see the class."""
        if not super().done() and self._abort() and self._claim():
            self._cancelled()
        return self.cancelled()

    def _abort(self) -> bool:
        return self._line.abort(self._job) == 2

    def _look(self) -> None:
        """Has somebody look for the end of the job, if it is not over."""
        if not super().done():
            self._line.look()

    def result(self, timeout: float | None = None) -> T:
        """Waits for the job's result, or raises what became of it."""
        timeout = within(timeout)
        if not super().done():
            self._line.check_wait()
            self._line.look()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits for what became of the job, and returns the error if it is one."""
        timeout = within(timeout)
        if not super().done():
            self._line.check_wait()
            self._line.look()
        return super().exception(timeout)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Has `fn` called with the future when it is over, in a thread that may be any.

        Of a pool of threads it may not wait for another future of the same pool: that raises `BusyError`.
        """
        self._look()
        super().add_done_callback(fn)

    def __await__(self) -> Generator[Any, None, T]:
        """Waits in the running event loop of asyncio."""
        import asyncio  # noqa: PLC0415

        if not super().done():
            loop = asyncio.get_running_loop()
            woken = loop.create_future()

            def wake() -> None:
                if not woken.done():
                    woken.set_result(None)

            def over(_: object) -> None:
                if asyncio._get_running_loop() is loop:
                    wake()
                elif not loop.is_closed():
                    loop.call_soon_threadsafe(wake)

            super().add_done_callback(over)
            watcher = self._line.watch(loop)
            try:
                yield from woken
            except asyncio.CancelledError:
                self.cancel()
                raise
            finally:
                watcher.leave()
        if self.cancelled():
            raise asyncio.CancelledError
        return super().result(0)


class BatchFuture(PoolFuture["array[int]"]):
    """What comes of many jobs."""

    def __init__(self, line: Line, kept: object, count: int) -> None:
        super().__init__(line, kept, lambda _: self._results)
        self._results = array("i", bytes(4 * count))
        self._left = count
        self._jobs: list[int] = []
        self._errors: dict[int, CircletError] = {}
        self._is_aborted = False
        if count == 0:
            self.set_result(self._results)

    def end(self, index: int, status: int, result: int) -> None:
        if status == 0:
            self._results[index] = result
        else:
            self.refuse(index, self._line.error(self._jobs[index], status))
        self.passed(1)

    def refuse(self, index: int, error: CircletError) -> None:
        """Notes that a job has no result."""
        self._is_aborted |= error.status == "CIRCLET_ABORTED"
        self._errors[index] = error

    def passed(self, count: int) -> None:
        """Counts jobs that are over, and ends the future with the last."""
        # Several threads may be here: each takes out of one list.
        with self._condition:
            self._left -= count
            if self._left > 0:
                return
        self._kept = None
        if not self._claim():
            return
        if not self._errors:
            self.set_result(self._results)
        elif self._is_aborted:
            self._cancelled()
        else:
            index, cause = next(iter(self._errors.items()))
            what = f"{len(self._errors)} of {len(self._results)} jobs have no result; the one at {index}: {cause}"
            error = BatchError(what)
            error.status, error.results, error.errors = cause.status, self._results, self._errors
            self.set_exception(error)

    def _abort(self) -> bool:
        # Those that came last go first: none of them takes the place of one that has stopped.
        ended = [self._line.abort(job) for job in reversed(self._jobs)]
        return 1 not in ended
