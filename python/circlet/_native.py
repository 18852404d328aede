"""The C library: where it is found, the one table of its functions, and when its handles end."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char_p, c_double, c_int32, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

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


class RingOptions(Structure):
    """circlet_ring_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("mode", c_uint32),
        ("capacity", c_uint64),
        ("max_message", c_uint32),
        ("overflow", c_uint32),
        ("flags", c_uint32),
        ("permissions", c_uint32),
        ("schema", c_char_p),
    ]


class Frame(Structure):
    """circlet_frame."""

    _fields_ = [("data", c_void_p), ("offset", c_uint32), ("len", c_uint32)]


class RingStats(Structure):
    """circlet_ring_stats."""

    _fields_ = [
        ("capacity_bytes", c_uint64),
        ("used_bytes", c_uint64),
        ("high_water_bytes", c_uint64),
        ("frames_sent", c_uint64),
        ("frames_received", c_uint64),
        ("payload_bytes_sent", c_uint64),
        ("full_events", c_uint64),
        ("dropped", c_uint64),
        ("producer_waits", c_uint64),
        ("consumer_waits", c_uint64),
        ("max_frame", c_uint32),
        ("max_message", c_uint32),
        ("mode", c_uint32),
        ("overflow", c_uint32),
        ("producers", c_uint32),
        ("producer", c_uint32),
        ("consumer", c_uint32),
        ("reserved", c_uint32),
    ]


class ProcessOptions(Structure):
    """circlet_process_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("output", c_uint32),
        ("program", c_char_p),
        ("library", c_char_p),
        ("script", c_char_p),
        ("main", c_char_p),
        ("module_paths", POINTER(c_char_p)),
        ("module_path_count", c_uint32),
        ("output_bytes", c_uint32),
        ("ready_within_ms", c_double),
        ("grace_ms", c_double),
        ("memory", c_uint64),
        ("hard_memory", c_uint64),
        ("tasks", c_uint64),
        ("lifetime_ms", c_double),
    ]


class PoolOptions(Structure):
    """circlet_pool_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_uint32),
        ("min", c_uint32),
        ("max", c_uint32),
        ("queue", c_uint32),
        ("overflow", c_uint32),
        ("strategy", c_uint32),
        ("flags", c_uint32),
        ("block_ms", c_double),
        ("keep_ms", c_double),
        ("target_wait_ms", c_double),
        ("window_ms", c_double),
        ("name", c_char_p),
        ("processes", POINTER(ProcessOptions)),
    ]


class JobOptions(Structure):
    """circlet_job_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("priority", c_int32),
        ("nodes", c_uint64),
        ("key", c_uint64),
        ("deadline_ms", c_double),
        ("has_key", c_uint32),
        ("flags", c_uint32),
        ("kind", c_char_p),
    ]


class ExecutorOptions(Structure):
    """circlet_executor_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("ring_count", c_uint32),
        ("preload_count", c_uint32),
        ("ready", c_uint32),
        ("ring_names", POINTER(c_char_p)),
        ("rings", POINTER(c_void_p)),
        ("preload", POINTER(c_char_p)),
        ("python", c_char_p),
        ("bun", c_char_p),
        ("ready_within_ms", c_double),
        ("output_max", c_uint64),
        ("grace_ms", c_double),
        ("kill_ms", c_double),
        ("spin_us", c_double),
        ("recycle_above", c_uint64),
        ("recycle_after", c_uint32),
        ("reserved", c_uint32),
    ]


class RunOptions(Structure):
    """circlet_run_options."""

    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("within_ms", c_double)]


class Event(Structure):
    """circlet_event."""

    _fields_ = [
        ("kind", c_int32),
        ("stream", c_uint32),
        ("number", c_uint64),
        ("body", c_void_p),
        ("len", c_uint64),
        ("bytes", c_void_p),
        ("bytes_len", c_uint64),
    ]


class Answers(Structure):
    """circlet_answers."""

    _fields_ = [("items", c_void_p), ("bytes", c_void_p), ("len", c_uint64), ("block", c_void_p)]


