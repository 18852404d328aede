/** Arrays that the library reads and writes: those of the caller, checked, or new ones. */

import { ptr } from "bun:ffi";
import { shown, U32_MAX } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { check } from "./native.ts";
import type { Dimensions, Point } from "./points.ts";

/** Where points go: as they are, or rounded to floats. */
export type Floats = Float64Array | Float32Array;
/** An array for each coordinate. */
export type Columns<D extends Dimensions = 2> = ColumnOf<Point<D>>;
type ColumnOf<P extends readonly number[]> = { readonly [Axis in keyof P]: Float64Array };

/** Returns the numbers that a method is called with many of, if they are doubles. */
export function doubles(name: string, values: Float64Array, allowed = "a number or a Float64Array"): Float64Array {
  if (!(values instanceof Float64Array)) throw new InvalidError(`the ${name} are ${shown(values)}: give ${allowed}`);
  return values;
}

/** Returns `out`, or a new array if there is none, with `each` doubles for each of `count`. */
export function room(count: number, each: number, out: Float64Array | undefined): Float64Array {
  if (out === undefined) return new Float64Array(count * each);
  if (!(out instanceof Float64Array)) throw new InvalidError(`out is ${shown(out)}: give a Float64Array`);
  if (out.length !== count * each) throw wrongLength(count, each, out);
  return out;
}

/** Returns `out`, or a new array of doubles if there is none, with `each` numbers for each of `count`. */
export function roomOfFloats(count: number, each: number, out: Floats | undefined): Floats {
  if (out === undefined) return new Float64Array(count * each);
  if (!(out instanceof Float64Array || out instanceof Float32Array)) {
    throw new InvalidError(`out is ${shown(out)}: give a Float64Array or a Float32Array`);
  }
  if (out.length !== count * each) throw wrongLength(count, each, out);
  return out;
}

function wrongLength(count: number, each: number, out: Floats): InvalidError {
  const wanted = each === 1 ? `${count}` : `${count * each}, ${each} for each of ${count} points`;
  return new InvalidError(`out has ${out.length} numbers: give it ${wanted}`);
}

/** Returns `out`, or new arrays if there is none, one for each dimension, of `count` doubles each. */
export function roomOfColumns<D extends Dimensions>(count: number, dimensions: D, out?: Columns<D>): Columns<D>;
export function roomOfColumns(
  count: number,
  dimensions: number,
  out?: readonly Float64Array[],
): readonly Float64Array[] {
  if (out === undefined) return Array.from({ length: dimensions }, () => new Float64Array(count));
  if (!Array.isArray(out) || out.length !== dimensions) {
    throw new InvalidError(`out is ${shown(out)}: give an array of ${dimensions} Float64Array, one for each dimension`);
  }
  for (const [axis, column] of out.entries()) {
    if (!(column instanceof Float64Array)) {
      throw new InvalidError(`out[${axis}] is ${shown(column)}: give a Float64Array`);
    }
    if (column.length !== count) {
      throw new InvalidError(`out[${axis}] has ${column.length} numbers: give it ${count}, one for each point`);
    }
  }
  return out;
}

/** Returns where the columns are, for the call that follows at once: nothing may move them in between. */
export function addresses(columns: readonly Float64Array[]): BigUint64Array {
  return BigUint64Array.from(columns, (column) => (column.length > 0 ? BigInt(ptr(column)) : 0n));
}

/**
 * Returns the rows of `each` doubles that a call writes and counts: the part of `out` that has them, or an array of
 * their own. `guess` says for how many there is room at first; only where the call counts more it is called once more.
 */
export function rows(
  each: number,
  guess: number,
  out: Float64Array | undefined,
  call: (room: Float64Array | null, max: number) => number,
): Float64Array {
  if (out !== undefined) return rowsIn(each, out, call);
  const first = new Float64Array(guess * each);
  const count = check(call(guess > 0 ? first : null, guess));
  if (count <= guess) return count === guess ? first : first.slice(0, count * each);
  const all = new Float64Array(count * each);
  check(call(all, count));
  return all;
}

function rowsIn(
  each: number,
  out: Float64Array,
  call: (room: Float64Array | null, max: number) => number,
): Float64Array {
  if (!(out instanceof Float64Array)) throw new InvalidError(`out is ${shown(out)}: give a Float64Array`);
  const max = Math.min(Math.floor(out.length / each), U32_MAX);
  const count = check(call(max > 0 ? out : null, max));
  if (count > max) {
    const wanted = `${count * each}, ${each} for each of ${count} points`;
    throw new InvalidError(`out has ${out.length} numbers: give it room for ${wanted}`);
  }
  return out.subarray(0, count * each);
}
