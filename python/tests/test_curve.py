"""Curves from Python."""

from __future__ import annotations

import copy
import math
import pickle
from array import array
from collections.abc import Callable

import numpy
import pytest

from circlet import Curve, CurveError, InvalidError

ARCH = [(0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0)]


def _bernstein(points: numpy.ndarray, t: numpy.ndarray) -> numpy.ndarray:
    weights = numpy.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
    return weights.T @ points


@pytest.mark.parametrize(
    "points", [ARCH, numpy.array(ARCH), array("d", sum(ARCH, ())), memoryview(numpy.array(ARCH)), iter(ARCH)]
)
def test_points_come_from_pairs_and_from_buffers(points: object) -> None:
    assert Curve.bezier(points).bounds() == (0.0, 0.0, 4.0, 3.0)


def test_a_curve_agrees_with_bernsteins_form() -> None:
    t = numpy.linspace(0, 1, 101)
    curve = Curve.bezier(ARCH)
    wanted = _bernstein(numpy.array(ARCH), t)
    assert numpy.allclose(curve.eval(t), wanted, atol=1e-14)
    assert numpy.allclose(curve.sample(101), wanted, atol=1e-14)
    assert numpy.asarray(curve.segments()).tolist() == [[list(point) for point in ARCH]]


def test_points_are_written_where_the_caller_says() -> None:
    out = numpy.zeros((5, 2))
    assert Curve.bezier(ARCH).sample(5, out=out) is out
    assert out[2].tolist() == [2.0, 3.0]
    for wrong in (
        numpy.zeros((4, 2)),
        numpy.zeros((5, 2), dtype="f4"),
        bytes(80),
        numpy.zeros((5, 4))[:, ::2],
    ):
        with pytest.raises(InvalidError, match="10 doubles"):
            Curve.bezier(ARCH).sample(5, out=wrong)


def test_a_flattened_quarter_circle_keeps_its_tolerance() -> None:
    k = 4 / 3 * math.tan(math.pi / 8)
    points = numpy.asarray(Curve.bezier([(1, 0), (1, k), (k, 1), (0, 1)]).flatten(1e-3))
    middles = (points[1:] + points[:-1]) / 2
    assert points[0].tolist() == [1, 0] and points[-1].tolist() == [0, 1]
    assert 1 - numpy.hypot(*middles.T).min() < 1e-3 + 3e-4


def test_a_drawing_is_read_from_svg_and_fitted() -> None:
    square, line = Curve.from_svg("M0 0H3V4H0z M1 1L2 2")
    assert square.length() == 14 and math.isclose(line.length(), math.sqrt(2))
    fitted = square.transform(square.fit_to_box((0, 0, 30, 30)))
    assert numpy.allclose(fitted.bounds(), (3.75, 0, 26.25, 30))
    assert line.domain == (0.0, 1.0)


def test_wrong_input_says_what_is_allowed() -> None:
    for call, message in [
        (lambda: Curve.bezier([(0, 0)]), "2"),
        (lambda: Curve.bezier([(0, 0), (math.nan, 1)]), "NaN"),
        (lambda: Curve.from_svg("M 0 0 L 1"), "7|9|end"),
        (lambda: Curve.bezier(ARCH).flatten(0), "tolerance"),
        (lambda: Curve.bezier(ARCH).length(math.nan), "tolerance"),
        (lambda: Curve.bezier(ARCH).fit_to_box((0, 0, 0, 10)), "0"),
    ]:
        with pytest.raises(CurveError, match=message):
            call()
    for call in [
        lambda: Curve.bezier([(0, 0, 0), (1, 1, 1)]),
        lambda: Curve.bezier(array("f", [0, 0, 1, 1])),
        lambda: Curve.bezier(array("d", [0, 0, 1])),
        lambda: Curve.bezier(ARCH).fit_to_box((0, 0, 10)),
        lambda: Curve.bezier(ARCH).fit_to_box((0, 0, 1, 1), "squeeze"),  # type: ignore[arg-type]
        lambda: Curve.bezier(ARCH).sample(-1),
        lambda: Curve.from_svg("M0 0\0"),
    ]:
        with pytest.raises(InvalidError):
            call()


def test_a_copy_of_a_curve_is_the_curve() -> None:
    curve = Curve.bezier(ARCH)
    assert copy.copy(curve) is curve
    assert copy.deepcopy([curve])[0] is curve


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_curve_that_is_pickled_says_what_to_send(protocol: int) -> None:
    with pytest.raises(TypeError, match=r"segments\(\)"):
        pickle.dumps(Curve.bezier(ARCH), protocol)


@pytest.mark.parametrize("make", [Curve.bezier, Curve.linear])
@pytest.mark.parametrize("shape", [(2, 3), (4, 1), (1, 4), (0, 3), (2, 2, 2), (1, 4, 2), ()])
def test_a_buffer_that_is_not_of_pairs_is_refused(make: Callable[[object], Curve], shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidError, match=r"\(n, 2\)"):
        make(numpy.zeros(shape))
