"""Segments and knots of each family from its definition, in fractions where there are no roots in it."""
from fractions import Fraction as F

import mpmath
from arithmetic import blossom, distance, double, elevate, exact, hermite, line, mix, power, precise, solve
from mpmath import mpf


def knots_of(points, knots, closed=False):
    count = len(points) + closed
    if knots == "uniform":
        return [F(i) for i in range(count)]
    if isinstance(knots, list):
        return exact(knots)
    alpha = {"centripetal": F(1, 2), "chordal": F(1)}[knots]
    at = [mpf(0)]
    for i in range(count - 1):
        at.append(at[-1] + power(distance(points[i], points[(i + 1) % len(points)]), alpha))
    return at


def spline(points, knots, kind, start=None, end=None):
    """All coefficients of all segments, a + b s + c s² + d s³ with s from the segment's knot, from one system."""
    closed = kind == "periodic"
    # Knots by distance are rounded first: what goes through the points is the spline on the knots that the curve has.
    at = exact(double(knots_of(points, knots, closed)))
    points = points + points[:1] if closed else points
    count, width = len(points) - 1, len(points[0])
    spans = [b - a for a, b in zip(at, at[1:])]
    if count == 1 and kind in ("natural", "not_a_knot"):
        return [line(*points)], at
    one, zero = F(1), F(0)
    rows, sides = [], []

    def value(i, s):
        return {4 * i: one, 4 * i + 1: s, 4 * i + 2: s * s, 4 * i + 3: s**3}

    def slope(i, s):
        return {4 * i + 1: one, 4 * i + 2: 2 * s, 4 * i + 3: 3 * s * s}

    def bend(i, s):
        return {4 * i + 2: 2 * one, 4 * i + 3: 6 * s}

    def third(i, _):
        return {4 * i + 3: one}

    def demand(terms, side, minus=()):
        row = [zero] * (4 * count)
        for k, x in terms.items():
            row[k] += x
        for k, x in dict(minus).items():
            row[k] -= x
        rows.append(row)
        sides.append(side)

    nothing = [zero] * width
    for i in range(count):
        demand(value(i, zero), points[i])
        demand(value(i, spans[i]), points[i + 1])
    for i in range(count - 1 + closed):
        for derivative in (slope, bend):
            demand(derivative(i, spans[i]), nothing, derivative((i + 1) % count, zero))
    if kind == "natural":
        demand(bend(0, zero), nothing)
        demand(bend(count - 1, spans[-1]), nothing)
    elif kind == "clamped":
        demand(slope(0, zero), exact(start))
        demand(slope(count - 1, spans[-1]), exact(end))
    elif kind == "not_a_knot":
        demand(third(0, zero), nothing, third(1, zero))
        # Three points have one inner knot alone: the parabola.
        demand(third(count - 1, zero), nothing, third(count - 2, zero) if count > 2 else ())
    found = solve(rows, sides)
    segments = []
    for i, span in enumerate(spans):
        a, b, c, d = found[4 * i:4 * i + 4]
        end = [p + q * span + r * span**2 + s * span**3 for p, q, r, s in zip(a, b, c, d)]
        at_end = [q + 2 * r * span + 3 * s * span**2 for q, r, s in zip(b, c, d)]
        assert end == points[i + 1]
        segments.append(hermite(points[i], points[i + 1], b, at_end, span))
    return segments, at


def joined(points, ends, tangent):
    """Segments from tangents at the inner points, each by a parameter of its own side: [before it, after it]."""
    count = len(points)
    around = ends == "closed"

    def arms(i):
        if not around and i in (0, count - 1):
            return [points[i], points[i]]
        return tangent(points[i - 1], points[i], points[(i + 1) % count])

    reach = range(count) if around else range(count - 1)
    segments = [[points[i], arms(i)[1], arms((i + 1) % count)[0], points[(i + 1) % count]] for i in reach]
    return segments[1:-1] if ends == "open" else segments


