"""Rings of frames in shared memory."""

from __future__ import annotations

import ctypes
import math
import operator
import struct
import time
from array import array
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_double, c_int32, c_uint32, c_uint64, c_void_p
from functools import partial
from typing import Any, NoReturn

from . import _native
from ._arguments import buffer, checked, opened, owned, plain, text, word
from ._closing import Closing
from ._native import (
    CONSUMER,
    PRODUCER,
    BusyError,
    CircletError,
    ClosedError,
    InvalidError,
    LaggedError,
    bare,
    check,
    end_with,
    library,
    used,
)
from ._options import OVERFLOWS, Mode, Overflow, Stats, options
from ._table import Frame
from ._waiting import LOOK_MS, SLICE, Doorbell, first_ms, go_on, until

# circlet_frame: where all frames lie in the ring the address is not needed, as one view lies over all of the mapping.
_FRAME = struct.Struct("=8xII")
_COPIED_FRAME = struct.Struct("=QII")
_BATCH = 64
_send, _receive = bare("circlet_ring_send"), bare("circlet_ring_recv_many")
_SLICE_MS = c_double(SLICE * 1e3)
# What may be open on the writing side, and what whoever sends something else meanwhile is told.
_CLAIM = InvalidError, "a claim is open: leave its block first"
_LONG_MESSAGE = BusyError, "a long message is under way: one thread or task at a time"


