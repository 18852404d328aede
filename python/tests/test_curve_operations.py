"""Every operation on curves from Python, in 1 to 4 dimensions, against what numpy or a sum by hand says."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from circlet import Curve, CurveError, InvalidError, sample_batch, simplify

ARCH = [(0.0, 0.0), (0.0, 4.0), (8.0, 4.0), (8.0, 0.0)]
CORNER = [(0.0, 0.0), (3.0, 4.0), (3.0, 14.0)]


def _points(dimensions: int, count: int = 7) -> numpy.ndarray:
    return numpy.random.default_rng(dimensions).uniform(-5, 5, (count, dimensions))


def _curve(dimensions: int) -> Curve:
    return Curve.make("natural", _points(dimensions), knots="centripetal")


@pytest.fixture(params=[1, 2, 3, 4])
def curve(request: pytest.FixtureRequest) -> Curve:
    return _curve(request.param)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_points_of_every_number_of_dimensions_come_in_every_form(dimensions: int) -> None:
    points = _points(dimensions)
    curve = Curve.make("linear", points)
    assert curve.dimensions == dimensions
    flat = points.reshape(-1)
    for other in (
        Curve.make("linear", points.tolist()),
        Curve.make("linear", [tuple(point) for point in points], dimensions=dimensions),
        Curve.make("linear", flat, dimensions=dimensions),
        Curve.make("linear", flat.tolist(), dimensions=dimensions),
        Curve.make("linear", numpy.asfortranarray(points)),
        Curve.from_segments(curve.segments(), curve.knots()),
        Curve.from_segments(curve.segments().tolist(), curve.knots().tolist()),
    ):
        assert other.segments() == curve.segments() and other.knots() == curve.knots()
    assert numpy.allclose(curve.eval(curve.knots()), points, atol=1e-14)
    bounds = [*points.min(axis=0), *points.max(axis=0)]
    assert numpy.allclose(curve.bounds(), bounds, atol=1e-14)


def test_coordinates_do_not_know_of_each_other(curve: Curve) -> None:
    us = numpy.linspace(*curve.domain, 1000)
    columns = [
        Curve.from_segments(numpy.ascontiguousarray(axis)[..., None], curve.knots())
        for axis in numpy.moveaxis(numpy.asarray(curve.segments()), 2, 0)
    ]
    assert numpy.array_equal(curve.eval(us), numpy.hstack([column.eval(us) for column in columns]))
    assert numpy.array_equal(curve.derivative(us), numpy.hstack([column.derivative(us) for column in columns]))
    assert numpy.array_equal(curve.derivative(us, 2), numpy.hstack([column.derivative(us, 2) for column in columns]))
    assert numpy.array_equal(numpy.transpose(curve.eval_columns(us)), curve.eval(us))
    samples = numpy.asarray(curve.sample(1000))
    assert numpy.allclose(numpy.transpose(curve.sample_columns(1000)), samples, atol=1e-13)


def test_one_parameter_is_many_of_one(curve: Curve) -> None:
    for u in (curve.domain[0], 1, numpy.float64(2.5), -1e9, math.inf):
        assert curve.eval(u) == tuple(curve.eval([u])[0, axis] for axis in range(curve.dimensions))
        assert curve.derivative(u) == tuple(numpy.asarray(curve.derivative([u]))[0])
        assert curve.derivative(u, 2) == tuple(numpy.asarray(curve.derivative([u], order=2))[0])
        assert curve.tangent(u) == tuple(numpy.asarray(curve.tangent([u]))[0])
        assert curve.curvature(u) == curve.curvature([u])[0]
        assert curve.length_to(u) == curve.length_to([u])[0]
        assert curve.parameter_at_length(u) == curve.parameter_at_length([u])[0]
    assert all(math.isnan(x) for x in curve.eval(math.nan))


def test_numbers_may_be_read_only_and_none(curve: Curve) -> None:
    us = numpy.linspace(*curve.domain, 9)
    us.setflags(write=False)
    strided = numpy.repeat(us, 2)[::2]
    assert curve.eval(us) == curve.eval(us.tolist()) == curve.eval(iter(us)) == curve.eval(strided)
    segments = numpy.asarray(curve.segments())
    segments.setflags(write=False)
    assert Curve.from_segments(segments, curve.knots()).segments() == curve.segments()
    none = numpy.empty((0, curve.dimensions))
    assert curve.eval([], out=none) is none and len(curve.eval([])) == len(curve.tangent([])) == 0
    assert [len(column) for column in curve.eval_columns([])] == [0] * curve.dimensions


def test_derivatives_are_the_slopes_of_the_points(curve: Curve) -> None:
    us, step = numpy.linspace(*curve.domain, 40)[1:-1], 1e-5
    values = [numpy.asarray(curve.eval(us + side)) for side in (-step, 0, step)]
    assert numpy.allclose(curve.derivative(us), (values[2] - values[0]) / (2 * step), atol=1e-4)
    assert numpy.allclose(curve.derivative(us, 2), (values[2] - 2 * values[1] + values[0]) / step**2, atol=1e-2)
    floats = numpy.empty((len(us), curve.dimensions), dtype="f4")
    for order in (1, 2):
        assert curve.derivative(us, order, out=floats) is floats
        assert numpy.array_equal(floats, numpy.asarray(curve.derivative(us, order)).astype("f4"))


def test_tangents_and_curvatures_follow_from_the_derivatives(curve: Curve) -> None:
    us = numpy.linspace(*curve.domain, 100)
    first, second = numpy.asarray(curve.derivative(us)), numpy.asarray(curve.derivative(us, 2))
    speed = numpy.linalg.norm(first, axis=1)
    assert numpy.allclose(curve.tangent(us), first / speed[:, None], atol=1e-12)
    along = first / speed[:, None]
    across = second - (second * along).sum(axis=1)[:, None] * along
    assert numpy.allclose(numpy.abs(curve.curvature(us)), numpy.linalg.norm(across, axis=1) / speed**2, atol=1e-9)
    out = numpy.empty(100)
    assert curve.curvature(us, out=out) is out


def test_normals_stand_on_tangents_of_the_plane() -> None:
    curve = _curve(2)
    us = numpy.linspace(*curve.domain, 100)
    tangents, normals = numpy.asarray(curve.tangent(us)), numpy.asarray(curve.normal(us))
    assert numpy.array_equal(normals, tangents[:, ::-1] * [-1, 1])
    point = Curve.make("bezier", [(1, 2)] * 4)
    assert point.tangent(0.5) == point.normal(0.5) == (0, 0) and point.curvature(0.5) == 0


def test_lengths_are_those_of_fine_polylines(curve: Curve) -> None:
    us = numpy.linspace(*curve.domain, 200_001)
    steps = numpy.linalg.norm(numpy.diff(curve.eval(us), axis=0), axis=1)
    wanted = numpy.concatenate([[0.0], numpy.cumsum(steps)])
    found = numpy.asarray(curve.length_to(us[::1000], 1e-6))
    assert numpy.abs(found - wanted[::1000]).max() < 1e-5
    assert abs(found[-1] - curve.length()) < 2e-6
    back = numpy.asarray(curve.length_to(curve.parameter_at_length(found, 1e-6), 1e-6))
    assert numpy.abs(back - found).max() <= 2e-6
    even = numpy.asarray(curve.sample_by_length(50, 1e-6))
    at = numpy.asarray(curve.eval(curve.parameter_at_length(numpy.linspace(0, curve.length(), 50), 1e-6)))
    assert numpy.abs(even - at).max() < 1e-5
    out = numpy.zeros((50, curve.dimensions))
    assert curve.sample_by_length(50, 1e-6, out=out) is out and numpy.array_equal(out, even)


def test_parts_are_the_curve_and_go_together_again(curve: Curve) -> None:
    start, end = curve.domain
    middle = start + 0.4 * (end - start)
    left, right = curve.split(middle)
    assert (left.domain, right.domain) == ((start, middle), (middle, end))
    assert left.dimensions == curve.dimensions
    us = numpy.linspace(start, end, 101)
    for part in (left, right, curve.subcurve(start + 0.1, middle)):
        inside = us[(us > part.domain[0]) & (us < part.domain[1])]
        assert numpy.allclose(part.eval(inside), curve.eval(inside), atol=1e-12)
    assert left.concat(right).domain == curve.domain
    assert numpy.allclose(left.concat(right).eval(us), curve.eval(us), atol=1e-12)
    assert numpy.allclose(curve.reversed().eval(us), numpy.asarray(curve.eval(us))[::-1], atol=1e-12)


def test_the_nearest_place_is_as_near_as_any_of_many(curve: Curve) -> None:
    points = numpy.random.default_rng(9).uniform(-8, 8, (20, curve.dimensions))
    parameters, distances = (numpy.asarray(part) for part in curve.nearest(points))
    assert numpy.allclose(numpy.linalg.norm(curve.eval(parameters) - points, axis=1), distances, atol=1e-12)
    samples = numpy.asarray(curve.sample(20_000))
    least = numpy.linalg.norm(samples[None] - points[:, None], axis=2).min(axis=1)
    assert (distances <= least + 1e-12).all() and numpy.abs(distances - least).max() < 1e-3
    assert curve.nearest(points[0].tolist()) == curve.nearest(points[0]) == (parameters[0], distances[0])
    assert [len(part) for part in curve.nearest([])] == [0, 0]


def test_curves_meet_where_their_points_agree() -> None:
    one, other = _curve(2), Curve.make("natural", _points(2)[::-1] * [1, -1])
    meetings = numpy.asarray(one.intersections(other))
    assert meetings.shape == (len(meetings), 2) and len(meetings) > 0
    assert numpy.allclose(one.eval(meetings[:, 0].copy()), other.eval(meetings[:, 1].copy()), atol=1e-9)
    zigzags = [Curve.make("linear", [(x, (-1) ** x * side) for x in range(101)]) for side in (1, -1)]
    # More than are guessed.
    assert zigzags[0].intersections(zigzags[1]).shape == (100, 2)
    assert len(one.intersections(Curve.make("linear", [(90, 0), (99, 1)]))) == 0


def _farthest(points: numpy.ndarray, polyline: numpy.ndarray) -> float:
    """Returns the distance from a polyline of the point that is farthest from it."""
    starts, edges = polyline[:-1], numpy.diff(polyline, axis=0)
    parts = ((points[:, None] - starts) * edges).sum(axis=2) / numpy.maximum((edges**2).sum(axis=1), 1e-300)
    nearest = starts + numpy.clip(parts, 0, 1)[..., None] * edges
    return float(numpy.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1).max())


def test_polylines_keep_their_tolerance(curve: Curve) -> None:
    samples = numpy.asarray(curve.sample(3000))
    plain, fewest = (numpy.asarray(lines) for lines in (curve.flatten(0.01), curve.flatten_fewest(0.01)))
    for polyline in (plain, fewest):
        assert numpy.array_equal(polyline[[0, -1]], samples[[0, -1]])
        assert _farthest(samples, polyline) <= 0.01 + 1e-12
    assert len(fewest) < len(plain)
    assert curve.flatten_scaled(10, 0.1) == curve.flatten(0.01)


@pytest.mark.parametrize("distance", [0.5, -0.5])
def test_an_offset_runs_beside_the_curve(distance: float) -> None:
    curve = _curve(2)
    us = numpy.linspace(*curve.domain, 2000)
    beside = numpy.asarray(curve.eval(us)) + distance * numpy.asarray(curve.normal(us))
    assert _farthest(beside, numpy.asarray(curve.offset(distance, 0.01))) <= 0.01 + 1e-12
    # More points than are guessed: a straight corner, joined round.
    corner = numpy.asarray(Curve.make("linear", CORNER).offset(1000 * distance, 1e-4))
    assert len(corner) > 70 and len(Curve.make("bezier", [(1, 2)] * 2).offset(1, 0.1)) == 0


def test_path_data_reads_back_to_the_same_bits() -> None:
    curve = _curve(2)
    (again,) = Curve.from_svg(curve.to_svg())
    assert again.segments() == curve.segments()


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_fitted_curves_and_simplified_lines_pass_their_points(dimensions: int) -> None:
    t = numpy.linspace(0, 4, 400)
    points = numpy.stack([numpy.sin((axis + 1) * t) for axis in range(dimensions)], axis=1)
    fitted = Curve.fit_points(points, 0.01)
    assert fitted.dimensions == dimensions and len(fitted.segments()) < 40
    assert numpy.asarray(fitted.nearest(points)[1]).max() <= 0.01 + 1e-12
    kept = numpy.asarray(simplify(points, 0.01))
    assert (kept[0], kept[-1]) == (0, 399) and (numpy.diff(kept.astype(int)) > 0).all()
    assert _farthest(points, points[kept]) <= 0.01 + 1e-12
    assert simplify(points.reshape(-1).tolist(), 0.01, dimensions=dimensions) == simplify(points, 0.01)
    assert len(simplify([], 1)) == 0


def test_the_alignment_divides_what_a_box_leaves_free() -> None:
    square = Curve.make("linear", [(0, 0), (1, 0), (1, 1)])
    placed = [square.transform(square.fit_to_box((0, 0, 20, 10), align=(x, 0.5))).bounds() for x in (0, 0.25, 1)]
    assert placed == [(0, 0, 10, 10), (2.5, 0, 12.5, 10), (10, 0, 20, 10)]
    assert square.fit_to_box((0, 0, 20, 10), "cover", (0.5, 0)) == (20, 0, 0, 20, 0, 0)


def test_a_batch_goes_to_floats_too(curve: Curve) -> None:
    floats = numpy.empty((2, 33, curve.dimensions), dtype="f4")
    assert sample_batch([curve, curve.reversed()], 33, out=floats) is floats
    alone = numpy.empty((33, curve.dimensions), dtype="f4")
    curve.sample(33, out=alone)
    assert numpy.array_equal(floats[0], alone)
    assert numpy.asarray(sample_batch([curve] * 3, 5)).shape == (3, 5, curve.dimensions)


def test_what_only_the_plane_has_is_refused_elsewhere() -> None:
    plane, space = _curve(2), _curve(3)
    calls: list[Any] = [
        lambda: space.normal(0.5),
        lambda: space.normal([0.5]),
        lambda: space.intersections(space),
        lambda: plane.intersections(space),
        lambda: space.offset(1, 0.1),
        space.to_svg,
        lambda: space.fit_to_box((0, 0, 1, 1)),
        lambda: space.transform((1, 0, 0, 1, 0, 0)),
    ]
    for call in calls:
        with pytest.raises(CurveError, match="has 3 dimensions: only a curve of the plane"):
            call()
    with pytest.raises(CurveError, match="b has 3 dimensions and a 2 dimensions"):
        plane.concat(space)
    with pytest.raises(CurveError, match="curve 1 has 3 dimensions and curve 0 2 dimensions"):
        sample_batch([plane, space], 3)


def test_what_is_no_number_is_named_with_what_it_is_for() -> None:
    curve = Curve.make("linear", CORNER)
    calls: list[tuple[str, Any]] = [
        ("tolerance", curve.length),
        ("tolerance", lambda wrong: curve.length_to(0.5, wrong)),
        ("tolerance", lambda wrong: curve.parameter_at_length([0.5], wrong)),
        ("tolerance", lambda wrong: curve.sample_by_length(2, wrong)),
        ("tolerance", curve.flatten),
        ("tolerance", curve.flatten_fewest),
        ("tolerance", lambda wrong: curve.intersections(curve, wrong)),
        ("tolerance", lambda wrong: curve.offset(1, wrong)),
        ("tolerance", lambda wrong: simplify(CORNER, wrong)),
        ("tolerance", lambda wrong: Curve.fit_points(CORNER, wrong)),
        ("distance", lambda wrong: curve.offset(wrong, 1)),
        ("scale", lambda wrong: curve.flatten_scaled(wrong, 1)),
        ("pixel_tolerance", lambda wrong: curve.flatten_scaled(1, wrong)),
        ("parameter", curve.split),
        ("end", lambda wrong: curve.subcurve(0, wrong)),
    ]
    for what, call in calls:
        for wrong in (None, "1", [1.0], 10**400):
            with pytest.raises(InvalidError, match=f"{what} is .*: give a number"):
                call(wrong)


def test_wrong_numbers_are_named() -> None:
    curve = _curve(2)
    calls: list[tuple[Any, str]] = [
        (lambda: curve.split(-1), "parameter is -1"),
        (lambda: curve.subcurve(2, 1), "2.0 to 1.0 are no stretch"),
        (lambda: curve.nearest([(0, 0), (math.nan, 0)]), "coordinate 0 of point 1 is NaN"),
        (lambda: curve.intersections(curve, 0), "tolerance is 0"),
        (lambda: curve.length_to(1, -1), "tolerance is -1"),
        (lambda: curve.parameter_at_length([1], math.nan), "tolerance is NaN"),
        (lambda: curve.sample_by_length(3, 0), "tolerance is 0"),
        (lambda: curve.flatten_fewest(0), "tolerance is 0"),
        (lambda: curve.flatten_scaled(math.inf, 1), "scale is inf"),
        (lambda: curve.offset(math.nan, 1), "offset distance is NaN"),
        (lambda: curve.fit_to_box((0, 0, 1, 1), align=(0, 1.5)), "alignment along y is 1.5"),
        (lambda: simplify([(0, 0), (1, 1)], 0), "tolerance is 0"),
        (lambda: simplify([(0, math.inf)], 1), "coordinate 1 of point 0 is inf"),
        (lambda: Curve.fit_points([(0, 0)], 1), "at least 2 points, not 1"),
        (lambda: Curve.from_segments([ARCH], [1, 1]), "knot 1 is 1.0"),
    ]
    for call, message in calls:
        with pytest.raises(CurveError, match=message):
            call()


def test_splines_agree_with_scipy() -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    for dimensions in (1, 2, 3, 4):
        points, knots = _points(dimensions), [0.0, 1.0, 1.5, 3.0, 4.0, 6.5, 7.0]
        us = numpy.linspace(0, 7, 500)
        for family, name in (("natural", "natural"), ("not_a_knot", "not-a-knot")):
            curve: Curve = Curve.make(family, points, knots=knots)  # type: ignore[arg-type]
            other = interpolate.CubicSpline(knots, points, bc_type=name)
            for order in range(3):
                found = curve.eval(us) if order == 0 else curve.derivative(us, order)
                assert numpy.allclose(found, other(us, order), atol=1e-9)


@pytest.mark.parametrize("kind", ["f4", "f2", "i8", "i4", "u1", "?", ">f8", "<f8", ">i2"])
def test_buffers_of_any_numbers_are_points_and_parameters(kind: str) -> None:
    points = numpy.array([[0, 0], [1, 0], [1, 1]], dtype=kind)
    curve = Curve.make("linear", points)
    assert curve.bounds() == (0.0, 0.0, 1.0, 1.0)
    assert Curve.make("linear", points[::-1]).eval(0.0) == (1.0, 1.0)
    assert curve.eval(numpy.array([0, 1], dtype=kind)).tolist() == [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("kind", ["c16", "M8[s]", "S3"])
def test_buffers_of_what_are_no_numbers_are_refused(kind: str) -> None:
    with pytest.raises((InvalidError, ValueError)):
        Curve.make("linear", numpy.zeros((2, 2), dtype=kind))


@pytest.mark.parametrize(
    "draw",
    [
        lambda curve, **out: curve.flatten(0.01, **out),
        lambda curve, **out: curve.flatten_fewest(0.01, **out),
        lambda curve, **out: curve.flatten_scaled(2, 0.02, **out),
        lambda curve, **out: curve.offset(0.5, 0.01, **out),
    ],
)
def test_a_polyline_fills_the_first_part_of_out(draw: Any) -> None:
    curve = Curve.make("bezier", [(0, 0), (0, 4), (4, 4), (4, 0)])
    alone = draw(curve)
    out = numpy.full((500, 2), 7.0)
    part = draw(curve, out=out)
    assert part.shape == alone.shape and part.tolist() == alone.tolist() == out[: len(alone)].tolist()
    assert (out[len(alone) :] == 7.0).all()
    with pytest.raises(InvalidError, match="room for 2 points: give it room for"):
        draw(curve, out=numpy.zeros((2, 2)))
    for wrong in [numpy.zeros(500, "f4"), bytes(8000), numpy.zeros((500, 4))[:, :2]]:
        with pytest.raises(InvalidError, match="give a writable contiguous buffer of doubles"):
            draw(curve, out=wrong)
    assert curve.flatten_count(0.01) == len(curve.flatten(0.01))
