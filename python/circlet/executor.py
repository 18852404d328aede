"""Executors: Python sessions that run code strings, tell what comes of them as it comes, and stop them when told."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_double, c_void_p
from typing import TYPE_CHECKING, Any

from ._arguments import flag, opened, plain, shown
from ._closing import AsyncClosing
from ._executor_options import Settings, executor_options
from ._native import InvalidError, TooLargeError, check, library
from ._pool_options import heap_options, milliseconds
from ._run import Ask, Run, Stream
from ._run_line import RunLine
from ._table import RunOptions
from .outcome import Chunk, CodeError, Outcome, Question, Usage

# See _waiting.py.
if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Ask", "Chunk", "CodeError", "Executor", "Outcome", "Question", "Run", "Stream", "Usage"]

ASKS, STATES = 1, 2
# What one message to the code may have, in bytes: 1 GiB less its header.
_SEND_MAX = (1 << 30) - 12


class Executor(AsyncClosing):
    r"""Runs code strings in a Python process of its own, whose names stay from run to run. Any thread may use it.

    One run comes after the other, in the order of the calls. A session that ends, whatever the reason, fails the run
    that was under way; the next has a new session, without the names of the last. Leaving a `with` or an `async with`
    block closes the executor, and ends what still runs; so does the end of the interpreter, and the collection of an
    executor that nobody has any more.

    >>> from circlet import Executor
    >>> with Executor() as python:
    ...     outcome = python.run("x = 6 * 7; print('hello'); x").result()
    ...     text = "".join(chunk.text for chunk in python.stream("print(x + 1)"))
    >>> outcome.value, outcome.stdout, text
    (42, 'hello\n', '43\n')

    In an event loop:

    >>> import asyncio
    >>> async def main():
    ...     async with Executor() as python:
    ...         outcome = await python.run("while True: pass", timeout=0.01)
    ...         return outcome.error.type, outcome.stopped
    >>> asyncio.run(main())
    ('KeyboardInterrupt', 'interrupted')
    """

    def __init__(self, **settings: Unpack[Settings]) -> None:
        """Starts a session, and waits until it is ready. Times are seconds.

        `python` is the interpreter, this one by default; `bun`, such as "bun", names the program that runs TypeScript
        in its place. `rings` are what the code has as `rings[name]`. A session
        has `ready_within` (10) to start. Of what a run prints, `output_max` bytes (16 MiB) are kept. Code that is to
        stop has `grace` (1) from the first interrupt to one for its whole process group, and `kill_after` (1) from
        there to SIGKILL. Both sides look for each other for `spin` (50e-6) before they sleep; with 0 not at all.

        With `ready`, so many sessions are kept that take the place of one that ends, by a process that forks them and
        has the modules of `preload` loaded. A session is replaced, between two runs, after `recycle_after` of them, or
        once it has `recycle_above` more bytes in memory than at its start; its names are gone then.

        Code is confined by `policy`, which the kernel enforces: a `dict` or its JSON, the name of a template such as
        "no-network", or the path of a file of JSON; of several in a list all hold. Without one it can do whatever this
        process can. The form is in `docs/policies.md`.

        >>> with Executor(policy={"version": 1, "fs": {"private_tmp": True}}) as python:
        ...     error = python.run("open('/etc/passwd')").result().error
        >>> error.type
        'PermissionError'

        Raises `InvalidError` for what is no policy, and other `CircletError`s where no session starts: one of the
        status "CIRCLET_UNSUPPORTED" where a policy cannot be enforced here.
        """
        with executor_options(**settings) as options:
            handle = c_void_p()
            check(library.circlet_executor_new(byref(options), byref(handle)))
        self._line = RunLine(opened(handle))

    @classmethod
    def _of(cls, handle: int) -> Executor:
        executor = object.__new__(cls)
        executor._line = RunLine(handle)
        return executor

    def run(self, code: str, *, timeout: float | None = None, ask: Ask | None = None, states: bool = False) -> Run:
        """Runs a code string, once those before it are over; returns a `Run` to wait for: `.result()`, or `await` it.

        After `timeout` seconds it is interrupted, and its outcome says so. `ask` is called with each `Question` of
        `input()`, and returns a line, or `None` for the end of the input: `ask=input` will do. Without it, `input()`
        fails at once. What `ask` raises ends the input, and is raised when the run is over. It must not
        wait for this executor. With `states`, the outcome has what became of the run, and when, for a log.
        """
        return self._begin(Run, code, timeout, ask, states)

    def stream(
        self, code: str, *, timeout: float | None = None, ask: Ask | None = None, states: bool = False
    ) -> Stream:
        """As `run`, but what comes is read as it comes: `for chunk in python.stream(code)`, or `async for`.

        Whoever leaves such a loop early leaves the run as it is; `with python.stream(code) as chunks` interrupts it.
        """
        return self._begin(Stream, code, timeout, ask, states)

    def heap_snapshot(
        self,
        *,
        top: int = 25,
        file: str | os.PathLike[str] | None = None,
        stop: bool = False,
        timeout: float = 60,
    ) -> Run:
        """Asks the session what it has on its heap, once the runs before are over: the `value` of the outcome.

        That is what `ProcessPool.heap_snapshot` returns, and so are the arguments. After `timeout` seconds it is
        interrupted, as a run is.

        >>> with Executor() as python:
        ...     _ = python.heap_snapshot()  # traces from here on
        ...     _ = python.run("kept = [bytes(1000) for _ in range(1000)]")
        ...     heap = python.heap_snapshot(stop=True).result().value
        ...     heap["lines"][0]["file"], heap["lines"][0]["bytes"] > 1_000_000
        ('<run-2>', True)
        """
        run = Run(self._line, heap_options(top, file, stop, timeout), None, None)
        self._line.add(run)
        return run

    def _begin(self, kind: Any, code: str, timeout: float | None, ask: Ask | None, states: bool) -> Any:
        if not isinstance(code, str):
            raise InvalidError(f"code is {shown(code)}: give a str")
        try:
            encoded = code.encode()
        except UnicodeEncodeError as error:
            raise InvalidError(f"code has half a surrogate pair at {error.start}: no file of Python has one") from None
        if ask is not None and not callable(ask):
            raise InvalidError(f"ask is {shown(ask)}: give a function of one argument, such as input")
        options = None
        flags = (ASKS if ask is not None else 0) | (STATES if flag("states", states) else 0)
        if timeout is not None or flags:
            within_ms = milliseconds("timeout", timeout)
            options = RunOptions(ctypes.sizeof(RunOptions), flags, c_double(within_ms))
        run = kind(self._line, encoded, options, ask)
        self._line.add(run)
        return run

    def send(self, content: Any) -> None:
        """Sends the bytes of a buffer to the code, which takes them by `circlet.session.receive()`.

        Does not wait for that: what finds no room is copied, and goes while somebody waits for a run. Raises
        `TooLargeError` above 1 GiB, and `WorkerDiedError` where the session has ended.
        """
        view = memoryview(content)
        data = plain(view if view.c_contiguous else view.tobytes())
        if data.nbytes > _SEND_MAX:
            raise TooLargeError(f"{data.nbytes} bytes are too long to be sent at once: send at most {_SEND_MAX}")
        self._line.send(data)

    def interrupt(self) -> bool:
        """Interrupts the run that is under way; `False` where none is. Any thread. Others that wait have their turn."""
        return self._line.interrupt(None)

    def restart(self) -> None:
        """Ends the session, whatever it does, and starts another. The run that is under way raises `AbortedError`."""
        self._line.restart()

    def process_id(self) -> int:
        """Returns the process id of the session that was started last, which may have ended."""
        return self._line.process_id()

    def close(self) -> None:
        """Ends the session. Runs that are not over raise `ClosedError`. Safe to call twice."""
        self._line.close()
