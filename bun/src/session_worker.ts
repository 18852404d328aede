/**
 * A session: runs TypeScript that its supervisor sends, in the global scope, and sends back what came of it.
 *
 * A run is made by `Bun.Transpiler` into one that can be repeated (`replMode`): names of the top level are global and may be declared again, `await`
 * and `import` work there, and the last expression is the value. It runs inside a script that SIGINT ends (`breakOnSigint`), as
 * far as it does not wait; while it waits, the event loop sees the signal.
 */

import { drainMicrotasks } from "bun:jsc";
import { readdirSync, readFileSync } from "node:fs";
import { isPromise } from "node:util/types";
import { Script } from "node:vm";
import {
  answer,
  bell,
  BYTES,
  DATA,
  DISPLAY,
  givenRings,
  HEAP,
  isStopped,
  isThere,
  lastStopped,
  OUTCOME,
  poll,
  ready,
  RUN,
  SENT,
  STATE,
  taken,
  takenBytes,
  takenRun,
} from "./session_link.ts";
import { heapSnapshot } from "./worker_heap.ts";
import { remember } from "./session_lines.ts";
import { Questions, requireHere, ringsOf, takeConsole, takeStrays } from "./session_output.ts";
import { bytesOf, displayed, nameRun, saidOf, thrown, type Said } from "./session_values.ts";

/** For how long to look for a request before the event loop waits for one, in microseconds. */
const LOOK_US = 50;
/** How often a run that waits for a line looks whether it is to stop, in microseconds. */
const GLANCE_US = 20_000;
/** How long a signal to this process itself has before it is sent again, and the thread that waits for signals to begin, in nanoseconds. */
const SIGNAL_NS = 20_000_000;
/** For how long runs may follow each other before timers and input have their turn, in milliseconds. */
const TURN = 10;

/** What a run gives: an object that holds the value, or nothing. */
type Given = { value?: unknown } | undefined;

const transpiler = new Bun.Transpiler({
  loader: "ts",
  // For Bun it would take `require` from the meta data of modules, which this is none of, wherever `await` or `import` stands beside it.
  target: "node",
  replMode: true,
  deadCodeElimination: false,
} as Bun.TranspilerOptions);
/** In the global scope. */
const globally = eval;

// What the code has.

/** Flags of a run: somebody answers questions, and somebody keeps a log. */
const ASKS = 1;
const STATES = 2;

/** The run that is under way: its number, 0 where there is none, and that of the last; whether it has a value; whether a signal may be left of the last; and what ends it while it waits. */
const run = {
  number: 0,
  last: 0,
  hasValue: true,
  isLeft: false,
  isLogged: false,
  stop: undefined as ((error: Error) => void) | undefined,
  abort: undefined as AbortController | undefined,
};
/** Bytes that came before they were asked for, and who asked before they came. */
const came: Uint8Array[] = [];
const asked: ((bytes: Uint8Array) => void)[] = [];

const questions = new Questions((kind) => {
  for (;;) {
    const found = poll(GLANCE_US);
    if (found === kind) return taken();
    if (found === DATA) deliver(takenBytes());
    if (found < 0) process.exit(0);
  }
});

const circlet = {
  /** Tells whether the run was asked to stop. */
  aborted: isStopped,
  /** Is aborted when the run is asked to stop while it waits. */
  get signal(): AbortSignal {
    run.abort ??= new AbortController();
    return run.abort.signal;
  },
  /** Sends bytes to whoever runs the code. */
  send(content: ArrayBufferView | ArrayBuffer): void {
    const bytes = bytesOf(content);
    if (bytes === undefined) throw new TypeError("send takes an ArrayBuffer, or a view of one");
    answer(SENT, bytes);
  },
  /** Waits for bytes that whoever runs the code has sent, in the order in which they were. */
  receive: (): Promise<Uint8Array> =>
    new Promise((give) => {
      const first = came.shift();
      if (first === undefined) asked.push(give);
      else give(first);
    }),
  /** Shows a value to whoever runs the code, by all MIME types that its method `[Symbol.for("Jupyter.display")]` gives. */
  display: (value: unknown): void => answer(DISPLAY, displayed(value)),
};

function deliver(bytes: Uint8Array): void {
  const wanted = asked.shift();
  if (wanted === undefined) came.push(bytes);
  else wanted(bytes);
}

