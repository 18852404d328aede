"""Workers, driven as a supervisor drives them."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import circlet
from circlet import SharedRingBuffer

PACKAGE = Path(circlet.__file__).parent
HEADER = struct.Struct("<II")
RUN, OUTCOME, STDOUT, STDERR, PART = 1, 2, 3, 4, 5


class Supervisor:
    """Starts a worker, and runs code in it."""

    def __init__(self, capacity: int = 1 << 20) -> None:
        """Makes rings of `capacity` bytes, and waits until the worker is ready."""
        self._control, theirs = socket.socketpair()
        self._control.settimeout(20)
        self._requests, self._answers = (SharedRingBuffer.anonymous(capacity=capacity) for _ in range(2))
        self.process = subprocess.Popen([sys.executable, "-c", (PACKAGE / "_boot.py").read_text()], stdin=theirs)
        theirs.close()
        modules = {f"circlet.{file.stem}": file.read_text() for file in PACKAGE.glob("*.py")}
        modules["circlet"] = modules.pop("circlet.__init__")
        library = circlet._native.library._name
        hello = {"protocol": 1, "library": library, "rings": []}
        sources = os.memfd_create("modules")
        os.pwrite(sources, json.dumps(modules).encode(), 0)
        descriptors = [self._requests.export_fd(), self._answers.export_fd(), sources]
        line = json.dumps(hello).encode() + b"\n"
        self._control.sendall(line[socket.send_fds(self._control, [line], descriptors) :])
        for descriptor in descriptors:
            os.close(descriptor)
        self._lines = self._control.makefile("rb")
        assert self._lines.readline() == b"READY\n"
        self.max_frame = self._answers.stats().max_frame
        self._request = 0

    def frames(self, code: str) -> Iterator[tuple[int, bytes]]:
        """Runs code and yields the frames that come of it, the outcome last."""
        self._request += 1
        self._requests.send(HEADER.pack(RUN, self._request) + code.encode())
        self._control.sendall(b"DATA\n")
        kind = 0
        while kind != OUTCOME:
            assert self._lines.readline() == b"DATA\n"
            frame = self._answers.recv_copy(timeout=20)
            kind, request = HEADER.unpack_from(frame)
            assert request == self._request
            yield kind, frame[HEADER.size :]

    def run(self, code: str) -> dict[str, Any]:
        """Runs code and returns its outcome, which must be UTF-8 and JSON without extensions."""
        body = b"".join(body for kind, body in self.frames(code) if kind in (PART, OUTCOME))
        outcome = json.loads(body.decode(), parse_constant=pytest.fail)
        json.dumps(outcome, ensure_ascii=False).encode()
        return outcome

    def close(self) -> None:
        """Stops the worker."""
        self._lines.close()
        self._control.close()
        assert self.process.wait(20) == 0
        self._requests.close()
        self._answers.close()


@pytest.fixture(scope="module")
def worker() -> Iterator[Supervisor]:
    worker = Supervisor()
    yield worker
    worker.close()


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("None", None),
        ("True, 1.5, 'ä\U0001f600'", [True, 1.5, "ä\U0001f600"]),
        ("[2**64 - 1, -2**63]", [2**64 - 1, -(2**63)]),
        ("{'a': {'b': ()}}", {"a": {"b": []}}),
        ("import collections; collections.Counter('aab')", {"a": 2, "b": 1}),
        ("type('Name', (str,), {'__len__': lambda self: 99})('x')", "x"),
    ],
)
def test_what_json_says_exactly_comes_as_a_value(worker: Supervisor, code: str, value: object) -> None:
    assert worker.run(code) == {"value": value}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("'a\\ud800b'", r"'a\ud800b'"),
        ("'\\ud83d\\ude00'", r"'\ud83d\ude00'"),
        ("{'\\udcff': 1}", r"{'\udcff': 1}"),
        ("2**64", str(2**64)),
        ("[-2**63 - 1]", str([-(2**63) - 1])),
        ("[float('nan')]", "[nan]"),
        ("-1e999", "-inf"),
        ("{1: 2}", "{1: 2}"),
        ("{(1, 2): 3}", "{(1, 2): 3}"),
        ("loop = []; loop.append(loop); loop", "[[...]]"),
        ("deep = []\nfor _ in range(100): deep = [deep]\ndeep", "[" * 101 + "]" * 101),
        ("type('Odd', (), {'__repr__': lambda self: '<\\udc80>'})()", r"<\udc80>"),
    ],
)
def test_what_json_cannot_say_exactly_comes_as_its_repr(worker: Supervisor, code: str, text: str) -> None:
    assert worker.run(code) == {"repr": text}


def test_values_nest_to_a_depth_of_100(worker: Supervisor) -> None:
    outcome = worker.run("deep = []\nfor _ in range(99): deep = [deep]\ndeep")
    assert json.dumps(outcome["value"]) == "[" * 100 + "]" * 100


def test_a_repr_that_raises_is_an_error(worker: Supervisor) -> None:
    assert worker.run("type('Odd', (), {'__repr__': lambda self: 1 / 0})()")["error"]["type"] == "ZeroDivisionError"
    assert worker.run("10**5000")["error"]["type"] == "ValueError"


def test_lone_surrogates_of_an_exception_are_escaped(worker: Supervisor) -> None:
    error = worker.run("raise ValueError('\\ud800')")["error"]
    assert error["message"] == r"\ud800" and r"ValueError: \ud800" in error["traceback"]


def test_lone_surrogates_that_are_printed_are_escaped(worker: Supervisor) -> None:
    (kind, printed), (_, outcome) = worker.frames("print('\\ud800')")
    assert (kind, printed, json.loads(outcome)) == (STDOUT, b"\\ud800\n", {"value": None})


def test_what_is_no_text_is_refused_where_it_is_written(worker: Supervisor) -> None:
    assert worker.run("import sys; sys.stdout.write(b'bytes')")["error"]["type"] == "TypeError"
    assert worker.run("1") == {"value": 1}


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "ValueError"])
def test_an_exception_that_cannot_be_described_does_not_end_the_worker(worker: Supervisor, kind: str) -> None:
    code = f"""
