"""A worker: runs code strings that a supervisor sends, in one namespace, and sends back what came of them.

The control socket carries lines: `READY` from here, `DATA` from either side when frames lie in a ring, `STOP` to here.
Each frame begins with two little-endian `u32`, its kind and its request's number; see docs/protocol.md.
"""

from __future__ import annotations

import ast
import io
import json
import linecache
import math
import os
import socket
import struct
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable

from ._native import EmptyError
from .ring import SharedRingBuffer

RUN, OUTCOME, STDOUT, STDERR, PART = 1, 2, 3, 4, 5
_HEADER = struct.Struct("<II")
# A part of what is printed goes out when it is so long, or at the end of a line.
_CHUNK = 1 << 14
# How many runs' sources are kept for tracebacks: functions of older runs appear in them without their lines.
_SOURCES = 100
# What the supervisor's JSON parser reads: i64 and u64, and values nested less than 128 deep, of which some are ours.
_LEAST_INT, _GREATEST_INT, _DEPTH = -(1 << 63), (1 << 64) - 1, 100


class Worker:
    """Serves one supervisor until it says `STOP` or goes."""

    def __init__(self, control: socket.socket, received: bytes, rings: list[list[str]], descriptors: list[int]) -> None:
        """Takes the socket, what was read from it behind the hello, and the rings: requests, answers, and `rings`.

        Each of `rings` is what the code calls it, and its name: one without has the next descriptor.
        """
        self._control = control
        self._received = received
        rest = iter(descriptors)
        self._requests, self._answers = SharedRingBuffer.from_fd(next(rest)), SharedRingBuffer.from_fd(next(rest))
        # A quarter of the longest frame: the next part is written while the supervisor reads the last one.
        self._longest = self._answers.stats().max_frame // 4 - _HEADER.size
        self._namespace: dict[str, object] = {
            "__name__": "__main__",
            "__builtins__": __builtins__,
            "rings": {
                alias: SharedRingBuffer.open(name) if name else SharedRingBuffer.from_fd(next(rest))
                for alias, name in rings
            },
        }
        # One for all runs: code may keep them, as a logging handler does.
        self._streams = _Stream(self, STDOUT), _Stream(self, STDERR)
        self._sources: deque[str] = deque()
        self._running: int | None = None
        self._sending = threading.RLock()

    def serve(self) -> None:
        """Answers requests until `STOP`, or until the supervisor goes."""
        sys.stdout, sys.stderr = self._streams
        self._say("READY")
        while (line := self._next_line()) not in (None, "STOP"):
            if line == "DATA":
                while (request := self._next_request()) is not None:
                    self._run(*request)

    def _say(self, line: str) -> None:
        self._control.sendall(line.encode() + b"\n")

    def _next_line(self) -> str | None:
        while b"\n" not in self._received:
            data = self._control.recv(1 << 16)
            if not data:
                return None
            self._received += data
        line, self._received = self._received.split(b"\n", 1)
        return line.decode()

    def _next_request(self) -> tuple[int, str] | None:
        try:
            frame = self._requests.recv_copy(timeout=0)
        except EmptyError:
            return None
        kind, request = _HEADER.unpack_from(frame)
        if kind != RUN:
            raise ValueError(f"a request of kind {kind}: only {RUN} (run) is known")
        return request, frame[_HEADER.size :].decode()

    def _answer(self, kind: int, request: int, body: bytes) -> None:
        with self._answers.claim(_HEADER.size + len(body)) as view:
            _HEADER.pack_into(view, 0, kind, request)
            view[_HEADER.size :] = body
        self._say("DATA")

    def print_part(self, kind: int, body: bytes) -> None:
        """Sends a part of what is printed to the run that is under way; between runs it goes to the descriptor."""
        with self._sending:
            if self._running is None:
                os.write(1 if kind == STDOUT else 2, body)
                return
            size, start = min(_CHUNK, self._longest), 0
            while start < len(body):
                end = start + size
                # Each part is UTF-8 of its own: no cut before a continuation byte.
                while end < len(body) and body[end] & 0xC0 == 0x80:
                    end -= 1
                self._answer(kind, self._running, body[start:end])
                start = end

    def _run(self, request: int, code: str) -> None:
        self._running = request
        body = json.dumps(self._evaluate(request, code)).encode()
        for stream in self._streams:
            stream.flush()
        # A thread that the code has left behind may print at any time: nothing of this run comes after its outcome.
        with self._sending:
            self._running = None
            for start in range(0, len(body), self._longest):
                end = start + self._longest
                self._answer(PART if end < len(body) else OUTCOME, request, body[start:end])

    def _evaluate(self, request: int, code: str) -> dict[str, object]:
        """Executes the code; the value of its last expression is the value of all."""
        filename = f"<run-{request}>"
        if len(self._sources) == _SOURCES:
            linecache.cache.pop(self._sources.popleft(), None)
        self._sources.append(filename)
        linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
        try:
            tree = ast.parse(code, filename)
            last = tree.body[-1] if tree.body else None
            if not isinstance(last, ast.Expr):
                exec(compile(tree, filename, "exec"), self._namespace)
                return {"value": None}
            exec(compile(ast.Module(tree.body[:-1], tree.type_ignores), filename, "exec"), self._namespace)
            value = eval(compile(ast.Expression(last.value), filename, "eval"), self._namespace)
            try:
                return {"value": _exact(value)}
            except (_InexactError, RecursionError):
                return {"repr": _unicode(repr(value))}
        except BaseException as error:
            return {"error": _describe(error, filename)}


