import { describe, expect, test } from "bun:test";
import { ClosedError, Curve, CurveError, InvalidError, SharedRingBuffer, type Family } from "../src/index.ts";
import { errorOf } from "./support.ts";

/** The arch from (0, 0) to (1, 0): x = 3t² - 2t³, y = 3t - 3t². */
const arch = () => Curve.make("bezier", [[0, 0], [0, 1], [1, 1], [1, 0]]);
/** The parabola y = x² from 0 to 1. */
const parabola = () => Curve.make("bezier", [[0, 0], [0.5, 0], [1, 1]]);
/** Length of that parabola: the integral of sqrt(1 + 4x²). */
const PARABOLA_LENGTH = Math.sqrt(5) / 2 + Math.asinh(2) / 4;

describe("values", () => {
  test("a_cubic_has_the_points_of_its_polynomial", () => {
    using curve = arch();
    expect(curve.domain).toEqual([0, 1]);
    expect(curve.eval(0.5)).toEqual([0.5, 0.75]);
    for (const t of [0, 0.1, 0.25, 1 / 3, 0.9, 1]) {
      const [x, y] = curve.eval(t);
      expect(x).toBeCloseTo(3 * t ** 2 - 2 * t ** 3, 14);
      expect(y).toBeCloseTo(3 * t - 3 * t ** 2, 14);
    }
  });

  test("many_parameters_give_the_points_that_each_gives", () => {
    using curve = arch();
    const parameters = Float64Array.of(0, 0.3, 0.1, 1, 0.7);
    const expected = [...parameters].flatMap((parameter) => curve.eval(parameter));
    expect([...curve.eval(parameters)]).toEqual(expected);
    const out = new Float64Array(10);
    expect(curve.eval(parameters, out)).toBe(out);
    expect([...out]).toEqual(expected);
    expect(curve.eval(new Float64Array(0))).toHaveLength(0);
  });

  test("a_parameter_outside_the_domain_is_clamped", () => {
    using curve = arch();
    expect([...curve.eval(Float64Array.of(-1, 2, Infinity))]).toEqual([0, 0, 1, 0, 1, 0]);
  });

  test("samples_are_evenly_spaced_with_both_ends", () => {
    using line = Curve.make("linear", [[0, 0], [8, 4]]);
    expect([...line.sample(5)]).toEqual([0, 0, 2, 1, 4, 2, 6, 3, 8, 4]);
    expect([...line.sample(1)]).toEqual([0, 0]);
    expect(line.sample(0)).toHaveLength(0);
    const out = new Float64Array(4);
    expect(line.sample(2, out)).toBe(out);
    expect([...out]).toEqual([0, 0, 8, 4]);
  });

  test("a_million_samples_shared_among_threads_are_those_of_eval", () => {
    using curve = arch();
    const count = 1_000_001;
    const points = curve.sample(count);
    for (let index = 0; index < count; index += 99_991) {
      close([...points.subarray(2 * index, 2 * index + 2)], curve.eval(index / (count - 1)));
    }
  });

  test("a_polyline_has_its_points_at_whole_parameters", () => {
    using open = Curve.make("linear", [[0, 0], [2, 0], [2, 2]]);
    expect(open.domain).toEqual([0, 2]);
    expect(open.eval(1.5)).toEqual([2, 1]);
    using closed = Curve.make("linear", Float64Array.of(0, 0, 3, 0, 3, 4), { ends: "closed" });
    expect(closed.domain).toEqual([0, 3]);
    expect(closed.eval(3)).toEqual([0, 0]);
    expect(closed.length()).toBeCloseTo(12, 12);
  });

  test("segments_of_a_cubic_are_its_control_points", () => {
    using curve = arch();
    expect([...curve.segments()]).toEqual([0, 0, 0, 1, 1, 1, 1, 0]);
    using line = Curve.make("linear", [[0, 0], [3, 0], [3, 3]]);
    expect([...line.segments()]).toEqual([0, 0, 1, 0, 2, 0, 3, 0, 3, 0, 3, 1, 3, 2, 3, 3]);
  });

  test("bounds_are_exact_and_not_those_of_the_control_points", () => {
    using curve = arch();
    expect(curve.bounds()).toEqual([0, 0, 1, 0.75]);
    using wide = Curve.make("bezier", [[0, 0], [4, 8], [8, 0]]);
    expect(wide.bounds()).toEqual([0, 0, 8, 4]);
  });

  test("length_is_within_its_tolerance", () => {
    using curve = parabola();
    expect(Math.abs(curve.length() - PARABOLA_LENGTH)).toBeLessThanOrEqual(1e-9);
    for (const tolerance of [1, 1e-3, 1e-6, 1e-12]) {
      expect(Math.abs(curve.length(tolerance) - PARABOLA_LENGTH)).toBeLessThanOrEqual(tolerance);
    }
  });

  test("every_point_is_within_the_tolerance_of_the_polyline", () => {
    using curve = arch();
    let fewer = Infinity;
    for (const tolerance of [1e-4, 1e-3, 1e-2]) {
      const polyline = curve.flatten(tolerance);
      expect([...polyline.subarray(0, 2), ...polyline.subarray(-2)]).toEqual([0, 0, 1, 0]);
      const points = curve.sample(500);
      for (let at = 0; at < points.length; at += 2) {
        expect(distance(points[at]!, points[at + 1]!, polyline)).toBeLessThanOrEqual(tolerance * (1 + 1e-9));
      }
      expect(polyline.length).toBeLessThan(fewer);
      fewer = polyline.length;
    }
  });

  test("a_polyline_is_written_into_the_beginning_of_out", () => {
    using curve = arch();
    const expected = curve.flatten(1e-3);
    const out = new Float64Array(expected.length + 7).fill(-1);
    const points = curve.flatten(1e-3, out);
    expect(points.buffer).toBe(out.buffer);
    expect([...points]).toEqual([...expected]);
    expect([...out.subarray(expected.length)]).toEqual(new Array(7).fill(-1));
  });

  test("a_fit_maps_the_bounds_into_the_box", () => {
    // Bounds 0, 0, 1, 0.75 into 40 by 10: one scale of 40/3 contains, of 40 covers.
    using curve = arch();
    const box = [10, 20, 40, 10] as const;
    expect(curve.fitToBox(box, "stretch")).toEqual([40, 0, 0, 40 / 3, 10, 20]);
    close(curve.fitToBox(box), [40 / 3, 0, 0, 40 / 3, 10 + (40 - 40 / 3) / 2, 20]);
    close(curve.fitToBox(box, "contain"), curve.fitToBox(box));
    close(curve.fitToBox(box, "cover"), [40, 0, 0, 40, 10, 20 - (30 - 10) / 2]);
    using fitted = curve.transform(curve.fitToBox(box, "stretch"));
    close(fitted.bounds(), [10, 20, 50, 30]);
  });

  test("a_map_is_applied_to_each_point", () => {
    using curve = arch();
    using image = curve.transform([2, 3, 5, 7, 11, 13]);
    for (const parameter of [0, 0.2, 1]) {
      const [x, y] = curve.eval(parameter);
      close(image.eval(parameter), [2 * x + 5 * y + 11, 3 * x + 7 * y + 13]);
    }
  });

  test("path_data_gives_a_curve_for_each_subpath", () => {
    const curves = Curve.fromSvg("M0,0 L3,0 L3,4 Z M10,10 Q14,18 18,10");
    expect(curves).toHaveLength(2);
    expect(curves[0]!.length()).toBeCloseTo(12, 12);
    expect(curves[1]!.bounds()).toEqual([10, 10, 18, 14]);
    expect(Curve.fromSvg("M5,5")).toEqual([]);
  });

  test("a_circle_of_arcs_has_a_circles_length", () => {
    const [circle] = Curve.fromSvg("M1,0 A1,1 0 0 1 -1,0 A1,1 0 0 1 1,0 Z");
    // Four cubics approximate a circle to within 2.8e-4 of its radius.
    expect(circle!.length()).toBeCloseTo(2 * Math.PI, 2);
  });

  test("points_are_sampled_straight_into_a_frame", () => {
    using ring = SharedRingBuffer.anonymous();
    using curve = arch();
    const claim = ring.claim(3 * 2 * 8);
    curve.sample(3, new Float64Array(claim.bytes.buffer, claim.bytes.byteOffset, 6));
    claim.commit();
    const frame = ring.recv();
    expect([...new Float64Array(frame.buffer, frame.byteOffset, 6)]).toEqual([0, 0, 0.5, 0.75, 1, 0]);
  });
});

