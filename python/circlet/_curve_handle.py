"""What a curve of the C library is to Python: a handle that is freed with its object."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from ctypes import byref, c_double, c_void_p
from typing import TYPE_CHECKING, Any, NoReturn

from . import _arguments, _native, _numbers
from ._native import check, library

if TYPE_CHECKING:
    from typing_extensions import Self

#: Functions that are called by the million; see `bare`.
EVAL, EVAL_F32 = _native.bare("circlet_curve_eval"), _native.bare("circlet_curve_eval_f32")
DERIVATIVE, DERIVATIVE_F32 = _native.bare("circlet_curve_derivative"), _native.bare("circlet_curve_derivative_f32")
SAMPLE, SAMPLE_F32 = _native.bare("circlet_curve_sample"), _native.bare("circlet_curve_sample_f32")
# A point of each number of dimensions.
_POINTS = [c_double * dimensions for dimensions in range(5)]


class CurveHandle:
    """A handle and its curve's dimensions."""

    def __init__(self, handle: int) -> None:
        """Owns a handle of the C library; use the class methods instead."""
        # An object of ctypes, as functions without argument types take it.
        self._handle = c_void_p(handle)
        self._dimensions: int = library.circlet_curve_dimensions(handle)
        # Not at exit, when daemon threads may still use it.
        weakref.finalize(self, library.circlet_curve_free, handle).atexit = False

    @property
    def dimensions(self) -> int:
        """Of how many dimensions the curve is, 1 to 4: so many numbers each of its points has."""
        return self._dimensions

    def __copy__(self) -> Self:
        """Returns itself, as it never changes."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Returns itself, as it never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`: the handle means nothing to another process."""
        raise TypeError("a Curve cannot be pickled: send what segments() and knots() return, for from_segments() there")

    @classmethod
    def _new(cls, function: Callable[..., int], *arguments: object) -> Self:
        """Calls a function that writes a curve's handle as the last thing."""
        handle = c_void_p()
        check(function(*arguments, byref(handle)))
        return cls(_arguments.opened(handle))

    def _one(self, function: Callable[..., int], parameter: float, *order: int) -> tuple[float, ...]:
        """Returns what a function of parameters writes for one of them."""
        point = _POINTS[self._dimensions]()
        check(function(self._handle, *order, byref(c_double(parameter)), 1, point))
        return tuple(point)

    def _many(
        self, function: Callable[..., int], parameters: Any, out: Any, *width: int, more: tuple[c_double, ...] = ()
    ) -> Any:
        """Returns what a function of parameters writes for many of them."""
        count, where = _numbers.numbers(parameters)
        result, target, _ = _numbers.room(out, count, *width)
        check(function(self._handle, where, count, *more, target))
        return result
