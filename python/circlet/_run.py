"""Runs of an executor: what is begun, awaited, read as it comes, and stopped."""

from __future__ import annotations

import codecs
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from ._closing import AsyncClosing
from ._native import InvalidError, TimedOutError
from ._waiting import within
from .outcome import Chunk, Outcome, Question, outcome_of

# See _waiting.py.
if TYPE_CHECKING:
    import asyncio

    from ._run_line import RunLine
    from ._table import HeapOptions, RunOptions

#: Whoever answers questions: returns a line, or `None` for the end of the input; in an event loop it may be async.
Ask = Callable[[Question], "str | Awaitable[str | None] | None"]


class Run(AsyncClosing, Coroutine[Any, Any, Outcome]):
    """Code that an executor runs, or will: wait for its outcome by `result`, or await it. Any thread may do either.

    Who waits takes what comes, for all runs of the executor; what nobody waits for goes on until the session has no
    room for what it prints. `asyncio.create_task` and `TaskGroup.create_task` take it, and the end of a `with` or
    `async with` block interrupts it where it is not over.
    """

    def __init__(self, line: RunLine, code: bytes | HeapOptions, options: RunOptions | None, ask: Ask | None) -> None:
        """Made by the executor: of code, or of a heap snapshot that is wished."""
        self.code, self.options = code, options
        self._line, self._ask = line, ask
        self._is_over = False
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        # What came, by the number of its event: kind of stream, and content.
        self._parts: dict[int, tuple[str, Any]] = {}
        self._wakers: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = 0
        self._waits: dict[asyncio.Task[Any] | None, Coroutine[Any, Any, Outcome]] = {}

    def done(self) -> bool:
        """Tells whether it is over."""
        return self._is_over

    def interrupt(self) -> bool:
        """Stops it: by a `KeyboardInterrupt`, and then as the executor's graces say; before its turn it never begins.

        Returns `False` if it is over. Any thread.
        """
        return self._line.interrupt(self)

    def result(self, timeout: float | None = None) -> Outcome:
        """Waits for the outcome, at most `timeout` seconds; a `TimedOutError` leaves the run as it is.

        An exception of the code is a value, `Outcome.error`. Raises `WorkerDiedError` where the session ended,
        `TimedOutError` also where it was killed because the code did not stop, `AbortedError` where the run never
        began, and `ClosedError`. Ctrl-C interrupts the run, and is raised.
        """
        if not self._is_over:
            self._wait(self.done, timeout)
        return self._taken()

    def _wait(self, is_ready: Callable[[], bool], timeout: float | None) -> None:
        left = None if timeout is None else within(timeout)
        try:
            if not self._line.wait(is_ready, left):
                raise TimedOutError(f"the run is not over after {timeout} s: it goes on")
        except KeyboardInterrupt:
            self.interrupt()
            raise

    def _taken(self) -> Outcome:
        if self._error is not None:
            try:
                raise self._error
            finally:
                # The exception's traceback has this frame.
                self = None  # type: ignore[assignment]  # noqa: PLW0642
        assert self._outcome is not None, "a run that is over has one of the two"
        return self._outcome

    def __await__(self) -> Generator[Any, None, Outcome]:
        """Waits in an event loop; whoever cancels that interrupts the run."""
        return self._awaited().__await__()

    # What `asyncio.create_task` drives, one wait for each task.

    def send(self, value: Any) -> Any:
        """Goes on with the wait, as a coroutine does."""
        return self._step(lambda wait: wait.send(value))

    def throw(self, *what: Any) -> Any:
        """Goes on with an exception, as a coroutine does: a cancellation interrupts the run."""
        return self._step(lambda wait: wait.throw(*what))

    def close(self) -> None:
        """Interrupts the run where it is not over, as `interrupt` does."""
        self.interrupt()

    def _step(self, drive: Callable[[Coroutine[Any, Any, Outcome]], Any]) -> Any:
        import asyncio  # noqa: PLC0415

        task = asyncio.current_task()
        wait = self._waits.pop(task, None) or self._awaited()
        step = drive(wait)
        self._waits[task] = wait
        return step

    async def _awaited(self) -> Outcome:
        if not self._is_over:
            await self._until(self.done)
        return self._taken()

    async def _until(self, is_ready: Callable[[], bool]) -> None:
        import asyncio  # noqa: PLC0415

        loop = self._loop = asyncio.get_running_loop()
        watcher = self._line.watch(loop)
        try:
            while not is_ready():
                future: asyncio.Future[None] = loop.create_future()
                self._wakers.append((loop, future))
                try:
                    # Another thread may have been faster.
                    if not is_ready():
                        await future
                finally:
                    self._wakers.remove((loop, future))
        except BaseException:
            self.interrupt()
            raise
        finally:
            watcher.leave()

    # For whoever takes what comes.

    def add(self, number: int, stream: str, content: Any) -> None:
        """Takes a part of what came. A second time is no other."""
        self._parts[number] = (stream, content)

    def end(self, said: dict[str, Any], content: memoryview | None) -> None:
        """Takes the outcome."""
        outcome = outcome_of(said, content, self._printed())
        if self._error is None:
            self._outcome = outcome
            self._parts = {} if type(self) is Run else self._parts
        self._finish()

    def _printed(self) -> tuple[str, str, list[Any], list[Any], list[Any]]:
        parts: dict[str, list[Any]] = {"stdout": [], "stderr": [], "display": [], "data": [], "state": []}
        for stream, content in self._parts.values():
            parts[stream].append(content)
        texts = (b"".join(parts[stream]).decode(errors="replace") for stream in ("stdout", "stderr"))
        return (*texts, parts["display"], parts["data"], parts["state"])  # type: ignore[return-value]

    def fail(self, error: BaseException) -> None:
        """Takes why there is no outcome."""
        if not self._is_over:
            self._error = self._error or error
            self._finish()

    def _finish(self) -> None:
        self._is_over = True
        self.wake()

    def wake(self) -> None:
        """Tells event loops that there is something."""
        if not self._wakers:
            return
        import asyncio  # noqa: PLC0415

        here = asyncio._get_running_loop()
        for loop, future in list(self._wakers):
            if loop is here:
                _wake(future)
            else:
                # It may have been closed.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(_wake, future)

    def is_first(self, number: int) -> bool:
        """Tells whether a question comes for the first time."""
        is_first, self._asked = number != self._asked, number
        return is_first

    def answer(self, question: Question) -> None:
        """Has the question answered: in the event loop that waits for the run, where one does, else here."""
        if self._loop is None or self._loop.is_closed():
            self._answer(question, None)
        else:
            self._loop.call_soon_threadsafe(self._answer, question, self._loop)

    def _answer(self, question: Question, loop: asyncio.AbstractEventLoop | None) -> None:
        line: Any = None
        try:
            line = None if self._ask is None else self._ask(question)
            if hasattr(line, "__await__"):
                if loop is None:
                    _close(line)
                    raise InvalidError("ask is async, and the run is waited for without an event loop: await the run")
                import asyncio  # noqa: PLC0415

                task = asyncio.ensure_future(line, loop=loop)
                task.add_done_callback(self._answered)
                return
            self._send(line)
        except BaseException as error:
            self._refused(error)

    def _answered(self, task: asyncio.Future[Any]) -> None:
        try:
            self._send(task.result())
        except BaseException as error:
            self._refused(error)

    def _send(self, line: Any) -> None:
        if line is not None and not isinstance(line, str):
            raise InvalidError(f"ask returned {type(line).__name__}: give a str, or None for the end of the input")
        self._line.answer(self, None if line is None else line.encode(errors="replace"))

    def _refused(self, error: BaseException) -> None:
        """Ends the input where there is no answer; what went wrong is raised when the run is over."""
        if isinstance(error, KeyboardInterrupt):
            self.interrupt()
        if not isinstance(error, EOFError):
            self._error = self._error or error
        self._line.answer(self, None)


