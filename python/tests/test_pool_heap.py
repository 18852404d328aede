"""Heap snapshots of the workers of a pool of processes."""

from __future__ import annotations

import signal
import threading
import time
import tracemalloc
from pathlib import Path

import process_jobs as jobs
import pytest
from test_process_pool import LONG, bun, until  # noqa: F401

from circlet import ClosedError, InvalidError, JobFailedError, NotFoundError, ProcessPool, TimedOutError


def only(pool: ProcessPool) -> str:
    (worker,) = pool.snapshot()["registry"]
    return str(worker)


def test_what_was_allocated_between_two_snapshots_is_known_by_line(tmp_path: Path) -> None:
    with ProcessPool(1) as pool:
        assert pool.submit(jobs.double, 1).result(LONG) == 2
        worker, file = only(pool), tmp_path / "heap.pickle"
        first = pool.heap_snapshot(worker)
        assert (first["source"], first["is_first"], first["grown"]) == ("tracemalloc", True, [])
        pool.submit(jobs.hold, 5 << 20).result(LONG)
        second = pool.heap_snapshot(worker, top=3, file=file, stop=True)
        most, grown = second["lines"][0], second["grown"][0]
        assert not second["is_first"]
        assert Path(most["file"]).name == "process_jobs.py"
        assert min(most["bytes"], grown["bytes_change"]) >= 5 << 20
        assert len(second["types"]) == 3
        assert second["file"] == str(file)
        assert tracemalloc.Snapshot.load(str(file)).traces
        assert pool.submit(tracemalloc.is_tracing).result(LONG) is False
        snapshot = pool.snapshot()
        assert snapshot["registry"][worker]["heap_snapshot_count"] == 2
        assert snapshot["statistics"]["total_messages_sent"] == 3


def test_what_cannot_be_taken_says_why(tmp_path: Path) -> None:
    pool = ProcessPool(1, grace=0.05)
    assert pool.submit(jobs.double, 1).result(LONG) == 2
    worker, runs = only(pool), tmp_path / "runs"
    with pytest.raises(JobFailedError, match="/nowhere/heap") as failed:
        pool.heap_snapshot(worker, file="/nowhere/heap")
    assert failed.value.type == "FileNotFoundError"
    with pytest.raises(NotFoundError, match="no worker w_fffe"):
        pool.heap_snapshot("w_fffe")
    for wrong in ({"worker": "p_1"}, {"worker": worker, "top": 0}, {"worker": worker, "timeout": 0}):
        with pytest.raises(InvalidError):
            pool.heap_snapshot(**wrong)  # type: ignore[arg-type]
    call = pool.submit(jobs.give_in, str(runs))
    until(runs.exists)
    with pytest.raises(TimedOutError, match="it runs a call"):
        pool.heap_snapshot(worker, timeout=0.01)
    call.cancel()
    pool.close()
    with pytest.raises(ClosedError):
        pool.heap_snapshot(worker)


def test_it_can_be_interrupted_and_the_pool_goes_on(tmp_path: Path) -> None:
    with ProcessPool(1) as pool:
        runs = tmp_path / "runs"
        call = pool.submit(jobs.give_in, str(runs))
        until(runs.exists)
        timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
        timer.start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            pool.heap_snapshot(only(pool))
        assert time.monotonic() - begin < LONG / 2
        timer.join()
        call.cancel()
        assert pool.heap_snapshot(only(pool))["source"] == "tracemalloc"


def test_workers_of_bun_count_objects_by_type(tmp_path: Path, bun: str) -> None:  # noqa: F811
    script = tmp_path / "script.ts"
    script.write_text("export const one = () => 1;\n")
    with ProcessPool(1, kind="bun", script=script, program=bun) as pool:
        assert pool.submit("one").result(LONG) == 1
        taken = pool.heap_snapshot(only(pool), top=5)
        assert (taken["source"], taken["lines"], len(taken["types"])) == ("jsc", [], 5)
