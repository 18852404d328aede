/**
 * A worker of a pool of processes: takes calls from its supervisor's rings, one at a time, and answers them. It is started
 * as `bun -e SOURCE LIBRARY REQUESTS ANSWERS CLAIMS PORTS LINES SCRIPT`, where SOURCE is worker_heap.ts and this, and calls what
 * the script exports.
 */

import { CString, dlopen, toArrayBuffer, type Pointer } from "bun:ffi";
import { deserialize, serialize } from "bun:jsc";
import { heapSnapshot } from "./worker_heap.ts";

const JSON_TEXT = 1;
const STRUCTURED_CLONE = 3;
const VALUE = 0;
const RAISED = 1;
const ABORTED = 2;
/** For how long calls may follow each other before timers and input of the script have their turn, in milliseconds. */
const TURN = 10;

const [library, requests, answers, claims, ports, lines, script] = process.argv.slice(1) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
const { symbols: c } = dlopen(library, {
  circlet_worker_new: { args: ["i32", "i32", "i32", "i32", "ptr"], returns: "i32" },
  circlet_worker_ready: { args: ["ptr"], returns: "i32" },
  circlet_worker_next: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  circlet_worker_answer: { args: ["ptr", "u32", "ptr", "u64"], returns: "i32" },
  circlet_worker_aborted: { args: ["ptr"], returns: "i32" },
});

const handle = new BigUint64Array(1);
if (c.circlet_worker_new(Number(requests), Number(answers), Number(claims), Number(ports), handle) !== 0) {
  throw new Error("this worker's descriptors are not its supervisor's");
}
const worker = Number(handle[0]) as Pointer;

/** The call that runs, for `circlet.signal`. */
let running: AbortController | undefined;
let runs = false;

/** What a function can ask about its call. */
const circlet = {
  /** Tells whether the call was asked to stop. */
  aborted: (): boolean => c.circlet_worker_aborted(worker) === 1,
  /** Is aborted when the call is asked to stop and the function lets the event loop run. */
  get signal(): AbortSignal {
    running ??= new AbortController();
    if (circlet.aborted()) running.abort();
    return running.signal;
  },
};
/** The ports that the call has. */
const used = new Set<{ close(): void }>();
Object.assign(globalThis, { circlet, [Symbol.for("circlet.worker")]: { worker, used, aborted: circlet.aborted } });

process.on("SIGINT", () => {
  if (runs && circlet.aborted()) running?.abort();
});

/** What is called by a name that begins with a colon. */
const own = { ":heap_snapshot": heapSnapshot };
let exported: unknown;
/** The names of functions, parted at their dots. */
const paths = new Map<string, string[]>();

/** Calls a function by its path among what the script exports: as a method of what it is in, which may change. */
function called(name: string, given: unknown[]): unknown {
  const path = paths.get(name) ?? name.split(".");
  let [owner, found]: unknown[] = [undefined, name.startsWith(":") ? own : exported];
  for (const part of path) [owner, found] = [found, (found as Record<string, unknown> | null | undefined)?.[part]];
  if (typeof found !== "function") throw new TypeError(`${script} exports no function ${name}`);
  paths.set(name, path);
  return Reflect.apply(found, owner, given);
}

/** Tells whether a value is to be waited for: a promise, or what can be awaited like one. */
function isAwaited(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

const encoder = new TextEncoder();
const nothing = encoder.encode("null");

function encoded(codec: number, value: unknown): Uint8Array {
  if (codec === STRUCTURED_CLONE) return new Uint8Array(serialize(value));
  const text = JSON.stringify(value);
  return text === undefined ? nothing : encoder.encode(text);
}

/** So many characters of a message and of a stack are told, those in the middle left out. */
const TOLD_MAX = 1 << 16;

function told(text: string): string {
  if (text.length <= TOLD_MAX) return text;
  const leftOut = `\n... ${text.length - TOLD_MAX} of ${text.length} characters are left out here ...\n`;
  return (text.slice(0, TOLD_MAX / 2) + leftOut + text.slice(-TOLD_MAX / 2)).toWellFormed();
}

function described(error: unknown, codec: number): Uint8Array {
  const of = error instanceof Error ? error : new Error(String(error));
  const said: Record<string, string> = { type: of.name, message: told(of.message), traceback: told(of.stack ?? "") };
  if (codec === STRUCTURED_CLONE) {
    try {
      said.encoded = Buffer.from(serialize(error)).toString("base64");
    } catch {
      // It holds what cannot be cloned.
    }
  }
  return encoder.encode(JSON.stringify(said));
}

function answer(status: number, body: Uint8Array): void {
  for (const port of used) {
    try {
      port.close();
    } catch {
      // It stays in use until the worker ends.
    }
  }
  used.clear();
  // An empty array has no address.
  c.circlet_worker_answer(worker, status, body.length === 0 ? nothing : body, body.length);
}

/** Reads a number of 64 bits, which no address and no length needs. */
function word(place: number): number {
  return (call[2 * place] as number) + (call[2 * place + 1] as number) * 2 ** 32;
}

const call = new Uint32Array(10);

/** Runs the call that was taken, unless it was asked to stop before it begins; a promise is waited for. */
function run(): void | Promise<void> {
  const [functionAt, argumentsAt, functionLength, argumentsLength, codec] = [0, 1, 2, 3, 4].map(word) as [
    Pointer,
    Pointer,
    number,
    number,
    number,
  ];
  running = undefined;
  runs = true;
  try {
    if (circlet.aborted()) return answer(ABORTED, nothing);
    if (codec !== JSON_TEXT && codec !== STRUCTURED_CLONE) {
      throw new TypeError(`codec ${codec} is not known to Bun: 1 (JSON) and 3 (structured clone) are`);
    }
    const name = new CString(functionAt, 0, functionLength).toString();
    const given: unknown =
      codec === STRUCTURED_CLONE
        ? deserialize(toArrayBuffer(argumentsAt, 0, argumentsLength).slice(0))
        : JSON.parse(new CString(argumentsAt, 0, argumentsLength).toString());
    // What is long takes long to read.
    if (circlet.aborted()) return answer(ABORTED, nothing);
    const value = called(name, Array.isArray(given) ? (given as unknown[]) : [given]);
    if (isAwaited(value)) {
      const answered = Promise.resolve(value).then((later) => answer(VALUE, encoded(codec, later)));
      return answered.catch((error: unknown) => raised(error, codec));
    }
    answer(VALUE, encoded(codec, value));
  } catch (error) {
    raised(error, codec);
  }
}

function raised(error: unknown, codec: number): void {
  const gaveIn = circlet.aborted() && error instanceof Error && error.name === "AbortError";
  answer(gaveIn ? ABORTED : RAISED, gaveIn ? nothing : described(error, codec));
}

exported = await import(script);
c.circlet_worker_ready(worker);
const reader = Bun.file(Number(lines)).stream().getReader();
let turn = performance.now();
for (;;) {
  const taken = c.circlet_worker_next(worker, 0, call);
  if (taken < 0) break;
  if (taken === 0) {
    if ((await reader.read()).done) break;
    turn = performance.now();
    continue;
  }
  const later = run();
  if (later !== undefined) await later;
  runs = false;
  if (performance.now() - turn > TURN) {
    await new Promise((next) => setImmediate(next));
    turn = performance.now();
  }
}
process.exit(0);