class SharedRingBuffer(Closing):
    """A ring that this process and others read and write in place.

    Make one with `create`, `open`, `anonymous` or `from_fd`. One process reads (of a "broadcast" ring any number do),
    and one writes (of an "mpsc" ring up to 32 do, each with an object of its own). Each side is taken by its first use
    or by `attach`, and is for one thread or task at a time. Timeouts are seconds: `None` waits without a deadline, 0
    tries.

    A received view is a `memoryview` into shared memory: it is valid until the next receive, which releases it, and
    using it later raises `ValueError`. A cast, a slice or a numpy array of it is not released: its bytes may be the
    next frames' by then. Copy what you keep. Frames of a broadcast ring and messages that came in fragments are
    read-only private copies, whose casts and arrays stay as they are.

    >>> from circlet import SharedRingBuffer
    >>> with SharedRingBuffer.anonymous() as ring:
    ...     ring.send(b"hello")
    ...     bytes(ring.recv())
    b'hello'

    In an event loop, `async for view in ring` and the functions that end in `_async` wait without a thread:

    >>> import asyncio
    >>> async def talk():
    ...     with SharedRingBuffer.anonymous() as ring:
    ...         waiting = asyncio.ensure_future(ring.recv_async())
    ...         await ring.send_async(b"hello")
    ...         return bytes(await waiting)
    >>> asyncio.run(talk())
    b'hello'
    """

    # How many messages an iteration fetches at a time.
    _batch = _BATCH

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library; use the class methods instead."""
        base, size, stats = c_void_p(), c_uint64(), Stats.of(handle)
        check(library.circlet_ring_memory(handle, byref(base), byref(size)))
        mapping = (ctypes.c_ubyte * size.value).from_address(base.value or 0)
        # The mapping ends when nothing looks at it any more: a numpy array that outlives the ring stays readable.
        end_with(mapping, handle, library.circlet_ring_close, _leave)
        used["circlet.SharedRingBuffer"] = None
        self._handle: int | None = handle
        # The same as a ctypes object, for the calls that come most often.
        self._pointer: c_void_p | None = c_void_p(handle)
        self._memory = memoryview(mapping).cast("B")
        self._max_frame, self._max_message = stats.max_frame, stats.max_message
        self._in_place = stats.mode != "broadcast" and stats.max_message <= stats.max_frame
        self._make_frames(_BATCH)
        self._waits = stats.overflow == "block"
        self._writing: tuple[type[CircletError], str] | None = None
        self._views: list[memoryview] = []
        # Received by an iteration that was left, and not yet returned.
        self._fetched: deque[memoryview] = deque()
        self._bells: dict[int, Doorbell] = {}

    @classmethod
    def create(
        cls,
        name: str,
        *,
        mode: Mode = "spsc",
        capacity: int = 1 << 20,
        max_message: int | None = None,
        overflow: Overflow = "block",
        schema: str = "",
        prefault: bool = False,
        huge_pages: bool = False,
        permissions: int = 0o600,
    ) -> SharedRingBuffer:
        """Creates a named ring of `capacity` bytes (4 KiB to 1 GiB, rounded up to a power of two).

        `max_message` is the longest message in bytes, at most 1 GiB: what is longer than a frame may be (half of the
        capacity less 4 bytes, an eighth in a broadcast ring, which takes nothing longer) goes in fragments and
        arrives whole. `overflow` is what a sender does that finds no room: it waits, raises `FullError`, or drops what
        it was to send and counts it. `schema` is a tag of at most 56 bytes that whoever opens the ring must give too.
        `prefault` maps every page now rather than at its first use, `huge_pages` takes huge ones, and `permissions`
        are the mode bits of the file.

        The name ends with `close`. Raises `NameTakenError`, `InvalidError`, or `CircletError` without room.

        >>> from circlet import SharedRingBuffer
        >>> with SharedRingBuffer.create("readings", mode="mpsc", schema="readings v1") as ring:
        ...     ring.stats().mode, ring.stats().schema
        ('mpsc', 'readings v1')
        """
        given = options(
            mode=mode,
            capacity=capacity,
            max_message=max_message,
            overflow=overflow,
            schema=schema,
            prefault=prefault,
            huge_pages=huge_pages,
            permissions=permissions,
        )
        handle = c_void_p()
        check(library.circlet_ring_create(text("name", name), given, byref(handle)))
        return cls(opened(handle))

    @classmethod
    def open(cls, name: str, *, schema: str = "", prefault: bool = False, huge_pages: bool = False) -> SharedRingBuffer:
        """Opens a ring by its name; everything else is as it was made with.

        Raises `NotFoundError`, `SegmentError`, or `SchemaError` where it was made with another tag.
        """
        given, handle = options(schema=schema, prefault=prefault, huge_pages=huge_pages), c_void_p()
        check(library.circlet_ring_open(text("name", name), given, byref(handle)))
        return cls(opened(handle))

    @classmethod
    def anonymous(
        cls,
        *,
        mode: Mode = "spsc",
        capacity: int = 1 << 20,
        max_message: int | None = None,
        overflow: Overflow = "block",
        schema: str = "",
        prefault: bool = False,
        huge_pages: bool = False,
    ) -> SharedRingBuffer:
        """Creates a ring without a name, to be passed on by `export_fd`; all else is as in `create`."""
        given = options(
            mode=mode,
            capacity=capacity,
            max_message=max_message,
            overflow=overflow,
            schema=schema,
            prefault=prefault,
            huge_pages=huge_pages,
        )
        handle = c_void_p()
        check(library.circlet_ring_anonymous(given, byref(handle)))
        return cls(opened(handle))

    @classmethod
    def from_fd(
        cls, fd: int, *, schema: str = "", prefault: bool = False, huge_pages: bool = False
    ) -> SharedRingBuffer:
        """Opens a ring from a descriptor that `export_fd` made, and owns the descriptor. Raises as `open` does."""
        with owned(fd):
            given, handle = options(schema=schema, prefault=prefault, huge_pages=huge_pages), c_void_p()
        check(library.circlet_ring_from_fd(fd, given, byref(handle)))
        return cls(opened(handle))

    def export_fd(self) -> int:
        """Makes a descriptor for another process; close it here once it is passed."""
        fd = c_int32()
        check(library.circlet_ring_export_fd(self._open(), byref(fd)))
        return fd.value

    def _open(self) -> int:
        if self._handle is None:
            raise ClosedError("this ring was closed here")
        return self._handle

    def attach(self, side: int, *, from_oldest: bool = False) -> None:
        """Takes a side (`PRODUCER` or `CONSUMER`) now instead of at its first use; does nothing where it has it.

        A reader of a broadcast ring begins with the next frame that is sent, or `from_oldest` with the oldest that is
        still there. Raises `BusyError` while somebody alive has the side.

        >>> from circlet import CONSUMER, SharedRingBuffer
        >>> with SharedRingBuffer.anonymous(mode="broadcast") as ring:
        ...     ring.send(b"before")
        ...     ring.attach(CONSUMER, from_oldest=True)
        ...     bytes(ring.recv())
        b'before'
        """
        if from_oldest and side == CONSUMER:
            side = _native.CONSUMER_FROM_OLDEST
        check(library.circlet_ring_attach(self._open(), side))

    def _open_to_write(self) -> int:
        if self._writing is not None:
            kind, message = self._writing
            raise kind(message)
        return self._open()

    @contextmanager
    def _in_parts(self, data: Any, size: int) -> Iterator[Callable[[float], int]]:
        """Gives a call that goes on with a long message where the last one stopped; nothing else is sent meanwhile."""
        sent, size = c_uint32(), checked(size)
        self._writing = _LONG_MESSAGE
        try:
            yield lambda ms: library.circlet_ring_send_part(self._open(), data, size, ms, byref(sent))
        finally:
            self._writing = None

    def send(self, payload: Any, timeout: float | None = None) -> None:
        """Copies a message in; anything with the buffer protocol, contiguous.

        Raises `FullError` (timeout 0, or an overflow that is to fail), `TimedOutError`, `TooLargeError`,
        `ClosedError`, `PeerDiedError`. An overflow that is to drop raises nothing: `stats().dropped` counts.
        """
        is_plain = timeout is None and type(payload) is bytes and len(payload) <= self._max_frame
        if is_plain and self._writing is None and self._pointer is not None:
            status = _send(self._pointer, payload, len(payload), _SLICE_MS)
            if status < 0:
                again = library.circlet_ring_send
                go_on(status, lambda ms: again(self._open(), payload, len(payload), ms), None)
            return
        handle = self._open_to_write()
        data, size = buffer(payload)
        if size > self._max_frame and self._waits and timeout != 0:
            with self._in_parts(data, size) as send_more:
                go_on(send_more(first_ms(timeout)), send_more, timeout)
            return
        status = library.circlet_ring_send(handle, data, checked(size), first_ms(timeout))
        if status < 0:
            go_on(status, lambda ms: library.circlet_ring_send(self._open(), data, size, ms), timeout)

    async def send_async(self, payload: Any, timeout: float | None = None) -> None:
        """As `send`, but lets the event loop run while there is no room; `payload` may not change meanwhile.

        A message longer than a frame may be goes fragment by fragment: whoever sends something else meanwhile gets
        `BusyError`. What was sent of it when the task is cancelled is nothing to the reader.
        """
        if timeout == 0:
            self.send(payload, 0)
            return
        data, size = buffer(payload)

        async def send_with(attempt: Callable[[], int]) -> None:
            await until(attempt, lambda: self._arm(PRODUCER, size), lambda: self._bell(PRODUCER), timeout)

        self._open_to_write()
        if size > self._max_frame and self._waits:
            with self._in_parts(data, size) as send_more:
                await send_with(partial(send_more, LOOK_MS))
        else:
            await send_with(lambda: library.circlet_ring_send(self._open_to_write(), data, size, LOOK_MS))

    def send_many(self, payloads: Iterable[Any], timeout: float | None = None) -> int:
        """Copies many messages in, in one call; returns how many were sent before the deadline.

        Each is anything with the buffer protocol, contiguous. Raises as `send` does where it is the first that fails.
        """
        parts = list(payloads)
        if set(map(type, parts)) - {bytes}:
            parts = [payload if type(payload) is bytes else plain(payload) for payload in parts]
        handle = self._open_to_write()
        longest = checked(max(map(len, parts), default=0))
        lens = array("I", map(len, parts))
        if self._waits and self._max_frame < longest <= self._max_message:
            return self._send_each(parts, timeout)
        data, sizes = b"".join(parts), lens.buffer_info()[0]
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
                more = go_on(send_rest(first_ms(left)), send_rest, left)
            except (_native.FullError, _native.TimedOutError):
                if sent == 0:
                    raise
                break
            skipped += sum(lens[sent : sent + more])
            sent += more
        return sent

    def _send_each(self, parts: list[Any], timeout: float | None) -> int:
        end = math.inf if timeout is None else time.monotonic() + timeout
        for sent, part in enumerate(parts):
            try:
                self.send(part, None if timeout is None else max(0.0, end - time.monotonic()))
            except (_native.FullError, _native.TimedOutError):
                if sent == 0:
                    raise
                return sent
        return len(parts)

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
        handle, frame, size = self._open_to_write(), Frame(), checked(operator.index(size))

        def reserve(ms: float) -> int:
            return library.circlet_ring_claim(handle, size, ms, byref(frame))

        go_on(reserve(first_ms(timeout)), reserve, timeout)
        self._writing = _CLAIM
        try:
            with self._memory[frame.offset : frame.offset + frame.len] as view:
                yield view
        except BaseException:
            check(library.circlet_ring_abort(self._open()))
            raise
        finally:
            self._writing = None
        check(library.circlet_ring_commit(self._open(), size))

    def recv(self, timeout: float | None = None) -> memoryview:
        """Waits for a message and returns a view of it, in place if it can be, which the next receive releases.

        Raises `EmptyError` (timeout 0), `TimedOutError`, `LaggedError` (broadcast), and once everything committed has
        been read `ClosedError` or `PeerDiedError`.
        """
        if self._fetched:
            return self._fetched.popleft()
        views = self._views
        if timeout is not None or len(views) > 1 or not self._in_place or self._pointer is None:
            return self._fetch(1, timeout)[0]
        if views:
            self._forget_views()
        found = _receive(self._pointer, self._frames, 1, _SLICE_MS)
        if found < 0:
            return self._fetch_on(found, 1, None)[0]
        first = self._first
        start = first[2]
        view = self._memory[start : start + first[3]]
        self._views = [view]
        return view

    async def recv_async(self, timeout: float | None = None) -> memoryview:
        """As `recv`, but lets the event loop run meanwhile. A cancelled wait has taken nothing."""
        return (await self.recv_many_async(1, timeout))[0]

    def recv_copy(self, timeout: float | None = None) -> bytes:
        """Waits for a message, returns a copy of it, and releases it."""
        view = self.recv(timeout)
        copy = view.obj if type(view.obj) is bytes else bytes(view)
        self.release()
        return copy

    def recv_many(self, limit: int = _BATCH, timeout: float | None = None) -> list[memoryview]:
        """Waits for at least one message and returns views of up to `limit`, released by the next receive."""
        return self._left(limit) or self._fetch(limit, timeout)

    async def recv_many_async(self, limit: int = _BATCH, timeout: float | None = None) -> list[memoryview]:
        """As `recv_many`, but lets the event loop run meanwhile."""
        return self._left(limit) or await self._fetch_async(limit, timeout)

    def _left(self, limit: int) -> list[memoryview]:
        if limit < 1:
            raise InvalidError(f"limit is {limit}: give 1 or more")
        fetched = self._fetched
        return [fetched.popleft() for _ in range(min(limit, len(fetched)))] if fetched else []

    def _fetch(self, limit: int, timeout: float | None) -> list[memoryview]:
        self._prepare(limit)
        handle, frames = self._open(), self._frames
        found = library.circlet_ring_recv_many(handle, frames, limit, first_ms(timeout))
        return self._look_at(found) if found >= 0 else self._fetch_on(found, limit, timeout)

    def _fetch_on(self, status: int, limit: int, timeout: float | None) -> list[memoryview]:
        """Goes on with a fetch whose first call returned no frames."""
        try:
            fetch = partial(library.circlet_ring_recv_many, self._open(), self._frames, limit)
            return self._look_at(go_on(status, fetch, timeout))
        except LaggedError as lag:
            self._tell_missed(lag)
            raise

    async def _fetch_async(self, limit: int, timeout: float | None) -> list[memoryview]:
        if timeout == 0:
            return self._fetch(limit, 0)
        self._prepare(limit)

        def attempt() -> int:
            return library.circlet_ring_recv_many(self._open(), self._frames, limit, LOOK_MS)

        try:
            found = await until(attempt, lambda: self.arm(CONSUMER), lambda: self._bell(CONSUMER), timeout)
        except LaggedError as lag:
            self._tell_missed(lag)
            raise
        return self._look_at(found)

    def _prepare(self, limit: int) -> None:
        self._forget_views()
        if limit > len(self._frames):
            self._make_frames(limit)

    def _make_frames(self, count: int) -> None:
        self._frames = (Frame * count)()
        # The first of them as words, for those who take one at a time.
        self._first = memoryview(self._frames).cast("B")[: _FRAME.size].cast("I")

    def _look_at(self, found: int) -> list[memoryview]:
        memory = self._memory
        if found == 1 and self._in_place:
            offset, size = self._first[2], self._first[3]
            self._views = [memory[offset : offset + size]]
            return list(self._views)
        frames = memoryview(self._frames).cast("B")[: found * _FRAME.size]
        if self._in_place:
            self._views = [memory[offset : offset + size] for offset, size in _FRAME.iter_unpack(frames)]
        else:
            # A copy is the library's until it is released: what is made of the view may live longer.
            self._views = [
                memoryview(ctypes.string_at(start, size))
                if offset == _native.NO_OFFSET
                else memory[offset : offset + size]
                for start, offset, size in _COPIED_FRAME.iter_unpack(frames)
            ]
        return list(self._views)

    def _tell_missed(self, lag: LaggedError) -> None:
        frames, size = c_uint64(), c_uint64()
        check(library.circlet_ring_missed(self._open(), byref(frames), byref(size)))
        lag.frames, lag.bytes = frames.value, size.value

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
            try:  # noqa: SIM105 (a context manager takes as long as all the rest)
                view.release()
            except BufferError:
                pass

    def __iter__(self) -> Iterator[memoryview]:
        """Yields a view of each message until the writers close; if the last one died, raises `PeerDiedError`.

        Messages are fetched many at a time; what a `break` leaves is what the next receive returns. After a
        `LaggedError` a new loop goes on with what is still there.
        """
        while True:
            if not self._fetched:
                try:
                    self._fetched.extend(self._fetch(self._batch, None))
                except ClosedError:
                    return
            yield self._fetched.popleft()

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        """As `__iter__`, but lets the event loop run while it waits, and before each fetch."""
        while True:
            if not self._fetched:
                try:
                    self._fetched.extend(await self._fetch_async(self._batch, None))
                except ClosedError:
                    return
            yield self._fetched.popleft()

    def fd(self, side: int) -> int:
        """Returns a side's doorbell (`PRODUCER` or `CONSUMER`): readable once there may be something to do.

        It is for other event loops than asyncio's: call `arm`, wait until it is readable, look, and `arm` again. It
        belongs to this object, which closes it. Takes the side.
        """
        return self._bell(side).fd

    def fileno(self) -> int:
        """Returns the reader's doorbell, so that `select` and its like take the ring itself."""
        return self.fd(CONSUMER)

    def arm(self, side: int, size: int = 0) -> bool:
        """Asks for the doorbell: `True` where there is no need to wait (a frame, room for `size` bytes, an end).

        Receive, or send, with timeout 0 until there is nothing left to do, and arm again. Arming the reader releases
        what was received. Of a message in fragments, the room is that of the next. Raises `TooLargeError` for a size
        above `stats().max_message`.

        >>> import select
        >>> from circlet import CONSUMER, SharedRingBuffer
        >>> with SharedRingBuffer.anonymous() as ring:
        ...     ready = ring.arm(CONSUMER)
        ...     ring.send(b"ding")
        ...     rung, _, _ = select.select([ring], [], [], 10)
        ...     ready, rung == [ring], ring.recv_copy(timeout=0)
        (False, True, b'ding')
        """
        if side == CONSUMER:
            if self._fetched:
                return True
            self._forget_views()
        else:
            self._open_to_write()
        return self._arm(side, size)

    def _arm(self, side: int, size: int) -> bool:
        return check(library.circlet_ring_arm(self._open(), side, checked(size))) == 1

    def _bell(self, side: int) -> Doorbell:
        if side not in self._bells:
            self._bells[side] = Doorbell(partial(library.circlet_ring_fd, self._open(), side))
        return self._bells[side]

    def set_overflow(self, overflow: Overflow) -> None:
        """Sets what this object's sends do that find no room; at first it is what the ring was made with."""
        check(library.circlet_ring_set_overflow(self._open(), word("overflow", overflow, OVERFLOWS)))
        self._waits = overflow == "block"

    def set_spin(self, side: int, microseconds: float) -> None:
        """Sets how long a side (`PRODUCER` or `CONSUMER`) spins before it sleeps."""
        check(library.circlet_ring_set_spin(self._open(), side, microseconds))

    def stats(self) -> Stats:
        """Reads the counters."""
        return Stats.of(self._open())

    def close(self) -> None:
        """Closes both sides that this object has, and its doorbells; a created name ends with it. Safe to call twice.

        The memory itself stays mapped as long as an array or a view looks at it.
        """
        if self._handle is None:
            return
        self._forget_views()
        for side in (PRODUCER, CONSUMER):
            check(library.circlet_ring_detach(self._handle, side))
        check(library.circlet_ring_unlink(self._handle))
        self._handle = self._pointer = None
        for bell in self._bells.values():
            bell.close()
        self._bells.clear()
        self._memory = memoryview(b"")

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would close it under each other."""
        raise TypeError("a SharedRingBuffer can be neither copied nor pickled: open it by its name, or by export_fd()")


def _leave(handle: int) -> None:
    for side in (PRODUCER, CONSUMER):
        # A side that a thread is in ends with the process.
        library.circlet_ring_detach(handle, side)
    library.circlet_ring_unlink(handle)
