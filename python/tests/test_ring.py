"""Rings from Python."""

from __future__ import annotations

import array
import copy
import mmap
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy
import pytest

import circlet
from circlet import SharedRingBuffer

_numbers = count()


@pytest.fixture
def ring() -> Iterator[SharedRingBuffer]:
    with SharedRingBuffer.anonymous(capacity=64 * 1024) as ring:
        yield ring


@pytest.fixture
def name() -> str:
    return f"circlet-pytest-{os.getpid()}-{next(_numbers)}"


def test_what_is_sent_is_received(ring: SharedRingBuffer) -> None:
    for payload in (
        b"",
        b"x",
        bytes(range(256)),
        bytearray(b"mutable"),
        memoryview(b"view"),
        array.array("d", [1.5]),
    ):
        ring.send(payload)
        assert ring.recv() == memoryview(payload).cast("B")


def test_a_slice_of_bytes_is_sent_as_the_slice(ring: SharedRingBuffer) -> None:
    ring.send(memoryview(b"0123456789")[2:5])
    assert ring.recv_copy() == b"234"


def test_batches_carry_what_single_calls_carry(ring: SharedRingBuffer) -> None:
    payloads = [bytes([i % 256]) * (i % 90) for i in range(500)]
    assert ring.send_many(payloads) == 500
    received: list[bytes] = []
    while len(received) < 500:
        received += map(bytes, ring.recv_many(128))
    assert received == payloads


def test_a_batch_that_does_not_fit_says_how_much_was_sent(ring: SharedRingBuffer) -> None:
    sent = ring.send_many([bytes(1000)] * 100, timeout=0)
    assert 0 < sent < 100
    assert len(ring.recv_many(100)) == sent


def test_frames_are_arrays_without_a_copy(ring: SharedRingBuffer) -> None:
    with ring.claim(80) as view:
        numpy.frombuffer(view, dtype=numpy.float64)[:] = numpy.arange(10)
    frame = ring.recv()
    assert numpy.frombuffer(frame, dtype=numpy.float64).sum() == 45
    assert numpy.frombuffer(frame, dtype=numpy.float64).ctypes.data % 8 == 0


def test_an_exception_in_a_claim_gives_it_up(ring: SharedRingBuffer) -> None:
    with pytest.raises(KeyError), ring.claim(8):
        raise KeyError
    ring.send(b"next")
    assert ring.recv_copy() == b"next"


@pytest.mark.parametrize(
    "write",
    [
        lambda ring: ring.send(b"second"),
        lambda ring: ring.send_many([b"second", b"third"]),
        lambda ring: ring.claim(8).__enter__(),
    ],
)
def test_an_open_claim_is_the_only_frame_being_written(
    ring: SharedRingBuffer, write: Callable[[SharedRingBuffer], object]
) -> None:
    with ring.claim(5) as view:
        with pytest.raises(circlet.InvalidError, match="leave its block"):
            write(ring)
        view[:] = b"first"
    write(ring)
    assert ring.recv_copy() == b"first"


def test_a_claim_that_was_given_up_lets_others_write(ring: SharedRingBuffer) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), ring.claim(5):
            raise KeyError
    assert ring.send_many([b"next"]) == 1


def test_a_view_ends_with_the_next_receive(ring: SharedRingBuffer) -> None:
    ring.send_many([b"one", b"two"])
    first = ring.recv()
    ring.recv()
    with pytest.raises(ValueError, match="released"):
        bytes(first)


def test_an_array_that_outlives_the_ring_stays_readable() -> None:
    ring = SharedRingBuffer.anonymous()
    ring.send(numpy.arange(1000.0))
    values = numpy.frombuffer(ring.recv(), dtype=numpy.float64)
    ring.close()
    del ring
    assert values.sum() == 499_500


def test_a_name_ends_with_close_also_while_an_array_keeps_the_memory(name: str) -> None:
    ring = SharedRingBuffer.create(name)
    ring.send(b"12345678")
    values = numpy.frombuffer(ring.recv(), dtype=numpy.uint8)
    ring.close()
    assert not Path("/dev/shm", name).exists()
    assert bytes(values) == b"12345678"


def test_errors_are_of_the_kind_that_python_has(ring: SharedRingBuffer, name: str) -> None:
    with pytest.raises(circlet.EmptyError):
        ring.recv(timeout=0)
    with pytest.raises(TimeoutError):
        ring.recv(timeout=0.01)
    with pytest.raises(circlet.TooLargeError, match="32764"):
        ring.send(bytes(1 << 16))
    with pytest.raises(circlet.FullError):
        while True:
            ring.send(bytes(1000), timeout=0)
    with pytest.raises(FileNotFoundError, match=name):
        SharedRingBuffer.open(name)
    with SharedRingBuffer.create(name), pytest.raises(FileExistsError, match=name):
        SharedRingBuffer.create(name)
    with pytest.raises(ValueError, match="4096"):
        SharedRingBuffer.anonymous(capacity=7)
    with pytest.raises(ValueError, match="NUL"):
        SharedRingBuffer.open("a\0b")
    with pytest.raises(ValueError, match="timeout"):
        ring.recv(timeout=-1)


