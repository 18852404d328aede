/** What a curve is at its parameters: points, derivatives, directions, bending. */

import type { Pointer } from "bun:ffi";
import { integer, shown, U32_MAX } from "./arguments.ts";
import { CurveHandle } from "./curve_handle.ts";
import { InvalidError } from "./errors.ts";
import { check, symbols } from "./native.ts";
import { pointOf, type Dimensions, type Point } from "./points.ts";
import { addresses, doubles, room, roomOfColumns, roomOfFloats, type Columns, type Floats } from "./room.ts";

/** A single parameter and its point, on their way through one call. */
const [PARAMETER, POINT] = [new Float64Array(1), new Float64Array(4)];

/** A function that writes something for each parameter. */
type OfParameters = (curve: Pointer, parameters: Float64Array, count: number, out: Float64Array) => number;

/**
 * A curve by its parameters.
 *
 * Those outside of its domain give its ends. Of one number a method gives a point or a number, of a `Float64Array` an
 * array of them in one call.
 */
export abstract class CurvePoints<D extends Dimensions = 2> extends CurveHandle<D> {
  /** Returns the point at a parameter. */
  eval(parameter: number): Point<D>;
  /**
   * Returns the points at many parameters, one's numbers behind the other's.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using arch = Curve.make("bezier", [[0, 0], [0, 4], [4, 4], [4, 0]]);
   * console.log(arch.eval(0.5)); // [ 2, 3 ]
   * console.log(arch.eval(Float64Array.of(0, 0.5))); // Float64Array(4) [ 0, 0, 2, 3 ]
   * ```
   * @param out Takes the points, rounded if it has floats, and is returned; as many numbers for each parameter as the
   * curve has dimensions.
   * @throws {InvalidError} If `out` is of another length or overlaps the parameters.
   */
  eval<Out extends Floats = Float64Array>(parameters: Float64Array, out?: Out): Out;
  eval(parameters: number | Float64Array, out?: Floats): Point<D> | Floats {
    if (typeof parameters === "number") {
      PARAMETER[0] = parameters;
      check(symbols.circlet_curve_eval(this.handle, PARAMETER, 1, POINT));
      return pointOf(POINT, this.dimensions);
    }
    const count = doubles("parameters", parameters).length;
    const points = roomOfFloats(count, this.dimensions, out);
    const isFloats = points instanceof Float32Array;
    const evaluate = isFloats ? symbols.circlet_curve_eval_f32 : symbols.circlet_curve_eval;
    check(evaluate(this.handle, parameters, count, points));
    return points;
  }

  /**
   * Returns the points at many parameters, as `eval` does, in an array for each dimension.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using line = Curve.make("linear", [[0, 0], [4, 2]]);
   * const [x, y] = line.evalColumns(Float64Array.of(0, 0.5, 1));
   * console.log(x, y); // Float64Array(3) [ 0, 2, 4 ] Float64Array(3) [ 0, 1, 2 ]
   * ```
   * @param out Takes the points and is returned; each as long as `parameters`.
   * @throws {InvalidError} If an array of `out` is of another length or overlaps another.
   */
  evalColumns(parameters: Float64Array, out?: Columns<D>): Columns<D> {
    const count = doubles("parameters", parameters, "a Float64Array").length;
    const columns = roomOfColumns(count, this.dimensions, out);
    check(symbols.circlet_curve_eval_columns(this.handle, parameters, count, addresses(columns)));
    return columns;
  }

  /** Returns the first or the second derivative by the parameter. Where two segments meet it is the later one's. */
  derivative(parameter: number, order?: 1 | 2): Point<D>;
  /**
   * Returns the derivatives by the parameter at many parameters, one's numbers behind the other's.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using arch = Curve.make("bezier", [[0, 0], [0, 4], [8, 4], [8, 0]]);
   * console.log(arch.derivative(0.5), arch.derivative(0.5, 2)); // [ 12, 0 ] [ 0, -24 ]
   * console.log(arch.derivative(Float64Array.of(0, 1), 1, new Float32Array(4))); // Float32Array(4) [ 0, 12, 0, -12 ]
   * ```
   * @param order 1 for the first, 2 for the second.
   * @param out Takes them, rounded if it has floats, and is returned; as many numbers for each parameter as the curve
   * has dimensions.
   * @throws {InvalidError} If `order` is another, or `out` is of another length or overlaps the parameters.
   */
  derivative<Out extends Floats = Float64Array>(parameters: Float64Array, order?: 1 | 2, out?: Out): Out;
  derivative(parameters: number | Float64Array, order: 1 | 2 = 1, out?: Floats): Point<D> | Floats {
    if (order !== 1 && order !== 2) throw new InvalidError(`order is ${shown(order)}: give 1 or 2`);
    if (typeof parameters === "number") {
      PARAMETER[0] = parameters;
      check(symbols.circlet_curve_derivative(this.handle, order, PARAMETER, 1, POINT));
      return pointOf(POINT, this.dimensions);
    }
    const count = doubles("parameters", parameters).length;
    const derivatives = roomOfFloats(count, this.dimensions, out);
    const isFloats = derivatives instanceof Float32Array;
    const differentiate = isFloats ? symbols.circlet_curve_derivative_f32 : symbols.circlet_curve_derivative;
    check(differentiate(this.handle, order, parameters, count, derivatives));
    return derivatives;
  }

