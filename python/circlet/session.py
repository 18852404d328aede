"""What code that runs in a session may do beside printing: show values, and pass bytes to and fro.

Outside of a session each of these raises `RuntimeError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["display", "receive", "send"]


def _nobody(*_: object) -> Any:
    raise RuntimeError("this process is no session: run the code with circlet.Executor")


_send: Callable[[Any], None] = _nobody
_receive: Callable[[], bytes] = _nobody
_show: Callable[..., None] = _nobody


def display(*values: object, include: Any = None, exclude: Any = None, raw: bool = False) -> None:
    """Shows values to whoever runs the code, by all the MIME types that they have, such as `_repr_html_`.

    Of these, those in `include` alone, if that is given, and none in `exclude`. With `raw` each value is a dict of
    what to show by MIME type. In a session this is a builtin, too.
    """
    _show(*values, include=include, exclude=exclude, raw=raw)


def send(content: Any) -> None:
    """Sends a buffer (`bytes`, a `memoryview`, an array) to whoever runs the code, as its bytes in C order."""
    _send(content)


def receive() -> bytes:
    """Waits for bytes that whoever runs the code has sent, in the order in which they were."""
    return _receive()
