"""Whole segments, byte for byte: what the package and a plain reader make of the dumps in tests/data/ring."""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

import circlet
from circlet import CONSUMER, SharedPage, SharedRingBuffer

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "ring"
# From docs/layout.md: where and how many bytes differ from one machine, process and moment to another.
MACHINE = [(0x30, 4), (0x38, 8), (0x2104, 4), *((0x1104 + 8 * seat, 4) for seat in range(32))]

_numbers = count()


class Recipe(NamedTuple):
    """What one dump is made by: tests/data/ring/README.md says what each step means."""

    name: str
    mode: str
    max_message: int
    steps: list[tuple[str, list[int]]]

    def messages(self) -> list[bytes]:
        """Makes the messages in the order in which they are sent."""
        lens = [numbers[1] for step, numbers in self.steps if step == "send"]
        return [bytes((number * 31 + at * 7) & 0xFF for at in range(size)) for number, size in enumerate(lens)]

    def unread(self) -> list[bytes]:
        """Makes those that a reader of the dump gets."""
        left = next(numbers[0] for step, numbers in self.steps if step == "left")
        return self.messages()[-left:]

    def dump(self) -> bytes:
        """Reads the committed bytes."""
        return (DATA / f"{self.name}.bin").read_bytes()


def _recipes() -> Iterator[Recipe]:
    for text in (DATA / "recipes.txt").read_text().split("dump ")[1:]:
        first, *lines = text.splitlines()
        name, mode, max_message = first.split()
        steps = [(step, [int(number) for number in numbers]) for step, *numbers in map(str.split, lines)]
        yield Recipe(name, mode, int(max_message), steps)


RECIPES = [pytest.param(recipe, id=recipe.name) for recipe in _recipes()]


@pytest.fixture
def name() -> str:
    return f"circlet-golden-{os.getpid()}-{next(_numbers)}"


@contextmanager
def _in_shared_memory(name: str, dump: bytes) -> Iterator[None]:
    path = Path("/dev/shm", name)
    path.write_bytes(dump)
    try:
        yield
    finally:
        path.unlink()


def _write_ring(name: str, recipe: Recipe, end: ExitStack) -> Iterator[None]:
    made = {"max_message": recipe.max_message} if recipe.max_message else {}
    ring = SharedRingBuffer.create(name, mode=recipe.mode, capacity=4096, **made)  # type: ignore[arg-type]
    rings, messages = {0: end.enter_context(ring)}, iter(recipe.messages())
    yield
    for step, numbers in recipe.steps:
        if step in ("send", "abort") and numbers[0] not in rings:
            rings[numbers[0]] = end.enter_context(SharedRingBuffer.open(name))
        if step == "send":
            rings[numbers[0]].send(next(messages), timeout=0)
        elif step == "abort":
            with pytest.raises(InterruptedError), rings[numbers[0]].claim(numbers[1], timeout=0):
                raise InterruptedError
        elif step == "recv":
            assert len(ring.recv_many(numbers[0], timeout=0)) == numbers[0]
            ring.release()


def _write_page(name: str, recipe: Recipe, end: ExitStack) -> Iterator[None]:
    page = end.enter_context(SharedPage.create(name, recipe.max_message))
    yield
    for message in recipe.messages():
        page.write(message)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_steps_write_the_committed_bytes(name: str, recipe: Recipe) -> None:
    with ExitStack() as kept:
        with ExitStack() as end:
            steps = (_write_page if recipe.mode == "page" else _write_ring)(name, recipe, end)
            next(steps)
            file = kept.enter_context(Path("/dev/shm", name).open("rb"))
            assert next(steps, "over") == "over"
        written = bytearray(file.read())
    for at, size in MACHINE:
        written[at : at + size] = bytes(size)
    committed = recipe.dump()
    assert len(written) == len(committed)
    assert [hex(at) for at in range(len(written)) if written[at] != committed[at]] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_committed_bytes_are_read_as_what_was_written(name: str, recipe: Recipe) -> None:
    with _in_shared_memory(name, recipe.dump()):
        if recipe.mode == "page":
            with SharedPage.open(name) as page:
                assert page.wait(timeout=60) == (len(recipe.messages()), *recipe.unread())
                with pytest.raises(circlet.ClosedError):
                    page.wait(timeout=60)
            return
        with SharedRingBuffer.open(name) as ring:
            ring.attach(CONSUMER, from_oldest=True)
            assert [bytes(view) for view in ring] == recipe.unread()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="a plain reader is for x86-64 alone")
def test_a_plain_reader_reads_the_committed_bytes(name: str) -> None:
    spec = importlib.util.spec_from_file_location("plain_reader", ROOT / "examples" / "python" / "plain_reader.py")
    assert spec is not None and spec.loader is not None
    plain_reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain_reader)
    recipe = next(recipe for recipe in _recipes() if recipe.name == "spsc")
    with _in_shared_memory(name, recipe.dump()):
        memory = plain_reader.attach(name)
        try:
            assert list(plain_reader.payloads(memory)) == recipe.unread()
        finally:
            memory.close()
