"""Pools of processes in Python: circlet, concurrent.futures and loky at the same tasks, in turns within each run.

An empty task is `abs` of a number, which every worker knows by its name; what it gives back is summed. Needs
`requirements.txt` and the C library; see the README beside this crate.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path

import loky

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python"))
from circlet import ProcessPool

# Tasks of a measurement: submitted one by one, and as one map.
SINGLE = 10_000
MAPPED = 100_000
CHUNK = 100
WARM_UP = 1000
BURST = 1000
BURST_WORKERS = 16
BURST_TASK = 0.005

# Builds a pool of at least and at most so many workers, none of which has to be there yet.
Open = Callable[[int, int], Executor]


def processes(start_method: str) -> Open:
    """Returns what builds the standard library's pool, its workers started in this way."""
    context = multiprocessing.get_context(start_method)
    return lambda _, workers: ProcessPoolExecutor(workers, mp_context=context)


# circlet's comes first: the others are compared to it.
CONTENDERS: dict[str, Open] = {
    "circlet": lambda least, most: ProcessPool(most, min=least),
    "ProcessPoolExecutor, fork": processes("fork"),
    "ProcessPoolExecutor, spawn": processes("spawn"),
    "loky": lambda _, workers: loky.ProcessPoolExecutor(workers),
}


def one_by_one(pool: Executor, count: int) -> int:
    """Submits tasks one by one and waits for all; returns the sum of what they gave."""
    futures = [pool.submit(abs, number) for number in range(count)]
    return sum(future.result() for future in futures)


def mapped(pool: Executor, count: int) -> int:
    """Maps tasks in chunks; returns the sum of what they gave."""
    return sum(pool.map(abs, range(count), chunksize=CHUNK))


def mapped_one_by_one(pool: Executor, count: int) -> int:
    """Maps tasks without chunks; returns the sum of what they gave."""
    return sum(pool.map(abs, range(count)))


def rate(open_: Open, workers: int, count: int, work: Callable[[Executor, int], int]) -> list[float]:
    """Returns tasks in a second, of a pool that has run some before."""
    with open_(workers, workers) as pool:
        one_by_one(pool, WARM_UP)
        begin = time.perf_counter()
        total = work(pool, count)
        took = time.perf_counter() - begin
    if total != count * (count - 1) // 2:
        raise AssertionError("the sum of what the tasks gave is wrong")
    return [count / took]


def burst(open_: Open, _workers: int) -> list[float]:
    """Returns when the first and the last result were there, in milliseconds since the pool was asked for."""
    ends: list[float] = []

    def note(_: Future[None]) -> None:
        ends.append(time.perf_counter())

    begin = time.perf_counter()
    with open_(0, BURST_WORKERS) as pool:
        futures = []
        for _ in range(BURST):
            futures.append(pool.submit(time.sleep, BURST_TASK))
            futures[-1].add_done_callback(note)
        for future in futures:
            future.result()
        last = time.perf_counter()
    return [(end - begin) * 1e3 for end in (ends[0], last)]


# The figures of a row, with their units, and what measures them.
ROWS: dict[str, tuple[list[str], Callable[[Open, int], list[float]]]] = {
    "single": (
        ["empty tasks one by one, tasks/s"],
        lambda open_, workers: rate(open_, workers, SINGLE, one_by_one),
    ),
    "map each": (
        ["empty tasks, map one by one, tasks/s"],
        lambda open_, workers: rate(open_, workers, SINGLE, mapped_one_by_one),
    ),
    "map": (
        [f"empty tasks, map in chunks of {CHUNK}, tasks/s"],
        lambda open_, workers: rate(open_, workers, MAPPED, mapped),
    ),
    "burst": (
        [f"burst from no workers to {BURST_WORKERS} at most, {result} result, ms" for result in ("first", "last")],
        burst,
    ),
}


def significant(value: float) -> str:
    """Shows about three digits."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def lines(title: str, figures: dict[str, list[float]]) -> list[list[str]]:
    """Returns a line of the table for each contender, with the figures of one title."""
    own = next((statistics.median(values) for name, values in figures.items() if name.startswith("circlet")), None)
    result = []
    for name, values in figures.items():
        middle = statistics.median(values)
        spread = f"{significant(min(values))} to {significant(max(values))}"
        result.append([title, name, significant(middle), spread, f"{middle / own:.2f}" if own else "-"])
    return result


def show(workers: int, runs: int, table: list[list[str]]) -> None:
    """Prints the table, whose first line is its head."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print(f"\nPython: pools of {workers} workers: medians of {runs} runs\n")
    for index, line in enumerate(table):
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main() -> None:
    """Measures the rows that are asked for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + ",".join(ROWS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help=f"of each pool; a burst may have {BURST_WORKERS}")
    arguments = parser.parse_args()
    table = [["", "pool", "median", "range", "times circlet's"]]
    for row in arguments.rows.split(","):
        titles, measure = ROWS[row]
        measured: dict[str, list[list[float]]] = {name: [] for name in CONTENDERS}
        for _ in range(arguments.runs):
            for name, open_ in CONTENDERS.items():
                measured[name].append(measure(open_, arguments.workers))
        for index, title in enumerate(titles):
            table += lines(title, {name: [run[index] for run in runs] for name, runs in measured.items()})
    show(arguments.workers, arguments.runs, table)


if __name__ == "__main__":
    main()
