#!/usr/bin/env python3
"""Makes exact.json: what curves are if nothing rounds, as the nearest doubles.

    python make.py [FILE]           needs mpmath, and SciPy for its own rows

Input is doubles, taken as the fractions that they are. What roots and powers are not part of is solved in fractions; the
rest with 60 digits. Each family is made from its definition and not by the formulas of the library: a spline from the system
of all its coefficients, a B-spline from its blossom, Catmull-Rom from the parabolas through three points (and held against
the pyramid of Barry and Goldman, 1988).
"""
import json
import pathlib
import random
import sys
from fractions import Fraction as F

import mpmath
import scipy
from arithmetic import blossom, chain, double, exact, mix, piece, precise, unchain
from families import GRAPHS, make
from mpmath import mpf
from scipy.interpolate import CubicHermiteSpline

rng = random.Random(20)


def coordinate(scale=1.0):
    return rng.uniform(-scale, scale)


def scattered(count, scales=(1.0, 1.0), origin=0.0):
    return [[origin + coordinate(scale) for scale in scales] for _ in range(count)]


def quarters(count):
    points = []
    while len(points) < count:
        point = [rng.randint(-40, 40) / 4 for _ in range(2)]
        if point not in points[-1:] + points[:1]:
            points.append(point)
    return points


def ascending(count, spread):
    """Numbers that ascend, the steps of which differ by up to `spread`."""
    at, steps = [coordinate()], []
    for _ in range(count - 1):
        at.append(at[-1] + spread ** rng.random())
    return at


def rising(count, spread=10.0, scale=1.0):
    """Points for graphs: x ascends, y wanders, and stands still for a step."""
    xs, ys = ascending(count, spread), [coordinate(scale) for _ in range(count)]
    if count > 5:
        ys[3] = ys[2]
    return [[x, y] for x, y in zip(xs, ys)]


def clouds():
    return [quarters(5), scattered(8), scattered(5, (2.0**40, 2.0**-40)), scattered(4, origin=2.0**20)]


def conversions():
    def row(family, points, **params):
        segments, at = make(family, points, params)
        return {"family": family, "params": params, "points": points, "control": double(chain(segments)),
                "knots": double(at)}

    for degree in (1, 2, 3):
        for points in (quarters(degree + 1), scattered(degree + 1), scattered(degree + 1, (1e-9, 1e12)), scattered(degree + 1, origin=1e6)):
            yield row("bezier", points, degree=degree)
    for points in clouds():
        yield row("linear", points)
        yield row("bump_x", points)
        for ends in ("d3", "open", "closed"):
            yield row("basis", points, ends=ends)
        for beta in (0.0, 0.85, 1.0):
            yield row("bundle", points, beta=beta)
    for ends in ("d3", "open", "closed"):
        for alpha in (0.0, 0.25, 0.5, 1.0):
            for points in clouds()[:3]:
                yield row("catmull_rom", points, alpha=alpha, ends=ends)
        # Neighbours that lie a thousand times as far from each other as others.
        yield row("catmull_rom", [[coordinate(10.0 ** (3 * (i % 3 == 0))) for _ in range(2)] for i in range(7)], alpha=0.5, ends=ends)
        for tension in (0.0, 0.3):
            for points in clouds()[:3]:
                yield row("cardinal", points, tension=tension, ends=ends)
    for count in (3, 4, 6, 12):
        for family in ("natural", "clamped", "not_a_knot", "periodic"):
            for knots in ("uniform", "given", "centripetal", "chordal"):
                if count == 12 and knots == "chordal":
                    continue
                points = scattered(count)
                at = ascending(count + (family == "periodic"), 10.0) if knots == "given" else knots
                ends = {"start": [coordinate(3.0), coordinate(3.0)], "end": [coordinate(3.0), 0.0]} if family == "clamped" else {}
                yield row(family, points, knots=at, **ends)
    for family in ("natural", "clamped", "not_a_knot", "periodic"):
        # Spans that differ by a thousand; coordinates of other sizes; far from the origin.
        ends = {"start": [1.0, 0.5], "end": [0.0, 0.0]} if family == "clamped" else {}
        yield row(family, scattered(7), knots=ascending(7 + (family == "periodic"), 1e3), **ends)
        yield row(family, scattered(5, (2.0**40, 2.0**-40)), knots="uniform", **ends)
        yield row(family, scattered(5, origin=2.0**20), knots="uniform", **ends)
    # Long spans beside short ones at both ends.
    for at in ([0.0, 1e4, 1e4 + 1.5, 1e4 + 2.0], [0.0, 1e3, 1e3 + 1.0, 1e3 + 4.0, 3e3], [0.0, 384.0, 403.0, 405.5, 1123.5, 1125.125, 1460.5]):
        yield row("not_a_knot", scattered(len(at)), knots=at)
    yield row("natural", scattered(2), knots="uniform")
    yield row("not_a_knot", scattered(2), knots=[0.5, 2.25])
    yield row("clamped", scattered(2), knots=[0.5, 2.25], start=[1.0, 2.0], end=[0.1, -3.0])
    for count, knots in ((2, "uniform"), (5, "uniform"), (7, ascending(7, 100.0)), (6, ascending(6, 1.0))):
        yield row("hermite", scattered(count), knots=knots, derivatives=scattered(count, (3.0, 3.0)))
    for family in GRAPHS:
        for points in (rising(2), rising(3), rising(4, 2.0), rising(7), rising(12, 1e3), rising(6, 10.0, 2.0**40),
                       [[x, 2.0**20 + y] for x, y in rising(6)]):
            points = [[y, x] for x, y in points] if family == "monotone_y" else points
            yield row(family, points)
    space = (1.0, 1.0, 8.0)
    yield row("catmull_rom", scattered(6, space), alpha=0.5, ends="d3")
    yield row("natural", scattered(6, space), knots="chordal")
    yield row("basis", scattered(5, space), ends="closed")
    yield row("hermite", scattered(4, space), knots="uniform", derivatives=scattered(4, space))