class Stream(Run):
    """A run whose output is read as it comes: `for chunk in stream`, or `async for chunk in stream`; each comes once.

    The loop ends with the run, and `result` or awaiting then gives the outcome, without what was told before.
    """

    def __init__(self, line: RunLine, code: bytes, options: RunOptions | None, ask: Ask | None) -> None:
        """Made by the executor."""
        super().__init__(line, code, options, ask)
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {"stdout": decoder("replace"), "stderr": decoder("replace")}
        self._lagging: deque[Chunk] = deque()

    def _printed(self) -> tuple[str, str, list[Any], list[Any], list[Any]]:
        return "", "", [], [], []

    def add(self, number: int, stream: str, content: Any) -> None:
        """Takes a part of what came."""
        super().add(number, stream, content)
        self.wake()

    def _is_ready(self) -> bool:
        return bool(self._parts) or self._is_over

    def _next(self) -> Chunk | None:
        """Returns what comes next, all of one stream that is there; `None` where nothing is."""
        while self._parts:
            stream, content = self._parts.pop(next(iter(self._parts)))
            if stream == "display":
                return Chunk("display", str(content.get("text/plain", "")), content)
            if stream in ("data", "state"):
                return Chunk(stream, "", content)  # type: ignore[arg-type]
            pieces = [content]
            while self._parts and self._parts[at := next(iter(self._parts))][0] == stream:
                pieces.append(self._parts.pop(at)[1])
            if text := self._decoders[stream].decode(b"".join(pieces)):
                return Chunk(stream, text, None)  # type: ignore[arg-type]
        if self._is_over:
            for stream, decoder in self._decoders.items():
                if text := decoder.decode(b"", final=True):
                    return Chunk(stream, text, None)  # type: ignore[arg-type]
        return None

    def __iter__(self) -> Stream:
        """Reads what comes, and waits for it."""
        return self

    def __next__(self) -> Chunk:
        """Waits for what comes next. Raises as `result` does where the run has no outcome."""
        while (chunk := self._next()) is None:
            if self._is_over:
                self._taken()
                raise StopIteration
            self._wait(self._is_ready, None)
        return chunk

    def __aiter__(self) -> Stream:
        """Reads what comes, in an event loop."""
        return self

    async def __anext__(self) -> Chunk:
        """As `__next__`; whoever cancels the wait interrupts the run."""
        while (chunk := self._next()) is None:
            if self._is_over:
                self._taken()
                raise StopAsyncIteration
            await self._until(self._is_ready)
        return chunk


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _close(line: Any) -> None:
    close = getattr(line, "close", None)
    if close is not None:
        close()
