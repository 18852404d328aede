"""Rings of frames in shared memory."""

from __future__ import annotations

import atexit
import ctypes
import math
import operator
import struct
import time
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from ctypes import byref, c_int32, c_uint64, c_void_p
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

from . import _native
from ._native import CONSUMER, PRODUCER, ClosedError, Frame, RingOptions, RingStats, check, library

_PEERS = ("never", "alive", "closed", "died")
# circlet_frame: the address is not needed, as one view lies over all of the mapping.
_FRAME = struct.Struct("=8xII")
_BATCH = 64
# How long a wait stays in the library, where no signal handler of Python runs, in seconds.
_SLICE = 0.1
# The handles that nobody has ended: whoever takes one out, the end of its mapping or of the process, ends it.
_handles: set[int] = set()


class Stats(NamedTuple):
    """The counters of a ring."""

    capacity_bytes: int
    used_bytes: int
    frames_sent: int
    frames_received: int
    payload_bytes_sent: int
    full_events: int
    max_frame: int
    #: Who has the writing side: "never", "alive", "closed" or "died".
    producer: str
    #: Who has the reading side.
    consumer: str


def _first_ms(timeout: float | None) -> float:
    """Returns how long the first call of a wait may stay in the library."""
    if timeout is None:
        return _SLICE * 1e3
    if not timeout >= 0:
        raise _native.InvalidError(f"timeout is {timeout}: give seconds, 0 to try, or None for no deadline")
    return min(timeout, _SLICE) * 1e3


def _go_on(status: int, call: Callable[[float], int], timeout: float | None) -> int:
    """Goes on with a wait whose first call returned `status`, in slices between which Python can be interrupted."""
    if status == _native.TIMED_OUT:
        end = math.inf if timeout is None else time.monotonic() + timeout - _SLICE
        while status == _native.TIMED_OUT and (left := end - time.monotonic()) > 0:
            status = call(max(1e-3, min(left, _SLICE)) * 1e3)
    return check(status)


