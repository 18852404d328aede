/** How long a curve is, and where it has which length behind it. */

import { integer, number, U32_MAX } from "./arguments.ts";
import { CurvePoints } from "./curve_points.ts";
import { check, symbols } from "./native.ts";
import type { Dimensions } from "./points.ts";
import { doubles, room } from "./room.ts";

/** A single number on its way into one call, and the one that comes back. */
const [GIVEN, FOUND] = [new Float64Array(1), new Float64Array(1)];

/**
 * A curve by its length.
 *
 * Tolerances are absolute, in the units of the points; of a curve longer than about 1e5 units, rounding alone is more
 * than the default.
 */
export abstract class CurveLengths<D extends Dimensions = 2> extends CurvePoints<D> {
  /**
   * Returns the arc length, within `tolerance` of the true one.
   *
   * @throws {CurveError} If the tolerance is not above 0.
   */
  length(tolerance = 1e-9): number {
    check(symbols.circlet_curve_length(this.handle, number("tolerance", tolerance), FOUND));
    return FOUND[0]!;
  }

  /** Returns the length from the start to a parameter, within `tolerance`. NaN gives NaN. */
  lengthTo(parameter: number, tolerance?: number): number;
  /**
   * Returns the lengths from the start to many parameters, each within `tolerance`; the curve is measured once.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using corner = Curve.make("linear", [[0, 0], [3, 4], [3, 14]]);
   * console.log(corner.lengthTo(1.5)); // 10
   * console.log(corner.lengthTo(Float64Array.of(1, 2))); // Float64Array(2) [ 5, 15 ]
   * ```
   * @param out Takes them and is returned; as long as `parameters`.
   * @throws {CurveError} If the tolerance is not above 0.
   * @throws {InvalidError} If `out` is of another length or overlaps the parameters.
   */
  lengthTo(parameters: Float64Array, tolerance?: number, out?: Float64Array): Float64Array;
  lengthTo(parameters: number | Float64Array, tolerance = 1e-9, out?: Float64Array): number | Float64Array {
    number("tolerance", tolerance);
    if (typeof parameters === "number") {
      GIVEN[0] = parameters;
      check(symbols.circlet_curve_length_to(this.handle, GIVEN, 1, tolerance, FOUND));
      return FOUND[0]!;
    }
    const count = doubles("parameters", parameters).length;
    const lengths = room(count, 1, out);
    check(symbols.circlet_curve_length_to(this.handle, parameters, count, tolerance, lengths));
    return lengths;
  }

  /**
   * Returns the parameter at which the curve has a length behind it: the true length up to it is within `tolerance` of
   * the one asked for. A length below 0 and NaN give the start, and one beyond the curve's the end.
   */
  parameterAtLength(length: number, tolerance?: number): number;
  /**
   * Returns the parameters at which the curve has many lengths behind it; the curve is measured once.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using corner = Curve.make("linear", [[0, 0], [3, 4], [3, 14]]);
   * const halfway = corner.parameterAtLength(corner.length() / 2);
   * console.log(corner.eval(halfway).map((value) => value.toFixed(6))); // [ "3.000000", "6.500000" ]
   * ```
   * @param out Takes them and is returned; as long as `lengths`.
   * @throws {CurveError} If the tolerance is not above 0.
   * @throws {InvalidError} If `out` is of another length or overlaps the lengths.
   */
  parameterAtLength(lengths: Float64Array, tolerance?: number, out?: Float64Array): Float64Array;
  parameterAtLength(lengths: number | Float64Array, tolerance = 1e-9, out?: Float64Array): number | Float64Array {
    number("tolerance", tolerance);
    if (typeof lengths === "number") {
      GIVEN[0] = lengths;
      check(symbols.circlet_curve_parameter_at_length(this.handle, GIVEN, 1, tolerance, FOUND));
      return FOUND[0]!;
    }
    const count = doubles("lengths", lengths).length;
    const parameters = room(count, 1, out);
    check(symbols.circlet_curve_parameter_at_length(this.handle, lengths, count, tolerance, parameters));
    return parameters;
  }

  /**
   * Returns `count` points evenly spaced by length from the start to the end, one's numbers behind the other's; each
   * has its length behind it within `tolerance`.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using slow = Curve.make("bezier", [[0, 0], [0, 0], [0, 0], [9, 0]]); // at first
   * console.log(slow.sampleByLength(4).map(Math.round)); // Float64Array(8) [ 0, 0, 3, 0, 6, 0, 9, 0 ]
   * ```
   * @param out Takes the points and is returned; as many numbers for each point as the curve has dimensions.
   * @throws {CurveError} If the tolerance is not above 0.
   * @throws {InvalidError} If `out` is of another length.
   */
  sampleByLength(count: number, tolerance = 1e-9, out?: Float64Array): Float64Array {
    const points = room(integer("count", count, 0, U32_MAX), this.dimensions, out);
    check(symbols.circlet_curve_sample_by_length(this.handle, count, number("tolerance", tolerance), points));
    return points;
  }
}