@pytest.mark.parametrize(
    "refuse",
    [
        lambda fd: SharedRingBuffer.from_fd(fd, schema="a\0b"),
        lambda fd: SharedRingBuffer.from_fd(fd, schema="of another"),
        lambda fd: circlet.SharedPage.from_fd(fd, schema="a\0b"),
        circlet.SharedPage.from_fd,
    ],
)
def test_a_descriptor_that_is_refused_is_closed(ring: SharedRingBuffer, refuse: Callable[[int], object]) -> None:
    fd = ring.export_fd()
    with pytest.raises(circlet.CircletError):
        refuse(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    for beyond in (-1, 1 << 31, 1 << 32):
        with pytest.raises(circlet.InvalidError, match=f"fd is {beyond}"):
            refuse(beyond)


def test_a_closed_ring_drains_and_then_ends_the_iteration(name: str) -> None:
    with SharedRingBuffer.create(name) as writer, SharedRingBuffer.open(name) as reader:
        writer.send_many([b"a", b"b"])
        writer.close()
        assert [bytes(view) for view in reader] == [b"a", b"b"]
        with pytest.raises(EOFError):
            reader.recv()
    with pytest.raises(circlet.ClosedError):
        writer.send(b"late")


def test_what_a_break_leaves_is_received_next(ring: SharedRingBuffer) -> None:
    ring.send_many([bytes([i]) for i in range(100)])
    seen = []
    for view in ring:
        seen.append(bytes(view))
        if len(seen) == 3:
            break
    while len(seen) < 100:
        seen += [ring.recv_copy()] if len(seen) % 2 else map(bytes, ring.recv_many(5))
    assert seen == [bytes([i]) for i in range(100)]
    with pytest.raises(circlet.EmptyError):
        ring.recv(timeout=0)


def test_each_side_takes_one_at_a_time(name: str) -> None:
    with SharedRingBuffer.create(name) as one, SharedRingBuffer.open(name) as two:
        one.send(b"")
        with pytest.raises(circlet.BusyError, match=str(os.getpid())):
            two.send(b"")


def test_two_threads_in_one_side_are_refused_and_not_mixed_up(ring: SharedRingBuffer) -> None:
    entered = threading.Event()

    def wait() -> None:
        entered.set()
        ring.recv_copy()

    waiter = threading.Thread(target=wait)
    waiter.start()
    entered.wait()
    with pytest.raises((circlet.BusyError, circlet.EmptyError)):
        while True:
            ring.recv(timeout=0)
    ring.send(b"end")
    waiter.join()


def test_a_writer_that_is_killed_is_told_apart_from_one_that_closed(name: str) -> None:
    code = f"import circlet, os; r = circlet.SharedRingBuffer.open({name!r}); r.send(b'x'); os.kill(os.getpid(), 9)"
    with SharedRingBuffer.create(name) as ring:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": _package_folder()}, check=False)
        assert ring.recv_copy() == b"x"
        with pytest.raises(circlet.PeerDiedError):
            ring.recv()


def test_ctrl_c_interrupts_every_wait(ring: SharedRingBuffer) -> None:
    while ring.stats().full_events == 0:
        with suppress(circlet.FullError, circlet.TimedOutError):
            ring.send(bytes(1000), timeout=0.001)
    with SharedRingBuffer.anonymous() as empty:
        waits = [
            empty.recv,
            lambda: ring.send(bytes(1000)),
            lambda: ring.send_many([bytes(1000)]),
            lambda: next(iter(empty)),
        ]
        for wait in waits:
            interrupt = threading.Timer(0.02, signal.raise_signal, [signal.SIGINT])
            with pytest.raises(KeyboardInterrupt):
                interrupt.start()
                wait()
            interrupt.join()


def test_a_batch_larger_than_the_ring_is_sent_while_it_is_read(name: str) -> None:
    payloads = [bytes([i % 256]) * 997 for i in range(3000)]
    with SharedRingBuffer.create(name, capacity=4096) as writer, SharedRingBuffer.open(name) as reader:
        received: list[bytes] = []
        thread = threading.Thread(target=lambda: received.extend(map(bytes, reader)))
        thread.start()
        assert writer.send_many(payloads, timeout=60) == 3000
        writer.close()
        thread.join()
        assert received == payloads


def test_a_forked_child_that_ends_leaves_its_parents_ring_alone(name: str) -> None:
    code = (
        "import circlet, os, sys, time\n"
        f"ring = circlet.SharedRingBuffer.create({name!r})\n"
        "ring.send(b'before')\n"
        "if os.fork() == 0: sys.exit(0)\n"
        "os.wait()\n"
        "with circlet.SharedRingBuffer.open(ring_name) as reader:\n"
        "    ring.send(b'after')\n"
        "    print(bytes(reader.recv()), bytes(reader.recv()), ring.stats().producer)\n"
    ).replace("ring_name", repr(name))
    environment = {**os.environ, "PYTHONPATH": _package_folder()}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout == "b'before' b'after' alive\n", run.stderr
    assert not Path("/dev/shm", name).exists()


def test_nothing_stays_in_dev_shm(name: str) -> None:
    with SharedRingBuffer.create(name) as ring:
        assert Path("/dev/shm", name).stat().st_mode & 0o777 == 0o600
        ring.send(b"x")
    del ring
    assert not Path("/dev/shm", name).exists()


def test_the_counters_say_what_went_through(ring: SharedRingBuffer) -> None:
    ring.send_many([b"123", b"45"])
    ring.recv_copy()
    stats = ring.stats()
    assert (stats.frames_sent, stats.frames_received, stats.payload_bytes_sent) == (2, 1, 5)
    assert (stats.producer, stats.consumer, stats.capacity_bytes) == ("alive", "alive", 65536)


def test_a_missing_library_names_the_places(tmp_path: Path) -> None:
    folder = tmp_path / "circlet"
    folder.mkdir()
    for file in Path(_package_folder(), "circlet").glob("*.py"):
        (folder / file.name).write_text(file.read_text())
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "CIRCLET_LIBRARY": "/nowhere/libcirclet.so"}
    environment.pop("CARGO_TARGET_DIR", None)
    run = subprocess.run(
        [sys.executable, "-c", "import circlet"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert run.returncode == 1
    assert "/nowhere/libcirclet.so" in run.stderr and "cargo clib" in run.stderr


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_ring_is_neither_copied_nor_pickled(ring: SharedRingBuffer, duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="open it by its name"):
        duplicate(ring)


@pytest.mark.parametrize(
    "loop",
    [
        "ring.send(payload); ring.recv_copy()",
        "ring.recv_copy(timeout=0) if ring.stats().used_bytes else ring.send_many([payload] * 9)",
        "ring.recv_copy()",
        "curve.sample(1000)",
    ],
)
def test_a_process_ends_well_under_its_daemon_threads(name: str, loop: str) -> None:
    code = f"""
import threading, time, circlet
ring = circlet.SharedRingBuffer.create({name!r})
curve = circlet.Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
payload = bytes(10_000)
def work():
    while True:
        {loop}
threading.Thread(target=work, daemon=True).start()
time.sleep(0.01)
"""
    environment = {**os.environ, "PYTHONPATH": _package_folder()}
    for _ in range(20):
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert not Path("/dev/shm", name).exists()


def test_a_daemon_thread_does_not_complain_of_the_end(name: str) -> None:
    # What was registered first comes last: the thread goes on after the library is left.
    code = f"""
import atexit, threading, time
is_left = threading.Event()
atexit.register(time.sleep, 0.1)
atexit.register(is_left.set)
import circlet
ring = circlet.SharedRingBuffer.create({name!r})
def work():
    is_left.wait()
    ring.recv_copy(timeout=0)
threading.Thread(target=work, daemon=True).start()
"""
    environment = {**os.environ, "PYTHONPATH": _package_folder()}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


class _Liar(bytes):
    def __len__(self) -> int:
        return 1000


def test_every_buffer_is_sent_whole_and_nothing_beyond_it(ring: SharedRingBuffer) -> None:
    grid = numpy.arange(6, dtype="u2").reshape(2, 3)
    payloads = [
        _Liar(b"abc"),
        bytearray(b"de"),
        memoryview(b"fgh")[1:],
        memoryview(_Liar(b"x" * 1001))[:1000],
        array.array("d", [1.5]),
        grid,
        numpy.zeros((0, 2)),
    ]
    wanted = [memoryview(payload).tobytes() for payload in payloads]
    assert ring.send_many(payloads) == len(payloads)
    assert [ring.recv_copy() for _ in payloads] == wanted
    for payload in payloads:
        ring.send(payload)
        assert ring.recv_copy() == wanted.pop(0)


def test_a_size_beyond_32_bits_is_refused_and_not_cut(ring: SharedRingBuffer, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("w+b") as file:
        file.truncate(2**32 + 16)
        huge = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with pytest.raises(circlet.TooLargeError, match=str(2**32 + 16)), ring.claim(2**32 + 16):
        pass
    with pytest.raises(circlet.TooLargeError, match=str(2**32 + 16)):
        ring.send(huge)
    with pytest.raises(circlet.TooLargeError, match=str(2**32 + 16)):
        ring.send_many([b"first", huge])
    with pytest.raises(circlet.InvalidError, match="-1"), ring.claim(-1):
        pass
    with pytest.raises(TypeError), ring.claim(16.0):  # type: ignore[arg-type]
        pass
    assert ring.stats().frames_sent == 0


def test_a_size_is_any_integer(ring: SharedRingBuffer) -> None:
    with ring.claim(numpy.int64(3)) as view:  # type: ignore[arg-type]
        view[:] = b"abc"
    assert ring.recv_copy() == b"abc"


def test_the_end_of_a_process_closes_its_rings(name: str) -> None:
    code = f"import circlet; ring = circlet.SharedRingBuffer.open({name!r}); ring.send(b'last')"
    with SharedRingBuffer.create(name) as ring:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": _package_folder()}, check=True)
        assert [bytes(view) for view in ring] == [b"last"]
        assert ring.stats().producer == "closed"


def _package_folder() -> str:
    return str(Path(circlet.__file__).resolve().parents[1])
