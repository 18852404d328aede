"""Pages from Python: one latest value."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy
import pytest

import circlet
from circlet import PageValue, SharedPage
from circlet._native import library

_numbers = count()
_processes = multiprocessing.get_context("spawn")
_STAMP = struct.Struct("<QI")


@pytest.fixture
def name() -> str:
    return f"circlet-page-{os.getpid()}-{next(_numbers)}"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(circlet.__file__).resolve().parents[1])}


def _value(number: int) -> bytes:
    body = bytes([number & 0xFF]) * (number * 997 % 30_000)
    return _STAMP.pack(number, zlib.crc32(body)) + body


def _write(name: str, values: int) -> None:
    with SharedPage.open(name) as page:
        for number in range(1, values + 1):
            page.write(_value(number))


def _write_and_wait(name: str) -> None:
    page = SharedPage.open(name)
    page.write(b"last words")
    signal.pause()


def test_the_newest_value_is_read_also_again() -> None:
    with SharedPage.anonymous() as page:
        assert page.read() is None
        for number, value in enumerate((b"", b"x", bytearray(b"mutable"), numpy.arange(3.0)), start=1):
            page.write(value)
            assert page.read() == page.read() == PageValue(number, memoryview(value).tobytes())


def test_a_fast_writer_in_another_process_never_shows_half_a_value(name: str) -> None:
    with SharedPage.create(name) as page:
        process = _processes.Process(target=_write, args=(name, 20_000))
        process.start()
        last, seen = 0, 0
        for value in page:
            stamp, check = _STAMP.unpack_from(value.bytes)
            assert stamp == value.version > last
            assert zlib.crc32(value.bytes[_STAMP.size :]) == check
            last, seen = value.version, seen + 1
        assert last == 20_000 and seen > 1
        process.join()


def test_a_wait_ends_with_a_newer_value_alone(name: str) -> None:
    with SharedPage.create(name) as reader, SharedPage.open(name) as writer:
        writer.write(b"one")
        assert reader.wait(timeout=60) == (1, b"one")
        for timeout in (0, 0.02, 0.15):
            with pytest.raises(TimeoutError):
                reader.wait(timeout=timeout)
        with pytest.raises(circlet.InvalidError):
            reader.wait(timeout=-1)
        later = threading.Timer(0.15, writer.write, [b"two"])
        later.start()
        assert reader.wait() == (2, b"two")
        later.join()
        writer.write(b"three")
        writer.close()
        assert reader.wait() == (3, b"three")
        with pytest.raises(circlet.ClosedError):
            reader.wait()
        assert reader.read() == (3, b"three")


def test_an_async_loop_sees_values_until_the_writer_closes(name: str) -> None:
    async def watch() -> list[int]:
        with SharedPage.create(name) as page:
            process = _processes.Process(target=_write, args=(name, 2000))
            process.start()
            versions = [value.version async for value in page]
            await asyncio.get_running_loop().run_in_executor(None, process.join)
            return versions

    versions = asyncio.run(watch())
    assert versions == sorted(set(versions)) and versions[-1] == 2000


def test_a_killed_writer_ends_the_wait_promptly_and_leaves_its_last_value(name: str) -> None:
    async def watch() -> float:
        with SharedPage.create(name) as page:
            process = _processes.Process(target=_write_and_wait, args=(name,))
            process.start()
            assert await page.wait_async(timeout=60) == (1, b"last words")
            waiting = asyncio.ensure_future(page.wait_async())
            await asyncio.sleep(0.01)
            process.kill()
            await asyncio.get_running_loop().run_in_executor(None, process.join)
            begin = time.monotonic()
            with pytest.raises(circlet.PeerDiedError):
                await waiting
            with pytest.raises(circlet.PeerDiedError):
                next(iter(page))
            assert page.read() == (1, b"last words")
            page.write(b"of a successor")
            assert page.read() == (2, b"of a successor")
            return time.monotonic() - begin

    assert sorted(asyncio.run(watch()) for _ in range(5))[2] < 0.3


def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    async def cancel() -> None:
        loop = asyncio.get_running_loop()
        with SharedPage.anonymous() as page:
            waiting = asyncio.ensure_future(page.wait_async())
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert len(loop._selector.get_map()) == 1  # type: ignore[attr-defined]
            with pytest.raises(circlet.TimedOutError):
                await page.wait_async(timeout=0.01)
            page.write(b"x")
            assert await page.wait_async(timeout=0) == (1, b"x")

    asyncio.run(cancel())


def test_a_page_is_given_to_select_itself(name: str) -> None:
    with SharedPage.create(name) as reader, SharedPage.open(name) as writer:
        assert not reader.arm()
        writer.write(b"news")
        assert select.select([reader], [], [], 60)[0] == [reader]
        assert reader.arm() and reader.wait() == (1, b"news")
        bell = reader.fileno()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(bell)


def test_errors_are_of_the_kind_that_python_has(name: str) -> None:
    with SharedPage.create(name, 100, schema="state v1") as page:
        with pytest.raises(circlet.TooLargeError, match="100"):
            page.write(bytes(101))
        with pytest.raises(circlet.SchemaError, match="state v1"):
            SharedPage.open(name)
        with pytest.raises(FileExistsError, match=name):
            SharedPage.create(name)
        with pytest.raises(circlet.SegmentError, match="page"):
            circlet.SharedRingBuffer.open(name, schema="state v1")
        with SharedPage.open(name, schema="state v1") as other:
            page.write(b"x")
            with pytest.raises(circlet.BusyError):
                other.write(b"y")
        with pytest.raises(circlet.SegmentError, match="sealed"):
            SharedPage.from_fd(os.open(f"/dev/shm/{name}", os.O_RDWR), schema="state v1")
    with pytest.raises(FileNotFoundError, match=name):
        SharedPage.open(name)
    with pytest.raises(circlet.InvalidError, match="max_bytes"):
        SharedPage.anonymous(0)
    with pytest.raises(circlet.ClosedError, match="closed here"):
        page.read()


def test_a_page_goes_to_another_process_by_its_descriptor() -> None:
    with SharedPage.anonymous(schema="state") as page:
        fd = page.export_fd()
        code = f"import circlet; circlet.SharedPage.from_fd({fd}, schema='state').write(b'from the child')"
        subprocess.run([sys.executable, "-c", code], env=_environment(), pass_fds=[fd], check=True)
        os.close(fd)
        assert page.wait(timeout=60) == (1, b"from the child")
        with pytest.raises(circlet.ClosedError):
            page.wait()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_page_is_neither_copied_nor_pickled(duplicate: Callable[[object], object]) -> None:
    with SharedPage.anonymous() as page, pytest.raises(TypeError, match="open it by its name"):
        duplicate(page)


def test_ctrl_c_interrupts_a_wait_and_the_page_closes_then(name: str) -> None:
    with SharedPage.create(name) as page:
        interrupt = threading.Timer(0.02, signal.raise_signal, [signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            interrupt.start()
            page.wait()
        interrupt.join()
    assert not Path("/dev/shm", name).exists()


def test_a_signal_handler_may_close_the_page_that_its_thread_waits_for() -> None:
    page = SharedPage.anonymous()
    before = signal.signal(signal.SIGUSR1, lambda *_: page.close())
    try:
        timer = threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGUSR1])
        with pytest.raises(circlet.ClosedError, match="closed here"):
            timer.start()
            page.wait()
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_closing_a_page_ends_the_wait_of_another_thread() -> None:
    page = SharedPage.anonymous()
    outcome: list[BaseException] = []

    def wait() -> None:
        try:
            page.wait()
        except BaseException as error:
            outcome.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    with pytest.raises(circlet.BusyError):
        while True:
            page.read()
    page.close()
    waiter.join(60)
    assert isinstance(outcome[0], circlet.ClosedError)


def test_closing_a_page_under_a_thread_that_writes_gives_its_side_up(name: str) -> None:
    with SharedPage.create(name, 1 << 20) as other:
        for _ in range(20):
            page = SharedPage.open(name)
            began = threading.Event()

            def write(page: SharedPage = page, began: threading.Event = began) -> None:
                with suppress(circlet.ClosedError):
                    while True:
                        page.write(bytes(1 << 20))
                        began.set()

            writer = threading.Thread(target=write)
            writer.start()
            began.wait()
            page.close()
            writer.join()
            other.write(b"the side is free, though the object is still there")
            library.circlet_page_detach(other._handle)


@pytest.mark.parametrize("loop", ["page.wait()", "page.write(b'x' * 1000)", "page.read()"])
def test_a_process_ends_well_under_its_daemon_threads(name: str, loop: str) -> None:
    code = f"""
import threading, circlet
page = circlet.SharedPage.create({name!r})
began = threading.Event()
def work():
    while True:
        began.set()
        {loop}
threading.Thread(target=work, daemon=True).start()
began.wait()
"""
    for _ in range(10):
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert not Path("/dev/shm", name).exists()


def test_the_end_of_a_process_closes_its_pages(name: str) -> None:
    with SharedPage.create(name) as page:
        code = f"import circlet; page = circlet.SharedPage.open({name!r}); page.write(b'last')"
        subprocess.run([sys.executable, "-c", code], env=_environment(), check=True)
        assert [value.bytes for value in page] == [b"last"]


def test_a_forked_child_that_ends_leaves_its_parents_page_alone(name: str) -> None:
    code = f"""
import os, sys, threading, time
from circlet import SharedPage
page = SharedPage.create({name!r})
page.write(b"before")
# A thread that is inside when the child is made.
waiting = SharedPage.open({name!r})
waiting.wait()
threading.Thread(target=lambda: print(waiting.wait())).start()
time.sleep(0.05)
child = os.fork()
if child == 0:
    waiting.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
page.write(b"after")
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("PageValue(version=2, bytes=b'after')\n", "")
    assert not Path("/dev/shm", name).exists()
