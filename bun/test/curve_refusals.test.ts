/** What operations on curves refuse, and which arrays they take. */
import { describe, expect, test } from "bun:test";
import { Curve, CurveError, InvalidError, simplify, type Dimensions } from "../src/index.ts";
import { errorOf } from "./support.ts";

const arch = () => Curve.make("bezier", [[0, 0], [0, 4], [8, 4], [8, 0]]);
const space = () => Curve.make("linear", [[0, 0, 0], [1, 2, 2]]);
const any = (value: unknown) => value as never;

/** Checks that each call throws an error of the class whose message has the text. */
function refuses(kind: new (...args: never[]) => Error, calls: readonly [() => unknown, string][]): void {
  for (const [call, message] of calls) {
    const error = errorOf(call);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(message);
  }
}

describe("refusals", () => {
  test("what_only_the_plane_has_is_refused_elsewhere", () => {
    using plane = arch();
    using curve = space();
    const calls: (() => unknown)[] = [
      () => curve.normal(0.5),
      () => curve.normal(Float64Array.of(0.5)),
      () => curve.intersections(curve),
      () => plane.intersections(any(curve)),
      () => curve.offset(1, 0.1),
      () => curve.toSvg(),
      () => curve.fitToBox([0, 0, 1, 1]),
      () => curve.transform([1, 0, 0, 1, 0, 0]),
    ];
    refuses(
      CurveError,
      calls.map((call) => [call, "has 3 dimensions: only a curve of the plane"]),
    );
    refuses(CurveError, [
      [() => plane.concat(any(curve)), "b has 3 dimensions and a 2 dimensions"],
      [() => Curve.sampleBatch([plane, curve], 3), "curve 1 has 3 dimensions and curve 0 2 dimensions"],
    ]);
  });

  test("wrong_numbers_are_named_by_the_core", () => {
    using curve = arch();
    refuses(CurveError, [
      [() => curve.split(-1), "parameter is -1"],
      [() => curve.subcurve(0.7, 0.2), "0.7 to 0.2"],
      [() => curve.nearest([[0, 0], [NaN, 0]]), "coordinate 0 of point 1 is NaN"],
      [() => curve.intersections(curve, 0), "tolerance is 0"],
      [() => curve.lengthTo(1, -1), "tolerance is -1"],
      [() => curve.lengthTo(Float64Array.of(1), 0), "tolerance is 0"],
      [() => curve.parameterAtLength(1, NaN), "tolerance is NaN"],
      [() => curve.sampleByLength(3, 0), "tolerance is 0"],
      [() => curve.flattenFewest(0), "tolerance is 0"],
      [() => curve.flattenFewest(0, new Float64Array(8)), "tolerance is 0"],
      [() => curve.flattenScaled(Infinity, 1), "scale is inf"],
      [() => curve.offset(NaN, 1), "offset distance is NaN"],
      [() => curve.offset(1, 0), "tolerance is 0"],
      [() => curve.fitToBox([0, 0, 1, 1], "contain", [0, 1.5]), "alignment along y is 1.5"],
      [() => simplify([[0, 0], [1, 1]], 0), "tolerance is 0"],
      [() => simplify([[0, Infinity]], 1), "coordinate 1 of point 0 is inf"],
      [() => Curve.fitPoints([[0, 0]], 1), "at least 2 points, not 1"],
      [() => Curve.fitPoints([[0, 0], [1, 1]], 0), "tolerance is 0"],
      [() => Curve.fromSegments([[[0], [0], [1], [1]]], [1, 1]), "knot 1 is 1.0"],
      [() => Curve.fromSegments([], [0]), "segment"],
      [() => Curve.make("clamped", [[0, 0, 0], [1, 1, 1]], any({ start: [1, 2], end: [1, 2, 3] })), "3 coordinates"],
    ]);
  });

  test("wrong_types_and_lengths_are_told_with_what_is_allowed", () => {
    using curve = arch();
    using solid = space();
    refuses(InvalidError, [
      [() => Curve.make("linear", Float64Array.of(1, 2, 3, 4), { dimensions: 3 }), "4 numbers: give a multiple of 3"],
      [() => Curve.make("linear", Float64Array.of(1, 2), { dimensions: any(5) }), "dimensions is 5: give an integer"],
      [() => Curve.make("linear", Float64Array.of(1, 2), { dimensions: any("2") }), 'dimensions is "2"'],
      [() => Curve.make("linear", any([[0, 0], [1, 1]]), { dimensions: 3 }), "give an array of 3 numbers"],
      [() => Curve.make("linear", any([[0, 0, 0, 0, 0]])), "point 0 is [ 0, 0, 0, 0, 0 ]: give an array of 1 to 4"],
      [() => Curve.make("linear", any([[]])), "point 0 is []: give an array of 1 to 4"],
      [() => Curve.make("linear", any([[0, 0], , [1, 1]])), "point 1 is undefined"],
      [() => Curve.make("linear", any([[0, 0], [, 1]])), "point 1 is"],
      [() => Curve.fromSegments(any(7), [0, 1]), "the segments are 7: give an array of them"],
      [() => Curve.fromSegments(any([[[0], [0], [1]]]), [0, 1]), "segment 0 is"],
      [() => Curve.fromSegments(any([[0, 0, 1, 1]]), [0, 1]), "point 0 is 0"],
      [() => Curve.fromSegments([[[0], [0], [1], [1]]], [0, 1, 2]), "4 control points (dimensions: 1) and 3 knots"],
      [() => Curve.fromSegments(solid.segments(), solid.knots()), "6 control points (dimensions: 2) and 2 knots"],
      [() => Curve.fromSegments(curve.segments(), any("01")), 'the knots are "01": give a Float64Array'],
      [() => Curve.fromSegments(curve.segments(), any([0, "1"])), "knots is"],
      [() => Curve.fitPoints([[0, 0], [1, 1]], any("1")), 'tolerance is "1": give a number'],
      [() => simplify([[0, 0], [1, 1]], any(undefined)), "tolerance is undefined: give a number"],
      [() => simplify(any(null), 1), "the points are null"],
      [() => curve.derivative(0.5, any(3)), "order is 3: give 1 or 2"],
      [() => curve.derivative(new Float64Array(2), 1, new Float32Array(3)), "out has 3 numbers: give it 4, 2 for each"],
      [() => curve.evalColumns(any(0.5)), "the parameters are 0.5: give a Float64Array"],
      [() => solid.evalColumns(new Float64Array(1), any([new Float64Array(1)])), "give an array of 3 Float64Array"],
      [() => curve.tangent(any("0")), 'the parameters are "0": give a number or a Float64Array'],
      [() => curve.tangent(new Float64Array(1), any(new Float32Array(2))), "give a Float64Array"],
      [() => curve.curvature(new Float64Array(2), new Float64Array(1)), "out has 1 numbers: give it 2"],
      [() => curve.lengthTo(any([1])), "the parameters are [ 1 ]"],
      [() => curve.lengthTo(1, any("1")), 'tolerance is "1": give a number'],
      [() => curve.parameterAtLength(any(null)), "the lengths are null"],
      [() => curve.parameterAtLength(new Float64Array(2), 1, new Float64Array(1)), "out has 1 numbers: give it 2"],
      [() => curve.sampleByLength(1.5), "count is 1.5"],
      [() => curve.sampleByLength(2, 1, new Float64Array(2)), "out has 2 numbers: give it 4, 2 for each of 2 points"],
      [() => curve.split(any("0.5")), 'parameter is "0.5": give a number'],
      [() => curve.subcurve(0, any(null)), "end is null: give a number"],
      [() => curve.concat(any({})), "next is {}: give a Curve"],
      [() => curve.intersections(any(undefined)), "other is undefined: give a Curve"],
      [() => curve.nearest(any([1, 2, 3])), "point 0 is [ 1, 2, 3 ]: give an array of 2 numbers"],
      [() => solid.nearest(any([[1, 2]])), "point 0 is [ 1, 2 ]: give an array of 3 numbers"],
      [() => solid.nearest(new Float64Array(4)), "the points are 4 numbers: give a multiple of 3"],
      [() => curve.flattenFewest(0.1, any([])), "out is []: give a Float64Array"],
      [() => curve.flattenFewest(0.1, new Float64Array(3)), "out has 3 numbers: give it room for"],
      [() => curve.flattenScaled(1, 0.1, new Float64Array(0)), "out has 0 numbers: give it room for"],
      [() => curve.flattenScaled(any("1"), 0.1), 'scale is "1": give a number'],
      [() => curve.offset(any(null), 0.1), "distance is null: give a number"],
      [() => curve.offset(1, 0.1, new Float64Array(4)), "out has 4 numbers: give it room for"],
      [() => curve.fitToBox([0, 0, 1, 1], "contain", any([0.5])), "align is [ 0.5 ]: give 2 numbers"],
      [() => Curve.sampleBatch([solid], 2, new Float32Array(4)), "out has 4 numbers: give it 6"],
    ]);
  });

  test("the_types_know_the_dimensions", () => {
    using solid = space();
    const z: number = solid.eval(0.5)[2];
    expect(z).toBe(1);
    const general: Curve<Dimensions> = solid;
    expect(general.dimensions).toBe(3);
    using flat = Curve.make("hermite", Float64Array.of(0, 0, 0, 1, 1, 1), {
      dimensions: 3,
      derivatives: [[1, 2, 3], [4, 5, 6]],
    });
    const [dx, dy, dz]: readonly [number, number, number] = flat.derivative(0);
    expect([dx, dy, dz]).toEqual([1, 2, 3]);
    const calls = [
      // @ts-expect-error A point of space is not near a curve of the plane.
      () => arch().nearest([1, 2, 3]),
      // @ts-expect-error A clamped curve of space has derivatives of space.
      () => Curve.make("clamped", [[0, 0, 0], [1, 1, 1]], { start: [1, 2], end: [1, 2, 3] }),
      // @ts-expect-error Curves have 1 to 4 dimensions.
      () => Curve.make("linear", [[1, 2, 3, 4, 5]]),
      // @ts-expect-error A curve of space does not go on behind one of the plane.
      () => arch().concat(solid),
    ];
    for (const call of calls) expect(errorOf(call).status).toMatch(/CIRCLET_(INVALID|BAD_CURVE)/);
  });
});