class SharedRingBuffer:
    """A ring that this process and others read and write in place.

    Make one with `create`, `open`, `anonymous` or `from_fd`. One process writes and one reads; each side is taken by
    its first use, and is for one thread at a time. Timeouts are seconds: `None` waits without a deadline, 0 tries.

    A received view is a `memoryview` into shared memory: it is valid until the next receive, which releases it, and
    using it later raises `ValueError`. A cast, a slice or a numpy array of it is not released: its bytes may be the
    next frames' by then. Copy what you keep.

    >>> from circlet import SharedRingBuffer
    >>> with SharedRingBuffer.anonymous() as ring:
    ...     ring.send(b"hello")
    ...     bytes(ring.recv())
    b'hello'
    """

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library; use the class methods instead."""
        base, size = c_void_p(), c_uint64()
        check(library.circlet_ring_memory(handle, byref(base), byref(size)))
        mapping = (ctypes.c_ubyte * size.value).from_address(base.value or 0)
        # The mapping ends when nothing looks at it any more: a numpy array that outlives the ring stays readable.
        _handles.add(handle)
        weakref.finalize(mapping, _unmap, handle).atexit = False
        self._handle: int | None = handle
        self._memory = memoryview(mapping).cast("B")
        self._frames = (Frame * _BATCH)()
        self._claimed = False
        self._views: list[memoryview] = []
        # Received by an iteration that was left, and not yet returned.
        self._fetched: deque[memoryview] = deque()

    @classmethod
    def create(cls, name: str, capacity: int = 1 << 20) -> SharedRingBuffer:
        """Creates a named ring of `capacity` bytes (4 KiB to 1 GiB, rounded up to a power of two).

        The name ends with `close`. Raises `NameTakenError`, `InvalidError`, or `CircletError` without room.
        """
        handle = c_void_p()
        check(library.circlet_ring_create(_name(name), _options(capacity), byref(handle)))
        return cls(_opened(handle))

    @classmethod
    def open(cls, name: str) -> SharedRingBuffer:
        """Opens a ring by its name. Raises `NotFoundError` or `SegmentError`."""
        handle = c_void_p()
        check(library.circlet_ring_open(_name(name), None, byref(handle)))
        return cls(_opened(handle))

    @classmethod
    def anonymous(cls, capacity: int = 1 << 20) -> SharedRingBuffer:
        """Creates a ring without a name, to be passed on by `export_fd`."""
        handle = c_void_p()
        check(library.circlet_ring_anonymous(_options(capacity), byref(handle)))
        return cls(_opened(handle))

    @classmethod
    def from_fd(cls, fd: int) -> SharedRingBuffer:
        """Opens a ring from a descriptor that `export_fd` made, and owns the descriptor."""
        handle = c_void_p()
        check(library.circlet_ring_from_fd(fd, None, byref(handle)))
        return cls(_opened(handle))

    def export_fd(self) -> int:
        """Makes a descriptor for another process; close it here once it is passed."""
        fd = c_int32()
        check(library.circlet_ring_export_fd(self._open(), byref(fd)))
        return fd.value

    def _open(self) -> int:
        if self._handle is None:
            raise _native.ClosedError("this ring was closed here")
        return self._handle

    def _open_to_write(self) -> int:
        if self._claimed:
            raise _native.InvalidError("a claim is open: leave its block first")
        return self._open()

    def send(self, payload: Any, timeout: float | None = None) -> None:
        """Copies a payload in as one frame; anything with the buffer protocol, contiguous.

        Raises `FullError` (timeout 0), `TimedOutError`, `TooLargeError`, `ClosedError`, `PeerDiedError`.
        """
        handle = self._open_to_write()
        data: Any = payload
        if type(payload) is bytes:
            size = _checked(len(payload))
        else:
            view = _plain(payload)
            size = _checked(view.nbytes)
            data = _native.address(view)
        status = library.circlet_ring_send(handle, data, size, _first_ms(timeout))
        if status < 0:
            _go_on(status, lambda ms: library.circlet_ring_send(handle, data, size, ms), timeout)

    def send_many(self, payloads: Iterable[Any], timeout: float | None = None) -> int:
        """Copies many payloads in, a frame each, in one call; returns how many were sent before the deadline.

        Each is anything with the buffer protocol, contiguous.
        """
        plain = [payload if type(payload) is bytes else _plain(payload) for payload in payloads]
        handle = self._open_to_write()
        lens = array("I", [_checked(len(payload)) for payload in plain])
        data, sizes = b"".join(plain), lens.buffer_info()[0]
        start = ctypes.cast(ctypes.c_char_p(data), c_void_p).value or 0
        sent = skipped = 0

        def send_rest(ms: float) -> int:
            rest = len(lens) - sent
            return library.circlet_ring_send_many(handle, start + skipped, sizes + lens.itemsize * sent, rest, ms)

        end = None if timeout is None else time.monotonic() + timeout
        while sent < len(lens):
            # What is left of the deadline; a part that went counts, and the rest of it goes on.
            left = timeout if end is None or sent == 0 else max(0.0, end - time.monotonic())
            try:
                more = _go_on(send_rest(_first_ms(left)), send_rest, left)
            except (_native.FullError, _native.TimedOutError):
                if sent == 0:
                    raise
                break
            skipped += sum(lens[sent : sent + more])
            sent += more
        return sent

    @contextmanager
    def claim(self, size: int, timeout: float | None = None) -> Iterator[memoryview]:
        """Reserves `size` bytes to be written in place; leaving the block commits them, an exception gives them up.

        Nothing else is sent inside of the block: that raises `InvalidError`.

        >>> from circlet import SharedRingBuffer
        >>> ring = SharedRingBuffer.anonymous()
        >>> with ring.claim(16) as view, view.cast("d") as doubles:
        ...     doubles[0], doubles[1] = 0.5, 1.5
        >>> ring.recv().cast("d").tolist()
        [0.5, 1.5]
        """
        handle, frame, size = self._open_to_write(), Frame(), _checked(operator.index(size))

        def reserve(ms: float) -> int:
            return library.circlet_ring_claim(handle, size, ms, byref(frame))

        _go_on(reserve(_first_ms(timeout)), reserve, timeout)
        self._claimed = True
        try:
            with self._memory[frame.offset : frame.offset + frame.len] as view:
                yield view
        except BaseException:
            check(library.circlet_ring_abort(self._open()))
            raise
        finally:
            self._claimed = False
        check(library.circlet_ring_commit(self._open(), size))

    def recv(self, timeout: float | None = None) -> memoryview:
        """Waits for a frame and returns a view of it in place, which the next receive releases.

        Raises `EmptyError` (timeout 0), `TimedOutError`, and once everything committed has been read `ClosedError`
        or `PeerDiedError`.
        """
        return self.recv_many(1, timeout)[0]

    def recv_copy(self, timeout: float | None = None) -> bytes:
        """Waits for a frame, returns a copy of it, and releases it."""
        copy = bytes(self.recv(timeout))
        self.release()
        return copy

    def recv_many(self, limit: int = _BATCH, timeout: float | None = None) -> list[memoryview]:
        """Waits for at least one frame and returns views of up to `limit` of them, released by the next receive."""
        if limit < 1:
            raise _native.InvalidError(f"limit is {limit}: give 1 or more")
        if self._fetched:
            return [self._fetched.popleft() for _ in range(min(limit, len(self._fetched)))]
        return self._fetch(limit, timeout)

    def _fetch(self, limit: int, timeout: float | None) -> list[memoryview]:
        self._forget_views()
        if limit > len(self._frames):
            self._frames = (Frame * limit)()
        handle, room, memory = self._open(), self._frames, self._memory
        found = library.circlet_ring_recv_many(handle, room, limit, _first_ms(timeout))
        if found < 0:
            found = _go_on(found, lambda ms: library.circlet_ring_recv_many(handle, room, limit, ms), timeout)
        frames = memoryview(self._frames).cast("B")[: found * _FRAME.size]
        self._views = [memory[offset : offset + size] for offset, size in _FRAME.iter_unpack(frames)]
        return list(self._views)

    def release(self) -> None:
        """Gives the received frames back to the writer now rather than at the next receive."""
        if self._fetched:
            return  # They go together, and the next receive returns some of them.
        self._forget_views()
        check(library.circlet_ring_release(self._open()))

    def _forget_views(self) -> None:
        self._fetched.clear()
        views, self._views = self._views, []
        for view in views:
            # A cast or an array of it may still be there: it keeps the mapping, and its bytes become the writer's.
            with suppress(BufferError):
                view.release()

    def __iter__(self) -> Iterator[memoryview]:
        """Yields a view of each frame until the writer closes; a writer that died raises `PeerDiedError`.

        Frames are fetched many at a time; what a `break` leaves is what the next receive returns.
        """
        while True:
            if not self._fetched:
                try:
                    self._fetched.extend(self._fetch(_BATCH, None))
                except ClosedError:
                    return
            yield self._fetched.popleft()

    def set_spin(self, side: int, microseconds: float) -> None:
        """Sets how long a side (`PRODUCER` or `CONSUMER`) spins before it sleeps."""
        check(library.circlet_ring_set_spin(self._open(), side, microseconds))

    def stats(self) -> Stats:
        """Reads the counters."""
        stats = RingStats()
        check(library.circlet_ring_get_stats(self._open(), byref(stats)))
        fields = {name: getattr(stats, name) for name in Stats._fields}
        fields.update(producer=_PEERS[stats.producer], consumer=_PEERS[stats.consumer])
        return Stats(**fields)

    def close(self) -> None:
        """Closes both sides that this object has; a created name ends with it. Safe to call twice.

        The memory itself stays mapped as long as an array or a view looks at it.
        """
        if self._handle is None:
            return
        self._forget_views()
        for side in (PRODUCER, CONSUMER):
            check(library.circlet_ring_detach(self._handle, side))
        check(library.circlet_ring_unlink(self._handle))
        self._handle = None
        self._memory = memoryview(b"")

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would close it under each other."""
        raise TypeError("a SharedRingBuffer can be neither copied nor pickled: open it by its name, or by export_fd()")

    def __enter__(self) -> SharedRingBuffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unmap(handle: int) -> None:
    with suppress(KeyError):
        _handles.remove(handle)
        library.circlet_ring_close(handle)


