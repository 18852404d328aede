/** Curves of 1 to 4 dimensions: how they are made, what they hold, their parts, and places on them. */

import type { Pointer } from "bun:ffi";
import { integer, number, shown, text, U32_MAX } from "./arguments.ts";
import { CurveDrawing, type AffineMap } from "./curve_drawing.ts";
import { InvalidError } from "./errors.ts";
import { familyJson, type Families, type Family } from "./families.ts";
import { addressAt, check, handleFrom, symbols } from "./native.ts";
import { flatPoints, numbers, type AnyPoint, type Dimensions, type Flat, type Point, type Points } from "./points.ts";
import { roomOfFloats, rows, type Floats } from "./room.ts";

/** The least of each coordinate, and then the greatest of each: in the plane least x and y, greatest x and y. */
export type Bounds<D extends Dimensions = 2> = readonly [...Point<D>, ...Point<D>];
/** A cubic Bezier segment as four control points. */
export type Segment<P extends AnyPoint = Point> = readonly [P, P, P, P];
/** What a family takes beside points; `dimensions` is for points whose numbers stand in turn. */
export type Params<F extends Family, D extends Dimensions = 2> = Families<D>[F] & Flat<D>;
/** Params may be left out where none of them is needed. */
type ParamsOf<F extends Family, D extends Dimensions> = {} extends Families<D>[F]
  ? [params?: Params<F, D>]
  : [params: Params<F, D>];

/**
 * A curve of 1 to 4 dimensions: cubic Bezier segments, or a Bezier curve of higher degree. It never changes.
 *
 * Many points come back in one array, one's numbers behind the other's. The curve's memory in the library is freed with
 * the object; `using` frees it at the end of the block, after which anything throws `ClosedError`.
 *
 * @example
 * ```ts
 * import { Curve } from "circlet";
 *
 * using curve = Curve.make("bezier", [[0, 0], [0, 1], [1, 1], [1, 0]]);
 * console.log(curve.eval(0.5)); // [ 0.5, 0.75 ]
 * console.log(curve.sample(1000)); // Float64Array(2000)
 * ```
 */
export class Curve<D extends Dimensions = 2> extends CurveDrawing<D> {
  private constructor(handle: Pointer) {
    super(handle);
  }

  /** Makes the curve of a family from points; `Families` says what parameters each takes. */
  static make<F extends Family, P extends AnyPoint>(
    family: F,
    points: readonly P[],
    ...[params]: ParamsOf<F, P["length"]>
  ): Curve<P["length"]>;
  /**
   * Makes the curve of a family from points, or from their numbers in turn: pairs of x and y, unless the parameters
   * name other `dimensions`.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using loop = Curve.make("catmull_rom", [[0, 0], [4, 1], [2, 3]], { ends: "closed" });
   * console.log(loop.knots()); // Float64Array(4) [ 0, 1, 2, 3 ]
   * using space = Curve.make("natural", Float64Array.of(0, 1, 4, 9, 16, 25), { dimensions: 3 });
   * console.log(space.eval(1)); // [ 9, 16, 25 ]
   * ```
   * @throws {CurveError} If there is no such family, or it does not take the points or the parameters.
   * @throws {InvalidError} If the points are not all of the same 1 to 4 dimensions.
   */
  static make<F extends Family, D extends Dimensions = 2>(
    family: F,
    points: Points<D>,
    ...[params]: ParamsOf<F, D>
  ): Curve<D>;
  static make(family: Family, points: Points<Dimensions>, params?: object & Flat): Curve<Dimensions> {
    const given = params?.dimensions;
    const json = familyJson(given === undefined ? params : { ...params, dimensions: undefined });
    const name = text("family", family);
    const { dimensions, count, numbers } = flatPoints(points, given);
    return new Curve(handleFrom((out) => symbols.circlet_curve_new(name, json, dimensions, numbers, count, out)));
  }

