"""What comes of code that an executor runs."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

__all__ = ["Chunk", "CodeError", "Outcome", "Question", "Usage"]

#: How far it was necessary to go to stop code that did end: a `KeyboardInterrupt`, or one for its whole process group.
Stopped = Literal["interrupted", "group_interrupted"]


class CodeError(NamedTuple):
    """An exception that ended the code."""

    #: Its type's name, such as "ZeroDivisionError".
    type: str
    message: str
    #: As Python prints it, from the code's own lines on.
    traceback: str


class Usage(NamedTuple):
    """What the session's process has used since the end of the run before."""

    #: Seconds on a processor in user mode.
    user: float
    #: Seconds on a processor in the kernel.
    system: float
    #: The most memory that the process ever had, in bytes.
    memory_peak: int


class Outcome(NamedTuple):
    """What came of a run."""

    #: The last expression's value where JSON can say it exactly; its bytes, where it is a buffer, as a `memoryview` of
    #: its format and shape as far as such a view can have them; else `None`.
    value: Any
    #: Its `repr`, where JSON cannot say it.
    repr: str | None
    #: How it shows itself, by MIME type: text as it is, pictures in base64, as Jupyter's messages have them.
    data: dict[str, Any]
    #: Of a value that is a buffer: what an item is, as the `struct` module has it.
    format: str | None
    #: Of a value that is a buffer: how many items there are along each axis.
    shape: tuple[int, ...] | None
    #: What was printed, as much as is kept; of a stream empty, as it was told already.
    stdout: str
    stderr: str
    #: What the code has shown by `display`, each by MIME type; of a stream empty.
    shown: list[dict[str, Any]]
    #: What the code has sent by `circlet.session.send`; of a stream empty.
    sent: list[memoryview]
    #: What became of the run, where that was asked for by `states`: each with `state` ("code_received", "exec_start",
    #: "exec_end", "exception", "interrupted", "recycled"), `request`, `unix_ms`, `monotonic_ms`; of a stream empty.
    states: list[dict[str, Any]]
    #: The exception that ended the code.
    error: CodeError | None
    #: What was done to stop the code, if anything.
    stopped: Stopped | None
    usage: Usage
    #: Seconds from sending the code to having the outcome.
    elapsed: float

    def array(self) -> Any:
        """Returns a value that is a buffer as a numpy array, in place. Raises `ValueError` for other values."""
        import numpy  # noqa: PLC0415

        if self.format is None:
            raise ValueError("the value is no buffer: only bytes and arrays of numbers come as their bytes")
        content = memoryview(self.value)
        # What has no bytes has none to look at.
        form = self.format.replace("Zf", "F").replace("Zd", "D").replace("Zg", "G")
        flat = numpy.frombuffer(content.cast("B"), form) if content.nbytes else numpy.empty(0, form)
        return flat.reshape(self.shape)


class Chunk(NamedTuple):
    """A part of what comes of a run while it is under way."""

    #: What it is: printed, shown by `display`, sent by `circlet.session.send`, or, with `states`, what became of the
    #: run.
    stream: Literal["stdout", "stderr", "display", "data", "state"]
    #: What was printed, or how what was shown looks as plain text. A character is never cut.
    text: str
    #: What is shown, by MIME type; what was sent; a state, as `Outcome.states` has it.
    data: Any


class Question(str):
    """What code shows when it asks for a line. A `str`, so that `input` answers it."""

    __slots__ = ("is_secret",)

    #: Whether nobody is to see what is written.
    is_secret: bool

    def __new__(cls, prompt: str, is_secret: bool) -> Question:
        """Makes it of what is shown."""
        made = super().__new__(cls, prompt)
        made.is_secret = is_secret
        return made


def outcome_of(said: Mapping[str, Any], content: memoryview | None, printed: Any) -> Outcome:
    """Makes the outcome of what the library says, the bytes of the value, and what was told while it ran."""
    usage, error, kind = said["usage"], said.get("error"), said.get("bytes")
    value, form, shape = said.get("value"), None, None
    if kind is not None:
        form, shape = kind["format"], tuple(kind["shape"])
        value = shaped(memoryview(b"") if content is None else content, form, shape)
    return Outcome(
        value,
        said.get("repr"),
        said.get("data", {}),
        form,
        shape,
        printed[0],
        printed[1],
        printed[2],
        printed[3],
        printed[4],
        error and CodeError(error["type"], error["message"], error["traceback"]),
        said.get("stopped"),
        Usage(usage["cpu_user_ms"] / 1e3, usage["cpu_system_ms"] / 1e3, usage["memory_peak_bytes"]),
        said["elapsed_ms"] / 1e3,
    )


def shaped(content: memoryview, form: str, shape: tuple[int, ...]) -> memoryview:
    """Lays a format and a shape over bytes, where a `memoryview` can have them."""
    native = form.lstrip("@=<" if sys.byteorder == "little" else "@=>")
    try:
        if struct.calcsize(native) == struct.calcsize(form) and (native, shape) != ("B", (content.nbytes,)):
            return content.cast(native, shape)  # type: ignore[call-overload]
    except (TypeError, ValueError, struct.error):
        pass
    return content