/** Has `_` be the last value, until the code says what it is. */
let lastValue: unknown;
Object.defineProperty(globalThis, "_", {
  configurable: true,
  get: () => lastValue,
  set(value: unknown) {
    Object.defineProperty(globalThis, "_", { value, writable: true, enumerable: true, configurable: true });
  },
});

// Runs.

/** Says what becomes of the run, and when, where somebody wants to know. */
function tell(state: string, more?: object): void {
  if (!run.isLogged) return;
  const moment = { unix_ms: performance.timeOrigin + performance.now(), monotonic_ms: Number(process.hrtime.bigint()) / 1e6 };
  answer(STATE, JSON.stringify({ state, ...moment, ...more }));
}

function interruption(): Error {
  return new DOMException("the run was interrupted", "AbortError");
}

let work: () => void;
Object.defineProperty(globalThis, "circlet run", { get: () => work() });
const script = new Script('this["circlet run"]', { filename: "circlet" });

/** Does something that SIGINT ends; tells whether it came to its end. */
function interruptible(does: () => void): boolean {
  work = does;
  try {
    script.runInThisContext({ breakOnSigint: true });
    return true;
  } catch {
    return false;
  }
}

/** Ends what is to go on at once of code that a signal has ended, as nothing could end it later, by a signal of our own. */
function endRest(): void {
  run.isLeft = true;
  interruptible(() => {
    for (;;) {
      process.kill(process.pid, "SIGINT");
      // One that it ends is the last: Bun forgets the others then.
      drainMicrotasks();
      const end = Bun.nanoseconds() + SIGNAL_NS;
      while (Bun.nanoseconds() < end);
    }
  });
}

/**
 * Has a signal that Bun has kept for the next script hit one that does nothing: one that comes just when a script ends is told to the thread of the next,
 * which has told everything when it sleeps.
 */
function dropSignal(): void {
  run.isLeft = false;
  interruptible(() => {
    const end = Bun.nanoseconds() + SIGNAL_NS;
    while (Bun.nanoseconds() < end && !isWatcherAsleep());
  });
}

/** Tells whether the thread that Bun has for the signals of a script waits for one. */
function isWatcherAsleep(): boolean {
  const states = readdirSync("/proc/self/task").map((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
    } catch {
      // It has ended.
      return "";
    }
  });
  return states.some((state) => state.includes(" (SigintWatcher) S "));
}

/** The name by which stacks are cut. */
function circletEvaluate(text: string): unknown {
  return globally(text);
}

/** What the transpiler begins with, where the code declares names, and what it ends with, where there is a value. */
const DECLARED = /^(?:var [^\n]*;\n)+/;
const RETURN = "  return {\n    __proto__: null,\n    value: ";
const NAMES = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;

/** Tells whether a run ends by giving a value to a name that it declares: that is a declaration, of which the transpiler gives the value. */
function declares(text: string): boolean {
  const at = text.lastIndexOf(RETURN);
  const declared = at < 0 ? null : DECLARED.exec(text);
  if (declared === null) return false;
  const value = text.slice(at + RETURN.length);
  let end = value.search(/[^\p{ID_Continue}$]/u);
  if (end === 0) {
    // A pattern: up to the bracket that ends it.
    let depth = 0;
    do depth += "[{".includes(value.charAt(end)) ? 1 : "]}".includes(value.charAt(end)) ? -1 : 0;
    while (++end < value.length && depth > 0);
  }
  const names = new Set(declared[0].match(NAMES));
  return value.startsWith(" = ", end) && (value.slice(0, end).match(NAMES) ?? []).some((name) => names.has(name));
}

