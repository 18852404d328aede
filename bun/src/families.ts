/** The families of curves, with their parameters. */

import { text } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import type { Dimensions, Point } from "./points.ts";

/** From the first point to the last, without the first and the last segment, or back to the beginning. */
export type Ends = "d3" | "open" | "closed";
/** How points are spaced along the parameter: a number is the power of their distances, 0 to 1; a list has the knots. */
export type Knots = "uniform" | "centripetal" | "chordal" | number | readonly number[] | Float64Array;
/** A derivative by the parameter. */
export type Derivative<D extends Dimensions = 2> = Point<D> | Float64Array;
// Not Record<string, never>, which would refuse the dimensions that may stand beside them.
type NoParams = {};

/** What `Curve.make` makes, each with its parameters. */
export interface Families<D extends Dimensions = 2> {
  /**
   * 2 to 65 points. The degree is checked if it is given. Above 3 the curve is evaluated, differentiated, bounded, cut,
   * reversed and mapped as it is; for all else, such as lengths, polylines, places and path data, cubics stand for it,
   * nearer than `tolerance`, as a part of the size of the points: 1e-9.
   */
  bezier: { degree?: number; tolerance?: number };
  linear: { ends?: Ends };
  /** Steps at a part of the way from point to point, 0 to 1: 0.5. */
  step: { position?: number };
  bump_x: NoParams;
  bump_y: NoParams;
  /** The power of the distances that space the points, 0 to 1: 0.5. */
  catmull_rom: { alpha?: number; ends?: Ends };
  /** 0 (round, the default) to 1 (straight). */
  cardinal: { tension?: number; ends?: Ends };
  natural: { knots?: Knots };
  clamped: { start: Derivative<D>; end: Derivative<D>; knots?: Knots };
  not_a_knot: { knots?: Knots };
  periodic: { knots?: Knots };
  monotone_x: NoParams;
  monotone_y: NoParams;
  pchip: NoParams;
  fritsch_carlson: NoParams;
  akima: NoParams;
  makima: NoParams;
  /** A derivative for each point. */
  hermite: { derivatives: readonly Derivative<D>[]; knots?: Knots };
  basis: { ends?: Ends };
  /** 0 (a straight line) to 1 (the spline itself): 0.85. */
  bundle: { beta?: number };
}

/** The name of a family. */
export type Family = keyof Families;

/** Returns parameters as the library takes them; whether they are right is the library's to say. */
export function familyJson(params: object | undefined): Uint8Array {
  try {
    return text("params", JSON.stringify(params ?? {}, plain));
  } catch (cause) {
    if (cause instanceof InvalidError) throw cause;
    throw new InvalidError(`params cannot be JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Gives typed arrays as lists, and by its name a number that JSON does not have. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Float64Array) return Array.from(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
