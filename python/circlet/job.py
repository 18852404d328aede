"""What a function that runs in a worker process of a pool can ask about its call.

Elsewhere no call runs, and none is aborted.
"""

from __future__ import annotations

from collections.abc import Callable


class AbortedError(Exception):
    """Raised by a function that gives in to an abort: its call then ends as aborted, and not as failed."""


# The shell of a worker puts its own here.
_aborted: Callable[[], bool] = bool


def aborted() -> bool:
    """Tells whether the call that runs was asked to stop. It costs less than a microsecond."""
    return _aborted()


def check() -> None:
    """Gives in to an abort: raises `AbortedError` once the call that runs was asked to stop."""
    if _aborted():
        raise AbortedError("the call was asked to stop")