  /** Makes a curve of cubic Bezier segments and the ascending knots between them, one more than segments. */
  static fromSegments<P extends AnyPoint>(
    segments: readonly Segment<P>[],
    knots: Float64Array | readonly number[],
  ): Curve<P["length"]>;
  /**
   * Makes a curve of cubic Bezier segments, four control points each, and the ascending knots between them, one more
   * than segments. Numbers may stand in turn, as `segments()` returns them.
   *
   * A segment need not start where the one before it ends: there the curve jumps.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using ease = Curve.fromSegments([[[0], [0], [1], [1]]], [0, 2]);
   * console.log(ease.eval(1)); // [ 0.5 ]
   * using same = Curve.fromSegments(ease.segments(), ease.knots(), { dimensions: 1 });
   * console.log(same.domain); // [ 0, 2 ]
   * ```
   * @throws {CurveError} If there is no segment, or the knots do not ascend.
   * @throws {InvalidError} If the segments are not all of the same 1 to 4 dimensions, or are not one less than the
   * knots.
   */
  static fromSegments<D extends Dimensions = 2>(
    segments: Float64Array | readonly Segment<Point<D>>[],
    knots: Float64Array | readonly number[],
    options?: Flat<D>,
  ): Curve<D>;
  static fromSegments(
    segments: Float64Array | readonly Segment<AnyPoint>[],
    knots: Float64Array | readonly number[],
    options?: Flat,
  ): Curve<Dimensions> {
    const points = segments instanceof Float64Array ? segments : controlPoints(segments);
    const { dimensions, count, numbers: controls } = flatPoints(points, options?.dimensions);
    if (!(knots instanceof Float64Array || Array.isArray(knots))) {
      throw new InvalidError(`the knots are ${shown(knots)}: give a Float64Array, or an array of numbers`);
    }
    if (count !== 4 * (knots.length - 1)) {
      throw new InvalidError(
        `${count} control points (dimensions: ${dimensions}) and ${knots.length} knots: give 4 points for each ` +
          "segment, one knot more than segments, and the dimensions of numbers in turn unless they are 2",
      );
    }
    const between = knots instanceof Float64Array ? knots : numbers("knots", knots, knots.length, "which ascend");
    return new Curve(
      handleFrom((out) => symbols.circlet_curve_new_segments(dimensions, controls, between, count / 4, out)),
    );
  }

  /** Makes a curve of few segments that passes every point, in their order, within `tolerance`. */
  static fitPoints<P extends AnyPoint>(points: readonly P[], tolerance: number): Curve<P["length"]>;
  /**
   * Makes a curve of few segments that passes every point, in their order, within `tolerance`. Numbers may stand in
   * turn.
   *
   * It starts at the first point and ends at the last. Where the points turn by more than 60 degrees, seen at the scale
   * of the tolerance, it has a corner; noise below the tolerance makes none, and points whose last is the first close
   * smoothly.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * const points = Array.from({ length: 20 }, (_, x) => [x, x * x] as const);
   * using curve = Curve.fitPoints(points, 0.5);
   * console.log(curve.segments().length / 8); // 1
   * console.log(Math.max(...curve.nearest(points)[1]) <= 0.5); // true
   * ```
   * @throws {CurveError} If there are fewer than 2 points, or the tolerance is not above 0.
   * @throws {InvalidError} If the points are not all of the same 1 to 4 dimensions.
   */
  static fitPoints<D extends Dimensions = 2>(points: Points<D>, tolerance: number, options?: Flat<D>): Curve<D>;
  static fitPoints(points: Points<Dimensions>, tolerance: number, options?: Flat): Curve<Dimensions> {
    const { dimensions, count, numbers } = flatPoints(points, options?.dimensions);
    number("tolerance", tolerance);
    return new Curve(handleFrom((out) => symbols.circlet_curve_new_fit(dimensions, numbers, count, tolerance, out)));
  }

  /**
   * Reads SVG path data, the text of a `d` attribute: a curve for each subpath that draws something.
   *
   * @throws {CurveError} If it is no path data, with the byte at which that shows.
   */
  static fromSvg(d: string): Curve[] {
    const path = text("d", d);
    const count = check(symbols.circlet_curve_new_svg(path, null, 0));
    const handles = new BigUint64Array(count);
    check(symbols.circlet_curve_new_svg(path, handles, count));
    return Array.from({ length: count }, (_, index) => new Curve(addressAt(handles, index)));
  }

