"""Bezier curves of every degree from Python are what de Casteljau's algorithm says in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest

from circlet import Curve, CurveError

US = [0.0, 2.0**-40, 0.1, 0.3, 0.5, 0.625, 0.9, 1.0 - 2.0**-30, 1.0]
DEGREES = [1, 2, 3, 4, 7, 20, 64]


def _points(degree: int, dimensions: int = 2) -> numpy.ndarray:
    return numpy.random.default_rng(degree).uniform(-5, 5, (degree + 1, dimensions))


def _exact(points: numpy.ndarray, u: float, order: int) -> tuple[list[float], float]:
    """The point (order 0) or derivative, and the size of the numbers that it comes of."""
    t, rows = Fraction(u), numpy.array([[Fraction(x) for x in point] for point in points.tolist()])
    for _ in range(order):
        rows = (len(rows) - 1) * numpy.diff(rows, axis=0) if len(rows) > 1 else 0 * rows
    size = float(abs(rows).max())
    while len(rows) > 1:
        rows = (1 - t) * rows[:-1] + t * rows[1:]
    return [float(x) for x in rows[0]], size


def _off(curve: Curve, points: numpy.ndarray, us: list[float], order: int, mirror: float | None = None) -> float:
    """How far a curve is from the exact values, as a part of the numbers that they come of."""
    found = numpy.asarray(curve.derivative(us, order) if order else curve.eval(us))
    worst = 0.0
    for u, value in zip(us, found.tolist(), strict=True):
        wanted, size = _exact(points, u if mirror is None else mirror - u, order)
        sign = -1 if mirror is not None and order == 1 else 1
        errors = [abs(a - sign * b) for a, b in zip(value, wanted, strict=True)]
        worst = max(worst, max(errors) / size if size else max(errors))
    return worst


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
@pytest.mark.parametrize("degree", DEGREES)
def test_points_and_derivatives_are_exact_to_rounding(degree: int, dimensions: int) -> None:
    points = _points(degree, dimensions)
    curve = Curve.make("bezier", points, degree=degree)
    for order in range(3):
        assert _off(curve, points, US, order) <= 1e-13
    us = numpy.linspace(0, 1, 100)
    assert numpy.array_equal(numpy.transpose(curve.eval_columns(us)), curve.eval(us))
    assert numpy.allclose(curve.sample(100), curve.eval(us), rtol=0, atol=1e-12)
    floats = curve.sample(100, out=numpy.zeros((100, dimensions), "f4"))
    assert numpy.array_equal(floats, numpy.float32(curve.sample(100)))
    assert [curve.eval(u) for u in US] == [tuple(point) for point in numpy.asarray(curve.eval(US)).tolist()]


@pytest.mark.parametrize("degree", [4, 7, 20])
def test_the_cubics_that_stand_for_a_curve_are_only_near_it(degree: int) -> None:
    points = _points(degree)
    curve = Curve.make("bezier", points)
    cubics = Curve.from_segments(curve.segments(), curve.knots())
    us = numpy.linspace(0, 1, 200).tolist()
    assert _off(curve, points, us, 0) <= 1e-13
    assert 1e-12 < _off(cubics, points, us, 0) <= 2e-9
    rough = Curve.make("bezier", points, tolerance=0.01)
    assert numpy.array_equal(rough.eval(us), curve.eval(us)) and len(rough.segments()) < len(curve.segments())
    assert abs(rough.length() - curve.length()) > 1e-9


@pytest.mark.parametrize("degree", DEGREES[:-1])
def test_parts_keep_their_parameters_and_join(degree: int) -> None:
    points = _points(degree)
    curve = Curve.make("bezier", points)
    left, right = curve.split(0.3)
    part = right.subcurve(0, 0.75)
    assert (left.domain, right.domain, part.domain) == ((0, 0.3), (0.3, 1), (0.3, 0.75))
    assert left.eval(1) == right.eval(0) == curve.eval(0.3)
    for piece in (left, right, part):
        us = numpy.linspace(*piece.domain, 20).tolist()
        for order in range(3):
            assert _off(piece, points, us, order) <= 1e-13
            mirror = sum(piece.domain)
            assert _off(piece.reversed(), points, us, order, mirror) <= 2e-13 * max(1, degree)
    for wrong in (0, 1, 2, float("nan")):
        with pytest.raises(CurveError, match=r"between 0\.0 and 1\.0"):
            curve.split(wrong)


@pytest.mark.parametrize("degree", [4, 7, 20])
def test_a_sliver_has_the_derivatives_of_the_whole(degree: int) -> None:
    curve = Curve.make("bezier", _points(degree))
    sliver = curve.subcurve(0.5, 0.5 + 2.0**-50)
    for order in (1, 2):
        assert sliver.derivative(0.5, order) == curve.derivative(0.5, order)
    assert sliver.tangent(0.5) == curve.tangent(0.5) and sliver.curvature(0.5) == curve.curvature(0.5)


@pytest.mark.parametrize("degree", DEGREES)
def test_bounds_hold_every_point_and_touch_some(degree: int) -> None:
    curve = Curve.make("bezier", _points(degree))
    for piece in (curve, *curve.split(0.4), curve.reversed().subcurve(0.2, 0.7)):
        samples, bounds = numpy.asarray(piece.sample(100_001)), numpy.array(piece.bounds())
        outside = [*(bounds[:2] - samples.min(axis=0)), *(samples.max(axis=0) - bounds[2:])]
        assert max(outside) <= 1e-13 and min(outside) >= -1e-6


def test_a_map_takes_the_curve_itself() -> None:
    points = _points(20)
    curve = Curve.make("bezier", points)
    a, b, c, d, e, f = map = (2.0, 0.5, -1.0, 3.0, 7.0, -4.0)
    mapped = points @ numpy.array([[a, b], [c, d]]) + (e, f)
    for image, part in ((curve.transform(map), US), (curve.subcurve(0.1, 0.9).transform(map), [0.1, 0.5, 0.9])):
        assert _off(image, mapped, part, 0) <= 1e-13
    fitted = curve.transform(curve.fit_to_box((0, 0, 1, 1), "stretch"))
    assert numpy.allclose(fitted.bounds(), (0, 0, 1, 1), rtol=0, atol=1e-14)


def test_huge_coordinates_give_numbers() -> None:
    points = 2e299 * _points(20)
    curve = Curve.make("bezier", points)
    for order in range(3):
        assert _off(curve, points, US, order) <= 1e-13
    assert numpy.isfinite(curve.bounds()).all() and numpy.isfinite(curve.sample(999)).all()
    assert numpy.isnan(curve.eval(float("nan"))).all()
