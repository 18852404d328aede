"""The C library: where it is found, what its failures are, and when its handles end."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._table import SIGNATURES

ABI_MAJOR = 1
LAYOUT_VERSION = 1
#: The side that writes.
PRODUCER = 1
#: The side that reads.
CONSUMER = 2
CONSUMER_FROM_OLDEST = 3
NO_OFFSET = 0xFFFF_FFFF
RING_PREFAULT = 1
RING_HUGE_PAGES = 2
SCHEMA_MAX = 56


class CircletError(Exception):
    """What was refused: `status` is the code's name, such as "CIRCLET_FULL"."""

    status = ""


class InvalidError(CircletError, ValueError):
    """An argument is out of range."""

    status = "CIRCLET_INVALID"


class TooLargeError(CircletError, ValueError):
    """The frame is longer than this ring takes."""

    status = "CIRCLET_TOO_LARGE"


class NotFoundError(CircletError, FileNotFoundError):
    """There is no segment of this name."""

    status = "CIRCLET_NOT_FOUND"


class NameTakenError(CircletError, FileExistsError):
    """The name is taken."""

    status = "CIRCLET_NAME_TAKEN"


class SegmentError(CircletError):
    """The segment is truncated, of another version, or none at all."""


class SchemaError(SegmentError, ValueError):
    """The segment has another schema tag than was asked for."""

    status = "CIRCLET_BAD_SCHEMA"


class BusyError(CircletError):
    """Somebody alive has this side, or another thread or task of this process is in it."""

    status = "CIRCLET_BUSY"


class FullError(CircletError):
    """The ring is full, or the queue of a pool."""

    status = "CIRCLET_FULL"


class EmptyError(CircletError):
    """The ring is empty."""

    status = "CIRCLET_EMPTY"


class TimedOutError(CircletError, TimeoutError):
    """The deadline passed."""

    status = "CIRCLET_TIMED_OUT"


class ClosedError(CircletError, EOFError):
    """The other side closed, and everything has been read; or the pool is closed."""

    status = "CIRCLET_CLOSED"


class PeerDiedError(CircletError, ConnectionError):
    """The other side died, and everything has been read."""

    status = "CIRCLET_PEER_DIED"


class LaggedError(CircletError):
    """The writer has overtaken this reader; the next receive goes on with what is still there.

    `frames` were missed, which took so many `bytes` of the ring. Of a page, whose reader misses nothing by reading
    again, both are 0: no copy of the value was whole.
    """

    status = "CIRCLET_LAGGED"
    frames: int = 0
    bytes: int = 0


class PoisonedError(CircletError):
    """The other side wrote what no ring may hold."""

    status = "CIRCLET_POISONED"


class CurveError(CircletError, ValueError):
    """A curve's input is refused."""

    status = "CIRCLET_BAD_CURVE"


class JobFailedError(CircletError):
    """A job failed, and the message says why.

    Of a call whose exception cannot be had here itself, `type` is its type's name and `traceback` what its language
    prints.
    """

    status = "CIRCLET_JOB_FAILED"
    type: str = ""
    traceback: str = ""


class WorkerDiedError(CircletError):
    """The worker process died while it ran the call: of the call, or by chance just then.

    `exit_code` or `signal` says how; `out_of_memory` whether the kernel killed it for want of memory, `None` where that
    is not known; `stderr` has the last of what it printed, and `kills` counts the workers that died of this call.
    """

    status = "CIRCLET_WORKER_DIED"
    exit_code: int | None = None
    signal: int | None = None
    out_of_memory: bool | None = None
    stderr: str = ""
    kills: int = 0


class NoWorkerError(CircletError):
    """No worker process could be started, and the message says why."""

    status = "CIRCLET_NO_WORKER"


class AbortedError(CircletError):
    """A job was aborted before it started, or gave in to that."""

    status = "CIRCLET_ABORTED"


class DroppedError(CircletError):
    """A job was given up for another: the queue was full."""

    status = "CIRCLET_DROPPED"


_KINDS: list[type[CircletError]] = [*CircletError.__subclasses__(), SchemaError]
_ERRORS = {kind.status: kind for kind in _KINDS} | dict.fromkeys(
    (
        "CIRCLET_TRUNCATED",
        "CIRCLET_BAD_MAGIC",
        "CIRCLET_BAD_VERSION",
        "CIRCLET_BAD_ENDIAN",
        "CIRCLET_BAD_MODE",
        "CIRCLET_BAD_GEOMETRY",
        "CIRCLET_NOT_SEALED",
    ),
    SegmentError,
)


