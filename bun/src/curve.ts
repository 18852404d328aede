/** Curves in the plane, whose points come as arrays of doubles or floats. */

import { ptr, type Pointer } from "bun:ffi";
import { integer, number, shown, text, U32_MAX } from "./arguments.ts";
import { ClosedError, InvalidError } from "./errors.ts";
import { familyJson, type Families, type Family } from "./families.ts";
import { addressAt, check, handleFrom, symbols } from "./native.ts";

/** A point. */
export type Point = readonly [x: number, y: number];
/** Points: pairs, or x and y in turn in one array. */
export type Points = Float64Array | readonly Point[];
/** Where points go: as they are, or rounded to floats. */
export type Floats = Float64Array | Float32Array;
/** An array for each coordinate. */
export type Columns = readonly [x: Float64Array, y: Float64Array];
/** A box by its corner of least x and y, and its size. */
export type Box = readonly [x: number, y: number, width: number, height: number];
/** A map: x' = a x + c y + e, y' = b x + d y + f, as `matrix()` of SVG and CSS has it. */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];
/**
 * How a drawing goes into a box: `"contain"` fits all of it in and `"cover"` leaves no part of the box free, both
 * centred and with one scale; `"stretch"` scales each axis by itself.
 */
export type Fit = keyof typeof FITS;

/** CIRCLET_FIT_STRETCH, CIRCLET_FIT_CONTAIN and CIRCLET_FIT_COVER. */
export const FITS = { stretch: 0, contain: 1, cover: 2 } as const;

/** A single parameter and its point, on their way through one call. */
const [PARAMETER, POINT] = [new Float64Array(1), new Float64Array(2)];

const dropped = new FinalizationRegistry<Pointer>((handle) => symbols.circlet_curve_free(handle));

