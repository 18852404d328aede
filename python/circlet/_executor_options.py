"""What executors and pools of sessions are given, as the library takes it."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import c_char_p, c_void_p
from typing import Any, TypeAlias, TypedDict

from ._arguments import number, path_of, shown, text
from ._native import InvalidError
from ._pool_options import milliseconds
from ._table import ExecutorOptions
from .ring import SharedRingBuffer

#: A policy: a dict or its JSON, the name of a template, or the path of a file. The form is in `docs/policies.md`.
Policy: TypeAlias = str | os.PathLike[str] | Mapping[str, object]


class Settings(TypedDict, total=False):
    """What an executor may be given."""

    python: str | os.PathLike[str] | None
    bun: str | os.PathLike[str] | None
    policy: Policy | Sequence[Policy] | None
    rings: Mapping[str, SharedRingBuffer] | None
    ready: int
    preload: Iterable[str]
    recycle_after: int | None
    recycle_above: int | None
    ready_within: float | None
    output_max: int | None
    grace: float | None
    kill_after: float | None
    spin: float | None


@contextmanager
def executor_options(
    *,
    python: str | os.PathLike[str] | None = None,
    bun: str | os.PathLike[str] | None = None,
    policy: Policy | Sequence[Policy] | None = None,
    rings: Mapping[str, SharedRingBuffer] | None = None,
    ready: int = 0,
    preload: Iterable[str] = (),
    recycle_after: int | None = None,
    recycle_above: int | None = None,
    ready_within: float | None = None,
    output_max: int | None = None,
    grace: float | None = None,
    kill_after: float | None = None,
    spin: float | None = None,
) -> Iterator[ExecutorOptions]:
    """Checks what is given; what it leads to stays for as long as the block."""
    given = dict(rings or {})
    for ring in given.values():
        if not isinstance(ring, SharedRingBuffer):
            raise InvalidError(f"a ring is {shown(ring)}: give a SharedRingBuffer for each name")
    if isinstance(preload, str):
        raise InvalidError(f"preload is {shown(preload)}: give the names of modules in a list")
    modules = [text("module's name", name) for name in preload]
    names = (c_char_p * len(given))(*(text("ring's name", name) for name in given))
    handles = (c_void_p * len(given))(*(ring._open() for ring in given.values()))
    if bun is not None and python is not None:
        raise InvalidError("python and bun are both given: give the interpreter of one language")
    interpreter = sys.executable or "python3" if python is None else path_of("python", python)
    yield ExecutorOptions(
        struct_size=ctypes.sizeof(ExecutorOptions),
        ring_count=len(given),
        preload_count=len(modules),
        ready=0 if ready == 0 else number("ready", ready),
        preload=(c_char_p * len(modules))(*modules),
        ring_names=names,
        rings=handles,
        python=None if bun is not None else text("python", interpreter),
        bun=None if bun is None else text("bun", path_of("bun", bun)),
        policy=None if policy is None else text("policy", _policy_text(policy)),
        ready_within_ms=milliseconds("ready_within", ready_within),
        output_max=0 if output_max is None else number("output_max", output_max, bits=64),
        grace_ms=milliseconds("grace", grace),
        kill_ms=milliseconds("kill_after", kill_after),
        spin_us=-1.0 if spin == 0 else milliseconds("spin", spin) * 1e3,
        recycle_above=0 if recycle_above is None else number("recycle_above", recycle_above, bits=64),
        recycle_after=0 if recycle_after is None else number("recycle_after", recycle_after),
    )
    # The library has opened them once more by now.
    del given


def _policy_text(policy: Policy | Sequence[Policy]) -> str:
    """Returns policies as the library takes them: one text."""
    if isinstance(policy, str):
        return policy
    if isinstance(policy, os.PathLike):
        return _of_policy(policy)
    given = [_of_policy(one) for one in policy] if isinstance(policy, (list, tuple)) else _of_policy(policy)
    try:
        return json.dumps(given, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidError(f"the policy is no JSON: {error}") from None


def _of_policy(policy: object) -> Any:
    """Returns one policy as JSON has it; the path of a file is a whole one, which no template's name is."""
    if isinstance(policy, str):
        return policy
    if isinstance(policy, os.PathLike):
        return os.path.abspath(path_of("policy", policy))
    if isinstance(policy, Mapping):
        return dict(policy)
    raise InvalidError(f"policy is {shown(policy)}: give a dict, JSON, a template's name, a path, or a list of these")
