"""Pages: one latest value in shared memory."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from ctypes import byref, c_int32, c_uint64, c_void_p
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

from ._arguments import buffer, number, opened, text
from ._native import BusyError, ClosedError, EmptyError, check, library
from ._waiting import LOOK_MS, Doorbell, first_ms, go_on, until

# The pages of this process that are open, to be closed at its end.
_pages: weakref.WeakSet[SharedPage] = weakref.WeakSet()
# Set at the end of the process, when only daemon threads are left.
_ending = threading.Event()


class PageValue(NamedTuple):
    """A value of a page, in a private copy."""

    #: Its number: 1 is the first that was written.
    version: int
    bytes: bytes


class SharedPage:
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
        self._handle: int | None = handle
        self._closing = False
        # Held by whoever is inside of the library: the handle may not end under them. A signal handler may close the
        # page in the thread that holds one, as no handler runs before the library has returned.
        self._reading, self._writing = threading.RLock(), threading.RLock()
        self._bell: Doorbell | None = None
        _pages.add(self)

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
        tag, handle = text("schema", schema), c_void_p()
        check(library.circlet_page_from_fd(fd, tag, byref(handle)))
        return cls(opened(handle))

    def export_fd(self) -> int:
        """Makes a descriptor for another process; close it here once it is passed."""
        return self._read_fd(library.circlet_page_export_fd)

    def _read_fd(self, make: Callable[..., int]) -> int:
        fd = c_int32()
        check(self._call(self._reading, make, byref(fd)))
        return fd.value

    def _call(self, inside: threading.RLock, function: Callable[..., int], *arguments: Any) -> int:
        """Calls a function of the library with the handle, which does not end meanwhile."""
        if not self._closing:
            if not inside.acquire(blocking=False):
                raise BusyError("another thread is inside this page: one thread at a time")
            try:
                if not self._closing:
                    return function(self._handle, *arguments)
            finally:
                inside.release()
        if _ending.is_set() and threading.current_thread() is not threading.main_thread():
            threading.Event().wait()  # A daemon thread ends with the process, and without a word.
        raise ClosedError("this page was closed here")

    def write(self, value: Any) -> None:
        """Publishes a value, and never waits; anything with the buffer protocol, contiguous.

        Raises `TooLargeError`, or `BusyError` while another writer lives.
        """
        data, size = buffer(value)
        check(self._call(self._writing, library.circlet_page_write, data, size))

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

        def read(handle: int) -> int:
            value, version = c_void_p(), c_uint64()
            size = library.circlet_page_read(handle, ms, byref(value), byref(version))
            if size >= 0:
                found.append(PageValue(version.value, ctypes.string_at(value.value or 0, size) if size else b""))
            return size

        return self._call(self._reading, read)

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
            self._bell = Doorbell(partial(self._call, self._reading, library.circlet_page_fd))
        return self._bell

    def fileno(self) -> int:
        """Returns the reader's doorbell, for `select` and its like: readable once there may be a newer value.

        Call `arm`, wait until it is readable, read, and `arm` again. It belongs to this object, which closes it.
        """
        return self._doorbell().fd

    def arm(self) -> bool:
        """Asks for the doorbell: `True` where there is a newer value, or no writer any more."""
        return check(self._call(self._reading, library.circlet_page_arm)) == 1

    def close(self) -> None:
        """Gives the writer's side up; a created name ends with it. Safe to call twice, and from any thread.

        A thread that waits leaves with `ClosedError`.
        """
        self._closing = True
        with self._reading, self._writing:
            handle, self._handle = self._handle, None
            if handle is not None:
                library.circlet_page_close(handle)
        if self._bell is not None:
            self._bell.close()

    def __del__(self) -> None:
        # Where it was never made, there is nothing to close.
        if getattr(self, "_handle", None) is not None:
            self.close()

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would close it under each other."""
        raise TypeError("a SharedPage can be neither copied nor pickled: open it by its name, or by export_fd()")

    def __enter__(self) -> SharedPage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    _ending.set()
    for page in list(_pages):
        page.close()


def _forget_threads() -> None:
    # A thread that was inside is none of the child's.
    for page in list(_pages):
        page._reading, page._writing = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
