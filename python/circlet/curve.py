"""Curves in the plane: every family becomes cubic Bezier segments."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Iterable, Sequence
from ctypes import byref, c_double, c_void_p
from typing import Any, Literal, NoReturn

from . import _native
from ._native import InvalidError, check, library

#: Points as pairs, or anything with the buffer protocol that holds x and y in turn (a numpy array of n by 2).
Points = Iterable[Sequence[float]] | Any
Fit = Literal["stretch", "contain", "cover"]
#: Contiguous doubles, ours or the caller's.
Doubles = Any
_FITS = {"stretch": 0, "contain": 1, "cover": 2}


class Curve:
    """A curve that never changes; any number of threads may use it at once.

    Points come back as a `memoryview` of doubles with the shape (n, 2), over which `numpy.asarray` lays an array
    without a copy. `out=` takes any writable buffer of doubles, as numpy's functions do, and is returned.

    >>> from circlet import Curve
    >>> arch = Curve.bezier([(0, 0), (0, 4), (4, 4), (4, 0)])
    >>> arch.eval([0.5]).tolist()
    [[2.0, 3.0]]
    >>> arch.bounds()
    (0.0, 0.0, 4.0, 3.0)
    """

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library; use the class methods instead."""
        self._handle = handle
        # Not at exit, when daemon threads may still use it.
        weakref.finalize(self, library.circlet_curve_free, handle).atexit = False

    @classmethod
    def bezier(cls, points: Points) -> Curve:
        """Makes a Bezier curve from its 2 to 4 control points. Raises `CurveError`."""
        values, handle = _points(points), c_void_p()
        check(library.circlet_curve_new_bezier(_start(values), _pairs(values), byref(handle)))
        return cls(_made(handle))

    @classmethod
    def linear(cls, points: Points, closed: bool = False) -> Curve:
        """Makes the polyline through the points; `closed` joins the last to the first. Raises `CurveError`."""
        values, handle = _points(points), c_void_p()
        check(library.circlet_curve_new_linear(_start(values), _pairs(values), closed, byref(handle)))
        return cls(_made(handle))

    @classmethod
    def from_svg(cls, d: str) -> list[Curve]:
        """Reads SVG path data: a curve for each subpath that draws something. Raises `CurveError`.

        >>> from circlet import Curve
        >>> [curve.length() for curve in Curve.from_svg("M0 0h3v4 M0 0H1")]
        [7.0, 1.0]
        """
        if "\0" in d:
            raise InvalidError("the path data has a NUL in it")
        text = d.encode()
        count = check(library.circlet_curve_new_svg(text, None, 0))
        handles = (c_void_p * count)()
        check(library.circlet_curve_new_svg(text, handles, count))
        return [cls(handle) for handle in handles if handle is not None]

    @property
    def domain(self) -> tuple[float, float]:
        """The parameters of the curve's start and end."""
        start, end = self._fill(library.circlet_curve_domain, 2)
        return start, end

    def segments(self) -> memoryview[float]:
        """Returns the cubic Bezier segments, with the shape (n, 4, 2)."""
        count = check(library.circlet_curve_segments(self._handle, None, 0))
        values = array("d", bytes(64 * count))
        check(library.circlet_curve_segments(self._handle, _start(values), count))
        return memoryview(values).cast("B").cast("d", [count, 4, 2])

    def eval(self, parameters: Iterable[float] | Any, out: Any = None) -> Any:
        """Evaluates the curve at parameters, which are clamped to its domain; points of shape (n, 2)."""
        values = _doubles(parameters)
        count = _count(values)
        result, target = _output(out, count)
        check(library.circlet_curve_eval(self._handle, _start(values), count, target))
        return result

    def sample(self, count: int, out: Any = None) -> Any:
        """Evaluates the curve at `count` evenly spaced parameters from its start to its end."""
        result, target = _output(out, count)
        check(library.circlet_curve_sample(self._handle, count, target))
        return result

    def bounds(self) -> tuple[float, float, float, float]:
        """Returns the exact bounds: least x, least y, greatest x, greatest y."""
        x0, y0, x1, y1 = self._fill(library.circlet_curve_bounds, 4)
        return x0, y0, x1, y1

    def length(self, tolerance: float = 1e-9) -> float:
        """Returns the length to within `tolerance`, in the units of the points. Raises `CurveError`."""
        value = c_double()
        check(library.circlet_curve_length(self._handle, tolerance, byref(value)))
        return value.value

    def flatten(self, tolerance: float) -> memoryview[float]:
        """Returns a polyline of shape (n, 2) with every point of the curve within `tolerance` of it."""
        count = check(library.circlet_curve_flatten(self._handle, tolerance, None, 0))
        result, target = _output(None, count)
        check(library.circlet_curve_flatten(self._handle, tolerance, target, count))
        return result

    def fit_to_box(self, box: Sequence[float], fit: Fit = "contain") -> tuple[float, float, float, float, float, float]:
        """Returns the map a, b, c, d, e, f that fits the exact bounds into a box (x, y, width, height), centred.

        x' = a x + c y + e, y' = b x + d y + f. Raises `CurveError` for a box without a size.
        """
        if fit not in _FITS:
            raise InvalidError(f"fit is {fit!r}: give one of {', '.join(_FITS)}")
        target, values = _exactly(box, 4, "box"), array("d", bytes(48))
        check(library.circlet_curve_fit_to_box(self._handle, _start(target), _FITS[fit], _start(values)))
        a, b, c, d, e, f = values
        return a, b, c, d, e, f

    def transform(self, map: Sequence[float]) -> Curve:
        """Returns the curve's image under a map, as `fit_to_box` gives it."""
        values, handle = _exactly(map, 6, "map"), c_void_p()
        check(library.circlet_curve_transform(self._handle, _start(values), byref(handle)))
        return Curve(_made(handle))

    def __copy__(self) -> Curve:
        """Returns itself, as it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> Curve:
        """Returns itself, as it never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`: the handle means nothing to another process."""
        raise TypeError("a Curve cannot be pickled: send the control points, which segments() returns")

    def _fill(self, function: Any, count: int) -> Doubles:
        values = array("d", bytes(8 * count))
        check(function(self._handle, _start(values)))
        return values


def _doubles(values: Any) -> Doubles:
    """Returns the values as contiguous doubles: in place where they are already, else copied."""
    try:
        view = memoryview(values)
    except TypeError:
        values = list(values)
        flat = [x for value in values for x in value] if values and not isinstance(values[0], (int, float)) else values
        if flat is not values and any(len(value) != 2 for value in values):
            raise InvalidError("each point must be a pair of x and y") from None
        return array("d", flat)
    if view.format != "d":
        raise InvalidError(f"the buffer holds {view.format!r}: give doubles ('d', numpy.float64)")
    if not view.c_contiguous:
        return array("d", view.tobytes())
    return view.cast("B").cast("d") if view.nbytes else array("d")


def _points(points: Any) -> Doubles:
    """Returns the coordinates of points as contiguous doubles, x and y in turn."""
    try:
        shape = memoryview(points).shape or ()
    except TypeError:
        return _doubles(points)
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 2):
        raise InvalidError(f"the buffer has the shape {shape}: give (n, 2), or x and y in turn")
    return _doubles(points)


def _exactly(values: Sequence[float], count: int, what: str) -> Doubles:
    if len(values) != count:
        raise InvalidError(f"{what} has {len(values)} numbers: give {count}")
    return array("d", values)


def _count(values: Doubles) -> int:
    return len(values)


def _pairs(values: Doubles) -> int:
    if len(values) % 2:
        raise InvalidError(f"{len(values)} numbers are not pairs of x and y")
    return len(values) // 2


def _start(values: Doubles) -> int | Any:
    """Returns the address of doubles that the caller keeps alive."""
    if isinstance(values, array):
        return values.buffer_info()[0]
    return _native.address(values.cast("B"))


def _output(out: Any, count: int) -> tuple[Any, Any]:
    """Returns what a function gives back for `count` points, and where it writes them."""
    if count < 0:
        raise InvalidError(f"count is {count}: give 0 or more")
    if out is None:
        values = array("d", bytes(16 * count))
        shaped = memoryview(values).cast("B").cast("d", [count, 2]) if count else memoryview(values)
        return shaped, _start(values)
    view = memoryview(out)
    if view.format != "d" or view.readonly or not view.c_contiguous or view.nbytes != 16 * count:
        raise InvalidError(
            f"out holds {view.nbytes} bytes of {view.format!r}{' (read-only)' if view.readonly else ''}: "
            f"give a writable contiguous buffer of {2 * count} doubles"
        )
    return out, _native.address(view.cast("B"))


def _made(handle: c_void_p) -> int:
    assert handle.value is not None, "a function that succeeded wrote its handle"
    return handle.value
