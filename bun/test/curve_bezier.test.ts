/** Bezier curves of every degree are what de Casteljau's algorithm says. */
import { describe, expect, test } from "bun:test";
import { Curve, CurveError, type Point } from "../src/index.ts";

type Row = readonly number[];

/** Control points that go on along x and jump in y. */
function controls(degree: number): Point[] {
  return Array.from({ length: degree + 1 }, (_, k) => [(10 * k) / degree, ((k * 29) % 17) / 1.7 - 5] as const);
}

function sides(rows: readonly Row[]): Row[] {
  const degree = rows.length - 1;
  if (degree === 0) return [rows[0]!.map(() => 0)];
  return rows.slice(1).map((row, k) => row.map((x, axis) => degree * (x - rows[k]![axis]!)));
}

/** The point (order 0) or derivative, and the size of the numbers that it comes of. */
function casteljau(points: readonly Row[], t: number, order: number): [Row, number] {
  let rows = points;
  for (let done = 0; done < order; done++) rows = sides(rows);
  const size = Math.max(...rows.flat().map(Math.abs));
  while (rows.length > 1) {
    const before = rows;
    rows = before.slice(1).map((row, k) => row.map((x, axis) => (1 - t) * before[k]![axis]! + t * x));
  }
  return [rows[0]!, size];
}

/** How far a curve is from that, as a part of the numbers that it comes of. */
function off(curve: Curve, points: readonly Row[], order: 0 | 1 | 2): number {
  const [start, end] = curve.domain;
  const parameters = Float64Array.from({ length: 101 }, (_, index) => start + ((end - start) * index) / 100);
  const found = order === 0 ? curve.eval(parameters) : curve.derivative(parameters, order);
  let worst = 0;
  parameters.forEach((u, index) => {
    const [wanted, size] = casteljau(points, u, order);
    wanted.forEach((x, axis) => (worst = Math.max(worst, Math.abs(found[2 * index + axis]! - x) / (size || 1))));
  });
  return worst;
}

describe.each([1, 2, 3, 4, 7, 20])("of degree %i", (degree) => {
  const points = controls(degree);

  test("points_and_derivatives_are_exact_to_rounding", () => {
    using curve = Curve.make("bezier", points, { degree });
    for (const order of [0, 1, 2] as const) expect(off(curve, points, order)).toBeLessThanOrEqual(1e-13);
    const samples = curve.sample(50);
    expect(curve.sample(50, new Float32Array(100))).toEqual(new Float32Array(samples));
    const parameters = Float64Array.from({ length: 50 }, (_, index) => index / 49);
    const [x, y] = curve.evalColumns(parameters);
    parameters.forEach((u, index) => {
      const [a, b] = curve.eval(u);
      expect([x[index], y[index]]).toEqual([a, b]);
      expect(Math.hypot(samples[2 * index]! - a, samples[2 * index + 1]! - b)).toBeLessThanOrEqual(1e-12);
    });
  });

  test("parts_keep_their_parameters_and_join", () => {
    using curve = Curve.make("bezier", points);
    const [before, after] = curve.split(0.3);
    using part = after.subcurve(0, 0.75);
    expect([before.domain, after.domain, part.domain]).toEqual([[0, 0.3], [0.3, 1], [0.3, 0.75]]);
    expect(before.eval(1)).toEqual(after.eval(0));
    expect(before.eval(1)).toEqual(curve.eval(0.3));
    for (const piece of [before, after, part]) {
      for (const order of [0, 1, 2] as const) expect(off(piece, points, order)).toBeLessThanOrEqual(1e-13);
      using back = piece.reversed();
      const [start, end] = piece.domain;
      const [from, to] = [back.eval(start), piece.eval(end)];
      expect(Math.hypot(from[0] - to[0], from[1] - to[1])).toBeLessThanOrEqual(1e-12);
    }
    expect(() => curve.split(1)).toThrow(CurveError);
  });

  test("bounds_hold_every_point_and_touch_some", () => {
    using curve = Curve.make("bezier", points);
    for (const piece of [curve, ...curve.split(0.4)]) {
      const [samples, bounds] = [piece.sample(20_001), piece.bounds()];
      for (const axis of [0, 1] as const) {
        const values = samples.filter((_, at) => at % 2 === axis);
        const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
        for (const outside of [bounds[axis] - low, high - bounds[axis === 0 ? 2 : 3]]) {
          expect(outside).toBeLessThanOrEqual(1e-13);
          expect(outside).toBeGreaterThanOrEqual(-1e-5);
        }
      }
    }
  });

  test("a_map_takes_the_curve_itself", () => {
    using curve = Curve.make("bezier", points);
    using image = curve.transform([2, 0.5, -1, 3, 7, -4]);
    const mapped = points.map(([x, y]) => [2 * x - y + 7, 0.5 * x + 3 * y - 4]);
    expect(off(image, mapped, 0)).toBeLessThanOrEqual(1e-13);
  });
});

test("the_cubics_that_stand_for_a_curve_are_only_near_it", () => {
  for (const degree of [5, 7, 20]) {
    using curve = Curve.make("bezier", controls(degree));
    using cubics = Curve.fromSegments(curve.segments(), curve.knots());
    expect(off(cubics, controls(degree), 0)).toBeGreaterThan(1e-12);
  }
});

test("huge_coordinates_give_numbers", () => {
  const points = controls(20).map(([x, y]) => [x * 1e299, y * 1e299] as const);
  using curve = Curve.make("bezier", points);
  for (const order of [0, 1, 2] as const) expect(off(curve, points, order)).toBeLessThanOrEqual(1e-13);
  expect([...curve.bounds(), ...curve.sample(99), ...curve.tangent(0.5)].every(Number.isFinite)).toBe(true);
  expect(curve.eval(NaN).every(Number.isNaN)).toBe(true);
});
