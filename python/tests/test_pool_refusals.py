"""What pools refuse, and in which words: what was given, and what is allowed."""

from __future__ import annotations

import ctypes
import decimal
import math
import queue
from collections.abc import Callable
from typing import Any

import pytest

from circlet import CONSUMER, BusyError, InvalidError, Pool, ProcessPool, SharedRingBuffer, _native

LONG = 60
absolute = ctypes.CDLL(None).abs

WISHES = [
    ({"priority": "x"}, r"priority is 'x': give -2147483648 to 2147483647"),
    ({"priority": ""}, r"priority is '': give"),
    ({"priority": 1 << 31}, r"priority is 2147483648: give"),
    ({"key": "x"}, r"key is 'x': give an int"),
    ({"nodes": "x"}, r"nodes is 'x': give 1 to"),
    ({"nodes": ""}, r"nodes is '': give 1 to"),
    ({"deadline": "x"}, r"deadline is 'x': give seconds above 0"),
    ({"deadline": 0}, r"deadline is 0: give seconds above 0, at most 1e\+15$"),
    ({"deadline": 1e300}, r"deadline is 1e\+300: give seconds above 0, at most 1e\+15$"),
    ({"deadline": 10**400}, r"deadline is 10{79}…: give seconds above 0"),
    ({"deadline": 10**5000}, r"deadline is of type int: give seconds above 0"),
    ({"deadline": math.nan}, r"deadline is nan: give seconds above 0"),
    ({"deadline": -1e300}, r"deadline is -1e\+300: give seconds above 0"),
    ({"deadline": [1]}, r"deadline is \[1\]: give seconds above 0"),
    ({"priority": 10**400}, r"priority is 10{79}…: give -2147483648 to 2147483647"),
    ({"type": 5}, r"type is 5: give a str"),
]
POOLS = [
    ({"name": 5}, r"name is 5: give a str"),
    ({"keep": "x"}, r"keep is 'x': give seconds above 0"),
    ({"block": "x"}, r"block is 'x': give seconds"),
    ({"block": 10**400}, r"block is 10{79}…: give seconds"),
    ({"block": math.nan}, r"block is nan: give seconds"),
    ({"overflow": []}, r"overflow is \[\]: give one of 'block', 'fail', 'drop_oldest'"),
    ({"strategy": {}}, r"strategy is \{\}: give one of 'round_robin'"),
    ({"keep": 1e300}, r"keep is 1e\+300: give seconds above 0, at most 1e\+15$"),
    ({"window": math.inf}, r"window is inf: give seconds above 0"),
    ({"target_wait": math.nan}, r"target_wait is nan: give seconds above 0"),
    ({"kind": []}, r"kind is \[\]: give one of 'threads'"),
    ({"min": "x"}, r"min is 'x': give 1 to"),
    ({"min": ""}, r"min is '': give 1 to"),
    ({"queue": 2.5}, r"queue is 2.5: give 1 to"),
]
PROCESSES = [
    ({"path": "abc"}, r"path is 'abc': give a list of folders"),
    ({"path": 5}, r"path is 5: give a list of folders"),
    ({"path": ["a\0b"]}, r"path has '.*a\\x00b' in it: no folder has a NUL"),
    ({"memory": "1G"}, r"memory is '1G': give 1 to"),
    ({"grace": "x"}, r"grace is 'x': give seconds above 0"),
    ({"grace": 1e300}, r"grace is 1e\+300: give seconds above 0"),
    ({"lifetime": -1}, r"lifetime is -1: give seconds above 0"),
    ({"ready_within": math.nan}, r"ready_within is nan: give seconds above 0"),
    ({"script": 5}, r"script is 5: give a path"),
    ({"program": 5}, r"program is 5: give a path"),
    ({"program": ""}, r"program is '': give a path"),
    ({"output": ["keep"]}, r"output is \['keep'\]: give one of 'pass_on'"),
]