  /**
   * Samples many curves of the same dimensions in one call, each at `pointsEach` evenly spaced parameters: one curve's
   * points behind the other's. Large batches are shared among threads.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * const lines = [0, 1].map((y) => Curve.make("linear", [[0, y], [4, y]]));
   * console.log(Curve.sampleBatch(lines, 2, new Float32Array(8))); // Float32Array(8) [ 0, 0, 4, 0, 0, 1, 4, 1 ]
   * ```
   * @param out Takes the points, rounded if it has floats, and is returned.
   * @throws {CurveError} If a curve is of other dimensions than the first.
   * @throws {InvalidError} If `out` is of another length.
   */
  static sampleBatch<Out extends Floats = Float64Array>(
    curves: readonly Curve<Dimensions>[],
    pointsEach: number,
    out?: Out,
  ): Out;
  static sampleBatch(curves: readonly Curve<Dimensions>[], pointsEach: number, out?: Floats): Floats {
    const handles = Curve.handlesOf(curves);
    const count = handles.length * integer("pointsEach", pointsEach, 0, U32_MAX);
    const points = roomOfFloats(count, curves[0]?.dimensions ?? 2, out);
    const isFloats = points instanceof Float32Array;
    const sample = isFloats ? symbols.circlet_curve_batch_sample_f32 : symbols.circlet_curve_batch_sample;
    check(sample(handles, handles.length, pointsEach, points));
    return points;
  }

  /** @internal Returns the handles of curves, for a call of the library that follows at once. */
  static handlesOf(curves: readonly Curve<Dimensions>[]): BigUint64Array {
    if (!Array.isArray(curves)) throw new InvalidError(`curves is ${shown(curves)}: give an array of them`);
    return BigUint64Array.from(curves, (curve, index) => BigInt(aCurve(`curve ${index}`, curve).handle));
  }

  /** The parameters of the start and the end. */
  get domain(): readonly [start: number, end: number] {
    const domain = new Float64Array(2);
    check(symbols.circlet_curve_domain(this.handle, domain));
    return [domain[0]!, domain[1]!];
  }

  /** Returns the parameters between which the segments lie, one more than there are segments. */
  knots(): Float64Array {
    const handle = this.handle;
    return rows(1, 0, undefined, (knots, max) => symbols.circlet_curve_knots(handle, knots, max));
  }

  /** Returns the cubic Bezier segments, each four control points behind each other: 8 numbers in the plane. */
  segments(): Float64Array {
    const handle = this.handle;
    return rows(4 * this.dimensions, 0, undefined, (segments, max) =>
      symbols.circlet_curve_segments(handle, segments, max),
    );
  }

  /** Returns the exact bounds. */
  bounds(): Bounds<D>;
  bounds(): readonly number[] {
    const bounds = new Float64Array(2 * this.dimensions);
    check(symbols.circlet_curve_bounds(this.handle, bounds));
    return Array.from(bounds);
  }

  /**
   * Cuts the curve at a parameter inside its domain into what is before and what is after; both keep their knots.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * const [before, after] = Curve.make("linear", [[0, 0], [4, 0], [4, 4]]).split(0.5);
   * console.log(before.domain, after.domain, after.eval(0.5)); // [ 0, 0.5 ] [ 0.5, 2 ] [ 2, 0 ]
   * ```
   * @throws {CurveError} If the parameter is not inside.
   */
  split(parameter: number): readonly [before: Curve<D>, after: Curve<D>] {
    const [before, after] = [new BigUint64Array(1), new BigUint64Array(1)];
    check(symbols.circlet_curve_split(this.handle, number("parameter", parameter), before, after));
    return [new Curve(addressAt(before, 0)), new Curve(addressAt(after, 0))];
  }

  /**
   * Returns the part between two parameters, each clamped to the domain; it keeps its knots.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using corner = Curve.make("linear", [[0, 0], [4, 0], [4, 4]]);
   * console.log(corner.subcurve(0.5, 9).knots()); // Float64Array(3) [ 0.5, 1, 2 ]
   * ```
   * @throws {CurveError} If the first is not below the second.
   */
  subcurve(start: number, end: number): Curve<D> {
    const handle = this.handle;
    number("start", start);
    number("end", end);
    return new Curve(handleFrom((out) => symbols.circlet_curve_subcurve(handle, start, end, out)));
  }

  /**
   * Returns the curve that runs backwards over the same domain.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * console.log(Curve.make("linear", [[0, 0], [4, 0]]).reversed().sample(2)); // Float64Array(4) [ 4, 0, 0, 0 ]
   * ```
   */
  reversed(): Curve<D> {
    const handle = this.handle;
    return new Curve(handleFrom((out) => symbols.circlet_curve_reversed(handle, out)));
  }

