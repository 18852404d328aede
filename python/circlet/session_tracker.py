"""Trackers of sessions: what this program does, kept as one payload and shown to other processes."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from ctypes import byref, c_uint64, c_void_p
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias, cast

from . import _native
from ._arguments import flag, integer, number, opened, path_of, shown, text
from ._closing import Closing
from ._native import CircletError, ClosedError, EmptyError, InvalidError, check, library
from ._pool_options import milliseconds
from ._session_probes import Probes, changes, missing
from ._texts import json_text, text_from
from ._waiting import first_ms, go_on
from .executor import Executor
from .hub import Hub
from .pool import Pool
from .process_pool import ProcessPool
from .ring import SharedRingBuffer
from .session_pool import SessionPool

# See _waiting.py.
if TYPE_CHECKING:
    import asyncio

    from .session_payload import SessionPayload

__all__ = ["ReadSession", "SessionTracker", "Watchable", "read_session"]

#: What a tracker can watch.
Watchable: TypeAlias = "SharedRingBuffer | Pool | ProcessPool | Executor | SessionPool | Hub"


class SessionTracker(Closing):
    """Keeps the payload of this program's session: what the system tells of its process and project, and what it says.

    What only Python knows, as its heap, its garbage and the lag of its event loop, is filled in by a thread of the
    tracker, and anew for each `snapshot`. Any thread may use it. A forked child has no part in it.

    >>> from circlet import SessionTracker
    >>> with SessionTracker.start(project=False) as tracker:
    ...     tracker.log_api_usage("asyncio")
    ...     tracker.patch({"goal": "draw a curve", "process": {"rss_bytes": 1}})
    ...     payload = tracker.snapshot()
    ['process']
    >>> payload["goal"], "asyncio" in payload["python"]["apis"], payload["process"]["rss_bytes"] > 1
    ('draw a curve', True, True)
    """

    def __init__(self, core: _Core) -> None:
        """Owns what `start` has started."""
        self._core = core
        # What ends it may be called wherever garbage is collected, and waits for nobody.
        self._end = _native.end_with(self, core.number, core.drop, core.leave)

    @classmethod
    def start(
        cls,
        *,
        folder: str | os.PathLike[str] = ".",
        page: str | None = None,
        session: str | None = None,
        interval: float = 0.25,
        history: int = 16,
        project: bool = True,
        junit: str | os.PathLike[str] | None = None,
        lcov: str | os.PathLike[str] | None = None,
        redact: bool = True,
        max_bytes: int = 262144,
        sample_every: float = 1.0,
    ) -> SessionTracker:
        """Starts a tracker of this process, and of the project in `folder` unless `project` is `False`.

        With `page`, a snapshot is published every `interval` seconds to a page in shared memory of this name, which any
        process reads. `session` is its id, made where none is given. The last `history` snapshots are remembered.
        `junit` and `lcov` are files of test results to follow. What should not leave the machine's user is taken out
        unless `redact` is `False`. What the program says may have `max_bytes` as JSON. What Python knows is looked at
        every `sample_every` seconds; where this is called in a running event loop, that is watched. Raises
        `InvalidError`, and `BusyError` where the page has a writer.

        Packages that the program imported from `site-packages`, and the classes of this one that it has made objects
        of, are noted at `python.apis` by themselves.
        """
        every = milliseconds("sample_every", sample_every) / 1e3
        options = {
            "runtime": "python",
            "folder": _path("folder", folder),
            "page": None if page is None else text("page", page).decode(),
            "session": None if session is None else text("session", session).decode(),
            "interval_ms": max(1, math.ceil(milliseconds("interval", interval))),
            "history": number("history", history),
            "project": flag("project", project),
            "junit": None if junit is None else _path("junit", junit),
            "lcov": None if lcov is None else _path("lcov", lcov),
            "redact": flag("redact", redact),
            "max_bytes": number("max_bytes", max_bytes),
        }
        handle = c_void_p()
        check(library.circlet_tracker_start(json.dumps(options).encode(), byref(handle)))
        tracker = cls(_Core(opened(handle)))
        tracker._core.begin(min(every, threading.TIMEOUT_MAX))
        if loop := _running_loop():
            tracker._core.probes.watch(loop)
        return tracker

    def log_api_usage(self, name: str) -> None:
        """Notes that the session uses an interface, at `python.apis`. Each is noted once. Raises `InvalidError`."""
        name_text = text("name", name)
        self._core.ask(lambda handle: library.circlet_tracker_log_api_usage(handle, name_text))

    def register_worker(self, id: str) -> None:
        """Adds a worker that starts. Raises `NameTakenError` where there is one of this id."""
        id_text = text("id", id)
        self._core.ask(lambda handle: library.circlet_tracker_register_worker(handle, id_text))

    def update_worker(self, id: str, patch: dict[str, Any] | None) -> None:
        """Changes what is said of a worker by a merge patch of its entry; `None` forgets it. Raises `NotFoundError`."""
        id_text, patch_text = text("id", id), json_text("patch", patch)
        self._core.ask(lambda handle: library.circlet_tracker_update_worker(handle, id_text, patch_text))

    def watch(self, name: str, what: Watchable) -> None:
        """Has each snapshot say how a ring, a pool, an executor, a pool of sessions or a hub is, until that is closed.

        A ring is at `rings` under this name, an executor and the sessions of a pool at `executors`, what confines them
        at `policies`, what that denied and warned of at `audit` if it has an audit, the workers of a pool at
        `worker_threads`, and a hub at `hub`. As it is measured, no patch changes it. It is not kept alive by that.
        Raises `NameTakenError` where something else is watched under this name, and `InvalidError`.
        """
        name_text = text("name", name)
        self._core.check_open()
        self._core.prune()
        self._core.ask(lambda handle: _watched(handle, name_text, what))
        if isinstance(what, SharedRingBuffer):
            # Its memory stays for the views of it, also once it is closed.
            self._core.rings[name] = weakref.ref(what)

    def unwatch(self, name: str) -> None:
        """Watches something no more. Raises `NotFoundError` where nothing is watched under this name."""
        name_text = text("name", name)
        self._core.rings.pop(name, None)
        self._core.ask(lambda handle: library.circlet_tracker_unwatch(handle, name_text))

    def patch(self, patch: dict[str, Any]) -> list[str]:
        """Takes a JSON Merge Patch (RFC 7396) of the payload, and returns the paths of what is measured and so refused.

        Raises `CircletError` where it does not fit, and `TooLargeError` where it is too much: nothing of it is taken.
        """
        patch_text = json_text("patch", patch)
        try:
            return cast(
                "list[str]",
                self._core.told(lambda handle, out: library.circlet_tracker_patch(handle, patch_text, out)),
            )
        finally:
            # It may have changed what the thread said last.
            self._core.said = {}

    def snapshot(self) -> SessionPayload:
        """Takes a snapshot, with what Python knows at this moment, and remembers it."""
        return cast("SessionPayload", json.loads(self._snapshot()))

    def history(self) -> list[SessionPayload]:
        """Returns the snapshots that are remembered, the newest at the end."""
        return cast("list[SessionPayload]", self._core.told(library.circlet_tracker_history))

    def diff(self, seq: int) -> dict[str, Any]:
        """Takes a snapshot, and returns the merge patch that leads to it from the one with this `seq`.

        Raises `NotFoundError` where that is not remembered.
        """
        if not 0 <= integer("seq", seq) < 1 << 64:
            raise InvalidError(f"seq is {shown(seq)}: give that of a snapshot")
        self._core.sample()
        return cast(
            "dict[str, Any]",
            self._core.told(lambda handle, out: library.circlet_tracker_diff(handle, c_uint64(seq), out)),
        )

    def wait_for_project(self, timeout: float | None = None) -> None:
        """Waits until the project has been looked at once, so that a snapshot has its git state and dependencies.

        Raises `TimedOutError` after `timeout` seconds.
        """

        def wait(ms: float) -> int:
            return self._core.call(lambda handle: int(library.circlet_tracker_wait_for_project(handle, ms)))

        go_on(wait(first_ms(timeout)), wait, timeout)

    def summary(self, tokens: int | None = None) -> str:
        """Takes a snapshot, and says it in a few lines, of at most so many tokens together: 450 by default."""
        if tokens is not None and not 0 <= integer("tokens", tokens) < 1 << 64:
            raise InvalidError(f"tokens is {shown(tokens)}: give 0 or more")
        snapshot = self._snapshot()
        if tokens is None:
            return text_from(lambda out: library.circlet_session_summary(snapshot, out))[0].decode()
        return text_from(lambda out: library.circlet_session_summary_within(snapshot, tokens, out))[0].decode()

    def watch_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Watches how late an event loop is from now on, in place of any other: the running one, or the one given.

        Raises `InvalidError` where none runs or is given.
        """
        if loop is None and (loop := _running_loop()) is None:
            raise InvalidError("no event loop runs in this thread: call it in one, or give one")
        self._core.check_open()
        self._core.probes.watch(loop)

    def close(self) -> None:
        """Ends the tracker, its threads and its page. Safe to call twice."""
        self._end()
        self._core.close()

    def _snapshot(self) -> bytes:
        self._core.sample()
        return self._core.asked(library.circlet_tracker_snapshot)[0]

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`, also for a copy: two objects of one handle would end it under each other."""
        raise TypeError("a SessionTracker can be neither copied nor pickled")


def _watched(tracker: int, name: bytes, what: Watchable) -> int:
    """Calls the library with the handle of what is to be watched, which stays meanwhile."""
    if isinstance(what, SharedRingBuffer):
        return int(library.circlet_tracker_watch_ring(tracker, name, what._open()))
    if isinstance(what, (Pool, ProcessPool)):
        return int(library.circlet_tracker_watch_pool(tracker, name, what._line.handle))
    if isinstance(what, Executor):
        return what._line.with_handle(lambda handle: library.circlet_tracker_watch_executor(tracker, name, handle))
    if isinstance(what, SessionPool):
        with what._used() as handle:
            return int(library.circlet_tracker_watch_session_pool(tracker, name, handle))
    if isinstance(what, Hub):
        return int(library.circlet_tracker_watch_hub(tracker, name, what._handle))
    raise InvalidError(
        f"what is {shown(what)}: give a SharedRingBuffer, a Pool, a ProcessPool, an Executor, a SessionPool or a Hub"
    )


class _Core:
    """What a tracker shares with its thread, which does not keep the tracker itself alive."""

    def __init__(self, handle: int) -> None:
        #: The handle, also once nobody may use it any more.
        self.number = handle
        self.probes = Probes()
        #: What was last said at `python`.
        self.said: dict[str, Any] = {}
        #: The rings that are watched, by the names that they are watched under.
        self.rings: dict[str, weakref.ref[SharedRingBuffer]] = {}
        self._process = os.getpid()
        self._handle: int | None = handle
        self._is_freed = False
        # How many threads are in the library. A finalizer may come anywhere, within this thread too.
        self._callers = 0
        self._left = threading.Condition(threading.RLock())
        self._sampling = threading.RLock()
        # Held until it is over. An event would not do: a finalizer may come while this thread is in it.
        self._stop = threading.Lock()
        self._stop.acquire()
        self._is_over = False
        self._thread: threading.Thread | None = None
        _cores.add(self)

    def begin(self, every: float) -> None:
        """Says what Python knows now, and again after each so many seconds."""
        self.sample()

        def run() -> None:
            while not self._stop.acquire(timeout=every):
                self.sample()

        self._thread = threading.Thread(target=run, name="circlet-session-sampler", daemon=True)
        self._thread.start()

    def sample(self) -> None:
        """Says what Python knows, where it is another than before."""
        with self._sampling:
            if self._handle is None:
                return
            self.prune()
            for name in self.probes.interfaces.new():
                # One that the payload has no place for is left out.
                with suppress(CircletError):
                    self.ask(partial(_log_api_usage, name=name.encode(errors="replace")))
            section = self.probes.look()
            now = {"python": section, "unavailable": missing(section)}
            before = self.said
            # What somebody else patches meanwhile is said whole the next time.
            self.said = now
            if patch := changes(before, now):
                patch_text = json.dumps(patch).encode()
                status = -1
                # It may be closed at any moment.
                with suppress(ClosedError):
                    status = self.call(lambda handle: library.circlet_tracker_patch(handle, patch_text, None))
                if status < 0:
                    # The payload has no room: what is known stays, its age tells, and it is tried again.
                    self.said = {}

    def prune(self) -> None:
        """Watches the rings no more that are closed."""
        for name, ring in list(self.rings.items()):
            if (there := ring()) is None or there._handle is None:
                self.rings.pop(name, None)
                with suppress(CircletError):
                    self.ask(partial(_unwatch, name=name.encode()))

    def ask(self, call: Callable[[int], int]) -> int:
        """Calls the library with the handle; raises what a negative status means."""
        return check(self.call(call))

    def asked(self, call: Callable[[int, Any], int]) -> tuple[bytes, int]:
        """Calls what writes a text, and returns that."""
        return text_from(lambda out: self.call(lambda handle: call(handle, out)))

    def told(self, call: Callable[[int, Any], int]) -> Any:
        """Calls what writes JSON, and returns what that says."""
        return json.loads(self.asked(call)[0])

    def call(self, call: Callable[[int], int]) -> int:
        """Calls the library with the handle, which stays meanwhile."""
        with self._left:
            # In this order: a finalizer that comes between leaves the handle to this call.
            self._callers += 1
            handle = self._handle
        try:
            if handle is None:
                raise self._refusal()
            return call(handle)
        finally:
            with self._left:
                self._callers -= 1
                if self._callers == 0:
                    if self._handle is None:
                        self._free()
                    self._left.notify_all()

    def check_open(self) -> None:
        """Raises where it is closed."""
        if self._handle is None:
            raise self._refusal()

    def _refusal(self) -> CircletError:
        if os.getpid() == self._process:
            return ClosedError("this tracker was closed here: start another")
        process, here = self._process, os.getpid()
        return CircletError(
            f"this tracker belongs to process {process}, and this is its forked child {here}: start one here"
        )

    def drop(self, _number: int = 0) -> None:
        """Ends it without waiting: whoever is in the library frees it on leaving."""
        self.probes.end()
        with self._left:
            if not self._is_over:
                self._is_over = True
                self._stop.release()
            self._handle = None
            if self._callers == 0:
                self._free()

    def close(self) -> None:
        """Ends it once nobody is in the library any more, and waits for the thread."""
        self.drop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._left:
            while self._callers and os.getpid() == self._process:
                self._left.wait()

    def leave(self, _number: int) -> None:
        """Ends it as the interpreter ends."""
        self.close()

    def _free(self) -> None:
        # In a forked child its threads are its parent's.
        if not self._is_freed and os.getpid() == self._process:
            self._is_freed = True
            library.circlet_tracker_free(self.number)

    def forked(self) -> None:
        """Becomes that of a process that has been forked of its own."""
        # Threads of the parent may have held the locks.
        self._left, self._sampling = threading.Condition(threading.RLock()), threading.RLock()
        self._handle, self._callers, self._thread, self._is_over = None, 0, None, True
        self.probes.end()


_cores: weakref.WeakSet[_Core] = weakref.WeakSet()


def _forked() -> None:
    for core in list(_cores):
        core.forked()
    _cores.clear()


os.register_at_fork(after_in_child=_forked)


def _log_api_usage(handle: int, name: bytes) -> int:
    return int(library.circlet_tracker_log_api_usage(handle, name))


def _unwatch(handle: int, name: bytes) -> int:
    return int(library.circlet_tracker_unwatch(handle, name))


class ReadSession(NamedTuple):
    """A snapshot of a session, as it was read from its page."""

    payload: SessionPayload
    #: How old it is in seconds, where it says when it was taken.
    age: float | None
    #: Whether its writer lives: one that was killed leaves its last snapshot.
    is_live: bool


def read_session(name: str) -> ReadSession | None:
    """Returns the newest snapshot on the page of a session, whichever process and language writes it.

    `None` where none was written yet. Raises `NotFoundError` where there is no such page, and `SchemaError` where it is
    none of a session.

    >>> from circlet import SessionTracker, read_session
    >>> with SessionTracker.start(project=False, page="circlet-doc-read", interval=0.01) as tracker:
    ...     while (read := read_session("circlet-doc-read")) is None:
    ...         pass
    >>> read.is_live, read.age < 60, read.payload["process"]["rss_bytes"] > 1
    (True, True, True)
    """
    name_text = text("name", name)
    try:
        read = json.loads(text_from(lambda out: library.circlet_session_read(name_text, out))[0])
    except EmptyError:
        return None
    age_ms = read["age_ms"]
    return ReadSession(read["payload"], None if age_ms is None else age_ms / 1e3, read["is_live"])


def _path(what: str, value: str | os.PathLike[str]) -> str:
    """Returns a path, which goes into JSON and so is UTF-8."""
    path = path_of(what, value)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidError(
            f"{what} is {shown(path)}, which is not UTF-8: give one that is, such as a link to it"
        ) from None
    return path


def _running_loop() -> asyncio.AbstractEventLoop | None:
    asyncio = sys.modules.get("asyncio")
    return asyncio._get_running_loop() if asyncio is not None else None