@pytest.mark.parametrize(("given", "words"), WISHES)
def test_a_wish_that_no_job_can_have_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    with Pool(max=1) as pool, ProcessPool(1, min=0) as processes:
        attempts: list[Callable[..., object]] = [
            lambda: pool.submit(absolute, 1, **given),
            lambda: pool.submit_many(absolute, [1], **given),
            lambda: processes.with_options(**given),
        ]
        for attempt in attempts:
            with pytest.raises(InvalidError, match=words):
                attempt()


@pytest.mark.parametrize(("given", "words"), POOLS)
def test_an_option_that_no_pool_can_have_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    for kind in (Pool, ProcessPool):
        with pytest.raises(InvalidError, match=words):
            kind(**given)


@pytest.mark.parametrize(("given", "words"), PROCESSES)
def test_an_option_that_no_process_can_have_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        ProcessPool(1, **given)


MAPS = [
    ({"chunksize": "x"}, r"chunksize is 'x': give at least 1"),
    ({"chunksize": 2.5}, r"chunksize is 2\.5: give at least 1"),
    ({"chunksize": 0}, r"chunksize is 0: give at least 1"),
    ({"chunksize": math.nan}, r"chunksize is nan: give at least 1"),
    ({"buffersize": []}, r"buffersize is \[\]: give at least 1"),
    ({"buffersize": 10**400}, r"buffersize is 10{79}…: give at least 1"),
    ({"timeout": "x"}, r"timeout is 'x': give seconds, or None for no deadline"),
    ({"timeout": math.nan}, r"timeout is nan: give seconds"),
    ({"timeout": 10**400}, r"timeout is 10{79}…: give seconds"),
]


@pytest.mark.parametrize(("given", "words"), MAPS)
def test_an_option_that_no_map_can_have_is_refused_by_its_name(given: dict[str, Any], words: str) -> None:
    with ProcessPool(1, min=0) as pool, pytest.raises(InvalidError, match=words):
        pool.map(abs, [1], **given)


def test_a_time_that_no_wait_can_have_is_refused_and_a_long_one_is_waited_for() -> None:
    with Pool(max=1) as pool, ProcessPool(1) as processes:
        for future in (pool.submit(absolute, -1), processes.submit(abs, -1)):
            for wait in (future.result, future.exception):
                for timeout, words in (("x", "'x'"), (math.nan, "nan"), (10**400, "10{79}…"), ([], r"\[\]")):
                    with pytest.raises(InvalidError, match=rf"timeout is {words}: give seconds, or None"):
                        wait(timeout)  # type: ignore[arg-type]
            assert future.result(1e300) == future.result(math.inf) == future.result(-1) == 1
        for drain in (pool.drain, processes.drain):
            for timeout in ("x", math.nan, 10**400, -1, decimal.Decimal(1)):
                with pytest.raises(InvalidError, match=r"timeout is .*: give seconds, 0 to try"):
                    drain(timeout)  # type: ignore[arg-type]
            drain(1e300)
        assert processes.with_options(deadline=decimal.Decimal(60)).submit(abs, -2).result(LONG) == 2  # type: ignore[arg-type]
        assert list(processes.map(abs, [-3], timeout=1e300, chunksize=1 << 62, buffersize=1 << 62)) == [3]


def test_what_is_no_data_no_future_and_no_heap_snapshot_is_refused_by_its_name() -> None:
    with Pool(max=1) as pool, ProcessPool(1, min=0) as processes:
        attempts: list[tuple[Callable[..., object], str]] = [
            (lambda: pool.submit(absolute, 1.5), r"data is 1\.5: give an address"),
            (lambda: pool.submit_many(absolute, [object]), r"data is <class 'object'>: give an address"),
            (lambda: pool.submit("x" * 500), r"the function is 'x{79}…: give one"),
            (lambda: pool.sample_batch([], "x"), "points_each is 'x': give an int"),  # type: ignore[arg-type]
            (lambda: processes.abort(5), "5 is no future: give those of submit"),  # type: ignore[arg-type]
            (lambda: processes.submit(b"x" * 500), r"the function is b'x{78}…: give one"),  # type: ignore[call-overload]
            (lambda: processes.heap_snapshot("w_1", stop="no"), "stop is 'no': give True or False"),  # type: ignore[arg-type]
            (lambda: processes.heap_snapshot("w_1", file=5), "file is 5: give a path"),  # type: ignore[arg-type]
            (lambda: processes.heap_snapshot("w_1", timeout=1e300), r"timeout is 1e\+300: give seconds above 0"),
            (lambda: processes.heap_snapshot("w_1", top="x"), "top is 'x': give 1 to"),  # type: ignore[arg-type]
        ]
        for attempt, words in attempts:
            with pytest.raises(InvalidError, match=words):
                attempt()