describe("arrays", () => {
  const parameters = Float64Array.of(0, 0.5, 1);
  const wanted = Float64Array.of(0, 0, 4, 3, 8, 0);

  test("shared_and_resizable_memory_takes_points", () => {
    using curve = arch();
    const buffers = [
      new SharedArrayBuffer(64),
      new ArrayBuffer(64, { maxByteLength: 1 << 16 }),
      new SharedArrayBuffer(64, { maxByteLength: 1 << 16 }),
    ];
    for (const buffer of buffers) {
      const out = new Float64Array(buffer, 8, 6);
      expect(curve.eval(parameters, out)).toBe(out);
      expect([...out]).toEqual([...wanted]);
      expect(curve.sample(3, out.fill(7))).toBe(out);
      expect([...out]).toEqual([...wanted]);
      const given = new Float64Array(buffer, 8, 3);
      given.set(parameters);
      expect(curve.eval(given)).toEqual(wanted);
    }
  });

  test("an_array_follows_its_resizable_buffer", () => {
    using curve = arch();
    const buffer = new ArrayBuffer(48, { maxByteLength: 1 << 16 });
    const [following, fixed] = [new Float64Array(buffer), new Float64Array(buffer, 0, 6)];
    expect(curve.sample(3, following)).toEqual(wanted);
    buffer.resize(32);
    refuses(InvalidError, [
      [() => curve.sample(3, following), "out has 4 numbers: give it 6"],
      [() => curve.sample(3, fixed), "out has 0 numbers: give it 6"],
    ]);
    expect(curve.sample(2, following)).toEqual(Float64Array.of(0, 0, 8, 0));
    expect(curve.eval(fixed)).toHaveLength(0);
    buffer.resize(1 << 16);
    expect(curve.sample(1 << 12, following)).toHaveLength(1 << 13);
    expect([...following.subarray(-2)]).toEqual([8, 0]);
  });

  test("a_detached_array_has_no_room_and_no_parameters", () => {
    using curve = arch();
    const gone = new Float64Array(6);
    structuredClone(gone, { transfer: [gone.buffer] });
    refuses(InvalidError, [
      [() => curve.sample(3, gone), "out has 0 numbers: give it 6"],
      [() => curve.eval(parameters, gone), "out has 0 numbers: give it 6"],
      [() => curve.flatten(0.1, gone), "out has 0 numbers: give it room for"],
      [() => curve.evalColumns(parameters, [gone, gone]), "out[0] has 0 numbers: give it 3"],
    ]);
    expect(curve.eval(gone)).toHaveLength(0);
    expect(curve.nearest(gone)[0]).toHaveLength(0);
    refuses(CurveError, [[() => Curve.make("linear", gone), "at least 2 points, not 0"]]);
  });

  test("memory_that_overlaps_is_refused_and_untouched", () => {
    using curve = arch();
    const both = Float64Array.of(0, 0.5, 1, 7, 7, 7, 7, 7, 7);
    const [given, out] = [both.subarray(0, 3), both.subarray(2, 8)];
    const lengths = both.subarray(1, 4);
    refuses(InvalidError, [
      [() => curve.eval(given, out), "points overlaps parameters"],
      [() => curve.derivative(given, 2, out), "derivatives overlaps parameters"],
      [() => curve.tangent(given, out), "tangents overlaps parameters"],
      [() => curve.lengthTo(given, 1e-9, lengths), "lengths overlaps parameters"],
      [() => curve.evalColumns(given, [lengths, new Float64Array(3)]), "overlaps parameters"],
      [() => curve.sampleColumns(3, [lengths, given]), "overlaps"],
    ]);
    expect(both).toEqual(Float64Array.of(0, 0.5, 1, 7, 7, 7, 7, 7, 7));
  });

  test("the_point_of_one_call_is_not_that_of_the_next", () => {
    using curve = arch();
    const [first, second] = [curve.eval(0), curve.eval(1)];
    expect([first, second]).toEqual([[0, 0], [8, 0]]);
  });
});
