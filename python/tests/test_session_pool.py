"""Pools of sessions."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from circlet import ClosedError, InvalidError, SessionPool


def test_sessions_of_a_pool_are_apart_and_their_processes_end_with_them() -> None:
    with SessionPool(ready=2) as pool:
        pool.wait_ready(30)
        with pool.open() as one, pool.open() as other:
            one.run("x = 1").result()
            error = other.run("x").result().error
            assert error is not None
            assert error.type == "NameError"
            processes = [one.process_id(), other.process_id()]
            assert len(set(processes)) == 2
        assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_a_snapshot_names_every_session_and_what_it_has_run() -> None:
    with SessionPool(ready=1) as pool, pool.open() as python:
        python.run("1 / 0").result()
        pool.wait_ready(30)
        snapshot = pool.snapshot()
        (entry,) = (entry for entry in snapshot["registry"].values() if entry["pid"] == python.process_id())
        assert (entry["messages_processed"], entry["errors"]) == (1, 1)
        assert entry["last_error"] == "ZeroDivisionError: division by zero"
        counts = snapshot["pool"]
        assert counts["active"] + counts["idle"] + counts["ready"] + counts["draining"] == counts["size"] == 2


def test_an_executor_outlives_its_pool_and_has_a_new_session_after_an_end() -> None:
    pool = SessionPool()
    python = pool.open()
    pool.close()
    pool.close()
    with pytest.raises(ClosedError):
        pool.open()
    assert python.run("6 * 7").result().value == 42
    python.restart()
    assert python.run("6 * 7").result().value == 42
    python.close()


def test_threads_open_sessions_at_once() -> None:
    def ask(number: int) -> object:
        with pool.open() as python:
            return python.run(f"{number} + 1").result().value

    with SessionPool(ready=2) as pool, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(40))) == list(range(1, 41))


def test_a_session_is_there_before_an_interpreter_could_start() -> None:
    with SessionPool(ready=1) as pool:
        times = []
        for _ in range(20):
            pool.wait_ready(30)
            begin = time.perf_counter()
            with pool.open() as python:
                assert python.run("1 + 1").result().value == 2
                times.append(time.perf_counter() - begin)
        assert min(times) < 0.005, times


def test_settings_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'redy'"):
        SessionPool(redy=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidError, match="preload"):
        SessionPool(preload="json")
    with pytest.raises(InvalidError, match="ready"):
        SessionPool(ready=-1)
