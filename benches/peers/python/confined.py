"""bubblewrap and sandlock at what `cargo bench --bench confinement` measures of a start and of a warm run: one round of one row.

Each confines a Python that takes a line with an expression by a pipe and prints its value, beside the same Python that nothing
confines, in turns. That program runs this one in each of its rounds with a row's name and the Python to be confined, and prints
what it says: a line of JSON for each peer, `[who, unconfined, confined]`, in microseconds. Needs `bwrap` in PATH and `sandlock`
(see `requirements.txt`); what is missing is said, and skipped.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

STARTS = 10
RUNS = 3000
WORKER = "import sys\nfor line in sys.stdin: print(eval(line), flush=True)"
BWRAP = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent"]

Pipes = tuple[IO[bytes], IO[bytes]]
Start = Callable[[list[str]], "contextmanager[Pipes]"]


def run(pipes: Pipes) -> None:
    """Has a worker evaluate an expression."""
    to, answers = pipes
    to.write(b"1+1\n")
    to.flush()
    if answers.readline() != b"2\n":
        raise RuntimeError("the worker gives no answer")


@contextmanager
def started(command: list[str]) -> Iterator[Pipes]:
    """Starts a worker, and kills it."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        process.kill()
        process.wait()


def bubbled(command: list[str]) -> contextmanager[Pipes]:
    """Starts a worker in name spaces of its own, where all files can be read."""
    return started([*BWRAP, *command])


@contextmanager
def locked(command: list[str]) -> Iterator[Pipes]:
    """Starts a worker that may read what it needs."""
    from sandlock import Sandbox
    from sandlock.sandbox import StdioMode

    prefixes = subprocess.check_output([command[0], "-c", "import sys; print(sys.prefix, sys.base_prefix)"], text=True)
    readable = ["/usr", "/lib", "/lib64", "/bin", "/etc", "/dev", "/proc", *prefixes.split()]
    with Sandbox(fs_readable=readable).popen(command, stdin=StdioMode.PIPED, stdout=StdioMode.PIPED) as process:
        yield process.stdin, process.stdout
        process.kill()


def start(open_worker: Start, command: list[str]) -> float:
    """Returns the median time of a start to its first result."""
    times = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with open_worker(command) as pipes:
            run(pipes)
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def warm(open_worker: Start, command: list[str]) -> float:
    """Returns the median time of a run in a worker that is there."""
    times = []
    with open_worker(command) as pipes:
        run(pipes)
        for _ in range(RUNS):
            begin = time.perf_counter()
            run(pipes)
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def missing(who: str) -> str | None:
    """Tells why a peer cannot be measured."""
    if who == "bubblewrap":
        return None if shutil.which("bwrap") else "no bwrap in PATH"
    try:
        import sandlock  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


def main() -> None:
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=["start", "warm"])
    parser.add_argument("python")
    arguments = parser.parse_args()
    measure = {"start": start, "warm": warm}[arguments.row]
    command = [arguments.python, "-c", WORKER]
    peers: dict[str, Start] = {"bubblewrap": bubbled, "sandlock": locked}
    for who, open_worker in peers.items():
        if why := missing(who):
            print(f"{who} is skipped: {why}", file=sys.stderr)
            continue
        try:
            free, held = measure(started, command), measure(open_worker, command)
        except (OSError, RuntimeError) as error:
            print(f"{who} is skipped: {error}", file=sys.stderr)
            continue
        print(json.dumps([who, free * 1e6, held * 1e6]), flush=True)


if __name__ == "__main__":
    main()