def curves():
    """Control points and knots for what is done with a curve: a segment alone, several, large, small, far off, degenerate."""
    yield scattered(4), [0.0, 1.0]
    yield scattered(4), [-0.3, 4.7]
    yield quarters(7), [0.0, 1.0, 2.0]
    yield scattered(13), ascending(5, 10.0)
    yield scattered(10), ascending(4, 1e3)
    yield scattered(4, (2.0**40, 2.0**-40)), [1e6, 1e6 + 1.0 / 3.0]
    yield scattered(4, origin=2.0**20), [0.0, 1.0]
    yield [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
    yield [[0.0, 0.0], [0.0, 0.1], [0.0, 0.7], [0.0, -0.3]], [0.0, 3.0]
    yield [[1.5, 2.5]] * 4, [0.0, 1.0]
    yield scattered(7, (1.0, 1e-3)), [0.0, 1e-3, 1e3]


def located(control, at, u):
    """The segment that answers for u, its span, and where u is in it."""
    u, at = F(u), exact(at)
    i = max(k for k in range(len(at) - 1) if k == 0 or at[k] <= u)
    span = at[i + 1] - at[i]
    return i, exact(unchain(control)[i]), span, (u - at[i]) / span


def parameters(at, inside):
    for a, b in zip(at, at[1:]):
        yield from [a, (a + b) / 2, a + (b - a) * 2.0**-30, b - (b - a) * 2.0**-20]
        yield from [rng.uniform(a, b) for _ in range(inside)]
    yield at[-1]


def evaluations():
    for control, at in curves():
        rows = []
        for u in parameters(at, 4):
            _, segment, span, t = located(control, at, u)
            sides = [[y - x for x, y in zip(a, b)] for a, b in zip(segment, segment[1:])]
            bends = [[y - x for x, y in zip(a, b)] for a, b in zip(sides, sides[1:])]
            first = [3 * x / span for x in mix(mix(sides[0], sides[1], t), mix(sides[1], sides[2], t), t)]
            second = [6 * x / span / span for x in mix(*bends, t)]
            rows.append([u, *double(blossom(segment, t, t, t)), *double(first), *double(second)])
        count = 17
        first, last = exact(at[0]), exact(at[-1])
        evenly = []
        for j in range(count):
            _, segment, _, t = located(control, at, first + (last - first) * F(j, count - 1))
            evenly.append(double(blossom(segment, t, t, t)))
        yield {"control": control, "knots": at, "at": rows, "evenly": evenly}


def bernstein(degrees):
    """Bezier curves of any degree: points and derivatives by de Casteljau's algorithm in fractions, and their bounds."""
    def casteljau(points, t):
        while len(points) > 1:
            points = [mix(a, b, t) for a, b in zip(points, points[1:])]
        return points[0]

    def sides(points):
        return [[(len(points) - 1) * (y - x) for x, y in zip(a, b)] for a, b in zip(points, points[1:])]

    def stationary(values):
        """Where the polynomial with these Bernstein coefficients may have an extremum, from powers of the parameter."""
        powers, differences, binomial = [], values, F(1)
        for k in range(len(values)):
            powers.append(binomial * differences[0])
            differences = [y - x for x, y in zip(differences, differences[1:])]
            binomial = binomial * (len(values) - 1 - k) / (k + 1)
        roots = mpmath.polyroots(precise(powers[::-1]), maxsteps=500, extraprec=400)
        return [mpmath.re(root) for root in roots if abs(mpmath.im(root)) < mpf(10) ** -40]

    for degree in degrees:
        points = scattered(degree + 1, (1.0, 2.0**30))
        fractions = exact(points)
        first = sides(fractions)
        rows = [[t, *(x for control in (fractions, first, sides(first)) for x in double(casteljau(control, F(t))))]
                for t in parameters([0.0, 1.0], 4)]
        turns = [t for axis in range(2) for t in stationary([side[axis] for side in first]) if 0 < t < 1]
        values = list(zip(*(casteljau(precise(fractions), t) for t in [mpf(0), mpf(1), *turns])))
        box = [[double(extreme(axis)) for axis in values] for extreme in (min, max)]
        yield {"points": points, "at": rows, "box": box}


def part(control, at, start, end):
    """The control points from one parameter to another."""
    start, end, fractions = F(start), F(end), exact(at)
    found = []
    for i, segment in enumerate(exact(unchain(control))):
        a, b = max(start, fractions[i]), min(end, fractions[i + 1])
        if a < b:
            span = fractions[i + 1] - fractions[i]
            found.append(piece(segment, (a - fractions[i]) / span, (b - fractions[i]) / span))
    return double(chain(found))


def parts():
    for control, at in curves():
        first, last = at[0], at[-1]
        cuts = sorted(rng.uniform(first, last) for _ in range(2))
        stretches = [(first, cuts[0]), (cuts[0], last), (cuts[0], cuts[1]), (cuts[0], cuts[0] + (last - cuts[0]) * 1e-6)]
        if len(at) > 2:
            stretches += [(at[1], cuts[1]) if at[1] < cuts[1] else (cuts[0], at[1])]
        rows = [{"from": a, "to": b, "control": part(control, at, a, b)} for a, b in stretches if a < b]
        yield {"control": control, "knots": at, "parts": rows}


def extrema(segment, axis):
    """Where a coordinate of a segment turns."""
    p0, p1, p2, p3 = ([point[axis] for point in segment])
    a, b, c = p1 - p0, p2 - p1, p3 - p2
    square, half, constant = a - 2 * b + c, b - a, a
    if square == 0:
        return [precise(-constant / (2 * half))] if half != 0 else []
    inside = half * half - square * constant
    if inside < 0:
        return []
    root = mpmath.sqrt(precise(inside))
    return [(precise(-half) + s * root) / precise(square) for s in (1, -1)]


def bounds():
    more = [
        ([[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]], [0.0, 1.0]),
        # A root that barely is one, and one that all but meets the other.
        ([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0 + 2.0**-40], [1.0, 0.0]], [0.0, 1.0]),
        ([[0.0, 0.0], [1.0 / 3.0, 1.0], [2.0 / 3.0, 1e-9], [1.0, 1.0]], [0.0, 1.0]),
        ([[0.0, 0.0], [2.0, 6.0], [4.0, 6.0], [6.0, 0.0]], [0.0, 1.0]),
    ]
    for control, at in [*curves(), *more, *((scattered(4), [0.0, 1.0]) for _ in range(30))]:
        box = []
        for axis in range(2):
            values = []
            for segment in exact(unchain(control)):
                values += [precise(segment[0][axis]), precise(segment[3][axis])]
                for t in extrema(segment, axis):
                    if 0 < t < 1:
                        values.append(blossom(precise(segment), t, t, t)[axis])
            box.append([double(min(values)), double(max(values))])
        yield {"control": control, "box": [[low for low, _ in box], [high for _, high in box]]}