def catmull_rom(points, alpha, ends):
    alpha = F(alpha)
    points = points if alpha == 0 else precise(points)

    def span(a, b):
        return F(1) if alpha == 0 else power(distance(a, b), alpha)

    def tangent(a, b, c):
        # The derivative of the parabola through the three, at the middle one (Newton's divided differences).
        h, k = span(a, b), span(b, c)
        rise, fall = ([(y - x) / s for x, y in zip(p, q)] for p, q, s in ((a, b, h), (b, c, k)))
        slope = [r + (f - r) / (h + k) * h for r, f in zip(rise, fall)]
        return [[p - d * h / 3 for p, d in zip(b, slope)], [p + d * k / 3 for p, d in zip(b, slope)]]

    segments = joined(points, ends, tangent)
    if ends == "open":
        for segment, four in zip(segments, zip(points, points[1:], points[2:], points[3:])):
            hold_pyramid(segment, four, span)
    return segments


def hold_pyramid(segment, points, span):
    """Barry and Goldman's recursive definition, halfway between the two inner knots."""
    t0 = F(0)
    t1 = t0 + span(points[0], points[1])
    t2 = t1 + span(points[1], points[2])
    t3 = t2 + span(points[2], points[3])
    u = (t1 + t2) / 2

    def between(a, b, low, high):
        return mix(a, b, (u - low) / (high - low))

    a = [between(*points[i:i + 2], low, high) for i, (low, high) in enumerate(((t0, t1), (t1, t2), (t2, t3)))]
    b = [between(a[0], a[1], t0, t2), between(a[1], a[2], t1, t3)]
    wanted = between(*b, t1, t2)
    point = blossom(segment, F(1, 2), F(1, 2), F(1, 2))
    assert all(abs(double(x - y)) <= 1e-40 * (1 + abs(double(x))) for x, y in zip(point, wanted)), (point, wanted)


def cardinal(points, tension, ends):
    share = (1 - F(tension)) / 6

    def tangent(a, b, c):
        way = [(z - x) * share for x, z in zip(a, c)]
        return [[p - w for p, w in zip(b, way)], [p + w for p, w in zip(b, way)]]

    return joined(points, ends, tangent)


def basis(points, ends):
    """A uniform cubic B-spline: over [3, 4] with the knots 1 to 6, its blossom at the Bezier arguments."""
    def bezier(four):
        def polar(*us):
            level = list(four)
            for k, u in enumerate(us):
                # de Boor's recursion with another argument at each step.
                low = [F(k + 1 + i) for i in range(len(level) - 1)]
                level = [mix(a, b, (u - l) / (3 - k)) for a, b, l in zip(level, level[1:], low)]
            return level[0]
        return [polar(F(3), F(3), F(3)), polar(F(3), F(3), F(4)), polar(F(3), F(4), F(4)), polar(F(4), F(4), F(4))]

    count = len(points)
    if ends == "open":
        return [bezier(points[i:i + 4]) for i in range(count - 3)]
    if ends == "closed":
        return [bezier([points[(i + k) % count] for k in range(4)]) for i in range(count)]
    padded = points[:1] + points + points[-1:]
    guided = [bezier(padded[i:i + 4]) for i in range(len(padded) - 3)]
    return [line(points[0], guided[0][0]), *guided, line(guided[-1][3], points[-1])]


def bundle(points, beta):
    beta, n = F(beta), len(points) - 1
    straightened = [mix(mix(points[0], points[-1], F(i, n)), point, beta) for i, point in enumerate(points)]
    return basis(straightened, "d3")


def sign(x):
    return (x > 0) - (x < 0)


def steffen(h, s):
    def inner(i):
        parabola = (s[i - 1] * h[i] + s[i] * h[i - 1]) / (h[i - 1] + h[i])
        return (sign(s[i - 1]) + sign(s[i])) * min(abs(s[i - 1]), abs(s[i]), abs(parabola) / 2)
    m = [inner(i) for i in range(1, len(s))]
    return [(3 * s[0] - m[0]) / 2, *m, (3 * s[-1] - m[-1]) / 2]