describe("what a curve refuses", () => {
  test("bad_input_is_told_by_the_core", () => {
    using curve = arch();
    const refused: [() => unknown, string][] = [
      [() => Curve.make("bezier", [[0, 0]]), "takes 2 to 65 control points (degree 1 to 64), not 1"],
      [() => Curve.make("bezier", new Float64Array(132)), "not 66"],
      [() => Curve.make("bezier", []), "not 0"],
      [() => Curve.make("bezier", [[0, 0], [1, NaN]]), "coordinate 1 of point 1 is NaN"],
      [() => Curve.make("linear", [[0, 0]]), "takes at least 2 points, not 1"],
      [() => Curve.make("linear", [[Infinity, 0], [1, 1]]), "coordinate 0 of point 0 is inf"],
      [() => Curve.make("natural", [[0, 0]]), "takes at least 2 points, not 1"],
      [() => Curve.make("catmull_rom", [[0, 0], [1, 1]], { alpha: 1.5 }), "alpha is 1.5; it must be from 0 to 1"],
      [() => Curve.make("catmull_rom", [[0, 0], [1, 1]], { alpha: NaN }), "alpha is NaN"],
      [() => Curve.make("step", [[0, 0], [1, 1]], { position: -Infinity }), "position is -inf"],
      [() => Curve.make("step", [[0, 0], [1, 1]], { positon: 1 } as never), "unknown field `positon`"],
      [() => Curve.make("step", [[0, 0], [1, 1]], [1] as never), "give an object"],
      [() => Curve.make("clamped", [[0, 0], [1, 1]], {} as never), "missing field `start`"],
      [() => Curve.make("bezir" as Family, [[0, 0], [1, 1]]), "expected one of `bezier`"],
      [() => Curve.fromSvg("M0,0 L1"), "byte"],
      [() => Curve.fromSvg(""), "the path data is empty"],
      [() => curve.length(0), "0"],
      [() => curve.length(NaN), "NaN"],
      [() => curve.flatten(-1), "-1"],
      [() => curve.flatten(-1, new Float64Array(2)), "-1"],
      [() => curve.fitToBox([0, 0, 0, 10]), "0"],
      [() => curve.transform([1e300, 0, 0, 1e300, 1e300, 0]), "e300"],
    ];
    for (const [call, message] of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(CurveError);
      expect(error.status).toBe("CIRCLET_BAD_CURVE");
      expect(error.message).toContain(message);
    }
  });

  test("wrong_shapes_are_told_with_what_is_allowed", () => {
    using curve = arch();
    const any = (value: unknown) => value as never;
    const refused: [() => unknown, string][] = [
      [() => Curve.make("bezier", new Float64Array(5)), "the points are 5 numbers: give an even count"],
      [() => Curve.make("bezier", any("x".repeat(1e6))), `the points are "${"x".repeat(79)}…: give an array of them`],
      [() => Curve.make("bezier", any("M0,0")), 'the points are "M0,0": give an array of them, or a Float64Array'],
      [() => Curve.make("bezier", any([0, 0, 1, 1])), "point 0 is 0: give an array of 1 to 4 numbers"],
      [() => Curve.make("linear", any([[0, 0], [1, 1, 1]])), "point 1 is [ 1, 1, 1 ]: give an array of 2 numbers"],
      [() => Curve.make("linear", any([[0, 0], ["1", 1]])), "point 1 is"],
      [() => Curve.fromSvg(any(7)), "d is 7: give a string"],
      [() => Curve.fromSvg("M0,0\0L1,1"), "d has a NUL at 4"],
      [() => curve.eval(any([0.5])), "the parameters are [ 0.5 ]: give a number or a Float64Array"],
      [() => curve.eval(new Float64Array(2), new Float64Array(3)), "out has 3 numbers: give it 4"],
      [() => curve.sample(-1), "count is -1: give an integer from 0"],
      [() => curve.sample(2.5), "count is 2.5"],
      [() => curve.sample(2, new Float64Array(5)), "out has 5 numbers: give it 4"],
      [() => curve.sample(2, any(new Int32Array(4))), "give a Float64Array or a Float32Array"],
      [() => curve.sample(2, new Float32Array(5)), "out has 5 numbers: give it 4"],
      [() => curve.derivative(new Float64Array(2), any(new Float32Array(4))), "order is Float32Array(4)"],
      [() => curve.derivative(any([0.5])), "the parameters are [ 0.5 ]"],
      [() => curve.sampleColumns(2, [new Float64Array(2), new Float64Array(3)]), "out[1] has 3 numbers: give it 2"],
      [() => curve.sampleColumns(2, any(new Float64Array(4))), "give an array of 2 Float64Array"],
      [() => curve.evalColumns(new Float64Array(2), any([new Float64Array(2), []])), "out[1] is []"],
      [() => Curve.sampleBatch(any(curve), 2), "give an array"],
      [() => Curve.sampleBatch([curve, any(7)], 2), "curve 1 is 7: give a Curve"],
      [() => Curve.sampleBatch([curve], 0.5), "pointsEach is 0.5"],
      [() => Curve.sampleBatch([curve], 2, new Float64Array(5)), "out has 5 numbers: give it 4"],
      [() => Curve.make(any(7) as Family, []), "family is 7: give a string"],
      [() => Curve.make("step", [], any({ position: 1n })), "params cannot be JSON"],
      [() => curve.flatten(1e-3, new Float64Array(3)), "out has 3 numbers: give it room for"],
      [() => curve.flatten(any("1")), 'tolerance is "1": give a number'],
      [() => curve.length(any(null)), "tolerance is null: give a number"],
      [() => curve.fitToBox(any([0, 0, 1])), "box is [ 0, 0, 1 ]: give 4 numbers, x, y, width, height"],
      [() => curve.fitToBox([0, 0, 1, 1], any("fill")), 'fit is "fill": give "stretch", "contain" or "cover"'],
      [() => curve.fitToBox([0, 0, 1, 1], any("toString")), 'fit is "toString"'],
      [() => curve.transform(any([1, 0, 0, 1])), "map is [ 1, 0, 0, 1 ]: give 6 numbers"],
    ];
    for (const [call, message] of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(InvalidError);
      expect(error.message).toContain(message);
    }
  });

  test("a_freed_curve_refuses_everything_but_freeing", () => {
    using other = arch();
    const curve = arch();
    curve[Symbol.dispose]();
    curve[Symbol.dispose]();
    expect(curve.dimensions).toBe(2);
    const calls = [
      () => curve.domain,
      () => curve.knots(),
      () => curve.segments(),
      () => curve.eval(0),
      () => curve.eval(new Float64Array(1)),
      () => curve.evalColumns(new Float64Array(1)),
      () => curve.derivative(0),
      () => curve.derivative(0, 2),
      () => curve.tangent(0),
      () => curve.tangent(new Float64Array(1)),
      () => curve.normal(0),
      () => curve.curvature(0),
      () => curve.derivative(new Float64Array(1)),
      () => curve.sample(1),
      () => curve.sampleColumns(1),
      () => curve.sampleByLength(1),
      () => Curve.sampleBatch([curve], 1),
      () => curve.bounds(),
      () => curve.length(),
      () => curve.lengthTo(0),
      () => curve.parameterAtLength(0),
      () => curve.split(0.5),
      () => curve.subcurve(0, 1),
      () => curve.reversed(),
      () => curve.concat(other),
      () => other.concat(curve),
      () => curve.nearest([0, 0]),
      () => curve.intersections(other),
      () => other.intersections(curve),
      () => curve.flatten(1),
      () => curve.flattenFewest(1),
      () => curve.flattenScaled(1, 1),
      () => curve.offset(1, 1),
      () => curve.toSvg(),
      () => curve.fitToBox([0, 0, 1, 1]),
      () => curve.transform([1, 0, 0, 1, 0, 0]),
    ];
    for (const call of calls) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.message).toBe("this curve was freed here");
    }
  });
});

/** Distance from a point to a polyline. */
function distance(x: number, y: number, polyline: Float64Array): number {
  let least = Infinity;
  for (let at = 0; at + 3 < polyline.length; at += 2) {
    const [ax, ay, bx, by] = polyline.subarray(at, at + 4) as unknown as [number, number, number, number];
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  }
  return least;
}

/** Compares lists of numbers up to rounding. */
function close(given: readonly number[], expected: readonly number[]): void {
  expect(given).toHaveLength(expected.length);
  given.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 12));
}