def refuse(self): raise {kind}
raise type("Odd", (Exception,), {{"__str__": refuse, "__repr__": refuse, "__traceback__": property(refuse)}})
"""
    error = worker.run(code)["error"]
    assert error["type"] == "Odd" and kind in error["message"]
    assert worker.run("1") == {"value": 1}


def test_the_sources_of_the_last_100_runs_are_kept(worker: Supervisor) -> None:
    first = worker.run("def fail(): return 1 / 0\nfail()")["error"]["traceback"]
    assert "fail(): return 1 / 0" in first
    for _ in range(98):
        worker.run("0")
    assert "fail(): return 1 / 0" in worker.run("fail()")["error"]["traceback"]
    assert "fail(): return 1 / 0" not in worker.run("fail()")["error"]["traceback"]
    assert worker.run("import linecache; sum(name.startswith('<run-') for name in linecache.cache)") == {"value": 100}


def test_an_outcome_longer_than_the_ring_arrives_whole() -> None:
    worker = Supervisor(capacity=1 << 16)
    text = "".join(map(str, range(100_000)))
    assert worker.run("text = ''.join(map(str, range(100_000))); text") == {"value": text}
    assert worker.run("raise ValueError(text)")["error"]["message"] == text
    (head, first), *_, (kind, last) = worker.frames("print('printed'); text")
    assert (head, first, kind) == (STDOUT, b"printed\n", OUTCOME) and last
    frames = list(worker.frames("text"))
    assert {kind for kind, _ in frames[:-1]} == {PART}
    assert max(HEADER.size + len(body) for _, body in frames) == worker.max_frame // 4
    worker.close()


@pytest.mark.parametrize("capacity", [4096, 1 << 16])
def test_what_is_printed_is_cut_between_characters_and_fits_the_ring(capacity: int) -> None:
    worker = Supervisor(capacity)
    printed = [body.decode() for kind, body in worker.frames("print('x' + '😀ä' * 30_000)") if kind == STDOUT]
    assert len(printed) > 1 and "".join(printed) == "x" + "😀ä" * 30_000 + "\n"
    worker.close()