def pchip(h, s):
    def inner(i):
        if sign(s[i - 1]) * sign(s[i]) <= 0:
            return F(0)
        v, w = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
        return (v + w) / (v / s[i - 1] + w / s[i])

    def end(h0, s0, h1, s1):
        slope = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1)
        if sign(slope) != sign(s0):
            return F(0)
        return 3 * s0 if sign(s0) != sign(s1) and abs(slope) > 3 * abs(s0) else slope
    m = [inner(i) for i in range(1, len(s))]
    return [end(h[0], s[0], h[1], s[1]), *m, end(h[-1], s[-1], h[-2], s[-2])]


def fritsch_carlson(_, s):
    s = precise(s)
    m = [(a + b) / 2 if sign(a) == sign(b) else mpf(0) for a, b in zip(s, s[1:])]
    m = [s[0], *m, s[-1]]
    for i, slope in enumerate(s):
        if slope == 0:
            m[i] = m[i + 1] = mpf(0)
            continue
        a, b = m[i] / slope, m[i + 1] / slope
        radius = mpmath.sqrt(a * a + b * b)
        if radius > 3:
            m[i], m[i + 1] = 3 * a / radius * slope, 3 * b / radius * slope
    return m


def akima(modified):
    def slopes(_, s):
        s = [3 * s[0] - 2 * s[1], 2 * s[0] - s[1], *s, 2 * s[-1] - s[-2], 3 * s[-1] - 2 * s[-2]]

        def weight(i):
            return abs(s[i + 1] - s[i]) + (abs(s[i + 1] + s[i]) / 2 if modified else 0)
        pairs = [(weight(i + 2), weight(i)) for i in range(len(s) - 3)]
        largest = max(map(sum, pairs))
        return [(s[i] + s[i + 3]) / 2 if v + w <= largest * F(1, 10**9) else (v * s[i + 1] + w * s[i + 2]) / (v + w)
                for i, (v, w) in enumerate(pairs)]
    return slopes


GRAPHS = {"monotone_x": steffen, "monotone_y": steffen, "pchip": pchip, "fritsch_carlson": fritsch_carlson,
          "akima": akima(False), "makima": akima(True)}


def graph(family, points):
    axis = 1 if family == "monotone_y" else 0
    other = 1 - axis
    at = [p[axis] for p in points]
    h = [b - a for a, b in zip(at, at[1:])]
    s = [(q[other] - p[other]) / span for p, q, span in zip(points, points[1:], h)]
    if len(points) == 2:
        return [line(*points)], at
    m = GRAPHS[family](h, s)
    if family == "fritsch_carlson":
        points, h = precise(points), precise(h)
    segments = []
    for i, span in enumerate(h):
        derivatives = [[None, None], [None, None]]
        for derivative, slope in zip(derivatives, m[i:i + 2]):
            derivative[axis], derivative[other] = F(1), slope
        segments.append(hermite(points[i], points[i + 1], *derivatives, span))
    return segments, at


def make(family, points, params):
    """The segments of a family and its knots."""
    points = exact(points)
    ends = params.get("ends", "d3")
    indexed = {
        "bezier": lambda: [elevate(points)],
        "linear": lambda: [line(a, b) for a, b in zip(points, points[1:])],
        "bump_x": lambda: [[a, [(a[0] + b[0]) / 2, a[1]], [(a[0] + b[0]) / 2, b[1]], b] for a, b in zip(points, points[1:])],
        "catmull_rom": lambda: catmull_rom(points, params["alpha"], ends),
        "cardinal": lambda: cardinal(points, params["tension"], ends),
        "basis": lambda: basis(points, ends),
        "bundle": lambda: bundle(points, params["beta"]),
    }
    if family in indexed:
        segments = indexed[family]()
        return segments, [F(i) for i in range(len(segments) + 1)]
    if family in GRAPHS:
        return graph(family, points)
    if family == "hermite":
        at = knots_of(points, params["knots"])
        derivatives = exact(params["derivatives"])
        return [hermite(*points[i:i + 2], *derivatives[i:i + 2], at[i + 1] - at[i]) for i in range(len(at) - 1)], at
    return spline(points, params["knots"], family, params.get("start"), params.get("end"))
