"""Waiting: in slices that Ctrl-C gets in between, and in event loops by a doorbell."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from ctypes import byref, c_int32
from typing import TYPE_CHECKING, Any

from . import _native
from ._arguments import shown
from ._native import BusyError, InvalidError, check

# asyncio takes a worker longer to import than all of its other modules: whoever waits in it has it already.
if TYPE_CHECKING:
    import asyncio

#: How long a wait stays in the library, where no signal handler of Python runs, in seconds.
SLICE = 0.1
#: The timeout of a call that looks at everything, the other side's life included, and does not wait.
LOOK_MS = 1e-6
# How long a task sleeps at the most. The bell tells of everything, a death too, so that this is a safety net; but the
# kernel may tell of a death a moment before the lock is free that tells who lives: look once more soon after a notice.
_LOOK_AGAIN, _LOOK_SOON = 1.0, 0.01


def first_ms(timeout: float | None, what: str = "timeout") -> float:
    """Returns how long the first call of a wait may stay in the library."""
    if timeout is None:
        return SLICE * 1e3
    try:
        is_time = timeout + 0.0 >= 0
    except (TypeError, OverflowError):
        is_time = False
    if not is_time:
        raise InvalidError(f"{what} is {shown(timeout)}: give seconds, 0 to try, or None for no deadline")
    return min(timeout, SLICE) * 1e3


def within(timeout: float | None) -> float | None:
    """Returns for how long a future is waited for: at most as long as a lock can be, and below 0 not at all."""
    if timeout is None:
        return None
    try:
        is_time = timeout + 0.0 <= math.inf
    except (TypeError, OverflowError):
        is_time = False
    if not is_time:
        raise InvalidError(f"timeout is {shown(timeout)}: give seconds, or None for no deadline")
    return min(timeout, threading.TIMEOUT_MAX)


def go_on(status: int, call: Callable[[float], int], timeout: float | None) -> int:
    """Goes on with a wait whose first call returned `status`, in slices between which Python can be interrupted."""
    if status == _native.TIMED_OUT:
        end = math.inf if timeout is None else time.monotonic() + timeout - SLICE
        while status == _native.TIMED_OUT and (left := end - time.monotonic()) > 0:
            status = call(max(1e-3, min(left, SLICE)) * 1e3)
    return check(status)


class Doorbell:
    """A descriptor that is readable once the other side may have done something. It is closed with this object."""

    def __init__(self, make: Callable[[Any], int]) -> None:
        """Takes a function of the library that writes the descriptor."""
        self._rung: asyncio.Future[bool] | None = None
        self.fd = -1
        fd = c_int32()
        check(make(byref(fd)))
        self.fd = fd.value

    async def rings(self, seconds: float) -> bool:
        """Waits until it rings, or for so many seconds; tells which."""
        import asyncio  # noqa: PLC0415

        if self._rung is not None:
            raise BusyError("another task waits here: one task at a time")
        loop = asyncio.get_running_loop()
        rung = self._rung = loop.create_future()

        def wake(by_bell: bool) -> None:
            if not rung.done():
                rung.set_result(by_bell)

        loop.add_reader(self.fd, wake, True)
        timer = loop.call_later(seconds, wake, False)
        try:
            return await rung
        finally:
            timer.cancel()
            self._rung = None
            if self.fd >= 0:
                loop.remove_reader(self.fd)

    def close(self) -> None:
        """Closes the descriptor, and wakes the task that waits for it."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        if self._rung is not None:
            self._rung.get_loop().remove_reader(fd)
            if not self._rung.done():
                self._rung.set_result(True)
        os.close(fd)

    def __del__(self) -> None:
        # At the end of the process the kernel closes it.
        with suppress(TypeError, AttributeError):
            self.close()


async def until(
    attempt: Callable[[], int], arm: Callable[[], int], bell: Callable[[], Doorbell], timeout: float | None
) -> int:
    """Repeats `attempt`, a call of the library that looks and does not wait, until it is done or fails.

    The loop runs once before each, so that a side that never has to wait starves nobody.
    """
    import asyncio  # noqa: PLC0415

    first_ms(timeout)
    loop = asyncio.get_running_loop()
    end = math.inf if timeout is None else loop.time() + timeout
    nap = _LOOK_AGAIN
    while True:
        await asyncio.sleep(0)
        status = attempt()
        if status != _native.TIMED_OUT or (left := end - loop.time()) <= 0:
            return check(status)
        doorbell = bell()
        if not arm():
            nap = _LOOK_SOON if await doorbell.rings(min(nap, left)) else _LOOK_AGAIN
