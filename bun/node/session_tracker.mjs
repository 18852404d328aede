/** Trackers of sessions: what this program does, kept as one payload and shown to other processes. */

import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { changes, isRefused, jsonText } from "../src/session_guest.mjs";
import { ClosedError, InvalidError, TimedOutError } from "./errors.mjs";
import { Probes } from "./probes.mjs";
import { runWith, Track } from "./track.mjs";

const SAMPLE_EVERY_MS = 1000;
const TIMER_MAX_MS = 0x7fff_ffff;
const INTERVAL_MAX_MS = 3_600_000;
const U32_MAX = 0xffff_ffff;

const dropped = new FinalizationRegistry((guest) => guest.drop());

/** See index.d.mts. */
export class SessionTracker {
  #guest;
  #program;
  #hasProject;

  constructor(guest, program, hasProject) {
    this.#guest = guest;
    this.#program = program;
    this.#hasProject = hasProject;
    dropped.register(this, guest, this);
  }

  static async start(options = {}) {
    const { program, args, sampleEveryMs } = started(options);
    const guest = new Guest(program, args, sampleEveryMs);
    try {
      await guest.said;
    } catch (error) {
      guest.drop();
      throw error;
    }
    return new SessionTracker(guest, program, options.project !== false);
  }

  async logApiUsage(name) {
    await this.#guest.ask({ log_api_usage: text("name", name) });
  }

  async registerWorker(id) {
    await this.#guest.ask({ register_worker: text("id", id) });
  }

  async updateWorker(id, patch) {
    await this.#guest.ask({ update_worker: { id: text("id", id), patch } });
  }

