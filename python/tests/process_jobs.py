"""What the workers of test_process_pool.py call."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from circlet import ClosedError, job


class OwnError(Exception):
    """Has more than a message."""

    def __init__(self, code: int, *, detail: str = "") -> None:
        super().__init__(f"code {code}")
        self.code, self.detail = code, detail

    def __reduce__(self) -> Any:
        return _own_error, (self.code, self.detail)


def _own_error(code: int, detail: str) -> OwnError:
    return OwnError(code, detail=detail)


class AwkwardError(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Thing:
    """Has a method and an operator."""

    def __init__(self, size: int) -> None:
        self.size = size

    def plus(self, more: int) -> Thing:
        return Thing(self.size + more)

    def __call__(self, times: int) -> int:
        return self.size * times


def double(value: int) -> int:
    return 2 * value


def named(low: int, *, high: int) -> tuple[int, int]:
    return low, high


def pid() -> int:
    return os.getpid()


def search_path() -> list[str]:
    return sys.path


def raise_own() -> None:
    raise OwnError(7, detail="more")


def raise_awkward() -> None:
    raise AwkwardError(1, 2)


def refuse_odd(value: int) -> int:
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


def give_lambda() -> Any:
    return lambda: 7


def leave() -> None:
    sys.exit(3)


def kill_self() -> None:
    print("last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def kill_self_once(file: str) -> str:
    if not Path(file).exists():
        Path(file).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def give_in(file: str) -> None:
    Path(file).touch()
    while True:
        job.check()


def hang(file: str) -> None:
    Path(file).touch()
    while True:
        with suppress(KeyboardInterrupt):
            time.sleep(60)


_kept = []


def leak(count: int) -> int:
    _kept.append(b"1" * count)
    return os.getpid()


def take(count: int) -> int:
    return len(b"1" * count)


def shout(words: str) -> None:
    print(words)
    print("and", words, file=sys.stderr)


def go_round(port: str, other: dict[int, str]) -> list[int]:
    """Receives some messages in each turn and hands the port on to the other worker, until there are no more."""
    received: list[int] = []
    while True:
        held = job.port(port, 30)
        try:
            while len(received) % 3 != 2:
                received.append(int.from_bytes(held.recv(), "little"))
            received.append(int.from_bytes(held.recv(), "little"))
        except ClosedError:
            held.transfer(None)
            return received
        held.transfer(other[os.getpid()])


def begin_late(looks: str) -> None:
    """Has the next call of this worker begin only after an interrupt, which comes between its claim and its begin."""
    shell = sys._getframe(1).f_globals
    take, interrupted = shell["take"], signal.getsignal(signal.SIGINT)
    came = []

    def interrupt(number: int, frame: Any) -> None:
        came.append(number)
        interrupted(number, frame)  # type: ignore[operator, misc]

    def take_late(*given: Any) -> int:
        taken: int = take(*given)
        shell["take"] = take
        Path(looks).touch()
        while not came:
            time.sleep(0.001)
        signal.signal(signal.SIGINT, interrupted)
        return taken

    signal.signal(signal.SIGINT, interrupt)
    shell["take"] = take_late


_held = []


def hold(count: int) -> None:
    """Allocates that which stays."""
    _held.append(bytearray(count))


def fail_at_length(size: int) -> None:
    """Raises what says much, and arrives as itself."""
    raise ValueError(f"first {'x' * size} last")


class Unspeakable(Exception):
    """No pickle takes it."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("it stays here")


def fail_at_length_unspeakably(size: int) -> None:
    """Raises what says much, and is told in words."""
    raise Unspeakable(f"first {'x' * size} last")
