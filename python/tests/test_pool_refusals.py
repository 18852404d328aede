"""What pools refuse, and in which words: what was given, and what is allowed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from circlet import CONSUMER, InvalidError, Pool, ProcessPool, SharedRingBuffer

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
    ({"deadline": 0}, r"deadline is 0: give seconds above 0"),
    ({"type": 5}, r"type is 5: give a str"),
]
POOLS = [
    ({"name": 5}, r"name is 5: give a str"),
    ({"keep": "x"}, r"keep is 'x': give seconds above 0"),
    ({"block": "x"}, r"block is 'x': give seconds"),
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
