"""Curves from Python."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from array import array
from pathlib import Path
from typing import Any, get_args

import numpy
import pytest

from circlet import CircletError, Curve, CurveError, InvalidError, sample_batch
from circlet.curve import Family

DATA = Path(__file__).parents[2] / "tests" / "data" / "curve"
CASES = [case for file in sorted(DATA.glob("*.json")) for case in json.loads(file.read_text())["cases"]]
MADE = [case for case in CASES if "policy" not in case["expect"]]
REFUSED = [case for case in CASES if "policy" in case["expect"]]
ARCH = [(0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0)]


def _bernstein(points: numpy.ndarray, t: numpy.ndarray) -> numpy.ndarray:
    weights = numpy.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
    return weights.T @ points


@pytest.mark.parametrize(
    "points", [ARCH, numpy.array(ARCH), array("d", sum(ARCH, ())), memoryview(numpy.array(ARCH)), iter(ARCH)]
)
def test_points_come_from_pairs_and_from_buffers(points: object) -> None:
    assert Curve.make("bezier", points).bounds() == (0.0, 0.0, 4.0, 3.0)


def test_a_curve_agrees_with_bernsteins_form() -> None:
    t = numpy.linspace(0, 1, 101)
    curve = Curve.make("bezier", ARCH)
    wanted = _bernstein(numpy.array(ARCH), t)
    assert numpy.allclose(curve.eval(t), wanted, atol=1e-14)
    assert numpy.allclose(curve.sample(101), wanted, atol=1e-14)
    assert numpy.asarray(curve.segments()).tolist() == [[list(point) for point in ARCH]]


def test_points_are_written_where_the_caller_says() -> None:
    out = numpy.zeros((5, 2))
    assert Curve.make("bezier", ARCH).sample(5, out=out) is out
    assert out[2].tolist() == [2.0, 3.0]
    for wrong in (
        numpy.zeros((4, 2)),
        numpy.zeros((5, 2), dtype="i8"),
        numpy.zeros((4, 2), dtype="f4"),
        bytes(80),
        numpy.zeros((5, 4))[:, ::2],
    ):
        with pytest.raises(InvalidError, match="10 doubles"):
            Curve.make("bezier", ARCH).sample(5, out=wrong)


def test_a_flattened_quarter_circle_keeps_its_tolerance() -> None:
    k = 4 / 3 * math.tan(math.pi / 8)
    points = numpy.asarray(Curve.make("bezier", [(1, 0), (1, k), (k, 1), (0, 1)]).flatten(1e-3))
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
        (lambda: Curve.make("bezier", [(0, 0)]), "2"),
        (lambda: Curve.make("bezier", [(0, 0), (math.nan, 1)]), "coordinate 0 of point 1 is NaN"),
        (lambda: Curve.make("natural", [(0, 0)]), "at least 2 points, not 1"),
        (lambda: Curve.make("catmull_rom", ARCH, alpha=1.5), r"alpha is 1\.5; it must be from 0 to 1"),
        (lambda: Curve.make("catmull_rom", ARCH, alpha=math.nan), "alpha is NaN"),
        (lambda: Curve.make("step", ARCH, position=-math.inf), "position is -inf"),
        (lambda: Curve.make("catmull_rom", ARCH, alfa=0.5), "unknown field `alfa`"),
        (lambda: Curve.make("linear", ARCH, ends="shut"), "unknown variant `shut`"),
        (lambda: Curve.make("clamped", ARCH), "missing field `start`"),
        (lambda: Curve.make("bezir", ARCH), "expected one of `bezier`"),  # type: ignore[arg-type]
        (lambda: Curve.from_svg("M 0 0 L 1"), "7|9|end"),
        (lambda: Curve.make("bezier", ARCH).flatten(0), "tolerance"),
        (lambda: Curve.make("bezier", ARCH).length(math.nan), "tolerance"),
        (lambda: Curve.make("bezier", ARCH).fit_to_box((0, 0, 0, 10)), "0"),
    ]:
        with pytest.raises(CurveError, match=message):
            call()
    for call in [
        lambda: Curve.make("bezier", [(0, 0, 0), (1, 1)]),
        lambda: Curve.make("bezier", [(0, 0, 0, 0, 0), (1, 1, 1, 1, 1)]),
        lambda: Curve.make("bezier", [(0, 0, 0), (1, 1, 1)], dimensions=2),
        lambda: Curve.make("bezier", [0, 0, 0, 1, 1], dimensions=3),
        lambda: Curve.make("bezier", [0, 0, 0, 1, 1], dimensions=0),
        lambda: Curve.make("bezier", array("d", [0, 0, 1])),
        lambda: Curve.make("bezier", ARCH).fit_to_box((0, 0, 10)),
        lambda: Curve.make("bezier", ARCH).fit_to_box((0, 0, 1, 1), "squeeze"),  # type: ignore[arg-type]
        lambda: Curve.make("bezier\0", ARCH),  # type: ignore[arg-type]
        lambda: Curve.make("natural", ARCH, knots={1}),
        lambda: Curve.make("bezier", ARCH).sample(-1),
        lambda: Curve.make("bezier", ARCH).sample(1 << 32),
        lambda: Curve.make("bezier", ARCH).derivative([0.5], order=3),
        lambda: Curve.make("bezier", ARCH).tangent([0.5], out=numpy.zeros((1, 2), dtype="f4")),
        lambda: Curve.make("bezier", ARCH).sample_columns(2, out=(numpy.zeros(2), numpy.zeros(3))),
        lambda: Curve.make("bezier", ARCH).sample_columns(2, out=numpy.zeros((3, 2))),
        lambda: sample_batch([Curve.make("bezier", ARCH)], -1),
        lambda: sample_batch([Curve.make("bezier", ARCH)], 2, out=numpy.zeros(5)),
        lambda: sample_batch([Curve.make("bezier", ARCH), ARCH], 2),  # type: ignore[list-item]
        lambda: Curve.from_svg("M0 0\0"),
        lambda: Curve.from_segments([ARCH[:3]], [0, 1]),
        lambda: Curve.from_segments([ARCH], [0, 1, 2]),
        lambda: Curve.from_segments([], []),
        lambda: Curve.from_segments(numpy.zeros((1, 3, 2)), [0, 1]),
        lambda: Curve.from_segments(numpy.zeros((1, 4, 5)), [0, 1]),
        lambda: Curve.make("bezier", ARCH).nearest((1, 2, 3)),
        lambda: Curve.make("bezier", ARCH).nearest(numpy.zeros(4)),
        lambda: Curve.make("bezier", ARCH).nearest([(1, 2, 3)]),
        lambda: Curve.make("bezier", ARCH).concat(ARCH),  # type: ignore[arg-type]
        lambda: Curve.make("bezier", ARCH).intersections(None),  # type: ignore[arg-type]
        lambda: Curve.make("bezier", ARCH).fit_to_box((0, 0, 1, 1), align=(0.5,)),
    ]:
        with pytest.raises(InvalidError):
            call()


def test_a_copy_of_a_curve_is_the_curve() -> None:
    curve = Curve.make("bezier", ARCH)
    assert copy.copy(curve) is curve
    assert copy.deepcopy([curve])[0] is curve


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_curve_that_is_pickled_says_what_to_send(protocol: int) -> None:
    with pytest.raises(TypeError, match=r"segments\(\)"):
        pickle.dumps(Curve.make("bezier", ARCH), protocol)


@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 4, 2), ()])
def test_a_buffer_that_is_not_of_points_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidError, match=r"\(n, dimensions\)"):
        Curve.make("linear", numpy.zeros(shape))


def _made(case: dict[str, Any]) -> Curve:
    # Cubics stand for a Bezier curve above degree 3, as near as is asked for.
    params = case["params"] | ({"tolerance": 1e-12} if case["params"].get("degree", 0) > 3 else {})
    return Curve.make(case["family"], numpy.array(case["points"], dtype=float), **params)


def _with_extent(segments: Any, tolerance: list[float]) -> numpy.ndarray:
    segments = numpy.asarray(segments).reshape(-1, 4, 2)
    return segments[(numpy.abs(segments - segments[:, :1]) > tolerance).any(axis=(1, 2))]


@pytest.mark.parametrize("case", MADE, ids=lambda case: case["id"])
def test_every_family_has_the_golden_segments_points_and_derivatives(case: dict[str, Any]) -> None:
    curve, expect, tolerance = _made(case), case["expect"], case["expect"]["tol"]
    is_cubic = "segments" in expect
    if is_cubic:
        found, wanted = (_with_extent(s, tolerance["points"]) for s in (curve.segments(), expect["segments"]))
        assert found.shape == wanted.shape
        assert (numpy.abs(found - wanted) <= tolerance["points"]).all()
    assert (curve.knots()[0], curve.knots()[-1]) == curve.domain and len(curve.knots()) == len(curve.segments()) + 1
    us = [point["u"] for point in expect["eval"]]
    points, derivatives = numpy.asarray(curve.eval(us)), numpy.asarray(curve.derivative(us))
    for found, slope, wanted in zip(points, derivatives, expect["eval"], strict=True):
        assert (numpy.abs(found - wanted["p"]) <= 4 * numpy.array(tolerance["points"])).all()
        if is_cubic and "d1" in wanted:
            assert (numpy.abs(slope - wanted["d1"]) <= tolerance["d1"]).all()


@pytest.mark.parametrize("case", MADE, ids=lambda case: case["id"])
def test_points_of_every_form_are_the_same_but_for_rounding(case: dict[str, Any]) -> None:
    curve = _made(case)
    us = numpy.linspace(*curve.domain, 1500)
    points, samples = numpy.asarray(curve.eval(us)), numpy.asarray(curve.sample(1500))
    size = numpy.abs(points).max()
    assert numpy.array_equal(numpy.transpose(curve.eval_columns(us)), points)
    assert numpy.abs(numpy.transpose(curve.sample_columns(1500)) - samples).max() <= 1e-13 * size
    floats = numpy.empty((1500, 2), dtype="f4")
    assert curve.eval(us, out=floats) is floats
    assert numpy.array_equal(floats, points.astype("f4"))
    curve.sample(1500, out=memoryview(floats).cast("B").cast("f"))
    assert numpy.abs(floats - samples).max() <= 6e-8 * size


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_what_no_curve_can_be_made_of_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(CurveError):
        _made(case)


def test_the_hints_name_the_families_that_the_library_has() -> None:
    with pytest.raises(CurveError) as error:
        Curve.make("none", ARCH)  # type: ignore[arg-type]
    assert re.findall("`([a-z_]+)`", str(error.value))[1:] == list(get_args(Family))


def test_a_hermite_curve_has_the_points_and_derivatives_that_were_given() -> None:
    curve = Curve.make("hermite", ARCH, derivatives=numpy.arange(8.0).reshape(4, 2), knots=numpy.array([0, 1, 3, 4.5]))
    assert curve.eval([0, 1, 3, 4.5]).tolist() == [list(point) for point in ARCH]
    assert numpy.allclose(curve.derivative([0, 1, 3, 4.5]), numpy.arange(8.0).reshape(4, 2), atol=1e-14)


def test_parameters_may_be_numbers_and_arrays_of_numpy() -> None:
    plain = Curve.make("clamped", ARCH, start=(1, 2), end=[3, 4], knots=[0, 1, 2, 4])
    start, end, knots = numpy.array([1, 2]), numpy.float32([3, 4]), array("d", [0, 1, 2, 4])
    assert Curve.make("clamped", ARCH, start=start, end=end, knots=knots).segments() == plain.segments()
    part = Curve.make("catmull_rom", ARCH, alpha=numpy.float32(0.25))
    assert part.segments() == Curve.make("catmull_rom", ARCH, alpha=0.25).segments()


def test_results_are_written_where_the_caller_says() -> None:
    curve, (x, y) = Curve.make("bezier", ARCH), numpy.zeros((2, 3))
    assert curve.sample_columns(3, out=(x, y))[1] is y
    assert (x.tolist(), y.tolist()) == ([0, 2, 4], [0, 3, 0])
    curve.eval_columns([1, 0.5, 0], out=(x, y))
    assert (x.tolist(), y.tolist()) == ([4, 2, 0], [0, 3, 0])
    out = numpy.zeros((2, 2))
    assert curve.derivative([0, 0.5], out=out) is out
    assert out.tolist() == [[0, 12], [6, 0]]
    with pytest.raises(InvalidError, match=r"columns\[0\] overlaps columns\[1\]"):
        curve.sample_columns(3, out=(x, x))
    with pytest.raises(InvalidError, match="points overlaps parameters"):
        curve.eval(out.reshape(-1)[:2], out=out)


@pytest.mark.parametrize("points_each", [0, 1, 33, 4000])
def test_a_batch_is_one_curve_after_the_other(points_each: int) -> None:
    curves = [_made(case) for case in MADE]
    batch = sample_batch(iter(curves), points_each)
    if points_each:
        assert batch.shape == (len(curves), points_each, 2)
        assert all(
            numpy.array_equal(part, curve.sample(points_each))
            for part, curve in zip(numpy.asarray(batch), curves, strict=True)
        )
    out = numpy.zeros((len(curves), points_each, 2))
    assert sample_batch(curves, points_each, out=out) is out
    assert out.size == 0 or numpy.array_equal(out, batch)
    assert len(sample_batch([], points_each)) == 0


def test_a_number_that_json_cannot_carry_is_the_packages_error() -> None:
    with pytest.raises(CircletError, match="params_json is no JSON"):
        Curve.make("step", ARCH, position=10**400)
