/** Every operation on curves, in 1 to 4 dimensions, against what a polyline of many points or a sum by hand says. */
import { describe, expect, test } from "bun:test";
import { Curve, simplify, type Dimensions, type Point } from "../src/index.ts";

const EVERY = [1, 2, 3, 4] as const;

/** Points whose coordinates wave, each at its own pace. */
function wave<D extends Dimensions>(dimensions: D, count = 7): Point<D>[] {
  const coordinate = (index: number, axis: number) => 5 * Math.sin((axis + 1) * (0.7 * index + 0.3 * axis)) + axis;
  return Array.from({ length: count }, (_, index) =>
    Array.from({ length: dimensions }, (_, axis) => coordinate(index, axis)),
  ) as unknown as Point<D>[];
}

function waving<D extends Dimensions>(dimensions: D): Curve<D> {
  return Curve.make("natural", Float64Array.from(wave(dimensions).flat()), { knots: "centripetal", dimensions });
}

/** Evenly spaced parameters over the domain. */
function spread(curve: Curve<Dimensions>, count: number): Float64Array {
  const [start, end] = curve.domain;
  return Float64Array.from({ length: count }, (_, index) => start + ((end - start) * index) / (count - 1));
}

/** The points whose numbers stand in turn. */
function pointsOf(numbers: ArrayLike<number>, dimensions: number): number[][] {
  const all = Array.from(numbers);
  return Array.from({ length: all.length / dimensions }, (_, at) => all.slice(at * dimensions, (at + 1) * dimensions));
}

function close(given: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-12): void {
  expect(given).toHaveLength(wanted.length);
  let farthest = 0;
  for (let at = 0; at < wanted.length; at++) farthest = Math.max(farthest, Math.abs(given[at]! - wanted[at]!));
  expect(farthest).toBeLessThanOrEqual(tolerance);
}

/** Distance between two points. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(...Array.from(a, (value, axis) => value - b[axis]!));
}

/** Distance of the point that is farthest from a polyline. */
function farthest(points: number[][], polyline: number[][]): number {
  const toEdge = (point: number[], start: number[], end: number[]) => {
    const edge = end.map((value, axis) => value - start[axis]!);
    const dot = edge.reduce((sum, value, axis) => sum + value * (point[axis]! - start[axis]!), 0);
    const part = Math.max(0, Math.min(1, dot / (edge.reduce((sum, value) => sum + value * value, 0) || 1)));
    return apart(point, start.map((value, axis) => value + part * edge[axis]!));
  };
  const toAll = (point: number[]) =>
    polyline.slice(1).reduce((least, end, index) => Math.min(least, toEdge(point, polyline[index]!, end)), Infinity);
  return points.reduce((most, point) => Math.max(most, toAll(point)), 0);
}

