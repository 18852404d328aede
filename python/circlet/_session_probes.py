"""What Python alone knows of itself, for session payloads: its heap, its garbage, its event loop."""

from __future__ import annotations

import gc
import os
import platform
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from . import _native

# See _waiting.py.
if TYPE_CHECKING:
    import asyncio

#: How often an event loop is looked at, in seconds: a block is seen as shorter by at most as much.
BEAT = 0.01
_WINDOW = 60


class Longest:
    """The largest of the values of the last minute, in seconds of the clock. Any thread may note and ask."""

    def __init__(self) -> None:
        """Begins without a value."""
        self._seconds = [(-_WINDOW, 0)] * _WINDOW

    def note(self, now: float, value: int) -> None:
        """Takes a value of this moment."""
        second = int(now)
        at = second % _WINDOW
        of, most = self._seconds[at]
        if of != second or value > most:
            # One assignment, so that a thread that asks sees one or the other.
            self._seconds[at] = (second, value)

    def within(self, now: float) -> int:
        """Returns the largest that is at most a minute old, 0 where there is none."""
        oldest = int(now) - _WINDOW
        return max((most for second, most in self._seconds if second > oldest), default=0)


class Garbage:
    """The collections since it began to look, by callbacks of the collector, which runs one collection at a time."""

    def __init__(self) -> None:
        """Begins to look."""
        self._began = 0
        # One object, so that a thread that looks sees counts and times of the same collections.
        self._so_far = (0, 0, 0, 0)
        self._callback = self._step
        gc.callbacks.append(self._callback)

    def _step(self, phase: str, info: dict[str, int]) -> None:
        # No lock: a collection may begin wherever this thread holds one.
        if phase == "start":
            self._began = time.perf_counter_ns()
        elif self._began:
            took, self._began = time.perf_counter_ns() - self._began, 0
            collections, collected, total, longest = self._so_far
            collected += info.get("collected", 0)
            self._so_far = (collections + 1, collected, total + took, max(longest, took))

    def look(self) -> dict[str, int]:
        """Returns what the collections since the beginning did, and how long they took."""
        collections, collected, total, longest = self._so_far
        return {
            "collections": collections,
            "collected": collected,
            "total_us": total // 1000,
            "longest_us": longest // 1000,
        }

    def end(self) -> None:
        """Looks no more. Safe to call twice."""
        if self._callback in gc.callbacks:
            gc.callbacks.remove(self._callback)


class Loop:
    """How late an event loop runs what is due, by something that is due every `BEAT`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to look at the next turn of the loop, whichever thread this is."""
        self._loop = loop
        self._due: float | None = None
        self._lag = 0
        self._longest = Longest()
        self._is_over = False
        loop.call_soon_threadsafe(self._next)

    def _next(self) -> None:
        if not self._is_over:
            self._due = time.monotonic() + BEAT
            self._loop.call_later(BEAT, self._beat)

    def _beat(self) -> None:
        now, due = time.monotonic(), self._due
        if due is not None:
            self._lag = _micros(now - due)
            self._longest.note(now, self._lag)
        self._next()

    def look(self) -> dict[str, int] | None:
        """Returns how late it is, by now too if it is late at this moment; `None` once it is closed."""
        if self._loop.is_closed():
            return None
        now, due, lag = time.monotonic(), self._due, self._lag
        longest = self._longest.within(now)
        if not self._loop.is_running():
            # Nothing is due while it rests, and what comes next was not late by that.
            self._due = None
        elif due is not None:
            lag = max(lag, _micros(now - due))
        return {"lag_us": lag, "lag_longest_us": max(longest, lag)}

    def end(self) -> None:
        """Looks no more after the next beat."""
        self._is_over = True


class Probes:
    """All of what is said at `python`."""

    def __init__(self) -> None:
        """Begins to look."""
        self._constant = {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "features": _features(),
        } | ({"executable": sys.executable} if sys.executable else {})
        self._garbage = Garbage()
        self.interfaces = Interfaces()
        self._loop: Loop | None = None

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks at this event loop from now on, and at no other."""
        if self._loop is not None:
            self._loop.end()
        self._loop = Loop(loop)

    def look(self) -> dict[str, Any]:
        """Returns the section as it is now; what is not known is absent."""
        section = self._constant | {
            "gc": self._garbage.look(),
            "threads": threading.active_count(),
            "modules": len(sys.modules),
        }
        if heap := _heap():
            section["heap"] = heap
        if self._loop is not None and (late := self._loop.look()):
            section["event_loop"] = late
        return section

    def end(self) -> None:
        """Looks no more. Safe to call twice."""
        self._garbage.end()
        if self._loop is not None:
            self._loop.end()


def missing(section: dict[str, Any]) -> dict[str, str]:
    """Returns why what is not in the section is not, by its path in the payload."""
    reasons = {}
    if "event_loop" not in section:
        reasons["python.event_loop"] = "no event loop is watched: start the tracker in a coroutine, or call watch_loop"
    if "used_bytes" not in section.get("heap", {}):
        reasons["python.heap.used_bytes"] = "tracemalloc does not trace"
    return reasons


class Interfaces:
    """The interfaces that the program uses, as far as that shows by itself."""

    def __init__(self) -> None:
        """Begins with none."""
        self._modules = 0
        self._told: set[str] = set()

    def new(self) -> list[str]:
        """Returns those that have come since the last time: this package's classes, and packages from elsewhere."""
        found = list(_native.used)
        if len(sys.modules) != self._modules:
            names = list(sys.modules)
            self._modules = len(names)
            found += sorted(name for name in names if _is_from_elsewhere(name))
        new = [name for name in found if name not in self._told]
        self._told.update(new)
        return new


def _is_from_elsewhere(name: str) -> bool:
    """Tells whether a module is a whole package, or a file of its own, that somebody installed."""
    if "." in name or name.startswith("_") or name == "circlet" or name in sys.stdlib_module_names:
        return False
    origin = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None)
    return isinstance(origin, str) and f"{os.sep}site-packages{os.sep}" in origin


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Returns the merge patch (RFC 7396) that leads from one document without `None` to another."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := changes(before, value):
                patch[name] = inner
        elif value != before:
            patch[name] = value
    return patch


def _micros(seconds: float) -> int:
    return max(0, round(seconds * 1e6))


def _features() -> dict[str, bool]:
    features = {
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "free_threading": "t" in getattr(sys, "abiflags", ""),
        "debug": hasattr(sys, "gettotalrefcount"),
        "asserts": __debug__,
    }
    # An older one has none to tell of.
    if jit := getattr(sys, "_jit", None):
        features["jit"] = bool(jit.is_enabled())
    return features


def _heap() -> dict[str, int]:
    heap: dict[str, int] = {}
    if count := getattr(sys, "getallocatedblocks", None):
        heap["blocks"] = count()
    # Whoever traces has imported it.
    tracemalloc = sys.modules.get("tracemalloc")
    if tracemalloc is not None and tracemalloc.is_tracing():
        heap["used_bytes"] = tracemalloc.get_traced_memory()[0]
    return heap