class _InexactError(Exception):
    """A value that JSON cannot say exactly."""


def _exact(value: object, depth: int = 0) -> object:
    """Returns the value in plain types that every JSON parser reads back as they are; raises `_InexactError`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return str.encode(value).decode()
        except UnicodeEncodeError:
            raise _InexactError from None
    if isinstance(value, int) and _LEAST_INT <= (number := int.__int__(value)) <= _GREATEST_INT:
        return number
    if isinstance(value, float) and math.isfinite(real := float.__float__(value)):
        return real
    if isinstance(value, (list, tuple, dict)) and depth < _DEPTH:
        # Copies of the items: other threads, and what a subclass overrides, cannot change them on the way.
        if not isinstance(value, dict):
            items = list.copy(value) if isinstance(value, list) else tuple.__getitem__(value, slice(None))
            return [_exact(item, depth + 1) for item in items]
        entries = dict.copy(value)
        if all(isinstance(key, str) for key in entries):
            return {_exact(key): _exact(item, depth + 1) for key, item in entries.items()}
    raise _InexactError


def _unicode(text: str) -> str:
    """Returns the text with its lone surrogates, which UTF-8 does not have, escaped."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


def _describe(error: BaseException, filename: str) -> dict[str, str]:
    """Says what was raised, from the first line of the code that was run."""

    def trace() -> str:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != filename:
            trace = trace.tb_next
        return "".join(traceback.format_exception(type(error), error, trace))

    return {
        "type": _said("name", lambda: type(error).__name__),
        "message": _said("str()", lambda: str(error)),
        "traceback": _said("traceback", trace),
    }


def _said(what: str, say: Callable[[], str]) -> str:
    """Returns what an exception says of itself, or that its own code raised another, of whatever kind."""
    try:
        return _unicode(say())
    except BaseException as other:
        return f"<its {what} raised {_unicode(type.__getattribute__(type(other), '__name__'))}>"


class _Stream(io.TextIOBase):
    """Sends what is printed, in parts."""

    def __init__(self, worker: Worker, kind: int) -> None:
        self._worker, self._kind = worker, kind
        self._parts: list[bytes] = []
        self._size = 0
        self._lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        part = str.encode(text, "utf-8", "backslashreplace")
        with self._lock:
            self._parts.append(part)
            self._size += len(part)
            full = self._size >= _CHUNK
        if full:
            self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            body = b"".join(self._parts)
            self._parts, self._size = [], 0
        if body:
            self._worker.print_part(self._kind, body)


if __name__ == "__main__":
    sys.exit("a worker is started by its supervisor: see circlet.Executor")