describe.each(EVERY)("in %i dimensions", (dimensions) => {
  test("points_of_every_form_make_the_same_curve", () => {
    const points = wave(dimensions);
    const flat = Float64Array.from(points.flat());
    using curve = Curve.make("linear", points);
    expect(curve.dimensions).toBe(dimensions);
    const others = [
      Curve.make("linear", flat, { dimensions }),
      Curve.make("linear", points, { dimensions, ends: "d3" }),
      Curve.fromSegments(curve.segments(), curve.knots(), { dimensions }),
      Curve.fromSegments(
        pointsOf(curve.segments(), 4 * dimensions).map((one) => pointsOf(one, dimensions)) as never,
        Array.from(curve.knots()),
      ),
    ];
    for (const other of others) {
      expect(other.dimensions).toBe(dimensions);
      expect(other.segments()).toEqual(curve.segments());
      expect(other.knots()).toEqual(curve.knots());
    }
    close(curve.eval(curve.knots()), flat, 1e-14);
    const columns = points[0]!.map((_, axis) => points.map((point) => point[axis]!));
    const bounds = [...columns.map((column) => Math.min(...column)), ...columns.map((column) => Math.max(...column))];
    close(curve.bounds(), bounds, 1e-14);
  });

  test("one_parameter_gives_what_many_give_for_it", () => {
    using curve = waving(dimensions);
    for (const parameter of [curve.domain[0], 1, 2.5, -1e9, Infinity]) {
      const many = Float64Array.of(parameter);
      expect(curve.eval(parameter)).toEqual([...curve.eval(many)] as never);
      expect(curve.derivative(parameter)).toEqual([...curve.derivative(many)] as never);
      expect(curve.derivative(parameter, 2)).toEqual([...curve.derivative(many, 2)] as never);
      expect(curve.tangent(parameter)).toEqual([...curve.tangent(many)] as never);
      expect(curve.curvature(parameter)).toBe(curve.curvature(many)[0]!);
      expect(curve.lengthTo(parameter)).toBe(curve.lengthTo(many)[0]!);
      expect(curve.parameterAtLength(parameter)).toBe(curve.parameterAtLength(many)[0]!);
    }
    expect(curve.eval(NaN).every(Number.isNaN)).toBe(true);
    expect(curve.lengthTo(NaN)).toBeNaN();
  });

  test("columns_are_the_coordinates_of_the_points", () => {
    using curve = waving(dimensions);
    const parameters = spread(curve, 200);
    const columns = curve.evalColumns(parameters);
    expect(columns).toHaveLength(dimensions);
    const points = curve.eval(parameters);
    points.forEach((value, at) => expect(columns[at % dimensions]![Math.floor(at / dimensions)]).toBe(value));
    expect(curve.sampleColumns(200, columns)).toBe(columns);
    const samples = curve.sample(200);
    columns.forEach((column, axis) => close(column, samples.filter((_, at) => at % dimensions === axis), 1e-13));
  });

  test("derivatives_are_the_slopes_of_the_points", () => {
    using curve = waving(dimensions);
    const [parameters, step] = [spread(curve, 40).slice(1, -1), 1e-5];
    const [before, at, after] = [-step, 0, step].map((side) => curve.eval(parameters.map((u) => u + side)));
    close(curve.derivative(parameters), at!.map((_, i) => (after![i]! - before![i]!) / (2 * step)), 1e-4);
    const second = at!.map((value, i) => (after![i]! - 2 * value + before![i]!) / step ** 2);
    close(curve.derivative(parameters, 2), second, 1e-2);
    const floats = new Float32Array(at!.length);
    for (const order of [1, 2] as const) {
      expect(curve.derivative(parameters, order, floats)).toBe(floats);
      expect(floats).toEqual(new Float32Array(curve.derivative(parameters, order)));
    }
  });

  test("tangents_and_curvatures_follow_from_the_derivatives", () => {
    using curve = waving(dimensions);
    const parameters = spread(curve, 50);
    const [tangents, curvatures] = [new Float64Array(50 * dimensions), new Float64Array(50)];
    expect(curve.tangent(parameters, tangents)).toBe(tangents);
    expect(curve.curvature(parameters, curvatures)).toBe(curvatures);
    parameters.forEach((parameter, index) => {
      const [first, second]: (readonly number[])[] = [curve.derivative(parameter), curve.derivative(parameter, 2)];
      const speed = Math.hypot(...first!);
      const along = first!.map((value) => value / speed);
      close(curve.tangent(parameter), along);
      const dot = second!.reduce((sum, value, axis) => sum + value * along[axis]!, 0);
      const across = second!.map((value, axis) => value - dot * along[axis]!);
      expect(Math.abs(curvatures[index]!)).toBeCloseTo(Math.hypot(...across) / speed ** 2, 9);
    });
  });

  test("lengths_are_those_of_fine_polylines", () => {
    using curve = waving(dimensions);
    const parameters = spread(curve, 20_001);
    const points = pointsOf(curve.eval(parameters), dimensions);
    let sum = 0;
    const wanted = points.map((point, index) => (sum += index === 0 ? 0 : apart(point, points[index - 1]!)));
    const some = parameters.filter((_, index) => index % 1000 === 0);
    const lengths = new Float64Array(some.length);
    expect(curve.lengthTo(some, 1e-6, lengths)).toBe(lengths);
    close(lengths, wanted.filter((_, index) => index % 1000 === 0), 1e-3);
    expect(Math.abs(lengths.at(-1)! - curve.length())).toBeLessThan(2e-6);
    const back = new Float64Array(some.length);
    expect(curve.parameterAtLength(lengths, 1e-6, back)).toBe(back);
    close(curve.lengthTo(back, 1e-6), lengths, 2e-6);
    const even = new Float64Array(20 * dimensions);
    expect(curve.sampleByLength(20, 1e-6, even)).toBe(even);
    const steps = Float64Array.from({ length: 20 }, (_, index) => (curve.length() * index) / 19);
    close(even, curve.eval(curve.parameterAtLength(steps, 1e-6)), 1e-5);
  });

  test("parts_are_the_curve_and_go_together_again", () => {
    using curve = waving(dimensions);
    const [start, end] = curve.domain;
    const middle = start + 0.4 * (end - start);
    const [before, after] = curve.split(middle);
    expect([before.domain, after.domain]).toEqual([[start, middle], [middle, end]]);
    for (const part of [before, after, curve.subcurve(start + 0.1, middle)]) {
      expect(part.dimensions).toBe(dimensions);
      close(part.eval(spread(part, 50)), curve.eval(spread(part, 50)));
    }
    const parameters = spread(curve, 101);
    expect(before.concat(after).domain).toEqual(curve.domain);
    close(before.concat(after).eval(parameters), curve.eval(parameters));
    const backwards = pointsOf(curve.eval(parameters), dimensions).reverse().flat();
    close(curve.reversed().eval(parameters), backwards);
  });

  test("the_nearest_place_is_as_near_as_any_of_many", () => {
    using curve = waving(dimensions);
    const points = wave(dimensions, 12).map((point) => point.map((value) => 1.3 * value - 1));
    const [parameters, distances] = curve.nearest(Float64Array.from(points.flat()));
    const samples = pointsOf(curve.sample(2000), dimensions);
    points.forEach((point, index) => {
      expect(apart(curve.eval(parameters[index]!), point)).toBeCloseTo(distances[index]!, 12);
      const least = Math.min(...samples.map((sample) => apart(sample, point)));
      expect(distances[index]!).toBeLessThanOrEqual(least + 1e-12);
      expect(curve.nearest(point as never)).toEqual([parameters[index]!, distances[index]!] as never);
    });
    expect(curve.nearest(points as never)).toEqual([parameters, distances] as never);
    expect(curve.nearest([]).map((part) => part.length)).toEqual([0, 0]);
  });

  test("polylines_keep_their_tolerance", () => {
    using curve = waving(dimensions);
    const samples = pointsOf(curve.sample(500), dimensions);
    const [plain, fewest] = [curve.flatten(0.01), curve.flattenFewest(0.01)];
    expect(curve.flattenCount(0.01) * curve.dimensions).toBe(plain.length);
    for (const polyline of [plain, fewest].map((numbers) => pointsOf(numbers, dimensions))) {
      expect([polyline[0], polyline.at(-1)]).toEqual([samples[0], samples.at(-1)]);
      expect(farthest(samples, polyline)).toBeLessThanOrEqual(0.01 + 1e-12);
    }
    expect(fewest.length).toBeLessThan(plain.length);
    expect(curve.flattenScaled(10, 0.1)).toEqual(plain);
    const out = new Float64Array(plain.length + 5);
    for (const polyline of [curve.flattenScaled(10, 0.1, out), curve.flatten(0.01, out)]) {
      expect(polyline.buffer).toBe(out.buffer);
      expect(polyline).toEqual(plain);
    }
    expect(curve.flattenFewest(0.01, out)).toEqual(fewest);
  });

  test("fitted_curves_and_simplified_lines_pass_their_points", () => {
    const points = Array.from({ length: 300 }, (_, index) =>
      Array.from({ length: dimensions }, (_, axis) => Math.sin(((axis + 1) * index) / 75)),
    );
    const flat = Float64Array.from(points.flat());
    using fitted = Curve.fitPoints(points as never, 0.01) as unknown as Curve<Dimensions>;
    expect(fitted.dimensions).toBe(dimensions);
    expect(fitted.knots().length).toBeLessThan(40);
    expect(Math.max(...fitted.nearest(flat)[1])).toBeLessThanOrEqual(0.01 + 1e-12);
    expect(Curve.fitPoints(flat, 0.01, { dimensions }).segments()).toEqual(fitted.segments());
    const kept = simplify(flat, 0.01, { dimensions });
    expect([kept[0], kept.at(-1)]).toEqual([0, 299]);
    expect(kept.length).toBeLessThan(100);
    expect(farthest(points, Array.from(kept, (index) => points[index]!))).toBeLessThanOrEqual(0.01 + 1e-12);
    expect(simplify(points as never, 0.01)).toEqual(kept);
  });

  test("a_batch_goes_to_floats_too", () => {
    using curve = waving(dimensions);
    using back = curve.reversed();
    const floats = new Float32Array(2 * 33 * dimensions);
    expect(Curve.sampleBatch([curve, back], 33, floats)).toBe(floats);
    const alone = new Float32Array(33 * dimensions);
    expect(floats.subarray(0, alone.length)).toEqual(curve.sample(33, alone));
    expect(floats.subarray(alone.length)).toEqual(back.sample(33, alone));
    expect(Curve.sampleBatch([curve, back, curve], 5)).toHaveLength(15 * dimensions);
  });
});

