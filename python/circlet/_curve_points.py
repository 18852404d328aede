"""What a curve is at its parameters: points, derivatives, directions, bending."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_double
from typing import Any, overload

from . import _numbers
from ._curve_handle import DERIVATIVE, DERIVATIVE_F32, EVAL, EVAL_F32, SAMPLE, SAMPLE_F32, CurveHandle
from ._native import InvalidError, check, library
from ._numbers import Numbers

_FORMATS = ("d", "f")


class CurvePoints(CurveHandle):
    """A curve by its parameters.

    Those outside of its domain give its ends. Of one number a function gives a tuple or a number, of many an array.
    """

    @overload
    def eval(self, parameters: float) -> tuple[float, ...]: ...
    @overload
    def eval(self, parameters: Numbers, out: Any = None) -> Any: ...
    def eval(self, parameters: Numbers | float, out: Any = None) -> Any:
        """Evaluates the curve at a parameter, or at many; points of shape (n, dimensions).

        `out` may hold doubles or floats.

        >>> from circlet import Curve
        >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
        >>> arch.eval(0.5)
        (2.0, 3.0)
        >>> arch.eval([0, 0.5]).tolist()
        [[0.0, 0.0], [2.0, 3.0]]
        """
        if isinstance(parameters, (float, int)) and out is None:
            return self._one(EVAL, parameters)
        count, where = _numbers.numbers(parameters)
        result, target, is_f32 = _numbers.room(out, count, self._dimensions, formats=_FORMATS)
        check((EVAL_F32 if is_f32 else EVAL)(self._handle, where, count, target))
        return result

    def eval_columns(self, parameters: Numbers, out: Sequence[Any] | None = None) -> Any:
        """Evaluates the curve as `eval` does, into an array for each dimension; `out` is a sequence of them.

        >>> from circlet import Curve
        >>> x, y = Curve.make("linear", [(0, 0), (4, 2)]).eval_columns([0, 0.5, 1])
        >>> x.tolist(), y.tolist()
        ([0.0, 2.0, 4.0], [0.0, 1.0, 2.0])
        """
        count, where = _numbers.numbers(parameters)
        result, targets = _numbers.columns(out, self._dimensions, count)
        check(library.circlet_curve_eval_columns(self._handle, where, count, targets))
        return result

    @overload
    def derivative(self, parameters: float, order: int = 1) -> tuple[float, ...]: ...
    @overload
    def derivative(self, parameters: Numbers, order: int = 1, out: Any = None) -> Any: ...
    def derivative(self, parameters: Numbers | float, order: int = 1, out: Any = None) -> Any:
        """Returns the first or second derivative by the parameter at a parameter, or those at many.

        Where two segments meet it is the later one's. `out` may hold doubles or floats.

        >>> from circlet import Curve
        >>> arch = Curve.make("bezier", [(0, 0), (0, 4), (8, 4), (8, 0)])
        >>> arch.derivative([0, 0.5, 1]).tolist()
        [[0.0, 12.0], [12.0, 0.0], [0.0, -12.0]]
        >>> arch.derivative(0.5, order=2)
        (0.0, -24.0)
        """
        if order not in {1, 2}:
            raise InvalidError(f"order is {order!r}: give 1 or 2")
        if isinstance(parameters, (float, int)) and out is None:
            return self._one(DERIVATIVE, parameters, order)
        count, where = _numbers.numbers(parameters)
        result, target, is_f32 = _numbers.room(out, count, self._dimensions, formats=_FORMATS)
        check((DERIVATIVE_F32 if is_f32 else DERIVATIVE)(self._handle, order, where, count, target))
        return result

    def sample(self, count: int, out: Any = None) -> Any:
        """Evaluates the curve at `count` evenly spaced parameters from its start to its end.

        `out` may hold doubles or floats.

        >>> from circlet import Curve
        >>> Curve.make("linear", [(0, 0, 0), (4, 2, 8)]).sample(3).tolist()
        [[0.0, 0.0, 0.0], [2.0, 1.0, 4.0], [4.0, 2.0, 8.0]]
        """
        result, target, is_f32 = _numbers.room(out, count, self._dimensions, formats=_FORMATS)
        check((SAMPLE_F32 if is_f32 else SAMPLE)(self._handle, count, target))
        return result

    def sample_columns(self, count: int, out: Sequence[Any] | None = None) -> Any:
        """Samples the curve as `sample` does, into an array for each dimension; `out` is a sequence of them."""
        result, targets = _numbers.columns(out, self._dimensions, count)
        check(library.circlet_curve_sample_columns(self._handle, count, targets))
        return result

    def sample_by_length(self, count: int, tolerance: float = 1e-9, out: Any = None) -> Any:
        """Returns `count` points evenly spaced by length, from the start to the end.

        Each has its length behind it within `tolerance`. Raises `CurveError` for one that is not above 0.

        >>> from circlet import Curve
        >>> line = Curve.make("bezier", [(0, 0), (0, 0), (0, 0), (9, 0)])  # slow at first
        >>> [round(x, 6) for x, y in line.sample_by_length(4).tolist()]
        [0.0, 3.0, 6.0, 9.0]
        """
        result, target, _ = _numbers.room(out, count, self._dimensions)
        near = _numbers.number("tolerance", tolerance)
        check(library.circlet_curve_sample_by_length(self._handle, count, near, target))
        return result

    @overload
    def tangent(self, parameters: float) -> tuple[float, ...]: ...
    @overload
    def tangent(self, parameters: Numbers, out: Any = None) -> Any: ...
    def tangent(self, parameters: Numbers | float, out: Any = None) -> Any:
        """Returns the unit vector along the curve at a parameter, or those at many.

        At a cusp it is the way on from there, and at the end the way to it. All its numbers are 0 where there is no
        direction: on a segment that is a point, and for a parameter that is NaN.

        >>> from circlet import Curve
        >>> Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)]).tangent([0, 0.5, 1]).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]
        """
        if isinstance(parameters, (float, int)) and out is None:
            return self._one(library.circlet_curve_tangent, parameters)
        return self._many(library.circlet_curve_tangent, parameters, out, self._dimensions)

    @overload
    def normal(self, parameters: float) -> tuple[float, ...]: ...
    @overload
    def normal(self, parameters: Numbers, out: Any = None) -> Any: ...
    def normal(self, parameters: Numbers | float, out: Any = None) -> Any:
        """Returns the unit vector a quarter turn to the left of the tangent, of a curve of the plane.

        Both its numbers are 0 where there is no tangent. Raises `CurveError` for a curve of other dimensions.

        >>> from circlet import Curve
        >>> Curve.make("linear", [(0, 0), (2, 0)]).normal(0.5)
        (0.0, 1.0)
        """
        if isinstance(parameters, (float, int)) and out is None:
            return self._one(library.circlet_curve_normal, parameters)
        return self._many(library.circlet_curve_normal, parameters, out, self._dimensions)

    @overload
    def curvature(self, parameters: float) -> float: ...
    @overload
    def curvature(self, parameters: Numbers, out: Any = None) -> Any: ...
    def curvature(self, parameters: Numbers | float, out: Any = None) -> Any:
        """Returns the curvature, 1 over the radius, at a parameter, or those at many.

        In the plane it is above 0 where the curve turns to the left, and below where it turns to the right; in other
        dimensions it is never below 0. At a cusp it is infinite.

        >>> from circlet import Curve
        >>> parabola = Curve.make("bezier", [(-1, 1), (0, -1), (1, 1)])
        >>> round(parabola.curvature(0.5), 12)
        2.0
        """
        if isinstance(parameters, (float, int)) and out is None:
            return self._number(library.circlet_curve_curvature, parameters)
        return self._many(library.circlet_curve_curvature, parameters, out)

    @overload
    def length_to(self, parameters: float, tolerance: float = 1e-9) -> float: ...
    @overload
    def length_to(self, parameters: Numbers, tolerance: float = 1e-9, out: Any = None) -> Any: ...
    def length_to(self, parameters: Numbers | float, tolerance: float = 1e-9, out: Any = None) -> Any:
        """Returns the length from the start to a parameter, or those to many, each within `tolerance`.

        The curve is measured once for all of them. Raises `CurveError` for a tolerance that is not above 0.

        >>> from circlet import Curve
        >>> corner = Curve.make("linear", [(0, 0), (3, 4), (3, 14)])
        >>> corner.length_to(1.5)
        10.0
        """
        near = _numbers.number("tolerance", tolerance)
        if isinstance(parameters, (float, int)) and out is None:
            return self._number(library.circlet_curve_length_to, parameters, near)
        return self._many(library.circlet_curve_length_to, parameters, out, more=(near,))

    @overload
    def parameter_at_length(self, lengths: float, tolerance: float = 1e-9) -> float: ...
    @overload
    def parameter_at_length(self, lengths: Numbers, tolerance: float = 1e-9, out: Any = None) -> Any: ...
    def parameter_at_length(self, lengths: Numbers | float, tolerance: float = 1e-9, out: Any = None) -> Any:
        """Returns the parameter at which the curve has a length behind it, or those for many lengths.

        The true length up to it is within `tolerance` of the one asked for. The curve is measured once for all of them;
        a length below 0 gives the start, and one beyond the curve's the end. Raises `CurveError` for a tolerance that
        is not above 0.

        >>> from circlet import Curve
        >>> corner = Curve.make("linear", [(0, 0), (3, 4), (3, 14)])
        >>> [round(u, 6) for u in corner.parameter_at_length([2.5, 10, 99])]
        [0.5, 1.5, 2.0]
        """
        near = _numbers.number("tolerance", tolerance)
        if isinstance(lengths, (float, int)) and out is None:
            return self._number(library.circlet_curve_parameter_at_length, lengths, near)
        return self._many(library.circlet_curve_parameter_at_length, lengths, out, more=(near,))

    def _number(self, function: Any, given: float, *more: c_double) -> float:
        value = c_double()
        check(function(self._handle, byref(c_double(given)), 1, *more, byref(value)))
        return value.value
