"""Curves of 1 to 4 dimensions: cubic Bezier segments, and Bezier curves of higher degree."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable
from ctypes import byref, c_double, c_uint32, c_void_p
from typing import Any, Literal

from . import _arguments, _numbers
from ._curve_drawing import CurveDrawing, Fit
from ._curve_points import CurvePoints
from ._native import InvalidError, check, library
from ._numbers import Numbers, Points

__all__ = ["Curve", "Family", "Fit", "Numbers", "Points", "sample_batch", "simplify"]

#: What `Curve.make` makes.
Family = Literal[
    "bezier",
    "linear",
    "step",
    "bump_x",
    "bump_y",
    "catmull_rom",
    "cardinal",
    "natural",
    "clamped",
    "not_a_knot",
    "periodic",
    "monotone_x",
    "monotone_y",
    "pchip",
    "fritsch_carlson",
    "akima",
    "makima",
    "hermite",
    "basis",
    "bundle",
]


class Curve(CurvePoints, CurveDrawing):
    """A curve that never changes; any number of threads may use it at once.

    Points come back as a `memoryview` of doubles with the shape (n, dimensions), over which `numpy.asarray` lays an
    array without a copy. `out=` takes any writable buffer, as numpy's functions do, and is returned: of doubles, or
    where it says so of floats (`"f"`, `numpy.float32`), to which the numbers are then rounded.

    >>> from circlet import Curve
    >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
    >>> arch.eval([0.5]).tolist()
    [[2.0, 3.0]]
    >>> arch.bounds()
    (0.0, 0.0, 4.0, 3.0)
    """

    @classmethod
    def make(cls, family: Family, points: Points, *, dimensions: int | None = None, **params: Any) -> Curve:
        """Makes the curve of a family from points of 1 to 4 dimensions.

        `dimensions` is for numbers that stand flat, one point's behind the other's, and are not pairs of x and y.

        | family | params |
        |---|---|
        | `bezier` (2 to 65 points) | `degree`, to have it checked; above 3 `tolerance`, as a part of the size (1e-9) |
        | `linear`, `basis` | `ends` |
        | `step` | `position` 0 to 1 (0.5) |
        | `catmull_rom` | `alpha` 0 to 1 (0.5), `ends` |
        | `cardinal` | `tension` 0 to 1 (0), `ends` |
        | `bundle` | `beta` 0 to 1 (0.85) |
        | `natural`, `not_a_knot`, `periodic` | `knots` |
        | `clamped` | `start` and `end`, the derivatives there, such as (x, y); `knots` |
        | `hermite` | `derivatives`, one for each point; `knots` |
        | `bump_x`, `bump_y`, `monotone_x`, `monotone_y`, `pchip`, `fritsch_carlson`, `akima`, `makima` | |

        `ends` is "d3" (the default: from the first point to the last), "open" or "closed"; `knots` is "uniform" (the
        default), "centripetal", "chordal", the power of the distances 0 to 1, or the knots.

        A Bezier above degree 3 is evaluated, differentiated, bounded, cut, reversed and mapped as the curve that it is.
        All else goes by its segments, which are within the tolerance of it: lengths, polylines, places, path data,
        `concat`.

        Raises `CurveError` for a family that there is not, and for points or parameters that it does not take.

        >>> from circlet import Curve
        >>> square = Curve.make("linear", [(0, 0), (3, 0), (3, 3), (0, 3)], ends="closed")
        >>> square.length()
        12.0
        >>> Curve.make("natural", [0, 1, 4, 9, 16, 25], dimensions=3).eval(1)
        (9.0, 16.0, 25.0)
        """
        try:
            text = json.dumps(_plain(params), allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidError(f"the parameters cannot be JSON: {error}") from error
        count, own, where = _numbers.points(points, dimensions)
        return cls._new(library.circlet_curve_new, _arguments.text("family", family), text, own, where, count)

    @classmethod
    def from_segments(cls, segments: Any, knots: Numbers) -> Curve:
        """Makes a curve of cubic Bezier segments and the ascending knots between them, one more than segments.

        Segments are sequences of 4 points, or a buffer of doubles of the shape (n, 4, dimensions), as `segments()`
        returns it. A segment need not start where the one before it ends: there the curve jumps. Raises `CurveError`
        for no segment, and for knots that do not ascend.

        >>> from circlet import Curve
        >>> ease = Curve.from_segments([[(0,), (0,), (1,), (1,)]], [0, 2])
        >>> ease.eval(1)
        (0.5,)
        """
        try:
            shape = memoryview(segments).shape or ()
        except TypeError:
            listed = list(segments)
            if any(len(segment) != 4 for segment in listed):
                raise InvalidError("each segment must be 4 points") from None
            count, own, where = _numbers.points([point for segment in listed for point in segment])
        else:
            if len(shape) != 3 or shape[1] != 4:
                raise InvalidError(f"the segments have the shape {shape}: give (n, 4, dimensions)")
            own = _numbers.of_dimensions(shape[2])
            count, where = _numbers.numbers(segments)
            count //= own
        knot_count, knots_where = _numbers.numbers(knots)
        if knot_count != count // 4 + 1:
            raise InvalidError(f"{count // 4} segments take {count // 4 + 1} knots, not {knot_count}")
        return cls._new(library.circlet_curve_new_segments, own, where, knots_where, count // 4)

    @classmethod
    def fit_points(cls, points: Points, tolerance: float, *, dimensions: int | None = None) -> Curve:
        """Makes a curve of few segments that passes every point, in their order, within `tolerance`.

        It starts at the first point and ends at the last. Where the points turn by more than 60 degrees, seen at the
        scale of the tolerance, it has a corner; noise below the tolerance makes none, and points whose last is the
        first close smoothly. Raises `CurveError` for fewer than 2 points, and for a tolerance that is not above 0.

        >>> from circlet import Curve
        >>> curve = Curve.fit_points([(x, x * x) for x in range(20)], 0.5)
        >>> len(curve.segments()), max(curve.nearest([(x, x * x) for x in range(20)])[1]) <= 0.5
        (1, True)
        """
        count, own, where = _numbers.points(points, dimensions)
        return cls._new(library.circlet_curve_new_fit, own, where, count, _numbers.number("tolerance", tolerance))

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
        values = (c_double * 2)()
        check(library.circlet_curve_domain(self._handle, values))
        start, end = values
        return start, end

    def knots(self) -> memoryview[float]:
        """Returns the parameters between which the segments lie, one more than there are segments."""
        count = check(library.circlet_curve_knots(self._handle, None, 0))
        result, target, _ = _numbers.room(None, count)
        check(library.circlet_curve_knots(self._handle, target, count))
        return result

    def segments(self) -> memoryview[float]:
        """Returns the cubic Bezier segments, with the shape (n, 4, dimensions)."""
        count = check(library.circlet_curve_segments(self._handle, None, 0))
        result, target, _ = _numbers.room(None, count, 4, self._dimensions)
        check(library.circlet_curve_segments(self._handle, target, count))
        return result

    def bounds(self) -> tuple[float, ...]:
        """Returns the exact bounds: the least of each coordinate, and then the greatest of each.

        In the plane that is the least x, the least y, the greatest x, the greatest y.
        """
        values = (c_double * (2 * self._dimensions))()
        check(library.circlet_curve_bounds(self._handle, values))
        return tuple(values)

    def length(self, tolerance: float = 1e-9) -> float:
        """Returns the length to within `tolerance`, in the units of the points. Raises `CurveError`."""
        value = c_double()
        check(library.circlet_curve_length(self._handle, _numbers.number("tolerance", tolerance), byref(value)))
        return value.value

    def split(self, parameter: float) -> tuple[Curve, Curve]:
        """Cuts the curve at a parameter inside its domain into what is before and what is after.

        Both keep their knots. Raises `CurveError` for a parameter that is not inside.

        >>> from circlet import Curve
        >>> left, right = Curve.make("linear", [(0, 0), (4, 0), (4, 4)]).split(0.5)
        >>> left.domain, right.domain, right.eval(0.5)
        ((0.0, 0.5), (0.5, 2.0), (2.0, 0.0))
        """
        left, right = c_void_p(), c_void_p()
        at = _numbers.number("parameter", parameter)
        check(library.circlet_curve_split(self._handle, at, byref(left), byref(right)))
        return Curve(_arguments.opened(left)), Curve(_arguments.opened(right))

    def subcurve(self, start: float, end: float) -> Curve:
        """Returns the part between two parameters, each clamped to the domain; it keeps its knots.

        Raises `CurveError` unless the first is below the second.

        >>> from circlet import Curve
        >>> Curve.make("linear", [(0, 0), (4, 0), (4, 4)]).subcurve(0.5, 9).knots().tolist()
        [0.5, 1.0, 2.0]
        """
        ends = _numbers.number("start", start), _numbers.number("end", end)
        return self._new(library.circlet_curve_subcurve, self._handle, *ends)

    def reversed(self) -> Curve:
        """Returns the curve that runs backwards over the same domain.

        >>> from circlet import Curve
        >>> Curve.make("linear", [(0, 0), (4, 0)]).reversed().sample(2).tolist()
        [[4.0, 0.0], [0.0, 0.0]]
        """
        return self._new(library.circlet_curve_reversed, self._handle)

    def concat(self, next: Curve) -> Curve:
        """Returns this curve with another of the same dimensions behind it, whose knots go on from this one's last.

        Where the other does not start at this one's end the result jumps. Raises `CurveError` for other dimensions.

        >>> from circlet import Curve
        >>> there = Curve.make("linear", [(0, 0), (4, 0)])
        >>> there.concat(there.reversed()).sample(3).tolist()
        [[0.0, 0.0], [4.0, 0.0], [0.0, 0.0]]
        """
        return self._new(library.circlet_curve_concat, self._handle, _curve("next", next)._handle)

    def nearest(self, points: Points) -> tuple[Any, Any]:
        """Returns the parameter of the place nearest to a point, and its distance; of many points, an array of each.

        One point is as many numbers as the curve has dimensions; many are sequences of them, or a buffer of the shape
        (n, dimensions). Among equally near places it is that of the smallest parameter. Raises `CurveError` for a
        coordinate that is no number.

        >>> from circlet import Curve
        >>> corner = Curve.make("linear", [(0, 0), (4, 0), (4, 4)])
        >>> corner.nearest((6, 2))
        (1.5, 2.0)
        >>> parameters, distances = corner.nearest([(1, 1), (4, 9)])
        >>> parameters.tolist(), distances.tolist()
        ([0.25, 2.0], [1.0, 5.0])
        """
        given: Any = points
        try:
            is_one = len(memoryview(given).shape or ()) == 1
        except TypeError:
            given = list(given)
            is_one = bool(given) and not hasattr(given[0], "__len__")
        if is_one and len(given) != self._dimensions:
            raise InvalidError(
                f"the point has {len(given)} numbers: give {self._dimensions}, or many points of as many"
            )
        count, own, where = _numbers.points(given, self._dimensions if is_one else None)
        if count and own != self._dimensions:
            raise InvalidError(f"the points have {own} dimensions, and the curve has {self._dimensions}")
        parameters, first, _ = _numbers.room(None, count)
        distances, second, _ = _numbers.room(None, count)
        check(library.circlet_curve_nearest(self._handle, where, count, first, second))
        return (parameters[0], distances[0]) if is_one else (parameters, distances)

    def intersections(self, other: Curve, tolerance: float = 1e-9) -> memoryview[float]:
        """Returns where two curves of the plane meet: this one's and the other's parameters, with the shape (n, 2).

        Every common point is near a result: at most `tolerance` away, or on a stretch over which the curves stay that
        near; of such a stretch the two ends are given. Raises `CurveError` for a tolerance that is not above 0, and for
        a curve of other dimensions.

        >>> from circlet import Curve
        >>> cross = Curve.make("linear", [(0, 0), (4, 4)]), Curve.make("linear", [(0, 4), (4, 0)])
        >>> cross[0].intersections(cross[1]).tolist()
        [[0.5, 0.5]]
        """
        handle, near = _curve("other", other)._handle, _numbers.number("tolerance", tolerance)
        call = library.circlet_curve_intersections
        return _numbers.rows(lambda where, count: call(self._handle, handle, near, where, count), 32, 2)


def sample_batch(curves: Iterable[Curve], points_each: int, out: Any = None) -> Any:
    """Samples many curves of the same dimensions in one call, each at `points_each` even parameters.

    Points of the shape (curves, points_each, dimensions); `out` may hold doubles or floats. Large batches are shared
    among threads. Raises `CurveError` for a curve of other dimensions than the first.

    >>> from circlet import Curve, sample_batch
    >>> lines = [Curve.make("linear", [(0, y), (4, y)]) for y in range(2)]
    >>> sample_batch(lines, 3).tolist()
    [[[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]], [[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]]
    """
    # The list keeps them alive.
    curves = [_curve(f"curve {index}", curve) for index, curve in enumerate(curves)]
    dimensions = curves[0].dimensions if curves else 2
    result, target, is_f32 = _numbers.room(out, len(curves), points_each, dimensions, formats=("d", "f"))
    handles = (c_void_p * len(curves))(*[curve._handle.value for curve in curves])
    function = library.circlet_curve_batch_sample_f32 if is_f32 else library.circlet_curve_batch_sample
    check(function(handles, len(curves), points_each, target))
    return result


def simplify(points: Points, tolerance: float, *, dimensions: int | None = None) -> memoryview[int]:
    """Returns the indices, ascending, of the points that stand for a whole polyline within `tolerance`.

    The first and the last are among them. Raises `CurveError` for a tolerance that is not above 0.

    >>> from circlet import simplify
    >>> simplify([(0, 0), (1, 0.1), (2, -0.1), (3, 5), (4, 6), (5, 7)], 0.5).tolist()
    [0, 2, 3, 5]
    """
    count, own, where = _numbers.points(points, dimensions)
    indices, near = (c_uint32 * count)(), _numbers.number("tolerance", tolerance)
    kept = check(library.circlet_simplify(own, where, count, near, indices, count))
    return memoryview(array("I", indices[:kept]))


def _curve(what: str, given: object) -> Curve:
    if not isinstance(given, Curve):
        raise InvalidError(f"{what} is {given!r}: give a Curve")
    return given


def _plain(value: Any) -> Any:
    """Returns a parameter as JSON has it: arrays as lists, and by its name a number that JSON does not have."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    return value