describe("values", () => {
  test("a_curve_of_space_has_the_points_of_its_polynomials", () => {
    using curve = Curve.make("bezier", [[0, 0, 0], [1, 0, 0], [1, 3, 0], [0, 3, 8]]);
    const [x, y, z] = curve.eval(0.5);
    expect([x, y, z]).toEqual([0.75, 1.5, 1]);
    expect(curve.derivative(0)).toEqual([3, 0, 0]);
    expect(curve.derivative(1, 2)).toEqual([-6, -18, 48]);
    expect(curve.sample(3)).toEqual(Float64Array.of(0, 0, 0, 0.75, 1.5, 1, 0, 3, 8));
    expect(curve.segments()).toEqual(Float64Array.of(0, 0, 0, 1, 0, 0, 1, 3, 0, 0, 3, 8));
    const bounds: readonly [number, number, number, number, number, number] = curve.bounds();
    expect(bounds).toEqual([0, 0, 0, 0.75, 3, 8]);
  });

  test("a_straight_line_in_space_has_the_values_of_arithmetic", () => {
    // Its length is 3, over one unit of the parameter.
    using line = Curve.make("linear", [[0, 0, 0], [1, 2, 2], [4, 8, 8]]);
    expect(line.length()).toBeCloseTo(12, 12);
    expect(line.lengthTo(1)).toBeCloseTo(3, 12);
    expect(line.parameterAtLength(7.5)).toBeCloseTo(1.5, 9);
    close(line.tangent(0.5), [1 / 3, 2 / 3, 2 / 3]);
    expect(line.curvature(0.5)).toBeCloseTo(0, 12);
    close(line.nearest([2, 4, 4]), [4 / 3, 0], 1e-9);
    expect(line.flatten(0.1)).toEqual(Float64Array.of(0, 0, 0, 1, 2, 2, 4, 8, 8));
    close(line.sampleByLength(3), [0, 0, 0, 2, 4, 4, 4, 8, 8], 1e-8);
    expect(line.split(1)[1].eval(1)).toEqual([1, 2, 2]);
    expect(line.reversed().eval(0)).toEqual([4, 8, 8]);
    expect(line.concat(line).domain).toEqual([0, 4]);
  });

  test("a_graph_of_one_dimension_eases", () => {
    using ease = Curve.fromSegments([[[0], [0], [1], [1]]], [0, 2]);
    const [value] = ease.eval(1);
    expect(value).toBe(0.5);
    expect(ease.eval(Float64Array.of(0, 1, 2))).toEqual(Float64Array.of(0, 0.5, 1));
    expect(ease.bounds()).toEqual([0, 1]);
  });

  test("a_circle_has_the_curvature_and_normals_of_one", () => {
    const [circle] = Curve.fromSvg("M2,0 A2,2 0 0 1 -2,0 A2,2 0 0 1 2,0 Z");
    for (const parameter of spread(circle!, 9)) {
      expect(circle!.curvature(parameter)).toBeCloseTo(0.5, 1);
      const [x, y] = circle!.eval(parameter);
      close(circle!.normal(parameter), [-x / 2, -y / 2], 1e-3);
    }
    const parameters = spread(circle!, 9);
    const normals = new Float64Array(18);
    expect(circle!.normal(parameters, normals)).toBe(normals);
    const turned = pointsOf(circle!.tangent(parameters), 2).flatMap(([x, y]) => [-y!, x!]);
    close(normals, turned, 0);
    using point = Curve.make("bezier", [[1, 2], [1, 2]]);
    expect([point.tangent(0.5), point.normal(0.5), point.curvature(0.5)]).toEqual([[0, 0], [0, 0], 0]);
  });

  test("curves_meet_where_their_points_agree", () => {
    using parabola = Curve.make("bezier", [[-1, 1], [0, -1], [1, 1]]);
    using level = Curve.make("linear", [[-1, 0.25], [1, 0.25]]);
    close(parabola.intersections(level), [0.25, 0.25, 0.75, 0.75], 1e-9);
    const [one, other] = [1, -1].map((side) =>
      Curve.make("linear", Array.from({ length: 101 }, (_, x) => [x, (-1) ** x * side] as const)),
    );
    // More than are guessed.
    const meetings = one!.intersections(other!, 1e-9);
    close(meetings, Array.from({ length: 200 }, (_, at) => Math.floor(at / 2) + 0.5), 1e-9);
    expect(level.intersections(level.transform([1, 0, 0, 1, 0, 9]))).toHaveLength(0);
  });

  test("an_offset_runs_beside_the_curve", () => {
    using curve = waving(2);
    const parameters = spread(curve, 500);
    const [points, normals] = [curve.eval(parameters), curve.normal(parameters)];
    for (const distance of [0.5, -0.5]) {
      const beside = points.map((value, at) => value + distance * normals[at]!);
      const polyline = curve.offset(distance, 0.01);
      expect(farthest(pointsOf(beside, 2), pointsOf(polyline, 2))).toBeLessThanOrEqual(0.01 + 1e-12);
      const out = new Float64Array(polyline.length + 3);
      expect(curve.offset(distance, 0.01, out)).toEqual(polyline);
    }
    // More points than are guessed: a corner, joined round.
    using corner = Curve.make("linear", [[0, 0], [3, 4], [3, 14]]);
    expect(corner.offset(-500, 1e-4).length / 2).toBeGreaterThan(70);
    using point = Curve.make("bezier", [[1, 2], [1, 2]]);
    expect(point.offset(1, 0.1)).toHaveLength(0);
  });

  test("path_data_reads_back_to_the_same_bits", () => {
    using curve = waving(2);
    const [again, ...others] = Curve.fromSvg(curve.toSvg());
    expect(again!.segments()).toEqual(curve.segments());
    expect(others).toEqual([]);
    expect(Curve.make("linear", [[0, 0], [3, 0.5]]).toSvg()).toBe("M0 0L3 0.5");
  });

  test("the_alignment_divides_what_a_box_leaves_free", () => {
    using square = Curve.make("linear", [[0, 0], [1, 0], [1, 1]]);
    const placed = [0, 0.25, 1].map((x) =>
      square.transform(square.fitToBox([0, 0, 20, 10], "contain", [x, 0.5])).bounds(),
    );
    expect(placed).toEqual([[0, 0, 10, 10], [2.5, 0, 12.5, 10], [10, 0, 20, 10]]);
    expect(square.fitToBox([0, 0, 20, 10], "cover", [0.5, 0])).toEqual([20, 0, 0, 20, 0, 0]);
  });

  test("a_simplified_line_keeps_its_corners", () => {
    expect(simplify([[0, 0], [1, 0.1], [2, -0.1], [3, 5], [4, 6], [5, 7]], 0.5)).toEqual(Uint32Array.of(0, 2, 3, 5));
    expect(simplify(Float64Array.of(0, 0, 1, 0, 2, 0, 2, 2), 0.1)).toEqual(Uint32Array.of(0, 2, 3));
    expect(simplify([[0], [1], [9], [2]], 0.1)).toEqual(Uint32Array.of(0, 2, 3));
    expect(simplify([], 1)).toHaveLength(0);
  });
});
