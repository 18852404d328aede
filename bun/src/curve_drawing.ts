/** What is drawn of a curve: polylines, path data, and where it is placed. */

import type { Pointer } from "bun:ffi";
import { number, oneOf } from "./arguments.ts";
import { CurveLengths } from "./curve_lengths.ts";
import { check, handleFrom, symbols } from "./native.ts";
import { numbers, type Dimensions, type Point } from "./points.ts";
import { rows } from "./room.ts";

/** A box by its corner of least x and y, and its size. */
export type Box = readonly [x: number, y: number, width: number, height: number];
/** A map: x' = a x + c y + e, y' = b x + d y + f, as `matrix()` of SVG and CSS has it. */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];
/**
 * How a drawing goes into a box: `"contain"` fits all of it in and `"cover"` leaves no part of the box free, both with
 * one scale; `"stretch"` scales each axis by itself.
 */
export type Fit = keyof typeof FITS;

/** CIRCLET_FIT_STRETCH, CIRCLET_FIT_CONTAIN and CIRCLET_FIT_COVER. */
export const FITS = { stretch: 0, contain: 1, cover: 2 } as const;

/**
 * A curve as it is drawn.
 *
 * A tolerance is a distance in the curve's units. Each polyline that is given an `out` returns the part of it that has
 * the points, and throws `InvalidError` if it has no room for all of them.
 */
export abstract class CurveDrawing<D extends Dimensions = 2> extends CurveLengths<D> {
  /**
   * Returns a polyline from the start to the end, one point's numbers behind the other's, with every point of the curve
   * within `tolerance` of it.
   *
   * @throws {CurveError} If the tolerance is not above 0.
   */
  flatten(tolerance: number, out?: Float64Array): Float64Array {
    const handle = this.handle;
    number("tolerance", tolerance);
    return rows(this.dimensions, 0, out, (points, max) =>
      symbols.circlet_curve_flatten(handle, tolerance, points, max),
    );
  }

  /**
   * Returns how many points `flatten` gives, and `flattenFewest` at the most: what an `out` must have room for.
   *
   * @throws {CurveError} If the tolerance is not above 0.
   */
  flattenCount(tolerance: number): number {
    return check(symbols.circlet_curve_flatten(this.handle, number("tolerance", tolerance), null, 0));
  }

  /**
   * Returns a polyline as `flatten` does, of about half as many points in several times the time.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using hook = Curve.make("bezier", [[0, 0], [100, 0], [100, 0], [100, 9]]);
   * console.log(hook.flattenFewest(0.01).length < hook.flatten(0.01).length / 2); // true
   * ```
   * @throws {CurveError} If the tolerance is not above 0.
   */
  flattenFewest(tolerance: number, out?: Float64Array): Float64Array {
    const handle = this.handle;
    number("tolerance", tolerance);
    // There are never more, and to count these takes as long as to have them.
    const most = out === undefined ? this.flattenCount(tolerance) : 0;
    return rows(this.dimensions, most, out, (points, max) =>
      symbols.circlet_curve_flatten_fewest(handle, tolerance, points, max),
    );
  }

  /**
   * Returns a polyline for drawing at `scale` pixels per unit, within `pixelTolerance` pixels of the curve: that of
   * `flatten` with the tolerance `pixelTolerance / scale`, in the curve's own units.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using arch = Curve.make("bezier", [[0, 0], [0, 4], [4, 4], [4, 0]]);
   * console.log(arch.flattenScaled(8, 0.25).length === arch.flatten(0.25 / 8).length); // true
   * ```
   * @throws {CurveError} If one of them or their quotient is not above 0.
   */
  flattenScaled(scale: number, pixelTolerance: number, out?: Float64Array): Float64Array {
    const handle = this.handle;
    number("scale", scale);
    number("pixelTolerance", pixelTolerance);
    return rows(this.dimensions, 0, out, (points, max) =>
      symbols.circlet_curve_flatten_scaled(handle, scale, pixelTolerance, points, max),
    );
  }

  /**
   * Returns a polyline within `tolerance` of the curve that runs beside this curve of the plane at `distance`: to the
   * left, or to the right where that is below 0.
   *
   * Corners are joined round, and nothing is cut off where the result crosses itself. A curve that is a point gives
   * none.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using line = Curve.make("linear", [[0, 0], [4, 0]]);
   * console.log(line.offset(1, 0.1)); // Float64Array(4) [ 0, 1, 4, 1 ]
   * ```
   * @throws {CurveError} If the distance or the tolerance is out of range, or the curve is of other dimensions than 2.
   */
  offset(distance: number, tolerance: number, out?: Float64Array): Float64Array {
    const handle = this.handle;
    number("distance", distance);
    number("tolerance", tolerance);
    // It bends about as much as the curve.
    const guess = out === undefined ? 64 + 2 * check(symbols.circlet_curve_flatten(handle, tolerance, null, 0)) : 0;
    return rows(2, guess, out, (points, max) =>
      symbols.circlet_curve_offset(handle, distance, tolerance, points, max),
    );
  }

  /**
   * Returns a curve of the plane as SVG path data, in as few digits as read back to the same bits. The knots are lost.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using arch = Curve.make("bezier", [[0, 0], [0, 4], [4, 4], [4, 0.5]]);
   * console.log(arch.toSvg()); // M0 0C0 4 4 4 4 0.5
   * ```
   * @throws {CurveError} If the curve is of other dimensions than 2.
   */
  toSvg(): string {
    const handle = this.handle;
    const text = handleFrom((out) => symbols.circlet_curve_to_svg(handle, out));
    try {
      return textAt(text);
    } finally {
      symbols.circlet_text_free(text);
    }
  }

  /**
   * Returns the map that fits the exact bounds of a curve of the plane into a box.
   *
   * @example
   * ```ts
   * import { Curve } from "circlet";
   *
   * using square = Curve.make("linear", [[0, 0], [1, 0], [1, 1], [0, 1]], { ends: "closed" });
   * console.log(square.fitToBox([0, 0, 20, 10])); // [ 10, 0, 0, 10, 5, 0 ]
   * console.log(square.fitToBox([0, 0, 20, 10], "contain", [1, 0.5])); // [ 10, 0, 0, 10, 10, 0 ]
   * ```
   * @param align Where in the box the bounds are, along x and along y: 0 at its least coordinate, 0.5 in the middle and
   * 1 at its greatest.
   * @throws {CurveError} If the box has no size, the alignment is another, or the curve is of other dimensions than 2.
   */
  fitToBox(box: Box, fit: Fit = "contain", align: Point = [0.5, 0.5]): AffineMap {
    const target = numbers("box", box, 4, "x, y, width, height");
    const [how, where] = [oneOf("fit", fit, FITS), numbers("align", align, 2, "along x, along y")];
    const map = new Float64Array(6);
    check(symbols.circlet_curve_fit_to_box(this.handle, target, how, where, map));
    return [map[0]!, map[1]!, map[2]!, map[3]!, map[4]!, map[5]!];
  }
}

function textAt(text: Pointer): string {
  return String(symbols.circlet_text_data(text) ?? "");
}