def segment_length(segment):
    """By mpmath's tanh-sinh rule, between the places where the speed all but vanishes: those may be as sharp as they like."""
    segment = precise(exact(segment))
    sides = [[y - x for x, y in zip(a, b)] for a, b in zip(segment, segment[1:])]
    c = [sides[0], [2 * (y - x) for x, y in zip(sides[0], sides[1])],
         [x - 2 * y + z for x, y, z in zip(*sides)]]
    square = [mpf(0)] * 5
    for i, a in enumerate(c):
        for k, b in enumerate(c):
            square[i + k] += sum(x * y for x, y in zip(a, b))
    largest = max(map(abs, square))
    if largest == 0:
        return mpf(0)
    while abs(square[-1]) < largest * mpf(10) ** -50:
        square.pop()
    roots = mpmath.polyroots(square[::-1], maxsteps=500, extraprec=400) if len(square) > 1 else []
    cuts = sorted({mpf(0), mpf(1), *(mpmath.re(r) for r in roots if 0 < mpmath.re(r) < 1)})

    def speed(t):
        return 3 * mpmath.sqrt(sum(mpmath.polyval([c[2][k], c[1][k], c[0][k]], t) ** 2 for k in range(2)))

    once, twice = (mpmath.quad(speed, cuts, maxdegree=degree) for degree in (10, 12))
    assert abs(once - twice) <= abs(twice) * mpf(10) ** -32, (segment, once, twice)
    return twice


