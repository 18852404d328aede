"""The table of functions against the header."""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path

import pytest

from circlet import _called, _native, _options, _pool_options, _table, hub, process_pool

HEADER = Path(__file__).parents[2] / "include" / "circlet.h"
VALUES = {
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "double": ctypes.c_double,
    "void": None,
}
STRUCTS = {
    "circlet_ring_options": _table.RingOptions,
    "circlet_frame": _table.Frame,
    "circlet_ring_stats": _table.RingStats,
    "circlet_pool_options": _table.PoolOptions,
    "circlet_process_options": _table.ProcessOptions,
    "circlet_job_options": _table.JobOptions,
    "circlet_answers": _table.Answers,
    "circlet_column": _table.Column,
}


def _kind(declared: str) -> object:
    """Returns what a C type is: a value's ctypes type, or "pointer"."""
    return "pointer" if "*" in declared or declared.strip() == "circlet_job" else VALUES[declared.strip()]


@pytest.mark.parametrize("name", _table.SIGNATURES)
def test_every_declaration_agrees_with_the_header(name: str) -> None:
    match = re.search(rf"^(\w[\w ]*[ *]){name}\(([^)]*)\);", HEADER.read_text(), re.MULTILINE)
    assert match, "not in the header"
    result, parameters = match.groups()
    declared = [] if parameters == "void" else [re.sub(r"\w+$", "", part.strip()) for part in parameters.split(",")]
    returns, arguments = _table.SIGNATURES[name]
    values = set(VALUES.values())
    assert _kind(result) == (returns if returns in values else "pointer")
    assert [_kind(part) for part in declared] == [kind if kind in values else "pointer" for kind in arguments]


@pytest.mark.parametrize("name", STRUCTS)
def test_every_struct_has_the_fields_of_the_header(name: str) -> None:
    match = re.search(rf"^typedef struct {name} \{{(.*?)^\}} {name};", HEADER.read_text(), re.MULTILINE | re.DOTALL)
    assert match, "not in the header"
    fields = re.findall(r"^  ((?:const )?(?:struct )?\w+) ((?:\*(?:const )?)*)(\w+);", match.group(1), re.MULTILINE)
    sizes = {"uint32_t": 4, "int32_t": 4, "uint64_t": 8, "double": 8}
    fields = [(kind.removeprefix("const ").removeprefix("struct "), pointer, field) for kind, pointer, field in fields]
    ours = [(field[0], ctypes.sizeof(field[1])) for field in STRUCTS[name]._fields_]
    assert ours == [(field, 8 if pointer else sizes[kind]) for kind, pointer, field in fields]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("PRODUCER", _native.PRODUCER),
        ("CONSUMER", _native.CONSUMER),
        ("CONSUMER_FROM_OLDEST", _native.CONSUMER_FROM_OLDEST),
        ("NO_OFFSET", _native.NO_OFFSET),
        ("RING_PREFAULT", _native.RING_PREFAULT),
        ("RING_HUGE_PAGES", _native.RING_HUGE_PAGES),
        ("SPSC", 1 + _options.MODES.index("spsc")),
        ("MPSC", 1 + _options.MODES.index("mpsc")),
        ("BROADCAST", 1 + _options.MODES.index("broadcast")),
        ("BLOCK", _options.OVERFLOWS.index("block")),
        ("FAIL", _options.OVERFLOWS.index("fail")),
        ("DROP_NEWEST", _options.OVERFLOWS.index("drop_newest")),
        ("BLOCK", _pool_options.OVERFLOWS["block"]),
        ("FAIL", _pool_options.OVERFLOWS["fail"]),
        ("DROP_OLDEST", _pool_options.OVERFLOWS["drop_oldest"]),
        ("ROUND_ROBIN", _pool_options.STRATEGIES.index("round_robin")),
        ("LEAST_BUSY", _pool_options.STRATEGIES.index("least_busy")),
        ("AFFINITY", _pool_options.STRATEGIES.index("affinity")),
        ("THREADS", _pool_options.KINDS.index("threads")),
        ("PYTHON", _pool_options.KINDS.index("python")),
        ("BUN", _pool_options.KINDS.index("bun")),
        ("OUTPUT_PASS_ON", process_pool.OUTPUTS.index("pass_on")),
        ("OUTPUT_DROP", process_pool.OUTPUTS.index("drop")),
        ("OUTPUT_KEEP", process_pool.OUTPUTS.index("keep")),
        ("JOB_IDEMPOTENT", process_pool.IDEMPOTENT),
        ("JSON", _called.JSON),
        ("PICKLE", _called.PICKLE),
        ("COLUMN_F32", hub.F32),
        ("COLUMN_F64", hub.F64),
        ("COLUMN_I32", hub.I32),
        ("COLUMN_U8", hub.U8),
        ("POOL_FROM_ZERO", _pool_options.FROM_ZERO),
    ],
)
def test_every_number_is_that_of_the_header(name: str, ours: int) -> None:
    match = re.search(rf"^#define CIRCLET_{name} (\d+)$", HEADER.read_text(), re.MULTILINE)
    assert match, "not in the header"
    assert int(match.group(1)) == ours


def test_every_status_below_zero_has_an_error_of_its_own_or_says_its_name() -> None:
    for code in range(-1, -35, -1):
        with pytest.raises(_native.CircletError) as raised:
            _native.check(code)
        assert raised.value.status == _native.library.circlet_status_str(code).decode() != "unknown circlet_status"


def test_a_handle_that_has_ended_ends_no_other_that_has_its_address_by_now() -> None:
    class Owner:
        pass

    ended: list[str] = []
    first, second = Owner(), Owner()
    end = _native.end_with(first, 64, lambda _: ended.append("first"), print)
    end()
    _native.end_with(second, 64, lambda _: ended.append("second"), print)
    del first
    gc.collect()
    end()
    assert ended == ["first"]
    del second
    gc.collect()
    assert ended == ["first", "second"]
