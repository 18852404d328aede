/** What worker processes have on their heaps. */

import { ptr } from "bun:ffi";
import { resolve } from "node:path";
import { checkNames, integer, milliseconds, shown, text, U32_MAX } from "./arguments.ts";
import { InvalidError } from "./errors.ts";

/** What is wished of a heap snapshot. */
export interface HeapOptions {
  /** How many lines and types there are of each, those first that have the most bytes; 25 by default. */
  top?: number;
  /**
   * The file that the worker writes the whole of it to: for the developer tools of browsers (`.heapsnapshot`) from Bun, and
   * for `tracemalloc.Snapshot.load` from Python.
   */
  file?: string;
  /** Whether the tracing of allocations ends with this one: the next is a first one again. */
  stop?: boolean;
  /** How long it may take, the call that the worker runs included, in milliseconds; 60 s by default. */
  timeoutMs?: number;
}

/** A line, and what it has allocated that is not freed. */
export interface HeapLine {
  readonly file: string;
  readonly line: number;
  readonly bytes: number;
  readonly count: number;
}

/** What a worker process has on its heap. Lines are known of workers of Python alone. */
export interface HeapSnapshot {
  /** Who knows. */
  readonly source: "jsc" | "tracemalloc";
  /** Whether there was none before it that it could be compared with. */
  readonly is_first: boolean;
  /** Those of the whole heap; in Python those that were allocated since the first snapshot and are not freed. */
  readonly bytes: number;
  readonly peak_bytes?: number;
  readonly overhead_bytes?: number;
  /** The lines that have allocated the most. */
  readonly lines: HeapLine[];
  /** The lines of which most has changed since the last snapshot. */
  readonly grown: (HeapLine & { readonly bytes_change: number; readonly count_change: number })[];
  /** The types that have the most bytes, or objects where bytes are not known. */
  readonly types: { readonly name: string; readonly count: number; readonly bytes?: number; readonly count_change?: number }[];
  /** The file that was asked for. */
  readonly file?: string;
}

/** The numbers of heap snapshots begin here: CIRCLET_HEAP_NUMBERS. */
export const HEAP_NUMBERS = 2 ** 52;
const NAMES = new Set<string>(["top", "file", "stop", "timeoutMs"] satisfies (keyof HeapOptions)[]);
/** CIRCLET_HEAP_STOP. */
const STOP = 1;
/** Bytes of circlet_heap_options. */
const BYTES = 32;

/** Returns circlet_heap_options, with the file's name behind it in the same memory. */
export function heapOptions(options: HeapOptions): Uint8Array {
  checkNames(options, NAMES);
  const { top, file, stop = false, timeoutMs } = options;
  if (typeof stop !== "boolean") throw new InvalidError(`stop is ${shown(stop)}: give true or false`);
  if (file !== undefined && typeof file !== "string") throw new InvalidError(`file is ${shown(file)}: give a path`);
  const name = file === undefined ? new Uint8Array(0) : text("file", resolve(file));
  const bytes = new Uint8Array(new ArrayBuffer(BYTES + name.length));
  const fields = new DataView(bytes.buffer);
  bytes.set(name, BYTES);
  fields.setUint32(0, BYTES, true);
  fields.setUint32(4, top === undefined ? 0 : integer("top", top, 1, U32_MAX), true);
  if (file !== undefined) fields.setBigUint64(8, BigInt(ptr(bytes) + BYTES), true);
  fields.setFloat64(16, timeoutMs === undefined ? 0 : milliseconds("timeoutMs", timeoutMs), true);
  fields.setUint32(24, stop ? STOP : 0, true);
  return bytes;
}