/**
 * A curve in the plane, made of cubic Bezier segments. It never changes.
 *
 * Its memory in the library is freed with the object; `using` frees it at the end of the block, after which anything
 * throws `ClosedError`.
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
export class Curve implements Disposable {
  #handle: Pointer | null;

  private constructor(handle: Pointer) {
    this.#handle = handle;
    dropped.register(this, handle, this);
  }

  /**
   * Makes the curve of a family from points; `Families` says what parameters each takes.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using loop = Curve.make("catmull_rom", [[0, 0], [4, 1], [2, 3]], { ends: "closed" });
   * console.log(loop.knots());
   * ```
   * @throws {CurveError} If there is no such family, or it does not take the points or the parameters.
   */
  static make<F extends Family>(
    family: F,
    points: Points,
    ...[params]: {} extends Families[F] ? [params?: Families[F]] : [params: Families[F]]
  ): Curve {
    const [name, json, flat] = [text("family", family), familyJson(params), flatPoints(points)];
    return new Curve(handleFrom((out) => symbols.circlet_curve_new(name, json, 2, flat, flat.length / 2, out)));
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
   * Samples many curves in one call, each at `pointsEach` evenly spaced parameters: one curve's points behind the other's,
   * x and y in turn. Large batches are shared among threads.
   *
   * @param out Takes the points and is returned.
   */
  static sampleBatch(curves: readonly Curve[], pointsEach: number, out?: Float64Array): Float64Array {
    if (!Array.isArray(curves)) throw new InvalidError(`curves is ${shown(curves)}: give an array of them`);
    const stray = curves.findIndex((curve) => !(curve instanceof Curve));
    if (stray >= 0) throw new InvalidError(`curve ${stray} is ${shown(curves[stray])}: give a Curve`);
    const handles = BigUint64Array.from(curves, (curve: Curve) => BigInt(curve.#open()));
    const points = roomFor(handles.length * integer("pointsEach", pointsEach, 0, U32_MAX), out, DOUBLES);
    check(symbols.circlet_curve_batch_sample(handles, handles.length, pointsEach, points));
    return points;
  }

  /** The parameters of the start and the end. */
  get domain(): readonly [start: number, end: number] {
    const domain = new Float64Array(2);
    check(symbols.circlet_curve_domain(this.#open(), domain));
    return [domain[0]!, domain[1]!];
  }

  /** Returns the parameters between which the segments lie, one more than there are segments. */
  knots(): Float64Array {
    const handle = this.#open();
    const knots = new Float64Array(check(symbols.circlet_curve_knots(handle, null, 0)));
    check(symbols.circlet_curve_knots(handle, knots, knots.length));
    return knots;
  }

  /** Returns the cubic Bezier segments, 8 numbers each: four control points, x and y in turn. */
  segments(): Float64Array {
    const handle = this.#open();
    const count = check(symbols.circlet_curve_segments(handle, null, 0));
    const segments = new Float64Array(count * 8);
    check(symbols.circlet_curve_segments(handle, segments, count));
    return segments;
  }

  /** Returns the point at a parameter, which is clamped to the domain. */
  eval(parameter: number): Point;
  /**
   * Returns the points at many parameters, x and y in turn, in one call.
   *
   * @param out Takes the points, rounded if it has floats, and is returned; twice as long as `parameters`.
   */
  eval<Out extends Floats = Float64Array>(parameters: Float64Array, out?: Out): Out;
  eval(parameters: number | Float64Array, out?: Floats): Point | Floats {
    if (typeof parameters === "number") {
      PARAMETER[0] = parameters;
      check(symbols.circlet_curve_eval(this.#open(), PARAMETER, 1, POINT));
      return [POINT[0]!, POINT[1]!];
    }
    const points = roomFor(checkParameters(parameters).length, out, DOUBLES_OR_FLOATS);
    const isFloats = points instanceof Float32Array;
    const evaluate = isFloats ? symbols.circlet_curve_eval_f32 : symbols.circlet_curve_eval;
    check(evaluate(this.#open(), parameters, parameters.length, points));
    return points;
  }

  /**
   * Returns the points at many parameters, as `eval` does, in an array for each coordinate.
   *
   * @param out Takes the points and is returned; each as long as `parameters`.
   */
  evalXy(parameters: Float64Array, out?: Columns): Columns {
    const columns = roomForColumns(checkParameters(parameters).length, out);
    check(symbols.circlet_curve_eval_columns(this.#open(), parameters, parameters.length, addresses(columns)));
    return columns;
  }

  /** Returns the derivative by the parameter. Where two segments meet it is the later one's. */
  derivative(parameter: number): Point;
  /**
   * Returns the derivatives by the parameter at many parameters, x and y in turn, in one call.
   *
   * @param out Takes them and is returned; twice as long as `parameters`.
   */
  derivative(parameters: Float64Array, out?: Float64Array): Float64Array;
  derivative(parameters: number | Float64Array, out?: Float64Array): Point | Float64Array {
    if (typeof parameters === "number") {
      PARAMETER[0] = parameters;
      check(symbols.circlet_curve_derivative(this.#open(), 1, PARAMETER, 1, POINT));
      return [POINT[0]!, POINT[1]!];
    }
    const derivatives = roomFor(checkParameters(parameters).length, out, DOUBLES);
    check(symbols.circlet_curve_derivative(this.#open(), 1, parameters, parameters.length, derivatives));
    return derivatives;
  }

  /**
   * Returns `count` points at evenly spaced parameters from the start to the end, x and y in turn.
   *
   * @param out Takes the points, rounded if it has floats, and is returned; twice as long as `count`.
   */
  sample<Out extends Floats = Float64Array>(count: number, out?: Out): Out;
  sample(count: number, out?: Floats): Floats {
    const points = roomFor(integer("count", count, 0, U32_MAX), out, DOUBLES_OR_FLOATS);
    const isFloats = points instanceof Float32Array;
    const sample = isFloats ? symbols.circlet_curve_sample_f32 : symbols.circlet_curve_sample;
    check(sample(this.#open(), count, points));
    return points;
  }

  /**
   * Returns `count` points, as `sample` does up to rounding, in an array for each coordinate.
   *
   * @param out Takes the points and is returned; each as long as `count`.
   */
  sampleXy(count: number, out?: Columns): Columns {
    const columns = roomForColumns(integer("count", count, 0, U32_MAX), out);
    check(symbols.circlet_curve_sample_columns(this.#open(), count, addresses(columns)));
    return columns;
  }

  /** Returns the exact bounds. */
  bounds(): readonly [minX: number, minY: number, maxX: number, maxY: number] {
    const bounds = new Float64Array(4);
    check(symbols.circlet_curve_bounds(this.#open(), bounds));
    return [bounds[0]!, bounds[1]!, bounds[2]!, bounds[3]!];
  }

  /**
   * Returns the arc length, within `tolerance` of the true one. The tolerance is absolute, in the units of the points;
   * of a curve longer than about 1e5 units, rounding alone is more than the default.
   *
   * @throws {CurveError} If the tolerance is not above 0.
   */
  length(tolerance = 1e-9): number {
    const length = new Float64Array(1);
    check(symbols.circlet_curve_length(this.#open(), number("tolerance", tolerance), length));
    return length[0]!;
  }

  /**
   * Returns a polyline from the start to the end, x and y in turn, with every point of the curve within `tolerance` of
   * it.
   *
   * @param out Takes the points; the part of it that has them is returned.
   * @throws {CurveError} If the tolerance is not above 0.
   * @throws {InvalidError} If `out` has no room for all of them.
   */
  flatten(tolerance: number, out?: Float64Array): Float64Array {
    const handle = this.#open();
    number("tolerance", tolerance);
    if (out !== undefined) {
      const room = checkOut("out", out, DOUBLES).length >>> 1;
      const needed = check(symbols.circlet_curve_flatten(handle, tolerance, out, room));
      if (needed > room) {
        throw new InvalidError(`out has ${out.length} numbers: give it room for ${needed * 2}, two for each point`);
      }
      return out.subarray(0, needed * 2);
    }
    const count = check(symbols.circlet_curve_flatten(handle, tolerance, null, 0));
    const points = new Float64Array(count * 2);
    check(symbols.circlet_curve_flatten(handle, tolerance, points, count));
    return points;
  }

  /**
   * Returns the map that fits the exact bounds into a box.
   *
   * @throws {CurveError} If the box has no size.
   */
  fitToBox(box: Box, fit: Fit = "contain"): AffineMap {
    const target = numbers("box", box, 4, "x, y, width, height");
    if (!Object.hasOwn(FITS, fit)) {
      throw new InvalidError(`fit is ${shown(fit)}: give ${Object.keys(FITS).map(shown).join(", ")}`);
    }
    const map = new Float64Array(6);
    check(symbols.circlet_curve_fit_to_box(this.#open(), target, FITS[fit], null, map));
    return [map[0]!, map[1]!, map[2]!, map[3]!, map[4]!, map[5]!];
  }

  /**
   * Returns the curve's image under a map, as `fitToBox` gives it.
   *
   * @throws {CurveError} If a coordinate of the image is too large or no number.
   */
  transform(map: AffineMap): Curve {
    const [handle, given] = [this.#open(), numbers("map", map, 6, "a, b, c, d, e, f")];
    return new Curve(handleFrom((out) => symbols.circlet_curve_transform(handle, given, out)));
  }

  /** Frees the curve's memory in the library now. Safe to call twice. */
  [Symbol.dispose](): void {
    if (this.#handle === null) return;
    dropped.unregister(this);
    symbols.circlet_curve_free(this.#handle);
    this.#handle = null;
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this curve was freed here");
    return this.#handle;
  }
}

function flatPoints(points: Points): Float64Array {
  if (points instanceof Float64Array) {
    if (points.length % 2 !== 0) {
      throw new InvalidError(`the points are ${points.length} numbers: give an even count, x and y in turn`);
    }
    return points;
  }
  if (!Array.isArray(points)) {
    throw new InvalidError(`the points are ${shown(points)}: give pairs, or a Float64Array with x and y in turn`);
  }
  const flat = new Float64Array(points.length * 2);
  points.forEach((point, index) => flat.set(numbers(`point ${index}`, point, 2, "x, y"), index * 2));
  return flat;
}

function numbers(name: string, values: readonly number[], count: number, meaning: string): Float64Array {
  const sound = Array.isArray(values) && values.length === count && values.every((value) => typeof value === "number");
  if (!sound) {
    throw new InvalidError(`${name} is ${shown(values)}: give ${count} numbers, ${meaning}`);
  }
  return Float64Array.from(values);
}

function checkParameters(parameters: Float64Array): Float64Array {
  if (!(parameters instanceof Float64Array)) {
    throw new InvalidError(`the parameters are ${shown(parameters)}: give a number or a Float64Array`);
  }
  return parameters;
}

/** What an `out` may be. */
type Kinds<Out> = readonly (new (length: number) => Out)[];
const DOUBLES: Kinds<Float64Array> = [Float64Array];
const DOUBLES_OR_FLOATS: Kinds<Floats> = [Float64Array, Float32Array];

function roomFor<Out extends Floats>(points: number, out: Out | undefined, kinds: Kinds<Out>): Out {
  if (out === undefined) return new kinds[0]!(points * 2);
  if (checkOut("out", out, kinds).length !== points * 2) {
    throw new InvalidError(`out has ${out.length} numbers: give it ${points * 2}, two for each point`);
  }
  return out;
}

function roomForColumns(points: number, out: Columns | undefined): Columns {
  if (out === undefined) return [new Float64Array(points), new Float64Array(points)];
  if (!Array.isArray(out) || out.length !== 2) throw new InvalidError(`out is ${shown(out)}: give two Float64Arrays`);
  for (const [index, column] of out.entries()) {
    if (checkOut(`out[${index}]`, column, DOUBLES).length !== points) {
      throw new InvalidError(`out[${index}] has ${column.length} numbers: give it ${points}, one for each point`);
    }
  }
  return out as Columns;
}

/** Returns where the columns are, for the call that follows at once: nothing may move them in between. */
function addresses(columns: Columns): BigUint64Array {
  return BigUint64Array.from(columns, (column) => (column.length > 0 ? BigInt(ptr(column)) : 0n));
}

function checkOut<Out extends Floats>(name: string, out: Out, kinds: Kinds<Out>): Out {
  if (!kinds.some((kind) => out instanceof kind)) {
    throw new InvalidError(`${name} is ${shown(out)}: give a ${kinds.map((kind) => kind.name).join(" or a ")}`);
  }
  return out;
}
