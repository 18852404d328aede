/** What an executor and its runs are given. */

import { ptr } from "bun:ffi";
import { checkNames, checkOptions, integer, milliseconds, number, shown, text, U32_MAX } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { SharedRingBuffer } from "./ring.ts";
import type { Ask } from "./run.ts";

/** A policy as an object, as JSON, or by the name of a template or the path of a file; its form is in docs/policies.md. */
export type Policy = string | Readonly<Record<string, unknown>>;

/** What an executor is made with. */
export interface ExecutorOptions {
  /** The interpreter: a path, or a program on `PATH`; `python3` by default. */
  python?: string;
  /** The program that runs TypeScript in the place of Python, such as `"bun"`. */
  bun?: string;
  /**
   * What the code may do, which the kernel enforces: a policy as an object or its JSON, a template's name such as
   * `"no-network"`, or the path of a file of JSON. Of several in an array all hold. Without one nothing is confined.
   */
  policy?: Policy | readonly Policy[];
  /** Rings that the code has as `rings[name]`. */
  rings?: Readonly<Record<string, SharedRingBuffer>>;
  /** How many sessions are kept ready to take the place of one that ends, by a process that forks them; 0 by default. */
  ready?: number;
  /** The modules that this process has loaded. */
  preload?: readonly string[];
  /** After how many runs a session is replaced, between two of them; its names are gone then. */
  recycleAfter?: number;
  /** A session is replaced, between two runs, once it has so many more bytes in memory than at its start. */
  recycleAbove?: number;
  /** How long a session has to be ready, in milliseconds; 10 s by default. */
  readyWithinMs?: number;
  /** How many bytes of what a run prints are kept; 16 MiB by default. */
  outputMax?: number;
  /** How long code has from the first interrupt to one for its whole process group, in milliseconds; 1 s by default. */
  graceMs?: number;
  /** How long it has from there to SIGKILL, in milliseconds; 1 s by default. */
  killAfterMs?: number;
  /** How long both sides look for each other before they sleep, in microseconds; 50 by default, and 0 for not at all. */
  spinUs?: number;
}

/** What is wished for a run. */
export interface RunOptions {
  /** The run is interrupted after that time, in milliseconds. */
  timeoutMs?: number;
  /** Interrupts the run; the promise rejects with its reason at once. A run that waits for its turn never begins. */
  signal?: AbortSignal;
  /** Whether somebody keeps a log of what becomes of the run: `Outcome.states`, and chunks of the stream `"state"`. */
  states?: boolean;
  /** Answers `input()`, which fails at once without it. What it throws ends the input, and the promise rejects with it. */
  ask?: Ask;
}

const NAMES = new Set([
  "python",
  "bun",
  "policy",
  "rings",
  "ready",
  "preload",
  "recycleAfter",
  "recycleAbove",
  "readyWithinMs",
  "outputMax",
  "graceMs",
  "killAfterMs",
  "spinUs",
]);
const RUN_NAMES = new Set(["timeoutMs", "signal", "ask", "states"]);

/** Bytes of circlet_executor_options, and where its fields are. */
const BYTES = 120;
const AT = {
  names: 16,
  rings: 24,
  preload: 32,
  python: 40,
  bun: 48,
  policy: 56,
  ready: 64,
  output: 72,
  grace: 80,
  kill: 88,
  spin: 96,
  above: 104,
  after: 112,
} as const;
/** CIRCLET_RUN_ASKS and CIRCLET_RUN_STATES. */
const ASKS = 1;
const STATES = 2;

