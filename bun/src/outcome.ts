/** What comes of code that an executor runs. */

import { errorOf, WorkerDiedError, type CircletError } from "./errors.ts";

/** The bytes of a value that is a buffer, as the array of its numbers where JavaScript has one. */
export type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** An exception that ended the code. */
export interface CodeError {
  /** Its type's name, such as `"ZeroDivisionError"`. */
  type: string;
  message: string;
  /** As Python prints it, from the code's own lines on. */
  traceback: string;
}

/** What came of a run. */
export interface Outcome {
  /**
   * The last expression's value where JSON can say it exactly, integers beyond 2^53 as `bigint`; the numbers of a buffer, or its bytes where JavaScript has no
   * array of its items; else nothing.
   */
  value?: unknown;
  /** Its `repr`, where JSON cannot say it. */
  repr?: string;
  /** How it shows itself, by MIME type: text as it is, pictures in base64, as Jupyter's messages have them. */
  data?: Record<string, unknown>;
  /** Of a value that is a buffer: what an item is, as Python's `struct` module has it. */
  format?: string;
  /** Of a value that is a buffer: how many items there are along each axis. */
  shape?: number[];
  /** What was printed, as much as is kept; of a stream empty, as it was told already. */
  stdout: string;
  stderr: string;
  /** What the code has shown by `display`, each by MIME type; of a stream empty. */
  shown: Record<string, unknown>[];
  /** What the code has sent by `circlet.session.send`; of a stream empty. */
  sent: Uint8Array[];
  /** What became of the run, where `states` asked for that; of a stream empty. */
  states: State[];
  /** The exception that ended the code. */
  error?: CodeError;
  /** How far it was necessary to go to stop the code, if it was to stop. */
  stopped?: "interrupted" | "group_interrupted";
  /** What the session's process has used since the end of the run before; the most memory that it ever had. */
  usage: { cpu_user_ms: number; cpu_system_ms: number; memory_peak_bytes: number };
  /** From sending the code to having the outcome. */
  elapsed_ms: number;
}

/** A part of what comes of a run while it is under way. */
export type Chunk =
  /** Printed; a character is never cut. */
  | { stream: "stdout" | "stderr"; text: string }
  /** Shown by `display`: as plain text, and by MIME type. */
  | { stream: "display"; text: string; data: Record<string, unknown> }
  /** Sent by `circlet.session.send`. */
  | { stream: "data"; data: Uint8Array }
  /** What became of the run, where `states` asked for that. */
  | { stream: "state"; data: State };

/** What became of a run, and when, for a log. */
export interface State {
  state: "code_received" | "exec_start" | "exec_end" | "exception" | "interrupted" | "recycled";
  /** The run's number in its session. */
  request: number;
  /** Milliseconds since the beginning of 1970. */
  unix_ms: number;
  /** Milliseconds of `CLOCK_MONOTONIC`, which all processes of a machine share. */
  monotonic_ms: number;
  /** Of an exception. */
  type?: string;
  message?: string;
  /** How it was interrupted. */
  how?: "interrupted" | "group_interrupted" | "killed";
  /** Why the session took the place of another. */
  why?: "ended" | "worn" | "restarted";
}

/** What code asks for. */
export interface Question {
  /** What it shows beside the place where the line is to be written. */
  prompt: string;
  /** Whether nobody is to see what is written there. */
  isSecret: boolean;
}

/** An outcome as the library says it. */
export interface Said extends Omit<Outcome, "shown" | "sent" | "states" | "format" | "shape"> {
  bytes?: { format: string; shape: number[]; len: number };
}

/** Why a run has no outcome, as the library says it. */
export interface Failed {
  status: string;
  message: string;
  exit_code: number | null;
  signal: number | null;
  out_of_memory: boolean | null;
  stderr: string;
}

/** Parses JSON; integers that no number is exactly become a `bigint`. */
export function parseExactly(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const exactly = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source!)
      : value;
  return JSON.parse(text, exactly);
}

/** Makes what a run without an outcome rejects with. */
export function failureOf(said: Failed): CircletError {
  const error = errorOf(said.status, said.message);
  if (error instanceof WorkerDiedError) {
    error.exitCode = said.exit_code;
    error.signal = said.signal;
    error.outOfMemory = said.out_of_memory;
    error.stderr = said.stderr;
  }
  return error;
}

/** What an item is, by its format without a mark of the byte order; those in capitals are without a sign. */
const NATIVE: Record<string, new (bytes: ArrayBuffer) => Numbers> = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: BigInt64Array,
  L: BigUint64Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  n: BigInt64Array,
  N: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
};
/** Those that have another size where the byte order is given. */
const STANDARD: typeof NATIVE = { ...NATIVE, l: Int32Array, L: Uint32Array };

/** Returns the numbers that bytes of a format are. */
export function numbersOf(bytes: Uint8Array<ArrayBuffer>, format: string): Numbers {
  const [, mark, item] = /^([@=<>!]?)(.+)$/.exec(format) ?? [];
  const arrays = mark === "" || mark === "@" ? NATIVE : mark === "=" || mark === "<" ? STANDARD : {};
  const made = arrays[item ?? ""];
  return made === undefined ? bytes : new made(bytes.buffer);
}
