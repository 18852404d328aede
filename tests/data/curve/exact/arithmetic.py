"""Fractions, numbers of 60 digits, and segments in them: four control points each."""
from fractions import Fraction as F

import mpmath
from mpmath import mp, mpf

mp.dps = 60


def exact(value):
    """The fraction of a double, or of a list of them."""
    return [exact(v) for v in value] if isinstance(value, (list, tuple)) else F(value)


def precise(value):
    """The same as an mpf."""
    if isinstance(value, (list, tuple)):
        return [precise(v) for v in value]
    return mpf(value.numerator) / value.denominator if isinstance(value, F) else mpf(value)


def double(value):
    """The nearest double, also of what is in lists."""
    if isinstance(value, (list, tuple)):
        return [double(v) for v in value]
    if isinstance(value, mpf):
        # Not float(), which truncates.
        sign, man, exponent, _ = value._mpf_
        value = F(int(man) * (-1) ** sign) * F(2) ** exponent
    return float(value)


def power(x, alpha):
    return precise(x) ** precise(alpha)


def distance(a, b):
    return mpmath.sqrt(precise(sum((y - x) ** 2 for x, y in zip(a, b))))


def mix(a, b, t):
    return [(1 - t) * x + t * y for x, y in zip(a, b)]


def solve(rows, sides):
    """Gauss's elimination; in fractions it is exact. `sides` has a list for each row."""
    count = len(rows)
    rows = [list(row) + list(side) for row, side in zip(rows, sides)]
    for i in range(count):
        pivot = max(range(i, count), key=lambda k: abs(rows[k][i]))
        assert rows[pivot][i] != 0, "singular"
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(count):
            if k != i and rows[k][i] != 0:
                factor = rows[k][i]
                rows[k] = [x - factor * y for x, y in zip(rows[k], rows[i])]
    return [row[count:] for row in rows]


def blossom(segment, r, s, t):
    for at in (r, s, t):
        segment = [mix(a, b, at) for a, b in zip(segment, segment[1:])]
    return segment[0]


def piece(segment, a, b):
    return [blossom(segment, a, a, a), blossom(segment, a, a, b), blossom(segment, a, b, b), blossom(segment, b, b, b)]


def hermite(a, b, at_a, at_b, span):
    return [a, [p + d * span / 3 for p, d in zip(a, at_a)], [p - d * span / 3 for p, d in zip(b, at_b)], b]


def line(a, b):
    return [a, mix(a, b, F(1, 3)), mix(a, b, F(2, 3)), b]


def elevate(points):
    while len(points) < 4:
        n = len(points)
        inner = [mix(points[i], points[i - 1], F(i, n)) for i in range(1, n)]
        points = [points[0], *inner, points[-1]]
    return points


def chain(segments):
    """The control points of segments that meet, each shared one once."""
    assert all(a[3] == b[0] for a, b in zip(segments, segments[1:]))
    return [segments[0][0]] + [point for segment in segments for point in segment[1:]]


def unchain(control):
    return [control[i:i + 4] for i in range(0, len(control) - 1, 3)]
