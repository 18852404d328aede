"""Curves in the plane: every family becomes cubic Bezier segments."""

from __future__ import annotations

import json
import math
import weakref
from array import array
from collections.abc import Iterable, Sequence
from ctypes import addressof, byref, c_double, c_void_p
from typing import Any, Literal, NoReturn

from . import _arguments, _native
from ._native import InvalidError, check, library

#: Points as pairs, or anything with the buffer protocol that holds x and y in turn (a numpy array of n by 2).
Points = Iterable[Sequence[float]] | Any
Fit = Literal["stretch", "contain", "cover"]
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
#: Contiguous doubles, ours or the caller's.
Doubles = Any
_FITS = {"stretch": 0, "contain": 1, "cover": 2}


class Curve:
    """A curve that never changes; any number of threads may use it at once.

    Points come back as a `memoryview` of doubles with the shape (n, 2), over which `numpy.asarray` lays an array
    without a copy. `out=` takes any writable buffer, as numpy's functions do, and is returned: of doubles, or where it
    says so of floats (`"f"`, `numpy.float32`), to which the points are then rounded.

    >>> from circlet import Curve
    >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
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
    def make(cls, family: Family, points: Points, **params: Any) -> Curve:
        """Makes the curve of a family from points.

        | family | params |
        |---|---|
        | `bezier` (2 to 65 points) | `degree`, to have it checked; above 3 `tolerance`, as a part of the size (1e-9) |
        | `linear`, `basis` | `ends` |
        | `step` | `position` 0 to 1 (0.5) |
        | `catmull_rom` | `alpha` 0 to 1 (0.5), `ends` |
        | `cardinal` | `tension` 0 to 1 (0), `ends` |
        | `bundle` | `beta` 0 to 1 (0.85) |
        | `natural`, `not_a_knot`, `periodic` | `knots` |
        | `clamped` | `start` and `end`, the derivatives (x, y) there; `knots` |
        | `hermite` | `derivatives`, an (x, y) for each point; `knots` |
        | `bump_x`, `bump_y`, `monotone_x`, `monotone_y`, `pchip`, `fritsch_carlson`, `akima`, `makima` | |

        `ends` is "d3" (the default: from the first point to the last), "open" or "closed"; `knots` is "uniform" (the
        default), "centripetal", "chordal", the power of the distances 0 to 1, or the knots.

        Raises `CurveError` for a family that there is not, and for points or parameters that it does not take.

        >>> from circlet import Curve
        >>> square = Curve.make("linear", [(0, 0), (3, 0), (3, 3), (0, 3)], ends="closed")
        >>> square.length()
        12.0
        """
        try:
            text = json.dumps(_plain(params), allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidError(f"the parameters cannot be JSON: {error}") from error
        values, handle = _points(points), c_void_p()
        name = _arguments.text("family", family)
        check(library.circlet_curve_new(name, text, 2, _start(values), _pairs(values), byref(handle)))
        return cls(_arguments.opened(handle))

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

    def knots(self) -> memoryview[float]:
        """Returns the parameters between which the segments lie, one more than there are segments."""
        count = check(library.circlet_curve_knots(self._handle, None, 0))
        values = array("d", bytes(8 * count))
        check(library.circlet_curve_knots(self._handle, _start(values), count))
        return memoryview(values)

    def segments(self) -> memoryview[float]:
        """Returns the cubic Bezier segments, with the shape (n, 4, 2)."""
        count = check(library.circlet_curve_segments(self._handle, None, 0))
        values = array("d", bytes(64 * count))
        check(library.circlet_curve_segments(self._handle, _start(values), count))
        return memoryview(values).cast("B").cast("d", [count, 4, 2])

    def eval(self, parameters: Iterable[float] | Any, out: Any = None) -> Any:
        """Evaluates the curve at parameters, which are clamped to its domain; points of shape (n, 2).

        `out` may hold doubles or floats.
        """
        values = _doubles(parameters)
        result, target, is_f32 = _output(out, len(values), 2, formats=("d", "f"))
        function = library.circlet_curve_eval_f32 if is_f32 else library.circlet_curve_eval
        check(function(self._handle, _start(values), len(values), target))
        return result

    def eval_xy(self, parameters: Iterable[float] | Any, out: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        """Evaluates the curve as `eval` does, into an array for x and one for y; `out` is a pair of them."""
        values = _doubles(parameters)
        pair, targets = _output_xy(out, len(values))
        check(library.circlet_curve_eval_columns(self._handle, _start(values), len(values), _addresses(targets)))
        return pair

    def derivative(self, parameters: Iterable[float] | Any, out: Any = None) -> Any:
        """Returns the derivatives by the parameter at parameters, with the shape (n, 2).

        Where two segments meet it is the later one's.
        """
        values = _doubles(parameters)
        result, target, _ = _output(out, len(values), 2)
        check(library.circlet_curve_derivative(self._handle, 1, _start(values), len(values), target))
        return result

    def sample(self, count: int, out: Any = None) -> Any:
        """Evaluates the curve at `count` evenly spaced parameters from its start to its end.

        `out` may hold doubles or floats.
        """
        result, target, is_f32 = _output(out, count, 2, formats=("d", "f"))
        function = library.circlet_curve_sample_f32 if is_f32 else library.circlet_curve_sample
        check(function(self._handle, count, target))
        return result

    def sample_xy(self, count: int, out: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        """Samples the curve as `sample` does, into an array for x and one for y; `out` is a pair of them."""
        pair, targets = _output_xy(out, count)
        check(library.circlet_curve_sample_columns(self._handle, count, _addresses(targets)))
        return pair

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
        result, target, _ = _output(None, count, 2)
        check(library.circlet_curve_flatten(self._handle, tolerance, target, count))
        return result

    def fit_to_box(self, box: Sequence[float], fit: Fit = "contain") -> tuple[float, float, float, float, float, float]:
        """Returns the map a, b, c, d, e, f that fits the exact bounds into a box (x, y, width, height), centred.

        x' = a x + c y + e, y' = b x + d y + f. Raises `CurveError` for a box without a size.
        """
        if fit not in _FITS:
            raise InvalidError(f"fit is {fit!r}: give one of {', '.join(_FITS)}")
        target, values = _exactly(box, 4, "box"), array("d", bytes(48))
        check(library.circlet_curve_fit_to_box(self._handle, _start(target), _FITS[fit], None, _start(values)))
        a, b, c, d, e, f = values
        return a, b, c, d, e, f

    def transform(self, map: Sequence[float]) -> Curve:
        """Returns the curve's image under a map, as `fit_to_box` gives it."""
        values, handle = _exactly(map, 6, "map"), c_void_p()
        check(library.circlet_curve_transform(self._handle, _start(values), byref(handle)))
        return Curve(_arguments.opened(handle))

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


