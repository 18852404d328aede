"""Rings in event loops."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

import circlet
from circlet import CONSUMER, PRODUCER, SharedRingBuffer
from circlet._options import Overflow

_numbers = count()
_processes = multiprocessing.get_context("spawn")


@pytest.fixture
def name() -> str:
    return f"circlet-asyncio-{os.getpid()}-{next(_numbers)}"


def _descriptors() -> int:
    gc.collect()  # What earlier tests left is closed at a time of its own.
    return len(list(Path("/proc/self/fd").iterdir()))


def _readers(loop: asyncio.AbstractEventLoop) -> int:
    # What the loop watches besides its own self-pipe.
    return len(loop._selector.get_map()) - 1  # type: ignore[attr-defined]


def _produce(name: str, frames: int) -> None:
    with SharedRingBuffer.open(name) as ring:
        for number in range(frames):
            ring.send(b"%d" % number, timeout=60)


def _produce_and_wait(name: str) -> None:
    ring = SharedRingBuffer.open(name)
    ring.send(b"alive")
    signal.pause()


def _consume(name: str) -> None:
    with SharedRingBuffer.open(name) as ring:
        for number, view in enumerate(ring):
            assert view == b"%d" % number


def test_a_task_reads_every_frame_of_another_process_and_ends_with_it(name: str) -> None:
    async def read() -> list[bytes]:
        with SharedRingBuffer.create(name, capacity=4096) as ring:
            process = _processes.Process(target=_produce, args=(name, 5000))
            process.start()
            received = [bytes(view) async for view in ring]
            assert _readers(asyncio.get_running_loop()) == 0
            process.join()
            return received

    assert asyncio.run(read()) == [b"%d" % number for number in range(5000)]


def test_a_writer_that_is_killed_ends_the_wait_promptly(name: str) -> None:
    async def read() -> float:
        with SharedRingBuffer.create(name) as ring:
            process = _processes.Process(target=_produce_and_wait, args=(name,))
            process.start()
            assert bytes(await ring.recv_async(timeout=60)) == b"alive"
            waiting = asyncio.ensure_future(ring.recv_async())
            while _readers(asyncio.get_running_loop()) == 0:
                await asyncio.sleep(0)
            process.kill()
            await asyncio.get_running_loop().run_in_executor(None, process.join)
            begin = time.monotonic()
            with pytest.raises(circlet.PeerDiedError):
                await waiting
            return time.monotonic() - begin

    # Without the bell it would be the look of once a second that finds it: once in five runs is luck.
    assert sorted(asyncio.run(read()) for _ in range(5))[2] < 0.3


def test_a_task_sends_what_another_process_reads_however_full_the_ring(name: str) -> None:
    async def send() -> None:
        with SharedRingBuffer.create(name, capacity=4096) as ring:
            process = _processes.Process(target=_consume, args=(name,))
            process.start()
            for number in range(5000):
                await ring.send_async(b"%d" % number, timeout=60)
            ring.close()
            await asyncio.get_running_loop().run_in_executor(None, process.join)
            assert process.exitcode == 0

    asyncio.run(send())


def test_a_reader_that_is_gone_ends_a_send_that_waits_for_room(name: str) -> None:
    async def send() -> None:
        with SharedRingBuffer.create(name, capacity=4096) as ring, SharedRingBuffer.open(name) as reader:
            reader.attach(CONSUMER)
            asyncio.get_running_loop().call_later(0.05, reader.close)
            with pytest.raises(circlet.ClosedError):
                while True:
                    await ring.send_async(bytes(500), timeout=60)

    asyncio.run(send())


def test_a_task_sends_and_receives_messages_longer_than_the_ring() -> None:
    async def talk() -> list[int]:
        with SharedRingBuffer.anonymous(capacity=1 << 16, max_message=1 << 24) as ring:

            async def send() -> None:
                for size in (10_000_000, 3, 10_000_000):
                    await ring.send_async(bytes(size), timeout=60)

            sending = asyncio.ensure_future(send())
            sizes = [len(await ring.recv_async(timeout=60)) for _ in range(3)]
            await sending
            return sizes

    assert asyncio.run(talk()) == [10_000_000, 3, 10_000_000]


@pytest.mark.parametrize("size", [100, 100_000])
def test_a_send_that_is_cancelled_leaves_the_side_free_and_nothing_behind(size: int) -> None:
    async def cancel() -> None:
        loop = asyncio.get_running_loop()
        with SharedRingBuffer.anonymous(capacity=4096, max_message=1 << 20) as ring:
            while True:
                try:
                    ring.send(bytes(100), timeout=0)
                except circlet.FullError:
                    break
            sending = asyncio.ensure_future(ring.send_async(bytes(size)))
            await asyncio.sleep(0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert _readers(loop) == 0
            while True:
                try:
                    ring.recv_copy(timeout=0)
                except circlet.EmptyError:
                    break
            await ring.send_async(b"next", timeout=1)
            assert await ring.recv_async(timeout=1) == b"next"

    asyncio.run(cancel())


def test_a_long_message_is_sent_in_the_loop_and_what_is_sent_meanwhile_is_refused() -> None:
    async def send() -> None:
        with SharedRingBuffer.anonymous(capacity=4096, max_message=1 << 20) as ring:
            threads = threading.active_count()
            sending = asyncio.ensure_future(ring.send_async(b"a" * 100_000))
            await asyncio.sleep(0.01)
            for size in (1, 50_000):
                with pytest.raises(circlet.BusyError, match="a long message is under way"):
                    await ring.send_async(bytes(size))
                with pytest.raises(circlet.BusyError, match="a long message is under way"):
                    ring.send(bytes(size), timeout=0)
            assert await ring.recv_async(timeout=60) == b"a" * 100_000
            await sending
            assert threading.active_count() == threads
            # No fragment went twice: each holds 488 bytes of the message.
            assert ring.stats().frames_sent == -(-100_000 // 488)
            await ring.send_async(b"next")
            assert await ring.recv_async() == b"next"

    asyncio.run(send())


def test_a_long_message_whose_deadline_passes_is_forgotten_with_the_next() -> None:
    async def send() -> None:
        with SharedRingBuffer.anonymous(capacity=4096, max_message=1 << 20) as ring:
            with pytest.raises(circlet.TimedOutError):
                await ring.send_async(b"a" * 10_000, timeout=0.05)
            with pytest.raises(circlet.TimedOutError):
                await ring.recv_async(timeout=0.05)
            sending = asyncio.ensure_future(ring.send_async(b"b" * 10_000, timeout=60))
            assert await ring.recv_async(timeout=60) == b"b" * 10_000
            await sending

    asyncio.run(send())


@pytest.mark.parametrize(("overflow", "error"), [("fail", circlet.FullError), ("drop_newest", None)])
def test_a_long_message_is_not_waited_with_where_the_overflow_is_not_to_wait(
    overflow: Overflow, error: type[Exception] | None
) -> None:
    async def send() -> None:
        with SharedRingBuffer.anonymous(capacity=4096, max_message=1 << 20, overflow=overflow) as ring:
            with pytest.raises(error) if error else nullcontext():
                await ring.send_async(bytes(10_000))
            assert ring.stats().frames_sent == 0

    asyncio.run(send())


def test_a_wait_that_is_cancelled_takes_nothing_and_leaves_nothing_behind() -> None:
    async def cancel() -> None:
        loop = asyncio.get_running_loop()
        before = _descriptors()
        with SharedRingBuffer.anonymous() as ring:
            for number in range(20):
                waiting = asyncio.ensure_future(ring.recv_async())
                while _readers(loop) == 0:
                    await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                assert _readers(loop) == 0
                ring.send(b"%d" % number)
                assert await ring.recv_async(timeout=1) == b"%d" % number
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(ring.recv_async(), 0.01)
            assert _readers(loop) == 0
        # The segment's own descriptor goes with the mapping.
        del ring
        assert _descriptors() == before

    asyncio.run(cancel())


def test_deadlines_are_kept_and_0_tries(name: str) -> None:
    async def wait() -> None:
        with SharedRingBuffer.anonymous(capacity=4096) as ring:
            begin = time.monotonic()
            with pytest.raises(circlet.TimedOutError):
                await ring.recv_async(timeout=0.05)
            assert time.monotonic() - begin >= 0.05
            with pytest.raises(circlet.EmptyError):
                await ring.recv_async(timeout=0)
            with pytest.raises(circlet.InvalidError):
                await ring.recv_async(timeout=-1)
            with pytest.raises(circlet.FullError):
                while True:
                    await ring.send_async(bytes(500), timeout=0)
            with pytest.raises(circlet.TimedOutError):
                await ring.send_async(bytes(500), timeout=0.05)
            with pytest.raises(circlet.TooLargeError):
                await ring.send_async(bytes(5000))
            ring.set_overflow("fail")
            with pytest.raises(circlet.FullError):
                await ring.send_async(bytes(500))
            ring.set_overflow("drop_newest")
            await ring.send_async(bytes(500))
            assert ring.stats().dropped == 1

    asyncio.run(wait())


def test_a_ring_is_used_in_two_loops_one_after_the_other(name: str) -> None:
    with SharedRingBuffer.create(name) as ring, SharedRingBuffer.open(name) as writer:

        async def read_one() -> bytes:
            asyncio.get_running_loop().call_later(0.01, writer.send, b"for this loop")
            return bytes(await ring.recv_async(timeout=60))

        async def leave() -> None:
            # The loop ends under a task that waits, which asyncio.run cancels.
            asyncio.ensure_future(ring.recv_async())  # noqa: RUF006
            await asyncio.sleep(0.01)

        for _ in range(3):
            assert asyncio.run(read_one()) == b"for this loop"
            asyncio.run(leave())


def test_what_an_async_loop_leaves_is_received_next() -> None:
    async def read() -> None:
        with SharedRingBuffer.anonymous() as ring:
            ring.send_many([b"%d" % number for number in range(100)])
            seen = []
            async for view in ring:
                seen.append(int(view))
                if len(seen) == 3:
                    break
            seen.append(int(await ring.recv_async()))
            seen += map(int, await ring.recv_many_async())
            seen += map(int, await ring.recv_many_async())
            assert seen == list(range(100))

    asyncio.run(read())


def test_a_side_that_never_waits_starves_nobody() -> None:
    async def talk() -> None:
        with SharedRingBuffer.anonymous() as ring:
            turns = 0

            async def turn() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            turning = asyncio.ensure_future(turn())
            for _ in range(100):
                await ring.send_async(b"x")
                await ring.recv_async()
            assert turns > 100
            turning.cancel()

    asyncio.run(talk())


def test_a_second_task_in_a_side_is_refused() -> None:
    async def wait() -> None:
        with SharedRingBuffer.anonymous() as ring:
            first = asyncio.ensure_future(ring.recv_async())
            await asyncio.sleep(0.01)
            with pytest.raises(circlet.BusyError, match="one task at a time"):
                await ring.recv_async()
            ring.send(b"for the first")
            assert await first == b"for the first"

    asyncio.run(wait())


def test_a_ring_that_is_closed_here_ends_the_wait() -> None:
    async def wait() -> None:
        ring = SharedRingBuffer.anonymous()
        waiting = asyncio.ensure_future(ring.recv_async())
        await asyncio.sleep(0.01)
        ring.close()
        with pytest.raises(circlet.ClosedError, match="closed here"):
            await waiting
        assert _readers(asyncio.get_running_loop()) == 0

    asyncio.run(wait())


def test_a_task_that_lags_behind_a_broadcast_learns_how_far_and_goes_on(name: str) -> None:
    async def read() -> None:
        with (
            SharedRingBuffer.create(name, mode="broadcast", capacity=4096) as writer,
            SharedRingBuffer.open(name) as reader,
        ):
            waiting = asyncio.ensure_future(reader.recv_async())
            await asyncio.sleep(0.01)
            writer.send(b"0")
            assert await waiting == b"0"
            for number in range(1, 1000):
                await writer.send_async(b"%d" % number)
            with pytest.raises(circlet.LaggedError) as lagged:
                await reader.recv_async()
            assert int(bytes(await reader.recv_async())) == 1 + lagged.value.frames
            writer.close()
            rest = [int(bytes(view)) async for view in reader]
            assert rest == list(range(2 + lagged.value.frames, 1000))

    asyncio.run(read())


@pytest.mark.parametrize("fill", [lambda ring: ring.send(b"x"), lambda ring: ring.close()])
def test_a_ring_is_given_to_select_itself(name: str, fill: Callable[[SharedRingBuffer], None]) -> None:
    with SharedRingBuffer.create(name) as writer, SharedRingBuffer.open(name) as reader:
        writer.attach(PRODUCER)
        assert not reader.arm(CONSUMER)
        later = threading.Timer(0.02, fill, [writer])
        later.start()
        # It may ring for nothing: for anybody who opens the segment and closes it.
        while not reader.arm(CONSUMER):
            assert select.select([reader], [], [], 60)[0] == [reader]
        later.join()


def test_the_bell_of_a_writer_rings_when_there_is_room(name: str) -> None:
    with SharedRingBuffer.create(name, capacity=4096) as writer, SharedRingBuffer.open(name) as reader:
        bell = writer.fd(PRODUCER)
        assert writer.arm(PRODUCER, 2044)
        with pytest.raises(circlet.FullError):
            while True:
                writer.send(bytes(500), timeout=0)
        assert not writer.arm(PRODUCER, 500)
        assert len(reader.recv_many(2)) == 2
        reader.release()
        assert select.select([bell], [], [], 60)[0] == [bell]
        assert writer.arm(PRODUCER, 500)
        with pytest.raises(circlet.TooLargeError):
            writer.arm(PRODUCER, 5000)
        with writer.claim(8), pytest.raises(circlet.InvalidError):
            writer.arm(PRODUCER, 2044)


def test_a_doorbell_ends_with_its_ring() -> None:
    before = _descriptors()
    ring = SharedRingBuffer.anonymous()
    bell = ring.fileno()
    assert ring.fileno() == ring.fd(CONSUMER) == bell != ring.fd(PRODUCER)
    ring.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(bell)
    with pytest.raises(circlet.ClosedError):
        ring.fileno()
    left = SharedRingBuffer.anonymous()
    left.fileno()
    del left, ring
    assert _descriptors() == before


def test_importing_circlet_imports_no_event_loop() -> None:
    code = "import sys, circlet; sys.exit('asyncio' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(circlet.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