def test_a_callback_that_waits_for_another_job_is_refused_where_nobody_would_tell_of_its_end() -> None:
    with Pool(max=1) as pool, ProcessPool(1) as processes:
        said: queue.SimpleQueue[object] = queue.SimpleQueue()

        def wait_for(submit: Callable[[], Any]) -> None:
            other = submit()
            for wait in (other.result, other.exception):
                try:
                    said.put(wait())
                except BusyError as error:
                    said.put(str(error))
            other.add_done_callback(lambda other: said.put(other.result()))

        pool.submit(absolute, -1).add_done_callback(lambda _: wait_for(lambda: pool.submit(absolute, -2)))
        for _ in range(2):
            assert "cannot wait for another one of it: have that one call back" in str(said.get(timeout=LONG))
        assert said.get(timeout=LONG) == 2
        processes.submit(abs, -1).add_done_callback(lambda _: wait_for(lambda: processes.submit(abs, -3)))
        assert [said.get(timeout=LONG) for _ in range(3)] == [3, None, 3]


def test_a_job_that_ends_its_own_pool_is_refused() -> None:
    with Pool(max=1) as pool:
        assert pool.submit(_native.library.circlet_pool_close, pool._line.handle).result(LONG) == -1
        assert _native.library.circlet_status_str(-1) == b"CIRCLET_INVALID"
        assert pool.submit(absolute, -1).result(LONG) == 1


def test_only_true_and_false_say_whether_a_call_may_run_again() -> None:
    with ProcessPool(1, min=0) as pool:
        for idempotent in ("no", 1, None):
            with pytest.raises(InvalidError, match=f"idempotent is {idempotent!r}: give True or False"):
                pool.with_options(idempotent=idempotent)  # type: ignore[arg-type]
        assert pool.with_options(idempotent=True).submit(abs, -1).result(LONG) == 1


def test_a_name_that_is_empty_calls_nothing() -> None:
    with ProcessPool(1, min=0) as pool:
        for attempt in (lambda: pool.submit(""), lambda: pool.map("", [1])):
            with pytest.raises(InvalidError, match="give the name of one as module:function"):
                attempt()


def test_a_port_is_opened_of_a_side_of_a_ring_and_closed_by_its_name() -> None:
    with Pool(max=1) as pool, SharedRingBuffer.anonymous() as ring:
        for side in ("zzz", 7, None):
            with pytest.raises(InvalidError, match=rf"side is {side!r}: give PRODUCER \(1\) or CONSUMER \(2\)"):
                pool.open_port(ring, side)  # type: ignore[arg-type]
        with pytest.raises(InvalidError, match="ring is 5: give a SharedRingBuffer"):
            pool.open_port(5, CONSUMER)  # type: ignore[arg-type]
        port = pool.open_port(ring, CONSUMER)
        for attempt in (lambda: pool.close_port(99), lambda: pool.transfer_port(99, None)):  # type: ignore[arg-type]
            with pytest.raises(InvalidError, match="99 names no port: give a name such as 'p_1a2b'"):
                attempt()
        with pytest.raises(InvalidError, match="5 names no worker: give a name such as 'w_3a7f'"):
            pool.transfer_port(port, 5)  # type: ignore[arg-type]
        pool.close_port(port)