def _candidates() -> list[Path]:
    """Returns where the library may be, in the order in which the places are tried."""
    here = Path(__file__).resolve().parent
    # Somebody who sets it means it: another library would not do.
    if given := os.environ.get("CIRCLET_LIBRARY"):
        return [Path(given)]
    # A checkout: python/circlet lies beside target.
    target = Path(os.environ.get("CARGO_TARGET_DIR", here.parents[1] / "target"))
    folders = [here, target / "release", target / "debug"]
    return [folder / "libcirclet.so" for folder in folders]


def _load() -> ctypes.CDLL:
    places = _candidates()
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = "".join(f"\n  {place}" for place in places)
        raise ImportError(
            f"the circlet library was found in none of these places:{looked}\n"
            "build it with `cargo clib`, or set CIRCLET_LIBRARY to its path"
        )
    library = ctypes.CDLL(str(found))
    for name, (result, arguments) in SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{found} has no function {name}: it is older than this package") from None
        function.restype, function.argtypes = result, arguments
    abi, layout = library.circlet_abi_version() >> 16, library.circlet_layout_version()
    if (abi, layout) != (ABI_MAJOR, LAYOUT_VERSION):
        raise ImportError(
            f"{found} has ABI {abi} and layout {layout}; this package needs {ABI_MAJOR} and {LAYOUT_VERSION}"
        )
    return library


if sys.byteorder != "little":
    raise ImportError("circlet's shared-memory layout is little endian, and this machine is not")

library = _load()


def bare(name: str) -> Any:
    """Returns a function of the library that converts nothing, for calls that come by the million.

    ctypes takes half as long where each argument is `bytes`, a ctypes object, or an int that C takes as an int.
    """
    return library[name]


def _status(name: str) -> int:
    """Finds a status by its name, so that its number is written in the library alone."""
    return next(code for code in range(-1, -1000, -1) if library.circlet_status_str(code) == name.encode())


#: The status of a wait whose deadline passed.
TIMED_OUT = _status("CIRCLET_TIMED_OUT")
#: The status behind the last completion of a pool.
CLOSED = _status("CIRCLET_CLOSED")
#: The status of a submission that found no room.
FULL = _status("CIRCLET_FULL")
#: The status of a job that was aborted.
ABORTED = _status("CIRCLET_ABORTED")
#: The status of a call whose function raised something.
JOB_FAILED = _status("CIRCLET_JOB_FAILED")
#: The status of a call whose worker died.
WORKER_DIED = _status("CIRCLET_WORKER_DIED")


def error_of(status: int, message: str) -> CircletError:
    """Returns the error that a status stands for."""
    return error_named(library.circlet_status_str(status).decode(), message)


def error_named(name: str, message: str) -> CircletError:
    """Returns the error that the name of a status stands for."""
    error = _ERRORS.get(name, CircletError)(message)
    error.status = name
    return error


def check(status: int) -> int:
    """Returns what a function returned, or raises what a negative status means."""
    if status >= 0:
        return status
    stay_at_end()
    size = library.circlet_last_error(None, 0) + 1
    buffer = ctypes.create_string_buffer(size)
    library.circlet_last_error(buffer, size)
    raise error_of(status, buffer.value.decode())


def stay_at_end() -> None:
    """Keeps a thread here as the interpreter ends: only daemons are left, and none is to tell of that end."""
    if _is_ending.is_set() and threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


def address(view: memoryview) -> ctypes.Array[ctypes.c_char] | bytes | None:
    """Returns what ctypes passes as the address of a contiguous view, read-only ones included, without a copy."""
    if view.nbytes == 0:
        return None
    if view.readonly:
        # A bytes object passes as its own address; other read-only buffers are rare enough to be copied.
        return view.obj if type(view.obj) is bytes and view.nbytes == len(view.obj) else bytes(view)
    return (ctypes.c_char * view.nbytes).from_buffer(view)


# The handles that nobody has ended, with what gives up this process's part in each. Whoever takes one out, the end of
# its owner or of the process, ends it.
_open: dict[int, Callable[[int], None]] = {}
_is_ending = threading.Event()


#: The classes of this package that the program has used, for trackers.
used: dict[str, None] = {}


def end_with(
    owner: object, handle: int, end: Callable[[int], None], leave: Callable[[int], None]
) -> Callable[[], object]:
    """Ends a handle once nothing has its owner any more, or what this returns is called.

    At the end of the process it is only left: its memory stays mapped, as daemon threads may be in it.
    """
    _open[handle] = leave
    ends = weakref.finalize(owner, _end, handle, end)
    ends.atexit = False
    return ends


def _end(handle: int, end: Callable[[int], None]) -> None:
    if _open.pop(handle, None) is not None:
        end(handle)


@atexit.register
def _leave_all() -> None:
    _is_ending.set()
    while _open:
        handle, leave = _open.popitem()
        leave(handle)
