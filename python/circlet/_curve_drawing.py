"""What is drawn of a curve: polylines, path data, and where it is placed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import byref, c_double, c_void_p
from typing import TYPE_CHECKING, Any, Literal

from . import _numbers
from ._curve_handle import CurveHandle
from ._native import InvalidError, check, library

if TYPE_CHECKING:
    from typing_extensions import Self

Fit = Literal["stretch", "contain", "cover"]
_FITS = {"stretch": 0, "contain": 1, "cover": 2}


class CurveDrawing(CurveHandle):
    """A curve as it is drawn. A tolerance is a distance in the curve's units."""

    def flatten(self, tolerance: float, *, out: Any = None) -> memoryview[float]:
        """Returns a polyline of shape (n, dimensions) with every point of the curve within `tolerance` of it.

        `out` takes the points, a writable contiguous buffer of doubles with room for `flatten_count` of them; the part
        of it that has them is returned. Raises `CurveError` for a tolerance that is not above 0.

        >>> from circlet import Curve
        >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
        >>> len(arch.flatten(0.1)), len(arch.flatten(0.001))
        (8, 67)
        """
        call, near = library.circlet_curve_flatten, _numbers.number("tolerance", tolerance)
        return self._polyline(lambda where, count: call(self._handle, near, where, count), out, 0)

    def flatten_count(self, tolerance: float) -> int:
        """Returns how many points `flatten` gives, and `flatten_fewest` at the most.

        >>> from circlet import Curve
        >>> Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)]).flatten_count(0.1)
        8
        """
        return check(library.circlet_curve_flatten(self._handle, _numbers.number("tolerance", tolerance), None, 0))

    def flatten_fewest(self, tolerance: float, *, out: Any = None) -> memoryview[float]:
        """Returns a polyline as `flatten` does, of about half as many points in several times the time.

        >>> from circlet import Curve
        >>> hook = Curve.make("bezier", [(0, 0), (100, 0), (100, 0), (100, 9)])
        >>> len(hook.flatten(0.01)), len(hook.flatten_fewest(0.01))
        (88, 27)
        """
        call, near = library.circlet_curve_flatten_fewest, _numbers.number("tolerance", tolerance)
        guess = 0 if out is not None else self.flatten_count(tolerance)
        return self._polyline(lambda where, count: call(self._handle, near, where, count), out, guess)

    def flatten_scaled(self, scale: float, pixel_tolerance: float, *, out: Any = None) -> memoryview[float]:
        """Returns a polyline for drawing at `scale` pixels per unit, within `pixel_tolerance` pixels of the curve.

        It is that of `flatten` with the tolerance `pixel_tolerance / scale`, in the curve's own units. Raises
        `CurveError` unless both are above 0.

        >>> from circlet import Curve
        >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
        >>> arch.flatten_scaled(8, 0.25) == arch.flatten(0.03125)
        True
        """
        call = library.circlet_curve_flatten_scaled
        given = _numbers.number("scale", scale), _numbers.number("pixel_tolerance", pixel_tolerance)
        return self._polyline(lambda where, count: call(self._handle, *given, where, count), out, 0)

    def offset(self, distance: float, tolerance: float, *, out: Any = None) -> memoryview[float]:
        """Returns a polyline within `tolerance` of the curve that runs beside this curve of the plane at `distance`.

        That is to the left, or to the right where `distance` is below 0. Corners are joined round, and nothing is cut
        off where the result crosses itself. A curve that is a point gives none. Raises `CurveError` for a distance or a
        tolerance out of range, and for a curve of other dimensions than 2.

        >>> from circlet import Curve
        >>> line = Curve.make("linear", [(0, 0), (4, 0)])
        >>> line.offset(1, 0.1).tolist()
        [[0.0, 1.0], [4.0, 1.0]]
        """
        call = library.circlet_curve_offset
        given = _numbers.number("distance", distance), _numbers.number("tolerance", tolerance)
        # It bends about as much as the curve.
        guess = 0 if out is not None else 64 + 2 * self.flatten_count(tolerance)
        return self._polyline(lambda where, count: call(self._handle, *given, where, count), out, guess)

    def _polyline(self, call: Callable[[Any, int], int], out: Any, guess: int) -> memoryview[float]:
        return _numbers.rows(call, guess, self._dimensions, out)

    def to_svg(self) -> str:
        """Returns a curve of the plane as SVG path data, in as few digits as read back to the same bits.

        The knots are lost. Raises `CurveError` for a curve of other dimensions.

        >>> from circlet import Curve
        >>> Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0.5)]).to_svg()
        'M0 0C0 4 4 4 4 0.5'
        """
        text = c_void_p()
        check(library.circlet_curve_to_svg(self._handle, byref(text)))
        try:
            return str(library.circlet_text_data(text).decode())
        finally:
            library.circlet_text_free(text)

    def fit_to_box(
        self, box: Sequence[float], fit: Fit = "contain", align: Sequence[float] = (0.5, 0.5)
    ) -> tuple[float, float, float, float, float, float]:
        """Returns the map a, b, c, d, e, f that fits the exact bounds into a box (x, y, width, height).

        x' = a x + c y + e, y' = b x + d y + f. `align` says where in the box the bounds are, along x and along y: 0 at
        its least coordinate, 0.5 in the middle and 1 at its greatest. Raises `CurveError` for a box without a size,
        another alignment, and a curve of other dimensions than 2.

        >>> from circlet import Curve
        >>> square = Curve.make("linear", [(0, 0), (1, 0), (1, 1), (0, 1)], ends="closed")
        >>> square.fit_to_box((0, 0, 20, 10))
        (10.0, 0.0, 0.0, 10.0, 5.0, 0.0)
        >>> square.fit_to_box((0, 0, 20, 10), align=(1, 0.5))
        (10.0, 0.0, 0.0, 10.0, 10.0, 0.0)
        """
        if fit not in _FITS:
            raise InvalidError(f"fit is {fit!r}: give one of {', '.join(_FITS)}")
        target, parts, values = _numbers.exactly(box, 4, "box"), _numbers.exactly(align, 2, "align"), (c_double * 6)()
        check(library.circlet_curve_fit_to_box(self._handle, target, _FITS[fit], parts, values))
        a, b, c, d, e, f = values
        return a, b, c, d, e, f

    def transform(self, map: Sequence[float]) -> Self:
        """Returns the image of a curve of the plane under a map, as `fit_to_box` gives it.

        >>> from circlet import Curve
        >>> Curve.make("linear", [(0, 0), (1, 1)]).transform((2, 0, 0, 3, 5, 0)).bounds()
        (5.0, 0.0, 7.0, 3.0)
        """
        return self._new(library.circlet_curve_transform, self._handle, _numbers.exactly(map, 6, "map"))
