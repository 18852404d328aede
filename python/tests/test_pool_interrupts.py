"""Interrupts, in the workers of a pool and in those who wait for it."""

from __future__ import annotations

import concurrent.futures
import ctypes
import linecache
import sys
from pathlib import Path
from typing import Any

import process_jobs as jobs
import pytest
from test_process_pool import LONG, until

from circlet import Pool, ProcessPool, _call_line, _pool_line


def test_an_abort_that_comes_before_its_call_has_begun_ends_it_at_once(tmp_path: Path) -> None:
    with ProcessPool(1, grace=LONG) as pool:
        pid = pool.submit(jobs.pid).result(LONG)
        looks, runs = tmp_path / "looks", tmp_path / "runs"
        pool.submit(jobs.begin_late, str(looks)).result(LONG)
        call = pool.submit(jobs.hang, str(runs))
        until(looks.exists)
        assert not call.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            call.result(LONG)
        assert not runs.exists()
        assert pool.submit(jobs.pid).result(LONG) == pid


class Interrupts:
    """Raises KeyboardInterrupt at one step of some functions, and nowhere else."""

    def __init__(self, step: int, *functions: Any) -> None:
        """Waits for so many steps of those functions."""
        self.left, self.came = step, False
        self.codes = {function.__code__ for function in functions}

    def __call__(self, frame: Any, event: str, argument: Any) -> Any:
        """Traces a step, as `sys.settrace` has it."""
        if frame.f_code not in self.codes:
            return None
        # At a `with` no interrupt of Python's own comes between the lock and the block.
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and not self.came and not line.lstrip().startswith("with "):
            self.left -= 1
            if self.left < 0:
                self.came = True
                raise KeyboardInterrupt
        return self


def test_an_interrupt_at_any_step_of_settling_loses_no_answer() -> None:
    line = _call_line.CallLine
    with ProcessPool(1) as pool:
        step = 0
        while True:
            futures = [pool.submit(jobs.double, number) for number in range(3)]
            batch = pool.map(jobs.double, range(3))
            pool.drain(LONG)
            interrupts = Interrupts(step, line._lead, line._settle_fetched, line._read_all, line.settle)
            sys.settrace(interrupts)
            try:
                assert futures[0].result(LONG) == 0
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(None)
            assert [future.result(LONG) for future in futures] == [0, 2, 4], step
            assert list(batch) == [0, 2, 4], step
            if not interrupts.came:
                break
            step += 1
        assert step > 50
        pool._line.collect()
        assert not pool._line.calls


def test_an_interrupt_at_any_step_of_telling_loses_no_end() -> None:
    absolute, line = ctypes.CDLL(None).abs, _pool_line.Line
    with Pool(max=1) as pool:
        step = 0
        while True:
            futures = [pool.submit(absolute, -number) for number in range(3)]
            pool.drain(LONG)
            interrupts = Interrupts(step, line.collect, line._tell)
            sys.settrace(interrupts)
            try:
                pool._line.collect()
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(None)
            pool._line.collect()
            assert [future.result(0) for future in futures] == [0, 1, 2], step
            if not interrupts.came:
                break
            step += 1
        assert step > 20
