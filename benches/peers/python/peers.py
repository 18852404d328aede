"""circlet's Python package beside faster-fifo, multiprocessing's queue and pipe, and ZeroMQ.

Two pinned processes. Of a frame of 64 bytes, which is made anew with its number in each word, the reader unpacks the
first word; of 64 KiB every word is written and summed (numpy). The peers take turns within a run.

Needs the C library (`cargo clib`) and `requirements.txt`; see the README beside this crate.
"""

# ruff: noqa: D102, D107 (what a method of a peer does is said at `Peer`)
from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import struct
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faster_fifo
import faster_fifo_reduction  # noqa: F401 (importing it lets a queue be passed to a process)
import numpy
import zmq

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "python"))
from circlet import CONSUMER, PRODUCER, SharedRingBuffer  # noqa: E402

CAPACITY_BYTES = 4 << 20
BATCH = 256
SMALL = 64
LARGE = 64 << 10
WARM_UP = 200
# How long a side may take for an answer before its peer counts as stuck, in seconds.
PATIENCE = 60.0
WORD = struct.Struct("=Q")
fork = multiprocessing.get_context("fork")

Frame = bytes | memoryview


def small(number: int) -> bytes:
    """Makes a frame of 64 bytes with its number in each word."""
    return WORD.pack(number) * 8


def numbers(count: int) -> Iterator[range]:
    """Yields the numbers below `count` in batches."""
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


def split(joined: memoryview) -> list[memoryview]:
    """Returns the frames of 64 bytes in a message."""
    return [joined[start : start + SMALL] for start in range(0, len(joined), SMALL)]


def total(frames: list[Any]) -> int:
    """Adds up the first words of frames."""
    unpack = WORD.unpack_from
    return sum(unpack(frame)[0] for frame in frames)