/** Runs code; ends it at once where it does not wait. */
function begin(number: number, flags: number, code: string): void {
  const before = run.last;
  run.number = run.last = number;
  if (run.isLeft || (before !== 0 && lastStopped() === before)) dropSignal();
  run.abort = undefined;
  questions.areAnswered = (flags & ASKS) !== 0;
  run.isLogged = (flags & STATES) !== 0;
  tell("code_received");
  nameRun(number);
  let said: Said | undefined;
  let later: Promise<Given> | undefined;
  run.hasValue = true;
  // A signal that ends one of the callbacks that are due has Bun forget the others, and some are of the stream that tells of requests.
  drainMicrotasks();
  const done = interruptible(() => {
    try {
      if (isStopped()) throw interruption();
      tell("exec_start");
      const text = transpiler.transformSync(code);
      run.hasValue = !declares(text);
      remember(number, code, text);
      const given = circletEvaluate(`${text}\n//# sourceURL=<run-${number}>`) as Given | Promise<Given>;
      if (isPromise(given)) {
        let state: { given: Given } | { error: unknown } | undefined;
        given.then((value) => (state = { given: value }), (error: unknown) => (state = { error }));
        // What waits for nothing but promises that are there goes on here.
        drainMicrotasks();
        if (state === undefined) later = given;
        else if ("error" in state) throw (state as { error: unknown }).error;
        else said = ended((state as { given: Given }).given);
      } else said = ended(given);
    } catch (error) {
      said = thrown(error);
    }
  });
  if (!done) {
    endRest();
    const error = interruption();
    const abort = run.abort as AbortController | undefined;
    finish(number, thrown(error));
    abort?.abort(error);
  } else if (said !== undefined) finish(number, said);
  else if (later !== undefined) follow(number, later);
}

function ended(given: Given): Said {
  const value = run.hasValue ? given?.value : undefined;
  if (value !== undefined) lastValue = value;
  return saidOf(value);
}

/** Ends a run that waits, when it has come to its end or is interrupted. */
function follow(number: number, later: Promise<Given>): void {
  const say = (does: () => Said) => {
    if (run.number !== number) return;
    let said: Said | undefined;
    const done = interruptible(() => {
      try {
        said = does();
      } catch (error) {
        said = thrown(error);
      }
    });
    if (!done) endRest();
    finish(number, done && said !== undefined ? said : thrown(interruption()));
  };
  run.stop = (error) => say(() => thrown(error));
  later.then(
    (given) => say(() => ended(given)),
    (error: unknown) => say(() => thrown(error)),
  );
  // A signal that came before anybody listened.
  if (isStopped()) interrupt();
}

/** Ends the run that waits; its code finds that out by `circlet.signal` alone. */
function interrupt(): void {
  const { stop, abort } = run;
  if (!isStopped() || stop === undefined) return;
  const error = interruption();
  stop(error);
  abort?.abort(error);
}

function finish(number: number, { json, bytes }: Said): void {
  if (run.number !== number) return;
  if (run.isLogged) {
    const { error } = JSON.parse(json) as { error?: { type: string; message: string } };
    if (error !== undefined) tell("exception", { type: error.type, message: error.message });
    tell("exec_end");
    run.isLogged = false;
  }
  run.number = 0;
  run.stop = undefined;
  asked.length = 0;
  if (bytes !== undefined) answer(BYTES, bytes);
  answer(OUTCOME, json);
}

// Requests.

function take(kind: number): void {
  if (kind === DATA) return deliver(takenBytes());
  const { number, flags } = takenRun();
  if (kind === RUN) begin(number, flags, taken());
  else if (kind === HEAP) takeHeap(number, taken());
}

/** Takes a heap snapshot: an array of what is wanted, as JSON. */
function takeHeap(number: number, wanted: string): void {
  run.number = run.last = number;
  let said: Said;
  try {
    if (isStopped()) throw interruption();
    const value = heapSnapshot(...(JSON.parse(wanted) as Parameters<typeof heapSnapshot>));
    said = { json: JSON.stringify({ value }) };
  } catch (error) {
    said = thrown(error);
  }
  finish(number, said);
}

async function serve(requestsBell: number): Promise<void> {
  const reader = Bun.file(requestsBell).stream().getReader();
  let turn = performance.now();
  for (;;) {
    const kind = poll(run.number === 0 ? LOOK_US : 0);
    if (kind < 0) return;
    if (kind > 0) {
      take(kind);
      if (performance.now() - turn < TURN) continue;
      await new Promise((next) => setImmediate(next));
    } else if (!isThere()) {
      // What is read means nothing: that it came does.
      await reader.read();
    }
    turn = performance.now();
  }
}

process.on("SIGINT", interrupt);
takeConsole();
takeStrays();
questions.give();
Object.assign(globalThis, { circlet, require: requireHere });
if (givenRings !== "") Object.assign(globalThis, { rings: ringsOf(givenRings) });
// A session that is confined can watch nothing any more once it is ready.
const requestsBell = bell();
ready();
await serve(requestsBell);
process.exit(0);
