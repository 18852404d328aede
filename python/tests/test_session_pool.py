"""Pools of sessions."""

from __future__ import annotations

import signal
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


def test_a_pool_is_closed_once_nobody_is_in_it() -> None:
    pool = SessionPool(ready=1, ready_within=5)
    with ThreadPoolExecutor(4) as threads:
        # None of these is over before the pool is.
        waiting = [threads.submit(wait_for_ever, pool) for _ in range(4)]
        pool.close()
        assert [future.result(30) for future in waiting] == ["closed"] * 4


def wait_for_ever(pool: SessionPool) -> str:
    try:
        while True:
            pool.open().close()
            pool.wait_ready()
    except ClosedError:
        return "closed"


def test_signals_of_the_caller_end_no_fork_server() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        with SessionPool(ready=1) as pool:
            for number in range(20):
                with pool.open() as python:
                    assert python.run(f"{number} + 1").result().value == number + 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
