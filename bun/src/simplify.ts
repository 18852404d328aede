/** The points that matter of a polyline. */

import { number } from "./arguments.ts";
import { check, symbols } from "./native.ts";
import { flatPoints, type AnyPoint, type Dimensions, type Flat, type Points } from "./points.ts";

/**
 * Returns the indices, ascending, of the points that stand for a whole polyline within `tolerance`.
 *
 * The first and the last are among them. Points whose numbers stand in turn are pairs of x and y, unless the options
 * name other `dimensions`.
 *
 * @example
 * ```ts
 * import { simplify } from "circlet";
 *
 * console.log(simplify([[0, 0], [1, 0.1], [2, -0.1], [3, 5], [4, 6], [5, 7]], 0.5)); // Uint32Array(4) [ 0, 2, 3, 5 ]
 * ```
 * @throws {CurveError} If the tolerance is not above 0, or a coordinate is no number.
 * @throws {InvalidError} If the points are not all of the same 1 to 4 dimensions.
 */
export function simplify(points: Float64Array | readonly AnyPoint[], tolerance: number, options?: Flat): Uint32Array {
  const { dimensions, count, numbers } = flatPoints(points as Points<Dimensions>, options?.dimensions);
  const indices = new Uint32Array(count);
  number("tolerance", tolerance);
  const kept = check(symbols.circlet_simplify(dimensions, numbers, count, tolerance, indices, count));
  return indices.slice(0, kept);
}