@atexit.register
def _leave_all() -> None:
    """Gives up what this process has of its rings; the mappings stay, as daemon threads may be in them."""
    with suppress(KeyError):
        while True:
            handle = _handles.pop()
            for side in (PRODUCER, CONSUMER):
                # A side that a thread is in ends with the process.
                library.circlet_ring_detach(handle, side)
            library.circlet_ring_unlink(handle)


def _plain(payload: Any) -> memoryview:
    """Returns the payload's bytes, in place."""
    view = memoryview(payload)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _checked(size: int) -> int:
    """Returns a payload's size if the library can be told it; which sizes a ring takes is the library's to say."""
    if size < 0:
        raise _native.InvalidError(f"size is {size}: give 0 or more bytes")
    if size >= 1 << 32:
        raise _native.TooLargeError(f"a frame of {size} bytes is longer than any ring takes")
    return size


def _name(name: str) -> bytes:
    encoded = name.encode()
    if b"\0" in encoded:
        raise _native.InvalidError(f"the name {name!r} has a NUL in it")
    return encoded


def _options(capacity: int) -> RingOptions:
    if not 0 < capacity < 1 << 64:
        raise _native.InvalidError(f"capacity is {capacity}: give 4096 to {1 << 30} bytes")
    return RingOptions(ctypes.sizeof(RingOptions), 0, capacity)


def _opened(handle: c_void_p) -> int:
    assert handle.value is not None, "a function that succeeded wrote its handle"
    return handle.value
