"""Pages: one latest value in shared memory."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import AsyncIterator, Iterator
from ctypes import byref, c_int32, c_uint64, c_void_p
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ._arguments import buffer, number, opened, owned, text
from ._closing import Closing
from ._native import BusyError, ClosedError, EmptyError, check, end_with, library, used
from ._waiting import LOOK_MS, Doorbell, first_ms, go_on, until


class PageValue(NamedTuple):
    """A value of a page, in a private copy."""

    #: Its number: 1 is the first that was written.
    version: int
    bytes: bytes


class SharedPage(Closing):
    """A single latest value that one process writes and any number of others read, whole at any time.

    Make one with `create`, `open`, `anonymous` or `from_fd`. The first `write` takes the writer's side. One thread or
    task at a time writes through an object, and one reads. Timeouts are seconds: `None` waits without a deadline.

    >>> from circlet import SharedPage
    >>> with SharedPage.anonymous() as page:
    ...     page.write(b"first")
    ...     page.write(b"second")
    ...     page.read()
    PageValue(version=2, bytes=b'second')
    """

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library; use the class methods instead."""
        end_with(self, handle, library.circlet_page_close, _leave)
        used["circlet.SharedPage"] = None
        self._handle: int | None = handle
        # Held from a read until its value is copied: the next read writes over it.
        self._reading = threading.Lock()
        self._bell: Doorbell | None = None

    @classmethod
    def create(cls, name: str, max_bytes: int = 1 << 16, *, schema: str = "") -> SharedPage:
        """Creates a named page for values of up to `max_bytes`, below 512 MiB.

        `schema` is a tag of at most 56 bytes that whoever opens the page must give too. The name ends with `close`.
        Raises `NameTakenError`, `InvalidError`, or `CircletError` without room.
        """
        longest, tag, handle = number("max_bytes", max_bytes), text("schema", schema), c_void_p()
        check(library.circlet_page_create(text("name", name), longest, tag, byref(handle)))
        return cls(opened(handle))

    @classmethod
    def open(cls, name: str, *, schema: str = "") -> SharedPage:
        """Opens a page by its name. Raises `NotFoundError`, `SegmentError`, or `SchemaError` for another tag."""
        handle = c_void_p()
        check(library.circlet_page_open(text("name", name), text("schema", schema), byref(handle)))
        return cls(opened(handle))

    @classmethod
    def anonymous(cls, max_bytes: int = 1 << 16, *, schema: str = "") -> SharedPage:
        """Creates a page without a name, to be passed on by `export_fd`."""
        handle = c_void_p()
        check(library.circlet_page_anonymous(number("max_bytes", max_bytes), text("schema", schema), byref(handle)))
        return cls(opened(handle))

    @classmethod
    def from_fd(cls, fd: int, *, schema: str = "") -> SharedPage:
        """Opens a page from a descriptor that `export_fd` made, and owns the descriptor. Raises as `open` does."""
        with owned(fd):
            tag, handle = text("schema", schema), c_void_p()
        check(library.circlet_page_from_fd(fd, tag, byref(handle)))
        return cls(opened(handle))

    def export_fd(self) -> int:
        """Makes a descriptor for another process; close it here once it is passed."""
        fd = c_int32()
        check(library.circlet_page_export_fd(self._open(), byref(fd)))
        return fd.value

    def _open(self) -> int:
        if self._handle is None:
            raise ClosedError("this page was closed here")
        return self._handle

    def write(self, value: Any) -> None:
        """Publishes a value, and never waits; anything with the buffer protocol, contiguous.

        Raises `TooLargeError`, or `BusyError` while another writer lives.
        """
        (data, size), handle = buffer(value), self._open()
        try:
            check(library.circlet_page_write(handle, data, size))
        finally:
            # Another thread has closed the page meanwhile, and could not take the side from under this one.
            if self._handle is None:
                library.circlet_page_detach(handle)

    def read(self) -> PageValue | None:
        """Returns the newest value, also one that was read before; `None` where there is none yet."""
        try:
            return self._take(0.0)
        except EmptyError:
            return None

    def wait(self, timeout: float | None = None) -> PageValue:
        """Waits for a value that this object has not read yet, and returns the newest.

        Raises `TimedOutError`, and `ClosedError` or `PeerDiedError` where there is none and no writer any more.
        """
        found: list[PageValue] = []
        # 0 would be any value at once.
        go_on(self._read(max(first_ms(timeout), LOOK_MS), found), partial(self._read, found=found), timeout)
        return found[0]

    async def wait_async(self, timeout: float | None = None) -> PageValue:
        """As `wait`, but lets the event loop run meanwhile."""
        found: list[PageValue] = []
        await until(lambda: self._read(LOOK_MS, found), self.arm, self._doorbell, timeout)
        return found[0]

    def _take(self, ms: float) -> PageValue:
        found: list[PageValue] = []
        check(self._read(ms, found))
        return found[0]

    def _read(self, ms: float, found: list[PageValue]) -> int:
        """Reads into `found`; the library's copy is valid until the next read."""
        value, version = c_void_p(), c_uint64()
        if not self._reading.acquire(blocking=False):
            raise BusyError("another thread reads this page: one thread at a time")
        try:
            size = library.circlet_page_read(self._open(), ms, byref(value), byref(version))
            if size >= 0:
                found.append(PageValue(version.value, ctypes.string_at(value.value or 0, size) if size else b""))
            return size
        finally:
            self._reading.release()

    def __iter__(self) -> Iterator[PageValue]:
        """Yields the newest value each time there is one, until the writer closes; a death is a `PeerDiedError`."""
        while True:
            try:
                value = self.wait()
            except ClosedError:
                return
            yield value

    async def __aiter__(self) -> AsyncIterator[PageValue]:
        """As `__iter__`, but lets the event loop run meanwhile.

        >>> import asyncio
        >>> from circlet import SharedPage
        >>> async def watch(page):
        ...     async for value in page:
        ...         return value.bytes
        >>> with SharedPage.anonymous() as page:
        ...     page.write(b"news")
        ...     asyncio.run(watch(page))
        b'news'
        """
        while True:
            try:
                value = await self.wait_async()
            except ClosedError:
                return
            yield value

    def _doorbell(self) -> Doorbell:
        if self._bell is None:
            self._bell = Doorbell(partial(library.circlet_page_fd, self._open()))
        return self._bell

    def fileno(self) -> int:
        """Returns the reader's doorbell, for `select` and its like: readable once there may be a newer value.

        Call `arm`, wait until it is readable, read, and `arm` again. It belongs to this object, which closes it.
        """
        return self._doorbell().fd

    def arm(self) -> bool:
        """Asks for the doorbell: `True` where there is a newer value, or no writer any more."""
        return check(library.circlet_page_arm(self._open())) == 1

    def close(self) -> None:
        """Gives the writer's side up; a created name ends with it. Safe to call twice, and from any thread.

        A thread that waits leaves with `ClosedError`.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        _leave(handle)
        if self._bell is not None:
            self._bell.close()

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would close it under each other."""
        raise TypeError("a SharedPage can be neither copied nor pickled: open it by its name, or by export_fd()")


def _leave(handle: int) -> None:
    # A side that a thread is in ends with the process, or with the write.
    library.circlet_page_detach(handle)
    library.circlet_page_unlink(handle)