def sample_batch(curves: Iterable[Curve], points_each: int, out: Any = None) -> Any:
    """Samples many curves in one call, each at `points_each` even parameters; points of shape (curves, points_each, 2).

    Large batches are shared among threads.

    >>> from circlet import Curve, sample_batch
    >>> lines = [Curve.make("linear", [(0, y), (4, y)]) for y in range(2)]
    >>> sample_batch(lines, 3).tolist()
    [[[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]], [[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]]
    """
    # The list keeps them alive.
    curves = list(curves)
    for index, curve in enumerate(curves):
        if not isinstance(curve, Curve):
            raise InvalidError(f"curve {index} is {curve!r}: give a Curve")
    result, target, _ = _output(out, len(curves), points_each, 2)
    handles = (c_void_p * len(curves))(*[curve._handle for curve in curves])
    check(library.circlet_curve_batch_sample(handles, len(curves), points_each, target))
    return result


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


def _pairs(values: Doubles) -> int:
    if len(values) % 2:
        raise InvalidError(f"{len(values)} numbers are not pairs of x and y")
    return len(values) // 2


def _start(values: Doubles) -> int | Any:
    """Returns the address of doubles that the caller keeps alive."""
    if isinstance(values, array):
        return values.buffer_info()[0]
    return _native.address(values.cast("B"))


def _output(out: Any, *shape: int, formats: tuple[str, ...] = ("d",)) -> tuple[Any, Any, bool]:
    """Returns what a function gives back, where it writes it, and whether it writes floats."""
    count = math.prod(shape)
    if any(part < 0 for part in shape):
        raise InvalidError(f"count is {min(shape)}: give 0 or more")
    if out is None:
        values = array("d", bytes(8 * count))
        shaped = memoryview(values).cast("B").cast("d", shape) if count else memoryview(values)
        return shaped, _start(values), False
    view = memoryview(out)
    wanted = view.format in formats and view.nbytes == count * view.itemsize
    if not wanted or view.readonly or not view.c_contiguous:
        kinds = "doubles or floats" if "f" in formats else "doubles"
        raise InvalidError(
            f"out holds {view.nbytes} bytes of {view.format!r}{' (read-only)' if view.readonly else ''}: "
            f"give a writable contiguous buffer of {count} {kinds}"
        )
    return out, _native.address(_arguments.plain(view)), view.format == "f"


def _output_xy(out: tuple[Any, Any] | None, count: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Returns the pair of arrays that a function gives back, and where it writes them."""
    if out is not None and len(out) != 2:
        raise InvalidError(f"out has {len(out)} parts: give a pair of buffers, for x and for y")
    x, y = (None, None) if out is None else out
    (x, x_target, _), (y, y_target, _) = _output(x, count), _output(y, count)
    return (x, y), (x_target, y_target)


def _addresses(targets: tuple[Any, ...]) -> Any:
    """Returns an array of the addresses of what the caller keeps alive."""
    found = [target if isinstance(target, (int, type(None))) else addressof(target) for target in targets]
    return (c_void_p * len(found))(*found)
