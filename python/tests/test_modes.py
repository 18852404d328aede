"""Rings of every mode from Python: many producers, broadcast, fragments, overflow, schemas."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import count
from pathlib import Path

import numpy
import pytest

import circlet
from circlet import CONSUMER, PRODUCER, SharedRingBuffer
from circlet._options import Overflow

_numbers = count()
_processes = multiprocessing.get_context("spawn")


@pytest.fixture
def name() -> str:
    return f"circlet-modes-{os.getpid()}-{next(_numbers)}"


def _payload(producer: int, number: int) -> bytes:
    head = b"%d %d " % (producer, number)
    return head + bytes((producer * 7 + number * 31 + at) & 0xFF for at in range(number * 37 % 700))


def _produce(name: str, producer: int, frames: int) -> None:
    with SharedRingBuffer.open(name) as ring:
        for number in range(frames):
            ring.send(_payload(producer, number), timeout=60)


def test_four_processes_send_at_once_and_no_frame_is_lost_or_mixed_up(name: str) -> None:
    producers, frames = 4, 1000
    with SharedRingBuffer.create(name, mode="mpsc", capacity=1 << 14) as ring, SharedRingBuffer.open(name) as open_end:
        # A producer that is done before the next one comes would be the last.
        open_end.attach(PRODUCER)
        processes = [_processes.Process(target=_produce, args=(name, at, frames)) for at in range(producers)]
        for process in processes:
            process.start()
        seen = [0] * producers
        for _ in range(producers * frames):
            view = ring.recv(timeout=60)
            producer = int(bytes(view[:1]))
            assert view == _payload(producer, seen[producer])
            seen[producer] += 1
        assert seen == [frames] * producers
        for process in processes:
            process.join()
        open_end.close()
        with pytest.raises(circlet.ClosedError):
            ring.recv(timeout=60)
        assert (ring.stats().frames_sent, ring.stats().producers) == (producers * frames, 0)


def _die_inside_of_a_claim(name: str) -> None:
    ring = SharedRingBuffer.open(name)
    ring.send(b"whole")
    with ring.claim(100):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_producer_killed_inside_of_a_claim_does_not_stop_the_others(name: str) -> None:
    with SharedRingBuffer.create(name, mode="mpsc") as ring, SharedRingBuffer.open(name) as other:
        other.attach(PRODUCER)
        process = _processes.Process(target=_die_inside_of_a_claim, args=(name,))
        process.start()
        process.join()
        other.send(b"after")
        assert [ring.recv_copy(timeout=60), ring.recv_copy(timeout=60)] == [b"whole", b"after"]
        assert ring.stats().producer == "alive"


def test_an_mpsc_ring_takes_32_producers(name: str) -> None:
    with SharedRingBuffer.create(name, mode="mpsc") as ring:
        others = [SharedRingBuffer.open(name) for _ in range(32)]
        for other in others:
            other.attach(PRODUCER)
        assert ring.stats().producers == 32
        with pytest.raises(circlet.BusyError, match="32"):
            ring.attach(PRODUCER)
        others[7].close()
        ring.attach(PRODUCER)


def test_every_reader_of_a_broadcast_ring_gets_every_frame(name: str) -> None:
    with (
        SharedRingBuffer.create(name, mode="broadcast") as writer,
        SharedRingBuffer.open(name) as one,
        SharedRingBuffer.open(name) as two,
    ):
        one.attach(CONSUMER)
        two.attach(CONSUMER)
        assert writer.send_many([b"%d" % number for number in range(200)]) == 200
        writer.close()
        for reader in (one, two):
            assert [bytes(view) for view in reader] == [b"%d" % number for number in range(200)]


def test_a_broadcast_reader_begins_with_the_next_frame_or_with_the_oldest(name: str) -> None:
    with SharedRingBuffer.create(name, mode="broadcast") as writer, SharedRingBuffer.open(name) as late:
        writer.send(b"first")
        late.attach(CONSUMER, from_oldest=True)
        writer.attach(CONSUMER)
        writer.send(b"second")
        assert [late.recv_copy(), late.recv_copy()] == [b"first", b"second"]
        assert writer.recv_copy() == b"second"


def test_a_reader_that_lags_learns_exactly_how_much_it_missed_and_goes_on() -> None:
    with SharedRingBuffer.anonymous(mode="broadcast", capacity=1 << 14) as ring:
        ring.attach(CONSUMER)
        number, missed_frames, missed_bytes, received = 0, 0, 0, []
        for rounds in (3, 700, 5, 2000, 90):
            for _ in range(rounds):
                ring.send(number.to_bytes(4, "little") * 5)  # 24 bytes of the ring each: the word and 20 bytes
                number += 1
            while True:
                try:
                    received += [int.from_bytes(view[:4], "little") for view in ring.recv_many(64, timeout=0)]
                except circlet.LaggedError as lag:
                    assert lag.frames > 0 and str(lag.frames) in str(lag)
                    missed_frames += lag.frames
                    missed_bytes += lag.bytes
                    received.append(-lag.frames)
                except circlet.EmptyError:
                    break
        assert missed_frames > 1000
        expected = 0
        for found in received:
            assert found < 0 or found == expected
            expected = expected - found if found < 0 else expected + 1
        assert expected == number
        # Besides the frames themselves, at each lap there may be 16 bytes of padding.
        laps = number * 24 // (1 << 14) + 1
        assert 0 <= missed_bytes - missed_frames * 24 <= 16 * laps


def test_a_loop_over_a_broadcast_ring_goes_on_after_a_lag() -> None:
    with SharedRingBuffer.anonymous(mode="broadcast", capacity=4096) as ring:
        ring.attach(CONSUMER)
        for number in range(1000):
            ring.send(b"%d" % number)
        with pytest.raises(circlet.LaggedError):
            next(iter(ring))
        first = int(bytes(next(iter(ring))))
        assert 0 < first < 1000


def test_frames_of_a_broadcast_ring_are_read_only_copies_that_stay_as_they_are() -> None:
    with SharedRingBuffer.anonymous(mode="broadcast", capacity=4096) as ring:
        ring.attach(CONSUMER)
        ring.send(numpy.arange(10.0))
        view = ring.recv()
        values = numpy.frombuffer(view)
        assert view.readonly and values.ctypes.data % 8 == 0
        for _ in range(1000):
            ring.send(bytes(80))
        with suppress(circlet.LaggedError):
            ring.recv()
        assert values.tolist() == list(range(10))
        with pytest.raises(ValueError, match="released"):
            bytes(ring.recv() and view)


def _produce_large(name: str, sizes: list[int]) -> None:
    with SharedRingBuffer.open(name) as ring:
        for number, size in enumerate(sizes):
            ring.send(_large(number, size), timeout=60)


def _large(number: int, size: int) -> bytes:
    return numpy.random.default_rng(number).bytes(size)


def test_messages_of_10_mb_go_through_a_ring_of_64_kib_between_short_ones(name: str) -> None:
    sizes = [10_000_000, 5, 0, 10_000_001, 32_764, 32_765, 65_536, 1]
    with SharedRingBuffer.create(name, capacity=1 << 16, max_message=1 << 24) as ring:
        process = _processes.Process(target=_produce_large, args=(name, sizes))
        process.start()
        views = [bytes(view) for view in ring]
        assert list(map(len, views)) == sizes
        assert [zlib.crc32(view) for view in views] == [zlib.crc32(_large(*each)) for each in enumerate(sizes)]
        assert ring.stats().frames_sent > 300
        process.join()


def test_a_message_that_came_in_fragments_and_one_in_place_share_a_batch() -> None:
    with SharedRingBuffer.anonymous(capacity=1 << 14, max_message=1 << 14) as ring:
        ring.send_many([b"short", bytes(9000), b"also short"])
        views = ring.recv_many()
        while len(views) < 3:
            views = [memoryview(bytes(view)) for view in views] + ring.recv_many()
        assert list(map(len, views)) == [5, 9000, 10]


@pytest.mark.parametrize(
    "send", [SharedRingBuffer.send, lambda ring, payload, timeout: ring.send_many([payload], timeout)]
)
def test_a_long_message_to_a_slow_reader_goes_on_with_each_slice_of_the_wait(
    name: str, send: Callable[..., object]
) -> None:
    payload = _large(1, 200_000)
    with (
        SharedRingBuffer.create(name, capacity=4096, max_message=1 << 20) as writer,
        SharedRingBuffer.open(name) as reader,
    ):
        received: list[bytes] = []
        reader.attach(CONSUMER)

        def read_slowly() -> None:
            # The first slice is over once the ring was found full a second time; the next ones are too short as well.
            while writer.stats().full_events < 2:
                threading.Event().wait(0.01)
            while not received:
                with suppress(circlet.EmptyError):
                    received.append(reader.recv_copy(timeout=0))
                threading.Event().wait(0.02)

        thread = threading.Thread(target=read_slowly)
        thread.start()
        send(writer, payload, 60)
        thread.join()
        assert received == [payload]
        # No fragment went twice: each holds 488 bytes of the message.
        assert writer.stats().frames_received == writer.stats().frames_sent == -(-len(payload) // 488)


@pytest.mark.parametrize("overflow", ["block", "fail", "drop_newest"])
def test_a_long_message_without_room_leaves_nothing_in_the_ring_unless_it_may_wait(overflow: Overflow) -> None:
    with SharedRingBuffer.anonymous(capacity=4096, max_message=1 << 20, overflow=overflow) as ring:
        long = bytes(5000)
        attempts = [lambda: ring.send(long, timeout=0), lambda: ring.send_many([long], timeout=0)]
        if overflow != "block":
            attempts += [lambda: ring.send(long), lambda: ring.send_many([long])]
        for attempt in attempts:
            with nullcontext() if overflow == "drop_newest" else pytest.raises(circlet.FullError):
                attempt()
        assert (ring.stats().frames_sent, ring.stats().dropped) == (0, 4 * (overflow == "drop_newest"))
        ring.send_many([b"short", bytes(3000), long], timeout=0)
        assert [len(view) for view in ring.recv_many(timeout=0)] == [5, 3000]


def test_a_batch_with_a_message_above_the_limit_is_refused_whole() -> None:
    with SharedRingBuffer.anonymous(capacity=4096, max_message=10_000) as ring:
        with pytest.raises(circlet.TooLargeError, match="10000"):
            ring.send_many([b"short", bytes(5000), bytes(10_001)])
        assert ring.stats().frames_sent == 0


def test_a_long_message_is_the_only_one_that_its_object_sends(name: str) -> None:
    with SharedRingBuffer.create(name, capacity=4096, max_message=1 << 20) as ring:
        sending = threading.Thread(target=ring.send, args=(bytes(100_000), 60))
        sending.start()
        while ring.stats().full_events == 0:
            pass
        for attempt in (
            lambda: ring.send(b"x", timeout=0),
            lambda: ring.send_many([b"x"], timeout=0),
            lambda: ring.claim(1, timeout=0).__enter__(),
            lambda: ring.arm(PRODUCER),
        ):
            with pytest.raises(circlet.BusyError):
                attempt()
        assert len(ring.recv(timeout=60)) == 100_000
        sending.join()
        ring.send(b"x", timeout=0)


def test_a_message_above_the_limit_is_refused_with_the_limit() -> None:
    with SharedRingBuffer.anonymous(capacity=1 << 14, max_message=100_000) as ring:
        with pytest.raises(circlet.TooLargeError, match="100000"):
            ring.send(bytes(100_001))
        with pytest.raises(circlet.TooLargeError, match="8188"), ring.claim(8189):
            pass


def test_drop_newest_drops_what_has_no_room_and_counts_it() -> None:
    with SharedRingBuffer.anonymous(capacity=4096, overflow="drop_newest") as ring:
        for number in range(100):
            ring.send(number.to_bytes(4, "little") * 49)  # 200 bytes each
        stats = ring.stats()
        assert (stats.overflow, stats.frames_sent, stats.dropped) == ("drop_newest", 20, 80)
        received = [int.from_bytes(view[:4], "little") for view in ring.recv_many(100)]
        assert received == list(range(20))
        ring.send(b"room again")
        assert ring.recv_copy() == b"room again"


def test_an_overflow_that_is_to_fail_fails_at_once_and_each_sender_may_choose_another() -> None:
    with SharedRingBuffer.anonymous(capacity=4096, overflow="fail") as ring:
        with pytest.raises(circlet.FullError):
            for _ in range(100):
                ring.send(bytes(196))
        ring.set_overflow("block")
        with pytest.raises(circlet.TimedOutError):
            ring.send(bytes(196), timeout=0.01)
        ring.set_overflow("drop_newest")
        ring.send(bytes(196))
        assert ring.stats().dropped == 1
        with pytest.raises(ValueError, match="'block', 'fail', 'drop_newest'"):
            ring.set_overflow("drop_oldest")  # type: ignore[arg-type]


def test_a_ring_of_another_schema_is_refused(name: str) -> None:
    with SharedRingBuffer.create(name, schema="prices v2") as ring:
        assert ring.stats().schema == "prices v2"
        for wrong in ("", "prices v1"):
            with pytest.raises(circlet.SchemaError, match="prices v2"):
                SharedRingBuffer.open(name, schema=wrong)
            with pytest.raises(circlet.SegmentError, match="prices v2"):
                SharedRingBuffer.open(name, schema=wrong)
        with SharedRingBuffer.open(name, schema="prices v2") as other:
            assert other.stats().schema == "prices v2"
    with SharedRingBuffer.anonymous(schema="ä" * 28) as ring:
        assert ring.stats().schema == "ä" * 28
        with pytest.raises(circlet.SchemaError):
            SharedRingBuffer.from_fd(ring.export_fd())
        SharedRingBuffer.from_fd(ring.export_fd(), schema="ä" * 28).close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "spmc"}, "'spsc', 'mpsc', 'broadcast'"),
        ({"overflow": "wait"}, "'block', 'fail', 'drop_newest'"),
        ({"capacity": 0}, "capacity is 0"),
        ({"max_message": 0}, "max_message is 0"),
        ({"max_message": 1 << 32}, "max_message is 4294967296"),
        ({"max_message": (1 << 30) + 1}, "1073741824"),
        ({"mode": "broadcast", "max_message": 1 << 20}, "131068"),
        ({"schema": "x" * 57}, "56"),
        ({"schema": "a\0b"}, "NUL"),
    ],
)
def test_options_out_of_range_are_refused_with_the_range(options: dict[str, object], words: str) -> None:
    with pytest.raises(circlet.InvalidError, match=words):
        SharedRingBuffer.anonymous(**options)  # type: ignore[arg-type]


def test_permissions_are_those_of_the_file(name: str) -> None:
    before = os.umask(0o077)
    try:
        with SharedRingBuffer.create(name, permissions=0o660, prefault=True):
            assert Path("/dev/shm", name).stat().st_mode & 0o777 == 0o660
    finally:
        os.umask(before)
    with pytest.raises(circlet.InvalidError):
        SharedRingBuffer.create(name, permissions=0o20660)


def test_huge_pages_are_taken_where_there_are_some() -> None:
    try:
        ring = SharedRingBuffer.anonymous(capacity=1 << 21, huge_pages=True)
    except circlet.CircletError as error:
        assert error.status == "CIRCLET_NO_SPACE"
    else:
        ring.send(b"x")
        assert ring.recv_copy() == b"x"
        ring.close()


def test_the_counters_tell_of_every_producer_together(name: str) -> None:
    with SharedRingBuffer.create(name, mode="mpsc", max_message=1 << 20) as one, SharedRingBuffer.open(name) as two:
        one.send(b"12345")
        two.send(b"123")
        stats = one.stats()
        assert (stats.mode, stats.overflow, stats.producers) == ("mpsc", "block", 2)
        assert (stats.frames_sent, stats.payload_bytes_sent, stats.used_bytes) == (2, 8, 24)
        assert (stats.max_frame, stats.max_message, stats.dropped) == ((1 << 19) - 4, 1 << 20, 0)
        assert (stats.producer, stats.consumer) == ("alive", "never")
        with pytest.raises(circlet.TimedOutError):
            two.attach(CONSUMER)
            while True:
                two.recv(timeout=0.001)
        assert one.stats().consumer_waits > 0
