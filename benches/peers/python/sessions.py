"""ProcessPoolExecutor and ipykernel at what `cargo bench --bench sessions` measures of a session: one round of one row.

That program runs this one in each of its rounds, beside its own sessions, with a row's name, and prints what it says: a line
of JSON for each figure, `[row, who, unit, figure]`. Needs `requirements.txt`; see the README beside this crate.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

CALLS = 2000
KERNEL_CALLS = 200
ARRAY = 64 << 20
POOL, KERNEL = "ProcessPoolExecutor, forked", "ipykernel"


def report(row: str, who: str, unit: str, figure: float) -> None:
    """Prints one figure."""
    print(json.dumps([row, who, unit, figure]), flush=True)


def pool() -> ProcessPoolExecutor:
    """Returns a pool of one process, which is forked at its first call."""
    return ProcessPoolExecutor(1, mp_context=get_context("fork"))


@contextmanager
def kernel() -> Iterator[BlockingKernelClient]:
    """Starts a kernel and ends it."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str) -> int:
    """Runs code in a kernel, and returns how much it printed."""
    printed = 0

    def take(message: dict[str, object]) -> None:
        nonlocal printed
        content = message["content"]
        if message["header"]["msg_type"] == "stream":  # type: ignore[index]
            printed += len(content["text"])  # type: ignore[index]

    reply = client.execute_interactive(code, output_hook=take, timeout=120)
    assert reply["content"]["status"] == "ok", reply
    return printed


def start() -> None:
    """Measures from nothing to the first result."""
    begin = time.perf_counter()
    with pool() as executor:
        assert executor.submit(eval, "1+1").result() == 2
        report("start to the result of 1+1", POOL, "ms", 1e3 * (time.perf_counter() - begin))
    begin = time.perf_counter()
    with kernel() as client:
        run(client, "1+1")
        report("start to the result of 1+1", KERNEL, "ms", 1e3 * (time.perf_counter() - begin))


def percentiles(who: str, calls: int, call: Callable[[], object]) -> None:
    """Measures calls one after the other."""
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        call()
        times.append(1e6 * (time.perf_counter() - begin))
    cuts = statistics.quantiles(times, n=100)
    report("warm run of 1+1, p50", who, "us", cuts[49])
    report("warm run of 1+1, p99", who, "us", cuts[98])


def warm() -> None:
    """Measures runs of what is there."""
    with pool() as executor:
        executor.submit(eval, "1+1").result()
        percentiles(POOL, CALLS, lambda: executor.submit(eval, "1+1").result())
    with kernel() as client:
        run(client, "1+1")
        percentiles(KERNEL, KERNEL_CALLS, lambda: run(client, "1+1"))


def output() -> None:
    """Measures what is printed: a quarter of a session's, and a sixteenth of its lines."""
    codes = {
        "stdout in 64 KiB": "import sys\nblock = 'x' * 65535 + '\\n'\nfor _ in range(1024): sys.stdout.write(block)",
        "stdout in lines": "line = 'x' * 79\nfor _ in range(1 << 16): print(line)",
    }
    with kernel() as client:
        for row, code in codes.items():
            begin = time.perf_counter()
            printed = run(client, code)
            report(row, KERNEL, "MB/s", printed / 1e6 / (time.perf_counter() - begin))


def echo(array: np.ndarray) -> np.ndarray:
    """Gives back what it gets."""
    return array


def array() -> None:
    """Measures an array to a process and back, each way half of the time."""
    sent = np.full(ARRAY, 7, np.uint8)
    with pool() as executor:
        executor.submit(echo, sent[:1]).result()
        begin = time.perf_counter()
        assert executor.submit(echo, sent).result().nbytes == ARRAY
        rate = 2 * ARRAY / 1e9 / (time.perf_counter() - begin)
    report("64 MiB to the session", POOL, "GB/s", rate)
    report("64 MiB back", POOL, "GB/s", rate)


def pss(process: int) -> float:
    """Returns what a process has of memory, in MB, what it shares in parts."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:"))


def memory() -> None:
    """Measures the memory of what waits."""
    with pool() as executor:
        process = executor.submit(os.getpid).result()
        report("memory of an idle session, PSS", POOL, "MB", pss(process))
    with kernel() as client:
        process = 0

        def take(message: dict[str, object]) -> None:
            nonlocal process
            if message["header"]["msg_type"] == "stream":  # type: ignore[index]
                process = int(message["content"]["text"])  # type: ignore[index]

        client.execute_interactive("import os; print(os.getpid())", output_hook=take)
        report("memory of an idle session, PSS", KERNEL, "MB", pss(process))


def main() -> None:
    """Measures one round of a row."""
    rows = {row.__name__: row for row in (start, warm, output, array, memory)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=rows)
    rows[parser.parse_args().row]()


if __name__ == "__main__":
    main()
