"""Arguments as the C library takes them."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import c_void_p
from typing import Any

from ._native import InvalidError, TooLargeError, address

# The longest beginning of a refused value that a message shows.
_SHOWN_MAX = 80


def opened(handle: c_void_p) -> int:
    """Returns the handle that a function wrote."""
    assert handle.value is not None, "a function that succeeded wrote its handle"
    return handle.value


@contextmanager
def owned(fd: int) -> Iterator[None]:
    """Closes a descriptor where what it is opened with is refused: the library closes it where it refuses it itself."""
    if not 0 <= operator.index(fd) < 1 << 31:
        raise InvalidError(f"fd is {fd}: give an open descriptor")
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.close(fd)
        raise


def plain(payload: Any) -> memoryview:
    """Returns the payload's bytes, in place."""
    view = memoryview(payload)
    return view.cast("B") if view.nbytes else memoryview(b"")


def checked(size: int) -> int:
    """Returns a payload's size if the library can be told it; which sizes a ring takes is the library's to say."""
    if size < 0:
        raise InvalidError(f"size is {size}: give 0 or more bytes")
    if size >= 1 << 32:
        raise TooLargeError(f"a payload of {size} bytes is longer than any ring or page takes")
    return size


def buffer(payload: Any) -> tuple[Any, int]:
    """Returns what ctypes passes as the address of a payload, which it keeps alive, and its size in bytes."""
    if type(payload) is bytes:
        return payload, checked(len(payload))
    view = plain(payload)
    return address(view), checked(view.nbytes)


def shown(value: object) -> str:
    """Shows a refused value in a message, or its beginning."""
    try:
        whole = repr(value)
    except Exception:
        # An int may be longer than Python spells it, and whatever a class of the caller's says may raise.
        return f"of type {type(value).__name__}"
    return whole if len(whole) <= _SHOWN_MAX else f"{whole[:_SHOWN_MAX]}…"


def text(what: str, value: str) -> bytes:
    """Returns a string that may not have a NUL in it: C ends it there."""
    if not isinstance(value, str):
        raise InvalidError(f"{what} is {shown(value)}: give a str")
    encoded = value.encode()
    if b"\0" in encoded:
        raise InvalidError(f"the {what} {shown(value)} has a NUL in it")
    return encoded


def path_of(what: str, value: str | os.PathLike[str]) -> str:
    """Returns a path as text, which may not be empty."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        found = ""
    if not found:
        raise InvalidError(f"{what} is {shown(value)}: give a path")
    return found


def integer(what: str, value: int, allowed: str = "an int") -> int:
    """Returns what is an integer, of whatever type."""
    try:
        return operator.index(value)
    except TypeError:
        raise InvalidError(f"{what} is {shown(value)}: give {allowed}") from None


def number(what: str, value: int, bits: int = 32) -> int:
    """Returns a number above 0 that fits into so many bits: the library takes 0 for its default."""
    allowed = f"1 to {(1 << bits) - 1}, of which the library may take fewer"
    value = integer(what, value, allowed)
    if not 0 < value < 1 << bits:
        raise InvalidError(f"{what} is {shown(value)}: give {allowed}")
    return value


def at_least_1(what: str, value: int) -> int:
    """Returns a number above 0 that a part of Python takes."""
    if not 0 < integer(what, value, "at least 1") <= sys.maxsize:
        raise InvalidError(f"{what} is {shown(value)}: give at least 1, at most {sys.maxsize}")
    return operator.index(value)


def flag(what: str, value: bool) -> bool:
    """Returns what is either `True` or `False`: a word such as "no" would count as true."""
    if not isinstance(value, bool):
        raise InvalidError(f"{what} is {shown(value)}: give True or False")
    return value


def word(what: str, value: str, words: tuple[str, ...]) -> int:
    """Returns the place of a word among those that the library has numbers for."""
    if not isinstance(value, str) or value not in words:
        raise InvalidError(f"{what} is {shown(value)}: give one of {', '.join(map(repr, words))}")
    return words.index(value)