/** Returns circlet_executor_options, with all that it leads to behind it in the same memory, which stays where it is. */
export function executorOptions(options: ExecutorOptions): Uint8Array {
  checkNames(options, NAMES);
  const { python, bun, rings = {}, ready = 0, preload = [], recycleAfter } = options;
  if (python !== undefined && bun !== undefined) {
    throw new InvalidError("python and bun are both given: give the interpreter of one language");
  }
  checkOptions(rings);
  for (const ring of Object.values(rings)) {
    if (!(ring instanceof SharedRingBuffer)) {
      throw new InvalidError(`a ring is ${shown(ring)}: give a SharedRingBuffer for each name`);
    }
  }
  if (!Array.isArray(preload)) throw new InvalidError(`preload is ${shown(preload)}: give the names of modules in an array`);
  const names = Object.keys(rings).map((name) => text("a ring's name", name));
  const modules = preload.map((name: string) => text("a module's name", name));
  const program = bun === undefined ? text("python", python ?? "python3") : text("bun", bun);
  const policies = options.policy === undefined ? [] : [text("policy", policyText(options.policy))];
  const strings = [program, ...names, ...modules, ...policies];
  const table = 8 * (2 * names.length + modules.length);
  const whole = BYTES + table + strings.reduce((sum, string) => sum + string.length, 0);
  const bytes = new Uint8Array(new ArrayBuffer(whole));
  const [fields, base] = [new DataView(bytes.buffer), ptr(bytes)];
  const address = (at: number, value: number) => fields.setBigUint64(at, BigInt(value), true);
  let end = BYTES + table;
  const places = strings.map((string) => {
    bytes.set(string, end);
    end += string.length;
    return base + end - string.length;
  });
  address(bun === undefined ? AT.python : AT.bun, places[0]!);
  if (policies.length > 0) address(AT.policy, places.at(-1)!);
  address(AT.names, base + BYTES);
  address(AT.rings, base + BYTES + 8 * names.length);
  address(AT.preload, base + BYTES + 16 * names.length);
  const handles = Object.values(rings).map((ring) => ring.handle);
  const modulesAt = 1 + names.length;
  const ofModules = places.slice(modulesAt, modulesAt + modules.length);
  const inTable = [...places.slice(1, modulesAt), ...handles, ...ofModules];
  inTable.forEach((place, index) => address(BYTES + 8 * index, place));
  fields.setUint32(0, BYTES, true);
  fields.setUint32(4, names.length, true);
  fields.setUint32(8, modules.length, true);
  fields.setUint32(12, integer("ready", ready, 0, U32_MAX), true);
  const time = (at: number, name: "readyWithinMs" | "graceMs" | "killAfterMs") => {
    const given = options[name];
    if (given !== undefined) fields.setFloat64(at, milliseconds(name, given), true);
  };
  time(AT.ready, "readyWithinMs");
  time(AT.grace, "graceMs");
  time(AT.kill, "killAfterMs");
  const count = (at: number, name: "outputMax" | "recycleAbove") => {
    const given = options[name];
    if (given !== undefined) fields.setBigUint64(at, BigInt(integer(name, given, 1, Number.MAX_SAFE_INTEGER)), true);
  };
  count(AT.output, "outputMax");
  count(AT.above, "recycleAbove");
  if (recycleAfter !== undefined) fields.setUint32(AT.after, integer("recycleAfter", recycleAfter, 1, U32_MAX), true);
  if (options.spinUs !== undefined) fields.setFloat64(AT.spin, spin(options.spinUs), true);
  return bytes;
}

/** Returns policies as the library takes them: one text. */
function policyText(given: unknown): string {
  if (typeof given === "string") return given;
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  const wrong = all.find((policy) => typeof policy !== "string" && !isPlain(policy));
  if (wrong !== undefined || all.includes(undefined)) {
    throw new InvalidError(`policy is ${shown(wrong)}: give an object, JSON, a template's name, a path, or an array of these`);
  }
  try {
    return JSON.stringify(given);
  } catch (error) {
    throw new InvalidError(`the policy is no JSON: ${String(error)}`);
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function spin(us: number): number {
  if (!(number("spinUs", us) >= 0) || us === Infinity) {
    throw new InvalidError(`spinUs is ${shown(us)}: give microseconds, or 0 to sleep at once`);
  }
  return us === 0 ? -1 : us;
}

/** Checks what is wished for a run, and returns circlet_run_options; nothing where all is as by default. */
export function runOptions(options: RunOptions): Uint8Array | null {
  checkNames(options, RUN_NAMES);
  const { timeoutMs, signal, ask, states = false } = options;
  if (typeof states !== "boolean") throw new InvalidError(`states is ${shown(states)}: give true or false`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidError(`signal is ${shown(signal)}: give an AbortSignal`);
  }
  if (ask !== undefined && typeof ask !== "function") {
    throw new InvalidError(`ask is ${shown(ask)}: give a function that answers questions`);
  }
  if (timeoutMs === undefined && ask === undefined && !states) return null;
  const bytes = new Uint8Array(16);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, bytes.length, true);
  fields.setUint32(4, (ask === undefined ? 0 : ASKS) | (states ? STATES : 0), true);
  fields.setFloat64(8, timeoutMs === undefined ? 0 : milliseconds("timeoutMs", timeoutMs), true);
  return bytes;
}