class Peer(ABC):
    """A way from one process to the other, and one back for round trips; made in the parent, before the two."""

    name: str

    def enter(self, asks: bool) -> None:  # noqa: B027 (has no part that all peers need)
        """Opens this side, in its own process: the side that produces and asks, or the other."""

    def close(self) -> None:  # noqa: B027 (as above)
        """Ends, in the parent, what the sides shared."""

    @abstractmethod
    def send(self, frame: Frame) -> None:
        """Sends one frame, towards the other side."""

    @abstractmethod
    def receive(self) -> Frame:
        """Waits for one frame from the other side."""

    def produce_small(self, count: int) -> None:
        """Sends frames of 64 bytes one by one."""
        send = self.send
        for number in range(count):
            send(small(number))

    def consume_small(self, count: int) -> int:
        """Receives frames of 64 bytes one by one; returns the sum of their first words."""
        receive, unpack, result = self.receive, WORD.unpack_from, 0
        for _ in range(count):
            result += unpack(receive())[0]
        return result

    def produce_batches(self, count: int) -> None:
        """Sends frames of 64 bytes, many at a time."""
        for batch in numbers(count):
            self.send_batch([small(number) for number in batch])

    def consume_batches(self, count: int) -> int:
        """Receives frames of 64 bytes, many at a time."""
        result = 0
        while count > 0:
            frames = self.receive_batch()
            result += total(frames)
            count -= len(frames)
        return result

    def send_batch(self, frames: list[bytes]) -> None:
        """Sends many frames at once."""
        raise NotImplementedError

    def receive_batch(self) -> list[Any]:
        """Receives at least one frame."""
        raise NotImplementedError

    def produce_large(self, count: int) -> None:
        """Sends frames of 64 KiB."""
        words = numpy.empty(LARGE // 8, numpy.uint64)
        for number in range(count):
            words.fill(number)
            self.send(memoryview(words).cast("B"))

    def consume_large(self, count: int) -> int:
        """Receives frames of 64 KiB; returns the sum of all words."""
        result = 0
        for _ in range(count):
            result += int(numpy.frombuffer(self.receive(), numpy.uint64).sum())
        return result

    def ask(self, number: int) -> int:
        """Sends a number and waits for it to come back."""
        self.send(WORD.pack(number))
        return WORD.unpack_from(self.receive())[0]

    def echo(self, _number: int) -> None:
        """Sends back what comes."""
        self.send(bytes(self.receive()))


class Circlet(Peer):
    """circlet, whose sides never sleep."""

    name = "circlet"
    spin_us = float("inf")
    made = 0

    def __init__(self) -> None:
        Circlet.made += 1
        names = [f"circlet-peers-{os.getpid()}-{Circlet.made}-{way}" for way in ("to", "from")]
        self.rings = [SharedRingBuffer.create(name, capacity=CAPACITY_BYTES) for name in names]
        self.names = names

    def enter(self, asks: bool) -> None:
        out, back = self.names if asks else self.names[::-1]
        self.out, self.back = SharedRingBuffer.open(out), SharedRingBuffer.open(back)
        self.out.set_spin(PRODUCER, self.spin_us)
        self.back.set_spin(CONSUMER, self.spin_us)
        self.send, self.receive = self.out.send, self.back.recv

    def close(self) -> None:
        for ring in self.rings:
            ring.close()

    def send(self, frame: Frame) -> None:
        raise AssertionError("enter has put the ring's own there")

    receive = send  # type: ignore[assignment]

    def send_batch(self, frames: list[bytes]) -> None:
        self.out.send_many(frames)

    def receive_batch(self) -> list[Any]:
        return self.back.recv_many(BATCH)

    def produce_large(self, count: int) -> None:
        for number in range(count):
            with self.out.claim(LARGE) as view:
                numpy.frombuffer(view, numpy.uint64).fill(number)


class CircletIterating(Circlet):
    """circlet, whose reader iterates: the ring fetches many at a time by itself."""

    name = "circlet, iterating"

    def consume_batches(self, count: int) -> int:
        unpack, result = WORD.unpack_from, 0
        for view in self.back:
            result += unpack(view)[0]
            count -= 1
            if count == 0:
                break
        return result


class CircletJoined(Circlet):
    """circlet, with a batch joined into one message as the pipe has it."""

    name = "circlet, one message"

    def send_batch(self, frames: list[bytes]) -> None:
        self.send(b"".join(frames))

    def receive_batch(self) -> list[Any]:
        return split(self.receive())  # type: ignore[func-returns-value]


class CircletSleeping(Circlet):
    """circlet, whose sides sleep at once."""

    name = "circlet, sleeping"
    spin_us = 0.0


def same(frame: Any) -> Any:
    """Returns bytes as they are, in the place of pickle."""
    return frame


class FasterFifo(Peer):
    """faster-fifo, without pickle."""

    name = "faster-fifo"

    def __init__(self) -> None:
        self.queues = [faster_fifo.Queue(CAPACITY_BYTES, loads=same, dumps=same) for _ in range(2)]

    def enter(self, asks: bool) -> None:
        self.out, self.back = self.queues if asks else self.queues[::-1]

    def send(self, frame: Frame) -> None:
        self.out.put(frame)

    def receive(self) -> Frame:
        return self.back.get()

    def send_batch(self, frames: list[bytes]) -> None:
        self.out.put_many(frames)

    def receive_batch(self) -> list[Any]:
        return self.back.get_many(max_messages_to_get=BATCH)

    def produce_large(self, count: int) -> None:
        words = numpy.empty(LARGE // 8, numpy.uint64)
        for number in range(count):
            words.fill(number)
            self.out.put(words.tobytes())


class MultiprocessingQueue(Peer):
    """multiprocessing.Queue; a batch is a list in one put."""

    name = "multiprocessing.Queue"

    def __init__(self) -> None:
        # As many frames of 64 bytes as the others' bytes hold; semaphores allow no more than 32767.
        self.queues = [fork.Queue(32767) for _ in range(2)]

    def enter(self, asks: bool) -> None:
        self.out, self.back = self.queues if asks else self.queues[::-1]
        self.send, self.receive = self.out.put, self.back.get

    def send(self, frame: Frame) -> None:
        raise AssertionError("enter has put the queue's own there")

    receive = send  # type: ignore[assignment]

    def send_batch(self, frames: list[bytes]) -> None:
        self.out.put(frames)

    def receive_batch(self) -> list[Any]:
        return self.back.get()

    def produce_large(self, count: int) -> None:
        words = numpy.empty(LARGE // 8, numpy.uint64)
        for number in range(count):
            words.fill(number)
            # Its thread pickles later: each frame needs bytes of its own.
            self.out.put(words.tobytes())


class Pipe(Peer):
    """multiprocessing.Pipe with send_bytes; a batch is joined into one message."""

    name = "multiprocessing.Pipe"

    def __init__(self) -> None:
        self.ends = fork.Pipe()

    def enter(self, asks: bool) -> None:
        end = self.ends[0 if asks else 1]
        self.send, self.receive = end.send_bytes, end.recv_bytes

    def send(self, frame: Frame) -> None:
        raise AssertionError("enter has put the pipe's own there")

    receive = send  # type: ignore[assignment]

    def send_batch(self, frames: list[bytes]) -> None:
        self.send(b"".join(frames))

    def receive_batch(self) -> list[Any]:
        return split(memoryview(self.receive()))


class ZeroMq(Peer):
    """ZeroMQ over ipc://; a batch is a message of many parts."""

    name = "pyzmq"
    made = 0

    def __init__(self) -> None:
        ZeroMq.made += 1
        self.address = f"ipc://@circlet-peers-{os.getpid()}-{ZeroMq.made}"

    def enter(self, asks: bool) -> None:
        context = zmq.Context()
        self.socket = context.socket(zmq.PAIR)
        # As many frames of 64 bytes as the others' bytes hold.
        self.socket.set_hwm(CAPACITY_BYTES // SMALL)
        if asks:
            self.socket.bind(self.address)
        else:
            self.socket.connect(self.address)
        self.send, self.receive = self.socket.send, self.socket.recv

    def send(self, frame: Frame) -> None:
        raise AssertionError("enter has put the socket's own there")

    receive = send  # type: ignore[assignment]

    def send_batch(self, frames: list[bytes]) -> None:
        self.socket.send_multipart(frames)

    def receive_batch(self) -> list[Any]:
        return self.socket.recv_multipart()

    def produce_large(self, count: int) -> None:
        for number in range(count):
            # Sent without a copy, so that each frame needs memory of its own.
            words = numpy.full(LARGE // 8, number, numpy.uint64)
            self.socket.send(words, copy=False)

    def consume_large(self, count: int) -> int:
        result = 0
        for _ in range(count):
            frame = self.socket.recv(copy=False)
            result += int(numpy.frombuffer(frame.buffer, numpy.uint64).sum())
        return result


class ZeroMqPolling(ZeroMq):
    """ZeroMQ, asked again and again."""

    name = "pyzmq, polling"

    def enter(self, asks: bool) -> None:
        super().enter(asks)
        receive = self.socket.recv

        def poll() -> bytes:
            while True:
                try:
                    return receive(zmq.NOBLOCK)
                except zmq.Again:
                    pass

        self.receive = poll


class FasterFifoPolling(FasterFifo):
    """faster-fifo, asked again and again."""

    name = "faster-fifo, polling"

    def receive(self) -> Frame:
        while True:
            if not self.back.empty():
                return self.back.get_nowait()


class PipePolling(Pipe):
    """A pipe, asked again and again."""

    name = "multiprocessing.Pipe, polling"

    def enter(self, asks: bool) -> None:
        super().enter(asks)
        end, receive = self.ends[0 if asks else 1], self.receive

        def poll() -> bytes:
            while not end.poll(0):
                pass
            return receive()

        self.receive = poll


# title: (the two sides' methods, the bytes of a frame, the peers)
ROWS: dict[str, tuple[str, str, int, list[type[Peer]]]] = {
    "64": (
        "64 B, one at a time",
        "small",
        SMALL,
        [Circlet, FasterFifo, MultiprocessingQueue, Pipe, ZeroMq],
    ),
    "batches": (
        f"64 B, {BATCH} at a time",
        "batches",
        SMALL,
        [Circlet, CircletIterating, CircletJoined, FasterFifo, MultiprocessingQueue, Pipe, ZeroMq],
    ),
    "64k": ("64 KiB", "large", LARGE, [Circlet, FasterFifo, MultiprocessingQueue, Pipe, ZeroMq]),
    "round-trip": (
        "round trip of 8 bytes",
        "",
        8,
        [
            Circlet,
            FasterFifoPolling,
            PipePolling,
            ZeroMqPolling,
            CircletSleeping,
            FasterFifo,
            MultiprocessingQueue,
            Pipe,
            ZeroMq,
        ],
    ),
}


def expected(work: str, count: int) -> int:
    """Returns what the reader's sum is if nothing was lost."""
    return count * (count - 1) // 2 * (LARGE // 8 if work == "large" else 1)


def ask_many(peer: Peer, count: int) -> tuple[int, int]:
    """Returns the 50th and the 99th percentile of round trips in nanoseconds."""
    ask, now, times = peer.ask, time.perf_counter_ns, []
    for number in range(WARM_UP + count):
        begin = now()
        answer = ask(number)
        times.append(now() - begin)
        if answer != number:
            raise AssertionError(f"{answer} came back for {number}")
    times = sorted(times[WARM_UP:])
    return times[count // 2], times[count * 99 // 100]


def echo_many(peer: Peer, count: int) -> None:
    """Answers round trips."""
    for number in range(WARM_UP + count):
        peer.echo(number)


def serve(peer: Peer, asks: bool, work: str, control: Any) -> None:
    """Is one side: does what the parent says until it hangs up."""
    os.sched_setaffinity(0, {0 if asks else 1})
    try:
        peer.enter(asks)
        control.send("ready")
        while True:
            count = control.recv()
            if not work:
                control.send(ask_many(peer, count) if asks else echo_many(peer, count))
            elif asks:
                begin = time.monotonic_ns()
                getattr(peer, f"produce_{work}")(count)
                control.send(begin)
            else:
                result = getattr(peer, f"consume_{work}")(count)
                control.send((time.monotonic_ns(), result))
    except EOFError:
        pass
    except Exception:
        traceback.print_exc()
    # A queue's thread, or a context with frames left, would wait for a reader that is gone.
    os._exit(0)


class Session:
    """Both sides of a peer, ready."""

    def __init__(self, kind: type[Peer], work: str) -> None:
        self.work, self.peer = work, kind()
        self.sides = []
        for asks in (True, False):
            ours, theirs = fork.Pipe()
            side = fork.Process(target=serve, args=(self.peer, asks, work, theirs), daemon=True)
            side.start()
            theirs.close()
            self.sides.append((side, ours))
        for _, control in self.sides:
            self.answer(control)

    def answer(self, control: Any) -> Any:
        if not control.poll(PATIENCE):
            raise TimeoutError(f"no answer in {PATIENCE:.0f} s")
        return control.recv()

    def run(self, count: int) -> tuple[Any, Any]:
        for _, control in reversed(self.sides):
            control.send(count)
        first, second = (self.answer(control) for _, control in self.sides)
        return first, second

    def stream(self, count: int) -> float:
        """Returns the seconds that `count` frames took."""
        begin, (end, result) = self.run(count)
        if result != expected(self.work, count):
            raise AssertionError("the sum of what was read is wrong")
        return max(end - begin, 1) / 1e9

    def close(self) -> None:
        for side, control in self.sides:
            control.close()
            side.join(0.5)
            side.kill()
            side.join()
        self.peer.close()


def once(kind: type[Peer], work: str, counts: dict[type[Peer], int], seconds: float) -> tuple[float, float]:
    """Runs a peer once: frames in a second and 0, or the two percentiles of its round trips in nanoseconds."""
    session = Session(kind, work)
    try:
        if not work:
            if kind not in counts:
                p50 = session.run(200)[0][0]
                counts[kind] = max(200, min(500_000, int(seconds * 1e9 / p50)))
            p50, p99 = session.run(counts[kind])[0]
            return p50, p99
        if kind not in counts:
            count, took = BATCH, 0.0
            while (took := session.stream(count)) < 0.05:
                count *= 4
            counts[kind] = int(count * seconds / took) + 1
        else:
            session.stream(counts[kind] // 10 + 1)
        return counts[kind] / session.stream(counts[kind]), 0.0
    finally:
        session.close()


def significant(value: float) -> str:
    """Shows about three digits."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def show(title: str, size: int, work: str, figures: dict[str, list[tuple[float, float]]], notes: list[str]) -> None:
    """Prints a row's table."""
    medians = {
        name: tuple(statistics.median(run[index] for run in runs) for index in (0, 1))
        for name, runs in figures.items()
        if runs
    }
    runs = max(map(len, figures.values()))
    reference = medians.get("circlet")
    head = ["", "M frames/s", "GB/s", "range, M frames/s"] if work else ["", "p50", "p99", "range of p50"]
    lines = [[*head, "times circlet's"]]
    for name, values in figures.items():
        if name not in medians:
            lines.append([name, *["-"] * 4])
            continue
        main, other = medians[name]
        low, high = min(value for value, _ in values), max(value for value, _ in values)
        ratio = f"{main / reference[0]:.2f}" if reference else "-"
        if work:
            cells = [significant(main / 1e6), significant(main * size / 1e9)]
            spread = f"{significant(low / 1e6)} to {significant(high / 1e6)}"
        else:
            cells = [f"{significant(main / 1e3)} us", f"{significant(other / 1e3)} us"]
            spread = f"{significant(low / 1e3)} to {significant(high / 1e3)} us"
        lines.append([name, *cells, spread, ratio])
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    print(f"\nPython: {title}: medians of {runs} runs\n")
    for index, line in enumerate(lines):
        print(
            "| "
            + " | ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            + " |"
        )
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for note in notes:
        print(f"\n{note}", end="")
    print(flush=True)


def main() -> None:
    """Measures the rows that are asked for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + ",".join(ROWS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long one run of one peer takes, about")
    arguments = parser.parse_args()
    for row in arguments.rows.split(","):
        title, work, size, kinds = ROWS[row]
        figures: dict[str, list[tuple[float, float]]] = {kind.name: [] for kind in kinds}
        counts: dict[type[Peer], int] = {}
        notes: list[str] = []
        for run in range(1, arguments.runs + 1):
            for kind in kinds:
                if any(note.startswith(f"{kind.name}: ") for note in notes):
                    continue
                print(f"{row}, run {run} of {arguments.runs}: {kind.name}", file=sys.stderr)
                try:
                    figures[kind.name].append(once(kind, work, counts, arguments.seconds))
                except (AssertionError, EOFError, OSError) as error:
                    notes.append(f"{kind.name}: run {run}: {error or type(error).__name__}")
        show(title, size, work, figures, notes)


if __name__ == "__main__":
    main()