class HeapOptions(Structure):
    """circlet_heap_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("top", c_uint32),
        ("file", c_char_p),
        ("within_ms", c_double),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


_HANDLE = c_void_p
_HANDLE_OUT = POINTER(c_void_p)
# A bytes-like argument goes by its address: an int, or a ctypes array.
_BUFFER = c_void_p

# name: (what it returns, what it takes)
SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "circlet_version": (c_char_p, []),
    "circlet_abi_version": (c_uint32, []),
    "circlet_layout_version": (c_uint32, []),
    "circlet_status_str": (c_char_p, [c_int32]),
    "circlet_last_error": (c_int32, [c_char_p, c_uint32]),
    "circlet_ring_create": (c_int32, [c_char_p, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_open": (c_int32, [c_char_p, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_anonymous": (c_int32, [POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_from_fd": (c_int32, [c_int32, POINTER(RingOptions), _HANDLE_OUT]),
    "circlet_ring_export_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_ring_close": (None, [_HANDLE]),
    "circlet_ring_attach": (c_int32, [_HANDLE, c_int32]),
    "circlet_ring_unlink": (c_int32, [_HANDLE]),
    "circlet_ring_detach": (c_int32, [_HANDLE, c_int32]),
    "circlet_ring_set_spin": (c_int32, [_HANDLE, c_int32, c_double]),
    "circlet_ring_send": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double]),
    "circlet_ring_send_part": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, POINTER(c_uint32)]),
    "circlet_ring_send_many": (c_int32, [_HANDLE, _BUFFER, _BUFFER, c_uint32, c_double]),
    "circlet_ring_claim": (c_int32, [_HANDLE, c_uint32, c_double, POINTER(Frame)]),
    "circlet_ring_commit": (c_int32, [_HANDLE, c_uint32]),
    "circlet_ring_abort": (c_int32, [_HANDLE]),
    "circlet_ring_recv": (c_int32, [_HANDLE, c_double, POINTER(Frame)]),
    "circlet_ring_recv_many": (c_int32, [_HANDLE, POINTER(Frame), c_uint32, c_double]),
    "circlet_ring_release": (c_int32, [_HANDLE]),
    "circlet_ring_memory": (c_int32, [_HANDLE, POINTER(c_void_p), POINTER(c_uint64)]),
    "circlet_ring_schema": (c_int32, [_HANDLE, c_char_p, c_uint32]),
    "circlet_ring_missed": (c_int32, [_HANDLE, POINTER(c_uint64), POINTER(c_uint64)]),
    "circlet_ring_set_overflow": (c_int32, [_HANDLE, c_uint32]),
    "circlet_ring_fd": (c_int32, [_HANDLE, c_int32, POINTER(c_int32)]),
    "circlet_ring_arm": (c_int32, [_HANDLE, c_int32, c_uint32]),
    "circlet_ring_get_stats": (c_int32, [_HANDLE, POINTER(RingStats)]),
    "circlet_page_create": (c_int32, [c_char_p, c_uint32, c_char_p, _HANDLE_OUT]),
    "circlet_page_anonymous": (c_int32, [c_uint32, c_char_p, _HANDLE_OUT]),
    "circlet_page_open": (c_int32, [c_char_p, c_char_p, _HANDLE_OUT]),
    "circlet_page_from_fd": (c_int32, [c_int32, c_char_p, _HANDLE_OUT]),
    "circlet_page_export_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_page_write": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_page_read": (c_int32, [_HANDLE, c_double, POINTER(c_void_p), POINTER(c_uint64)]),
    "circlet_page_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_page_arm": (c_int32, [_HANDLE]),
    "circlet_page_detach": (c_int32, [_HANDLE]),
    "circlet_page_unlink": (c_int32, [_HANDLE]),
    "circlet_page_close": (None, [_HANDLE]),
    "circlet_text_data": (c_char_p, [_HANDLE]),
    "circlet_text_free": (None, [_HANDLE]),
    "circlet_curve_new": (c_int32, [c_char_p, c_char_p, c_uint32, _BUFFER, c_uint32, _HANDLE_OUT]),
    "circlet_curve_new_segments": (c_int32, [c_uint32, _BUFFER, _BUFFER, c_uint32, _HANDLE_OUT]),
    "circlet_curve_new_fit": (c_int32, [c_uint32, _BUFFER, c_uint32, c_double, _HANDLE_OUT]),
    "circlet_curve_new_svg": (c_int32, [c_char_p, _HANDLE_OUT, c_uint32]),
    "circlet_curve_free": (None, [_HANDLE]),
    "circlet_curve_dimensions": (c_int32, [_HANDLE]),
    "circlet_curve_domain": (c_int32, [_HANDLE, _BUFFER]),
    "circlet_curve_knots": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_curve_segments": (c_int32, [_HANDLE, _BUFFER, c_uint32]),
    "circlet_curve_eval": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_eval_f32": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_eval_columns": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_derivative": (c_int32, [_HANDLE, c_uint32, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_derivative_f32": (c_int32, [_HANDLE, c_uint32, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_sample": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_sample_f32": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_sample_columns": (c_int32, [_HANDLE, c_uint32, _BUFFER]),
    "circlet_curve_batch_sample": (c_int32, [_BUFFER, c_uint32, c_uint32, _BUFFER]),
    "circlet_curve_batch_sample_f32": (c_int32, [_BUFFER, c_uint32, c_uint32, _BUFFER]),
    "circlet_curve_bounds": (c_int32, [_HANDLE, _BUFFER]),
    "circlet_curve_tangent": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_normal": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_curvature": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER]),
    "circlet_curve_length": (c_int32, [_HANDLE, c_double, _BUFFER]),
    "circlet_curve_length_to": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, _BUFFER]),
    "circlet_curve_parameter_at_length": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double, _BUFFER]),
    "circlet_curve_sample_by_length": (c_int32, [_HANDLE, c_uint32, c_double, _BUFFER]),
    "circlet_curve_split": (c_int32, [_HANDLE, c_double, _HANDLE_OUT, _HANDLE_OUT]),
    "circlet_curve_subcurve": (c_int32, [_HANDLE, c_double, c_double, _HANDLE_OUT]),
    "circlet_curve_reversed": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_curve_concat": (c_int32, [_HANDLE, _HANDLE, _HANDLE_OUT]),
    "circlet_curve_nearest": (c_int32, [_HANDLE, _BUFFER, c_uint32, _BUFFER, _BUFFER]),
    "circlet_curve_intersections": (c_int32, [_HANDLE, _HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten": (c_int32, [_HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten_fewest": (c_int32, [_HANDLE, c_double, _BUFFER, c_uint32]),
    "circlet_curve_flatten_scaled": (c_int32, [_HANDLE, c_double, c_double, _BUFFER, c_uint32]),
    "circlet_curve_offset": (c_int32, [_HANDLE, c_double, c_double, _BUFFER, c_uint32]),
    "circlet_curve_to_svg": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_curve_fit_to_box": (c_int32, [_HANDLE, _BUFFER, c_int32, _BUFFER, _BUFFER]),
    "circlet_curve_transform": (c_int32, [_HANDLE, _BUFFER, _HANDLE_OUT]),
    "circlet_pool_new": (c_int32, [POINTER(PoolOptions), _HANDLE_OUT]),
    "circlet_pool_drain": (c_int32, [_HANDLE, c_double]),
    "circlet_pool_close": (c_int32, [_HANDLE]),
    "circlet_pool_snapshot": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_pool_free": (None, [_HANDLE]),
    "circlet_pool_submit": (c_int32, [_HANDLE, c_void_p, c_void_p, POINTER(JobOptions), POINTER(c_uint64)]),
    "circlet_pool_submit_many": (
        c_int32,
        [_HANDLE, c_void_p, _BUFFER, c_uint32, POINTER(JobOptions), _BUFFER],
    ),
    "circlet_pool_submit_curves": (
        c_int32,
        [_HANDLE, _BUFFER, c_uint32, c_uint32, _BUFFER, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_submit_curves_f32": (
        c_int32,
        [_HANDLE, _BUFFER, c_uint32, c_uint32, _BUFFER, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_abort": (c_int32, [_HANDLE, POINTER(c_uint64)]),
    "circlet_pool_withdraw": (c_int32, [_HANDLE, POINTER(c_uint64)]),
    "circlet_pool_call": (
        c_int32,
        [_HANDLE, c_char_p, c_uint32, _BUFFER, c_uint64, POINTER(JobOptions), POINTER(c_uint64)],
    ),
    "circlet_pool_call_many": (
        c_int32,
        [_HANDLE, c_char_p, c_uint32, _BUFFER, _BUFFER, c_uint32, POINTER(JobOptions), _BUFFER],
    ),
    "circlet_pool_answers": (c_int32, [_HANDLE, c_uint32, c_double, POINTER(Answers)]),
    "circlet_answers_free": (None, [POINTER(Answers)]),
    "circlet_pool_output": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_pool_heap_submit": (c_int32, [_HANDLE, c_uint32, POINTER(HeapOptions), POINTER(c_uint64)]),
    "circlet_pool_next_many": (c_int32, [_HANDLE, _BUFFER, c_uint32, c_double]),
    "circlet_pool_failure": (c_int32, [_HANDLE, POINTER(c_uint64), c_char_p, c_uint32]),
    "circlet_pool_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_pool_arm": (c_int32, [_HANDLE]),
    "circlet_pool_port_open": (c_int32, [_HANDLE, _HANDLE, c_int32, POINTER(c_uint32)]),
    "circlet_pool_port_transfer": (c_int32, [_HANDLE, c_uint32, c_uint32]),
    "circlet_pool_port_close": (c_int32, [_HANDLE, c_uint32]),
    "circlet_pool_ports": (c_int32, [_HANDLE, c_void_p, c_uint32]),
    "circlet_worker_port": (c_int32, [_HANDLE, c_uint32, c_double, _HANDLE_OUT]),
    "circlet_worker_port_back": (c_int32, [_HANDLE, c_uint32, _HANDLE]),
    "circlet_worker_port_transfer": (c_int32, [_HANDLE, c_uint32, c_uint32]),
    "circlet_executor_new": (c_int32, [POINTER(ExecutorOptions), _HANDLE_OUT]),
    "circlet_executor_begin": (c_int32, [_HANDLE, _BUFFER, c_uint64, POINTER(RunOptions)]),
    "circlet_executor_begin_heap_snapshot": (c_int32, [_HANDLE, POINTER(HeapOptions)]),
    "circlet_executor_next": (c_int32, [_HANDLE, c_double, POINTER(Event)]),
    "circlet_executor_take": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_executor_send": (c_int32, [_HANDLE, _BUFFER, c_uint64]),
    "circlet_executor_answer": (c_int32, [_HANDLE, _BUFFER, c_uint64]),
    "circlet_executor_interrupt": (c_int32, [_HANDLE]),
    "circlet_executor_wake": (c_int32, [_HANDLE]),
    "circlet_executor_kill": (c_int32, [_HANDLE]),
    "circlet_executor_restart": (c_int32, [_HANDLE]),
    "circlet_executor_process_id": (c_int32, [_HANDLE]),
    "circlet_executor_fd": (c_int32, [_HANDLE, POINTER(c_int32)]),
    "circlet_executor_arm": (c_int32, [_HANDLE]),
    "circlet_executor_free": (None, [_HANDLE]),
    "circlet_session_pool_new": (c_int32, [POINTER(ExecutorOptions), _HANDLE_OUT]),
    "circlet_session_pool_open": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_session_pool_wait": (c_int32, [_HANDLE, c_double]),
    "circlet_session_pool_snapshot": (c_int32, [_HANDLE, _HANDLE_OUT]),
    "circlet_session_pool_free": (None, [_HANDLE]),
    "circlet_block_free": (None, [_HANDLE]),
    "circlet_simplify": (c_int32, [c_uint32, _BUFFER, c_uint32, c_double, _BUFFER, c_uint32]),
}


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
