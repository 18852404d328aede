/** Points on their way into the library: an array each, or their numbers in turn. */

import { integer, shown } from "./arguments.ts";
import { InvalidError } from "./errors.ts";

/** Of how many dimensions curves are: so many numbers each point has. */
export type Dimensions = 1 | 2 | 3 | 4;

interface PointOf {
  1: readonly [x: number];
  2: readonly [x: number, y: number];
  3: readonly [x: number, y: number, z: number];
  4: readonly [x: number, y: number, z: number, w: number];
}

/** A point, of the plane unless another number of dimensions is named. */
export type Point<D extends Dimensions = 2> = PointOf[D];
/** Points: an array each, or one point's numbers behind the other's in one array. */
export type Points<D extends Dimensions = 2> = Float64Array | readonly Point<D>[];
/** Any point, whose length says of how many dimensions it is. */
export type AnyPoint = Point<Dimensions>;

/** What says how to read numbers that stand in turn. */
export interface Flat<D extends Dimensions = Dimensions> {
  /** How many of them are a point; 2 by default, x and y. Points that are an array each need not say it. */
  dimensions?: D;
}

/** Points as the library takes them. */
export interface FlatPoints {
  readonly dimensions: number;
  readonly count: number;
  readonly numbers: Float64Array;
}

/** Returns points one behind the other: as they are in a `Float64Array`, else copied. */
export function flatPoints(points: Points<Dimensions>, dimensions?: number): FlatPoints {
  if (dimensions !== undefined) integer("dimensions", dimensions, 1, 4);
  if (points instanceof Float64Array) {
    const each = dimensions ?? 2;
    if (points.length % each !== 0) {
      const wanted = each === 2 ? "an even count, x and y in turn" : `a multiple of ${each}, ${each} for each point`;
      throw new InvalidError(`the points are ${points.length} numbers: give ${wanted}`);
    }
    return { dimensions: each, count: points.length / each, numbers: points };
  }
  if (!Array.isArray(points)) {
    throw new InvalidError(
      `the points are ${shown(points)}: give an array of them, or a Float64Array with their numbers in turn`,
    );
  }
  return listed(points, dimensions ?? (points.length > 0 ? widthOf(points[0]) : 2));
}

function widthOf(point: unknown): number {
  if (!Array.isArray(point) || point.length < 1 || point.length > 4) {
    throw new InvalidError(`point 0 is ${shown(point)}: give an array of 1 to 4 numbers`);
  }
  return point.length;
}

function listed(points: readonly (readonly number[])[], dimensions: number): FlatPoints {
  const numbers = new Float64Array(points.length * dimensions);
  for (let index = 0, at = 0; index < points.length; index++) {
    const point = points[index]!;
    if (!areNumbers(point, dimensions)) {
      throw new InvalidError(`point ${index} is ${shown(point)}: give an array of ${dimensions} numbers`);
    }
    for (const value of point) numbers[at++] = value;
  }
  return { dimensions, count: points.length, numbers };
}

/** Returns so many numbers, or throws; `meaning` says what they are. */
export function numbers(name: string, values: readonly number[], count: number, meaning: string): Float64Array {
  if (!areNumbers(values, count)) {
    throw new InvalidError(`${name} is ${shown(values)}: give ${count} numbers, ${meaning}`);
  }
  return Float64Array.from(values);
}

function areNumbers(values: readonly number[], count: number): boolean {
  if (!Array.isArray(values) || values.length !== count) return false;
  for (const value of values) if (typeof value !== "number") return false;
  return true;
}

/** Returns the first numbers of a buffer as a point. */
export function pointOf<D extends Dimensions>(values: Float64Array, dimensions: D): Point<D>;
export function pointOf(values: Float64Array, dimensions: Dimensions): AnyPoint {
  switch (dimensions) {
    case 1:
      return [values[0]!];
    case 2:
      return [values[0]!, values[1]!];
    case 3:
      return [values[0]!, values[1]!, values[2]!];
    case 4:
      return [values[0]!, values[1]!, values[2]!, values[3]!];
  }
}