  /**
   * Returns `count` points at evenly spaced parameters from the start to the end, one's numbers behind the other's.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using line = Curve.make("linear", [[0, 0, 0], [4, 2, 8]]);
   * console.log(line.sample(3)); // Float64Array(9) [ 0, 0, 0, 2, 1, 4, 4, 2, 8 ]
   * ```
   * @param out Takes the points, rounded if it has floats, and is returned; as many numbers for each point as the curve
   * has dimensions.
   * @throws {InvalidError} If `out` is of another length.
   */
  sample<Out extends Floats = Float64Array>(count: number, out?: Out): Out;
  sample(count: number, out?: Floats): Floats {
    const points = roomOfFloats(integer("count", count, 0, U32_MAX), this.dimensions, out);
    const isFloats = points instanceof Float32Array;
    const sample = isFloats ? symbols.circlet_curve_sample_f32 : symbols.circlet_curve_sample;
    check(sample(this.handle, count, points));
    return points;
  }

  /**
   * Returns `count` points, as `sample` does up to rounding, in an array for each dimension.
   *
   * @param out Takes the points and is returned; each as long as `count`.
   * @throws {InvalidError} If an array of `out` is of another length or overlaps another.
   */
  sampleColumns(count: number, out?: Columns<D>): Columns<D> {
    const columns = roomOfColumns(integer("count", count, 0, U32_MAX), this.dimensions, out);
    check(symbols.circlet_curve_sample_columns(this.handle, count, addresses(columns)));
    return columns;
  }

  /**
   * Returns the unit vector along the curve.
   *
   * At a cusp it is the way on from there, and at the end the way to it. All its numbers are 0 where there is no
   * direction: on a segment that is a point, and for a parameter that is NaN.
   */
  tangent(parameter: number): Point<D>;
  /**
   * Returns the unit vectors along the curve at many parameters, one's numbers behind the other's.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using arch = Curve.make("bezier", [[0, 0], [0, 4], [4, 4], [4, 0]]);
   * console.log(arch.tangent(0.5)); // [ 1, 0 ]
   * console.log(arch.tangent(Float64Array.of(0, 1))); // Float64Array(4) [ 0, 1, 0, -1 ]
   * ```
   * @param out Takes them and is returned; as many numbers for each parameter as the curve has dimensions.
   * @throws {InvalidError} If `out` is of another length or overlaps the parameters.
   */
  tangent(parameters: Float64Array, out?: Float64Array): Float64Array;
  tangent(parameters: number | Float64Array, out?: Float64Array): Point<D> | Float64Array {
    if (typeof parameters === "number") return this.#point(symbols.circlet_curve_tangent, parameters);
    return this.#many(symbols.circlet_curve_tangent, parameters, this.dimensions, out);
  }

  /**
   * Returns the unit vector a quarter turn to the left of the tangent, of a curve of the plane. Both its numbers are 0
   * where there is no tangent.
   */
  normal(parameter: number): Point<D>;
  /**
   * Returns the unit vectors a quarter turn to the left of the tangents at many parameters, x and y in turn.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using line = Curve.make("linear", [[0, 0], [2, 0]]);
   * console.log(line.normal(0.5)); // [ 0, 1 ]
   * ```
   * @param out Takes them and is returned; twice as long as `parameters`.
   * @throws {CurveError} If the curve is of other dimensions than 2.
   * @throws {InvalidError} If `out` is of another length or overlaps the parameters.
   */
  normal(parameters: Float64Array, out?: Float64Array): Float64Array;
  normal(parameters: number | Float64Array, out?: Float64Array): Point<D> | Float64Array {
    if (typeof parameters === "number") return this.#point(symbols.circlet_curve_normal, parameters);
    return this.#many(symbols.circlet_curve_normal, parameters, this.dimensions, out);
  }

  /**
   * Returns the curvature, 1 over the radius.
   *
   * In the plane it is above 0 where the curve turns to the left, and below where it turns to the right; in other
   * dimensions it is never below 0. At a cusp it is infinite.
   */
  curvature(parameter: number): number;
  /**
   * Returns the curvatures at many parameters.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using parabola = Curve.make("bezier", [[-1, 1], [0, -1], [1, 1]]);
   * console.log(parabola.curvature(0.5).toFixed(9)); // 2.000000000
   * ```
   * @param out Takes them and is returned; as long as `parameters`.
   * @throws {InvalidError} If `out` is of another length or overlaps the parameters.
   */
  curvature(parameters: Float64Array, out?: Float64Array): Float64Array;
  curvature(parameters: number | Float64Array, out?: Float64Array): number | Float64Array {
    if (typeof parameters !== "number") return this.#many(symbols.circlet_curve_curvature, parameters, 1, out);
    this.#one(symbols.circlet_curve_curvature, parameters);
    return POINT[0]!;
  }

  /** Leaves what a function gives for one parameter in `POINT`. */
  #one(call: OfParameters, parameter: number): void {
    PARAMETER[0] = parameter;
    check(call(this.handle, PARAMETER, 1, POINT));
  }

  #point(call: OfParameters, parameter: number): Point<D> {
    this.#one(call, parameter);
    return pointOf(POINT, this.dimensions);
  }

  #many(call: OfParameters, parameters: Float64Array, each: number, out: Float64Array | undefined): Float64Array {
    const count = doubles("parameters", parameters).length;
    const results = room(count, each, out);
    check(call(this.handle, parameters, count, results));
    return results;
  }
}