  /**
   * Returns this curve with another of the same dimensions behind it, whose knots go on from this one's last. Where the
   * other does not start at this one's end the result jumps.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using there = Curve.make("linear", [[0, 0], [4, 0]]);
   * console.log(there.concat(there.reversed()).sample(3)); // Float64Array(6) [ 0, 0, 4, 0, 0, 0 ]
   * ```
   * @throws {CurveError} If the curves are of different dimensions.
   */
  concat(next: Curve<D>): Curve<D> {
    const [handle, behind] = [this.handle, aCurve("next", next).handle];
    return new Curve(handleFrom((out) => symbols.circlet_curve_concat(handle, behind, out)));
  }

  /**
   * Returns the image of a curve of the plane under a map, as `fitToBox` gives it.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using line = Curve.make("linear", [[0, 0], [1, 1]]);
   * console.log(line.transform([2, 0, 0, 3, 5, 0]).bounds()); // [ 5, 0, 7, 3 ]
   * ```
   * @throws {CurveError} If a coordinate of the image is too large or no number, or the curve is of other dimensions
   * than 2.
   */
  transform(map: AffineMap): Curve<D> {
    const [handle, given] = [this.handle, numbers("map", map, 6, "a, b, c, d, e, f")];
    return new Curve(handleFrom((out) => symbols.circlet_curve_transform(handle, given, out)));
  }

  /**
   * Returns the parameter of the place nearest to a point, and its distance. Among equally near places it is that of
   * the smallest parameter.
   */
  nearest(point: Point<D>): readonly [parameter: number, distance: number];
  /**
   * Returns the parameters of the places nearest to many points, and their distances. Numbers may stand in turn, so
   * many for each point as the curve has dimensions.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using corner = Curve.make("linear", [[0, 0], [4, 0], [4, 4]]);
   * console.log(corner.nearest([6, 2])); // [ 1.5, 2 ]
   * const [parameters, distances] = corner.nearest([[1, 1], [4, 9]]);
   * console.log(parameters, distances); // Float64Array(2) [ 0.25, 2 ] Float64Array(2) [ 1, 5 ]
   * ```
   * @throws {CurveError} If a coordinate is no number.
   * @throws {InvalidError} If a point is of other dimensions than the curve.
   */
  nearest(points: Points<D>): readonly [parameters: Float64Array, distances: Float64Array];
  nearest(given: Point<D> | Points<D>): readonly [number, number] | readonly [Float64Array, Float64Array] {
    const isOne = Array.isArray(given) && typeof given[0] === "number";
    const points = (isOne ? [given] : given) as Points<Dimensions>;
    const { count, numbers } = flatPoints(points, this.dimensions);
    const [parameters, distances] = [new Float64Array(count), new Float64Array(count)];
    check(symbols.circlet_curve_nearest(this.handle, numbers, count, parameters, distances));
    return isOne ? [parameters[0]!, distances[0]!] : [parameters, distances];
  }

  /**
   * Returns where two curves of the plane meet: this one's and the other's parameters in turn, by ascending ones of
   * this.
   *
   * Every common point is near a result: at most `tolerance` away, or on a stretch over which the curves stay that
   * near; of such a stretch the two ends are given.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using rising = Curve.make("linear", [[0, 0], [4, 4]]);
   * using falling = Curve.make("linear", [[0, 4], [4, 0]]);
   * console.log(rising.intersections(falling)); // Float64Array(2) [ 0.5, 0.5 ]
   * ```
   * @throws {CurveError} If the tolerance is not above 0, or a curve is of other dimensions than 2.
   */
  intersections(other: Curve<D>, tolerance = 1e-9): Float64Array {
    const [handle, beside] = [this.handle, aCurve("other", other).handle];
    number("tolerance", tolerance);
    return rows(2, 32, undefined, (parameters, max) =>
      symbols.circlet_curve_intersections(handle, beside, tolerance, parameters, max),
    );
  }
}

function aCurve<D extends Dimensions>(name: string, given: Curve<D>): Curve<D> {
  if (!(given instanceof Curve)) throw new InvalidError(`${name} is ${shown(given)}: give a Curve`);
  return given;
}

/** Returns the control points of segments, one segment's behind the other's. */
function controlPoints(segments: readonly Segment<AnyPoint>[]): readonly AnyPoint[] {
  if (!Array.isArray(segments)) {
    throw new InvalidError(
      `the segments are ${shown(segments)}: give an array of them, or a Float64Array with their numbers in turn`,
    );
  }
  const stray = segments.findIndex((segment) => !Array.isArray(segment) || segment.length !== 4);
  if (stray >= 0) throw new InvalidError(`segment ${stray} is ${shown(segments[stray])}: give an array of 4 points`);
  return segments.flat();
}
