"""Numbers and points on their way into the C library and back: in place where they are contiguous doubles."""

from __future__ import annotations

import math
import operator
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from ctypes import addressof, byref, c_char, c_double, c_void_p
from typing import Any

from ._native import InvalidError, check

#: Numbers, or anything with the buffer protocol that holds numbers: doubles are read in place, others converted.
Numbers = Iterable[float] | Any
#: Points as sequences of 1 to 4 numbers, or anything with the buffer protocol that holds numbers: of the shape
#: (n, dimensions), as numpy has it, or flat, one point's coordinates behind the other's.
Points = Iterable[Sequence[float]] | Any
# What ctypes passes as an address; it keeps alive what is there.
Place = Any


def place(buffer: Any) -> Place:
    """Returns the address of a contiguous buffer that is not empty. A read-only one is copied, as ctypes takes none."""
    try:
        return byref(c_char.from_buffer(buffer))
    except TypeError:
        return bytes(buffer)


def numbers(values: Numbers) -> tuple[int, Place]:
    """Returns how many values there are, and where."""
    given: Any = values
    try:
        view = memoryview(given)
    except TypeError:
        view = memoryview(array("d", given))
    if view.format != "d":
        view = memoryview(_converted(view))
    count = view.nbytes >> 3
    return count, place(view if view.c_contiguous else array("d", view.tobytes())) if count else None


def _converted(view: memoryview) -> array[float]:
    """Returns as doubles what a buffer of other numbers holds, in the order of a C array."""
    kind = view.format.lstrip("@=<>!")
    if len(kind) != 1 or kind not in "?bBhHiIlLqQnNefd":
        raise InvalidError(f"the buffer holds {view.format!r}: give numbers, best of all doubles ('d', numpy.float64)")
    data, order = view.tobytes(), view.format[:-1]
    return array("d", struct.unpack(f"{order}{len(data) // view.itemsize}{kind}", data))


def points(values: Points, dimensions: int | None = None) -> tuple[int, int, Place]:
    """Returns how many points there are, of how many dimensions, and where."""
    given: Any = values
    try:
        shape = memoryview(given).shape or ()
    except TypeError:
        shape, given = _listed(list(given))
    if len(shape) not in {1, 2}:
        raise InvalidError(f"the points have the shape {shape}: give (n, dimensions), or their numbers in turn")
    own = of_dimensions(shape[1] if len(shape) == 2 else 2 if dimensions is None else dimensions)
    if dimensions not in {None, own}:
        raise InvalidError(f"dimensions is {dimensions}, and the points have {own}")
    count, where = numbers(given)
    if count % own:
        wanted = "pairs of x and y" if own == 2 else f"points of {own} dimensions"
        raise InvalidError(f"{count} numbers are not {wanted}")
    return count // own, own, where


def _listed(values: list[Any]) -> tuple[tuple[int, ...], array[float]]:
    """Returns the shape of a list, and its numbers."""
    if not values or not hasattr(values[0], "__len__"):
        return (len(values),), array("d", values)
    width = len(values[0])
    for index, point in enumerate(values):
        if len(point) != width:
            raise InvalidError(f"point {index} has {len(point)} numbers, and point 0 has {width}")
    return (len(values), width), array("d", [number for point in values for number in point])


def of_dimensions(dimensions: int) -> int:
    """Returns a number of dimensions that curves have."""
    if not 1 <= operator.index(dimensions) <= 4:
        raise InvalidError(f"the points have {dimensions} dimensions: give 1 to 4")
    return dimensions


def number(what: str, value: Any) -> c_double:
    """Returns a number as the library takes it."""
    try:
        return c_double(value)
    except (TypeError, OverflowError) as error:
        raise InvalidError(f"{what} is {value!r}: give a number") from error


def exactly(values: Sequence[float], count: int, what: str) -> Place:
    """Returns where so many numbers are."""
    if len(values) != count:
        raise InvalidError(f"{what} has {len(values)} numbers: give {count}")
    return place(array("d", values))


def room(out: Any, *shape: int, formats: tuple[str, ...] = ("d",)) -> tuple[Any, Place, bool]:
    """Returns what a function gives back, where it writes it, and whether it writes floats."""
    count = math.prod(shape)
    if not 0 <= min(shape) <= max(shape) < 1 << 32:
        raise InvalidError(f"count is {min(shape) if min(shape) < 0 else max(shape)}: give 0 to {(1 << 32) - 1}")
    if out is None:
        buffer = bytearray(8 * count)
        return shaped(buffer, *shape), place(buffer) if count else None, False
    view = memoryview(out)
    wanted = view.format in formats and view.nbytes == count * view.itemsize
    if not wanted or view.readonly or not view.c_contiguous:
        kinds = "doubles or floats" if "f" in formats else "doubles"
        raise InvalidError(
            f"out holds {view.nbytes} bytes of {view.format!r}{' (read-only)' if view.readonly else ''}: "
            f"give a writable contiguous buffer of {count} {kinds}"
        )
    return out, place(view) if count else None, view.format == "f"


def columns(out: Sequence[Any] | None, dimensions: int, count: int) -> tuple[Any, Any]:
    """Returns the arrays that a function gives back, one for each dimension, and where it finds them."""
    if out is not None and len(out) != dimensions:
        raise InvalidError(f"out has {len(out)} parts: give a buffer for each of {dimensions} dimensions")
    rooms = [room(None if out is None else out[axis], count) for axis in range(dimensions)]
    addresses = [None if where is None else addressof(where._obj) for _, where, _ in rooms]
    return tuple(result for result, _, _ in rooms) if out is None else out, (c_void_p * dimensions)(*addresses)


def shaped(buffer: bytearray, *shape: int) -> memoryview[float]:
    """Lays doubles of a shape over a buffer."""
    view = memoryview(buffer)
    return view.cast("d", shape) if buffer else view.cast("d")


def rows(call: Callable[[Place, int], int], guess: int, width: int, out: Any = None) -> memoryview[float]:
    """Returns what a call writes of rows that it counts, with the shape (n, width).

    Only where it counts more than was guessed it is called once more. With `out` it is the first part of that.
    """
    if out is not None:
        view = memoryview(out)
        if view.format != "d" or view.readonly or not view.c_contiguous:
            read_only = " (read-only)" if view.readonly else ""
            raise InvalidError(f"out holds {view.format!r}{read_only}: give a writable contiguous buffer of doubles")
        most = view.nbytes // (8 * width)
        count = check(call(place(view) if most else None, most))
        if count > most:
            raise InvalidError(f"out has room for {most} points: give it room for {count}")
        return view.cast("B")[: 8 * width * count].cast("d", (count, width)) if count else shaped(bytearray(), 0)
    buffer = bytearray(8 * width * guess)
    count = check(call(place(buffer) if buffer else None, guess))
    if count > guess:
        buffer = bytearray(8 * width * count)
        check(call(place(buffer), count))
    del buffer[8 * width * count :]
    return shaped(buffer, count, width)