  async patch(patch) {
    try {
      return (await this.#guest.ask({ patch })).refused;
    } finally {
      // It may have changed what the timer said last.
      this.#guest.forget();
    }
  }

  async snapshot() {
    await this.#guest.sampleNow();
    return (await this.#guest.ask({ snapshot: {} })).snapshot;
  }

  async history() {
    return (await this.#guest.ask({ history: {} })).history;
  }

  async diff(seq) {
    if (!Number.isSafeInteger(seq) || seq < 0) throw new InvalidError(`seq is ${shown(seq)}: give that of a snapshot`);
    await this.#guest.sampleNow();
    return (await this.#guest.ask({ diff: seq })).diff;
  }

  async waitForProject(timeoutMs = 60_000) {
    const within = Math.ceil(milliseconds("timeoutMs", timeoutMs, TIMER_MAX_MS));
    if (!this.#hasProject) throw new InvalidError("this tracker looks at no project: start one with `project`");
    const answer = await this.#guest.ask({ wait_for_project: { within_ms: within } });
    if (!answer.has_looked) throw new TimedOutError(`the project was not looked at within ${within} ms: wait longer`);
  }

  async summary(tokens) {
    if (tokens !== undefined && !(Number.isSafeInteger(tokens) && tokens >= 0)) {
      throw new InvalidError(`tokens is ${shown(tokens)}: give an integer of 0 or more`);
    }
    const budget = tokens === undefined ? [] : [`--tokens=${tokens}`];
    const said = await runWith(this.#program, ["session", "summary", "-", ...budget], JSON.stringify(await this.snapshot()));
    return said.trimEnd();
  }

  async close() {
    dropped.unregister(this);
    await this.#guest.close();
  }
}

// Node 20 has the symbol, and no `await using`.
Object.defineProperty(SessionTracker.prototype, Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose"), {
  value: SessionTracker.prototype.close,
});

/** What a tracker shares with its timer, which does not keep the tracker itself alive. */
class Guest {
  /** Settles when the program has taken what was said first. */
  said;
  #track;
  #probes = new Probes();
  #timer;
  #last = {};
  #isOver = false;

  constructor(program, args, sampleEveryMs) {
    this.#track = new Track(program, args);
    this.#last = this.#probes.look();
    this.said = this.#track.ask(JSON.stringify({ patch: { node: this.#last } }));
    this.#timer = setInterval(() => this.#sample(), sampleEveryMs);
    this.#timer.unref();
  }

  /** Sends a request, and resolves to its answer. */
  async ask(request) {
    if (this.#isOver) throw new ClosedError("this tracker was closed here: start another");
    return await this.#track.ask(jsonOf(request));
  }

  /** Says what Node knows, where it is another than before. The answers are in the order of the requests. */
  #sample() {
    const now = this.#probes.look();
    const patch = changes(this.#last, now);
    this.#last = now;
    if (patch === undefined) return;
    // Where the payload has no room, what is known stays, its age tells, and it is tried again.
    this.#track.ask(JSON.stringify({ patch: { node: patch } }), false).catch(() => this.forget());
  }

  /** The same, with the collections of this turn of the event loop, which Node tells of in the next. */
  async sampleNow() {
    await setImmediate();
    if (!this.#isOver) this.#sample();
  }

  /** Has all of it said the next time. */
  forget() {
    this.#last = {};
  }

  drop() {
    this.#stop();
    this.#track.drop();
  }

  async close() {
    this.#stop();
    await this.#track.close();
  }

  #stop() {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#probes.end();
  }
}

/** How each option becomes an argument of the program, but for those that are not its own. */
const ARGUMENTS = {
  folder: (value) => `--folder=${text("folder", value)}`,
  page: (value) => `--page=${text("page", value)}`,
  session: (value) => `--session=${text("session", value)}`,
  intervalMs: (value) => `--interval=${Math.ceil(milliseconds("intervalMs", value, INTERVAL_MAX_MS))}`,
  history: (value) => `--history=${count("history", value)}`,
  maxBytes: (value) => `--max-bytes=${count("maxBytes", value)}`,
  project: (value) => (flag("project", value) ? null : "--no-project"),
  junit: (value) => `--junit=${text("junit", value)}`,
  lcov: (value) => `--lcov=${text("lcov", value)}`,
  redact: (value) => (flag("redact", value) ? null : "--no-redact"),
};

/** Returns how the program is started. */
function started(options) {
  if (typeof options !== "object" || options === null) {
    throw new InvalidError(`options is ${shown(options)}: give an object of options`);
  }
  const { program = process.env.CIRCLET_PROGRAM || "circlet", sampleEveryMs = SAMPLE_EVERY_MS, ...others } = options;
  const args = [`--pid=${process.pid}`, "--runtime=node"];
  for (const [name, value] of Object.entries(others)) {
    if (!Object.hasOwn(ARGUMENTS, name)) {
      const names = ["program", "sampleEveryMs", ...Object.keys(ARGUMENTS)];
      throw new InvalidError(`${shown(name)} is no option here: give ${names.join(", ")}`);
    }
    if (value !== undefined) args.push(ARGUMENTS[name](value));
  }
  return {
    program: text("program", program),
    args: args.filter((argument) => argument !== null),
    sampleEveryMs: milliseconds("sampleEveryMs", sampleEveryMs, TIMER_MAX_MS),
  };
}

function text(name, value) {
  if (typeof value !== "string") throw new InvalidError(`${name} is ${shown(value)}: give a string`);
  if (value.includes("\0")) throw new InvalidError(`${name} has a NUL in it`);
  return value;
}

function flag(name, value) {
  if (typeof value !== "boolean") throw new InvalidError(`${name} is ${shown(value)}: give true or false`);
  return value;
}

function count(name, value) {
  if (!Number.isInteger(value) || value < 1 || value > U32_MAX) {
    throw new InvalidError(`${name} is ${shown(value)}: give an integer from 1 to ${U32_MAX}`);
  }
  return value;
}

function milliseconds(name, value, max) {
  if (typeof value !== "number" || !(value > 0) || value > max) {
    throw new InvalidError(`${name} is ${shown(value)}: give milliseconds above 0, at most ${max}`);
  }
  return value;
}

function jsonOf(request) {
  const [[name, value]] = Object.entries(request);
  try {
    // What is none is left out in silence.
    if (value !== undefined && typeof value !== "function" && typeof value !== "symbol") return jsonText("", request);
  } catch (error) {
    if (isRefused(error)) throw error;
  }
  throw new InvalidError(`${name} is given ${shown(value)}, which JSON cannot hold`);
}

function shown(value) {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 80);
}