def lengths():
    sharp = [
        [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
        [[0.0, 0.0], [1.0, 1.0], [2.0**-20, 1.0], [1.0, 0.0]],
        [[0.0, 0.0], [1.0, 1.0], [-0.125, 1.0], [1.0, 0.0]],
        [[0.0, 0.0], [4.0, 0.0], [-3.0, 0.0], [1.0, 0.0]],
        [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]],
        [[0.0, 0.0], [0.5, 0.0], [1.0, 0.5], [1.0, 1.0]],
        [[2.5, 1.0]] * 4,
        [[0.0, 0.0], [0.0, 0.5522847498307936], [0.4477152501692064, 1.0], [1.0, 1.0]],
    ]
    for control in [*sharp, *(control for control, _ in curves()), *(scattered(4) for _ in range(10))]:
        length = sum(map(segment_length, unchain(control)))
        yield {"control": control, "digits": mpmath.nstr(length, 30), "length": double(length)}


def scipy_hermite():
    """What SciPy's CubicHermiteSpline gives, rounding of its own included; held to the exact values here."""
    for count in (2, 4, 7):
        at, points, derivatives = ascending(count, 10.0), scattered(count), scattered(count, (3.0, 3.0))
        curve = CubicHermiteSpline(at, points, derivatives)
        us = [u for u in parameters(at, 3)]
        segments, fractions = make("hermite", points, {"knots": at, "derivatives": derivatives})
        control = chain(segments)
        for u in us:
            i = max(k for k in range(count - 1) if k == 0 or at[k] <= u)
            t = (F(u) - fractions[i]) / (fractions[i + 1] - fractions[i])
            point = blossom(segments[i], t, t, t)
            assert all(abs(x - float(y)) < 1e-13 for x, y in zip(curve(u).tolist(), point)), (u, control)
        rows = [[u, *curve(u).tolist(), *curve(u, 1).tolist()] for u in us]
        yield {"points": points, "params": {"knots": at, "derivatives": derivatives}, "at": rows}


def write(file):
    data = {
        "made_by": {"python": sys.version.split()[0], "mpmath": mpmath.__version__, "scipy": scipy.__version__},
        "conversions": list(conversions()),
        "evaluations": list(evaluations()),
        "bernstein": list(bernstein((4, 5, 8, 16))),
        "parts": list(parts()),
        "bounds": list(bounds()),
        "lengths": list(lengths()),
        "scipy_hermite": list(scipy_hermite()),
    }
    # Last, as all take their numbers from one source.
    data["bernstein"] += bernstein((7, 20))
    sections = []
    for name, rows in data.items():
        if isinstance(rows, dict):
            sections.append(f"{json.dumps(name)}: {json.dumps(rows)}")
        else:
            body = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
            sections.append(f"{json.dumps(name)}: [\n{body}\n]")
    file.write_text("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "exact.json")
