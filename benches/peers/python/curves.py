"""circlet's curves from Python beside SciPy and numpy: the same work, in turns within each run.

Needs the C library (`cargo clib`) and `requirements.txt`; see the README beside this crate.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy
from scipy.interpolate import BPoly, CubicSpline

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "python"))
from circlet import Curve  # noqa: E402

MILLION = 1_000_000
KNOTS = 1000
# One measurement repeats its work for about this long, in seconds.
MEASUREMENT = 0.05

Work = Callable[[], object]


def measure(title: str, runs: int, lines: dict[str, Work]) -> None:
    """Measures all lines in turns and prints their medians beside the first line's, which is circlet's."""
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(runs):
        for name, work in lines.items():
            begin = time.perf_counter()
            work()
            repeats = max(1, min(100_000, int(MEASUREMENT / (time.perf_counter() - begin))))
            begin = time.perf_counter()
            for _ in range(repeats):
                work()
            times[name].append((time.perf_counter() - begin) / repeats * 1e3)
    own = statistics.median(next(iter(times.values())))
    print(f"\n{title}: medians of {runs} runs\n")
    print("| | ms | range | times circlet's |\n|---|---|---|---|")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"| {name} | {middle:.4f} | {min(taken):.4f} to {max(taken):.4f} | {middle / own:.2f} |")


def one_cubic(runs: int) -> None:
    """Points of one cubic at a million even parameters, into a buffer that was written before."""
    control = numpy.array([[0.0, 0.0], [120.0, 40.0], [-60.0, 40.0], [60.0, 0.0]])
    curve, us = Curve.make("bezier", control), numpy.linspace(0.0, 1.0, MILLION)
    out, bernstein = numpy.zeros((MILLION, 2)), BPoly(control[:, None, :], [0.0, 1.0])

    def with_numpy() -> object:
        t = us[:, None]
        s = 1.0 - t
        return s**3 * control[0] + 3.0 * s * s * t * control[1] + 3.0 * s * t * t * control[2] + t**3 * control[3]

    lines: dict[str, Work] = {
        "circlet, sample": lambda: curve.sample(MILLION, out=out),
        "circlet, eval": lambda: curve.eval(us, out=out),
        "numpy, Bernstein": with_numpy,
        "SciPy, BPoly": lambda: bernstein(us),
    }
    measure("one cubic at 1M even parameters", runs, lines)


def spline(runs: int) -> None:
    """A natural spline of 1000 knots at a million parameters, ascending and in any order."""
    random = numpy.random.default_rng(3)
    points = numpy.cumsum(random.uniform(-0.5, 0.5, (KNOTS, 2)), axis=0)
    curve = Curve.make("natural", points)
    other = CubicSpline(numpy.arange(KNOTS), points, bc_type="natural")
    out = numpy.zeros((MILLION, 2))
    orders = {"ascending": numpy.sort, "in any order": numpy.copy}
    for order, arrange in orders.items():
        us = arrange(random.uniform(0.0, KNOTS - 1.0, MILLION))
        assert numpy.allclose(curve.eval(us, out=out), other(us), atol=1e-9)
        lines: dict[str, Work] = {
            "circlet, eval": lambda us=us: curve.eval(us, out=out),  # type: ignore[misc]
            "SciPy, CubicSpline": lambda us=us: other(us),  # type: ignore[misc]
        }
        measure(f"natural spline, 1000 knots, 1M parameters {order}", runs, lines)


def calls(runs: int) -> None:
    """What a call costs that computes next to nothing."""
    curve, us, out = Curve.make("bezier", [[0, 0], [1, 1], [2, 0], [3, 1]]), numpy.array([0.5]), numpy.zeros((1, 2))
    other = CubicSpline([0.0, 1.0, 2.0], [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    lines: dict[str, Work] = {
        "circlet, sample": lambda: curve.sample(1, out=out),
        "circlet, eval": lambda: curve.eval(us, out=out),
        "SciPy, CubicSpline": lambda: other(us),
    }
    measure("one point", runs, lines)


def main() -> None:
    """Measures the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    one_cubic(runs)
    spline(runs)
    calls(runs)


if __name__ == "__main__":
    main()
