/** Trackers of sessions: what this program does, kept as one payload and shown to other processes. */

import type { Pointer } from "bun:ffi";
import { changes } from "./session_guest.mjs";
import { checkNames, integer, milliseconds, shown, text, U32_MAX } from "./arguments.ts";
import { ClosedError, InvalidError, NotFoundError } from "./errors.ts";
import { jsonOf } from "./json.ts";
import { check, failure, handleFrom, symbols, textFrom, TIMED_OUT } from "./native.ts";
import type { SessionPayload } from "./session_payload.ts";
import { Probes, userAgent } from "./session_probes.ts";
import { watch, type Watchable } from "./session_watches.ts";
import { WatchedWorker } from "./session_workers.ts";
import { SharedRingBuffer } from "./ring.ts";
import { used } from "./uses.ts";

/** What a tracker is started with. */
export interface TrackerOptions {
  /** The folder of the project: its git state, lockfile, dependencies; `"."` by default. */
  folder?: string;
  /** The name of a page in shared memory, which any process reads; none by default. */
  page?: string;
  /** The id of the session; made by default. */
  session?: string;
  /** How often a snapshot is published to the page, in milliseconds; 250 by default. */
  intervalMs?: number;
  /** How many snapshots are remembered; 16 by default. */
  history?: number;
  /** Whether the project is looked at; `true` by default. */
  project?: boolean;
  /** A file of test results (JUnit XML) to follow. */
  junit?: string;
  /** A file of coverage (lcov) to follow. */
  lcov?: string;
  /** Whether what should not leave the machine's user is taken out; `true` by default. */
  redact?: boolean;
  /** How long what the program says may be as JSON, in bytes; 262144 by default. */
  maxBytes?: number;
  /** How often what Bun knows is looked at, in milliseconds; 1000 by default. */
  sampleEveryMs?: number;
}

const NAMES: ReadonlySet<string> = new Set<keyof TrackerOptions>([
  "folder",
  "page",
  "session",
  "intervalMs",
  "history",
  "project",
  "junit",
  "lcov",
  "redact",
  "maxBytes",
  "sampleEveryMs",
]);
const SAMPLE_EVERY_MS = 1000;
/** How often it is asked whether the project has been looked at. */
const LOOK_EVERY_MS = 20;
const TIMER_MAX_MS = 0x7fff_ffff;

const open = new Set<Guest>();
const dropped = new FinalizationRegistry<Guest>((guest) => guest.close());

// A tracker that was left open ends with the process in order: the name of its page goes.
process.on("exit", () => open.forEach((guest) => guest.close()));

/**
 * Keeps the payload of this program's session: what the system tells of its process and project, and what it says itself.
 *
 * What only Bun knows, as its heap and the lag of its event loop, is filled in by a timer, which keeps no process alive, and anew for
 * each `snapshot`. A tracker belongs to the thread that started it.
 *
 * @example
 * ```ts
 * import { SessionTracker } from "circlet";
 *
 * using tracker = SessionTracker.start({ project: false });
 * tracker.logApiUsage("Bun.serve");
 * console.log(tracker.patch({ goal: "draw a curve", process: { rss_bytes: 1 } })); // [ "process" ]: that is measured
 * console.log(tracker.snapshot().goal, tracker.summary());
 * ```
 */
export class SessionTracker implements Disposable {
  readonly #guest: Guest;

  private constructor(guest: Guest) {
    this.#guest = guest;
    dropped.register(this, guest, this);
  }

  /**
   * Starts a tracker of this process and of its project.
   *
   * @throws {InvalidError} For options out of range.
   * @throws {BusyError} If the page has a writer.
   */
  static start(options: TrackerOptions = {}): SessionTracker {
    const given = text("options", trackerOptions(options));
    const sampleEveryMs = Math.min(milliseconds("sampleEveryMs", options.sampleEveryMs ?? SAMPLE_EVERY_MS), TIMER_MAX_MS);
    return new SessionTracker(
      new Guest(
        handleFrom((out) => symbols.circlet_tracker_start(given, out)),
        sampleEveryMs,
      ),
    );
  }

  /** Notes that the session uses an interface, at `bun.apis`. Each is noted once. */
  logApiUsage(name: string): void {
    const nameText = text("name", name);
    check(symbols.circlet_tracker_log_api_usage(this.#guest.handle(), nameText));
  }

  /**
   * Adds a worker that starts.
   *
   * @throws {NameTakenError} If there is one of this id.
   */
  registerWorker(id: string): void {
    const idText = text("id", id);
    check(symbols.circlet_tracker_register_worker(this.#guest.handle(), idText));
  }

  /**
   * Changes what is said of a worker by a merge patch of its entry; `null` forgets it.
   *
   * @throws {NotFoundError} If there is none of this id.
   */
  updateWorker(id: string, patch: object | null): void {
    const [idText, patchText] = [text("id", id), jsonOf("patch", patch)];
    check(symbols.circlet_tracker_update_worker(this.#guest.handle(), idText, patchText));
  }

  /**
   * Adds a worker of Bun, and follows its events: its state, the messages that came from it, its errors, its end.
   *
   * @param id Such as `"w_0002"`, which is made of its thread by default.
   * @returns The id.
   */
  watchWorker(worker: Worker, id?: string): string {
    if (!(worker instanceof Worker)) {
      throw new InvalidError(`worker is ${shown(worker)}: give a Worker of this thread`);
    }
    id ??= nameOf(worker);
    this.registerWorker(id);
    this.#guest.workers.add(new WatchedWorker(id, worker));
    return id;
  }

  /**
   * Has each snapshot say how a ring, a pool, an executor, a pool of sessions or a hub of this thread is, until it is closed.
   *
   * A ring is at `rings` under this name, an executor and the sessions of a pool at `executors`, what confines them at `policies`,
   * what that denied and warned of at `audit` if it has an audit, the workers of a pool at `worker_threads`, and a hub at `hub`.
   * As it is measured, no patch changes it. It is not kept alive by that.
   *
   * @throws {NameTakenError} If something else is watched under this name.
   */
  watch(name: string, what: Watchable): void {
    const nameText = text("name", name);
    this.#guest.watch(name, nameText, what);
  }

  /**
   * Watches something no more.
   *
   * @throws {NotFoundError} If nothing is watched under this name.
   */
  unwatch(name: string): void {
    const nameText = text("name", name);
    this.#guest.rings.delete(name);
    check(symbols.circlet_tracker_unwatch(this.#guest.handle(), nameText));
  }

  /**
   * Takes a JSON Merge Patch (RFC 7396) of the payload.
   *
   * @returns The paths of what is measured, which nobody else says.
   * @throws {CircletError} If it does not fit: nothing of it is taken.
   * @throws {TypeError} If JSON has no place for something in it, as NaN or a function; the message names its path.
   * @throws {TooLargeError} If it is too much: nothing of it is taken.
   */
  patch(patch: object): string[] {
    const patchText = jsonOf("patch", patch);
    const refused = textFrom((out) => symbols.circlet_tracker_patch(this.#guest.handle(), patchText, out));
    // It may have changed what the timer said last.
    this.#guest.said = {};
    return JSON.parse(refused) as string[];
  }

  /** Takes a snapshot, with what Bun knows at this moment, and remembers it. */
  snapshot(): SessionPayload {
    return JSON.parse(this.#snapshot()) as SessionPayload;
  }

  /** Returns the snapshots that are remembered, the newest at the end. */
  history(): SessionPayload[] {
    const all = textFrom((out) => symbols.circlet_tracker_history(this.#guest.handle(), out));
    return JSON.parse(all) as SessionPayload[];
  }

  /**
   * Takes a snapshot, and returns the merge patch that leads to it from the one with this `seq`.
   *
   * @throws {NotFoundError} If that is not remembered.
   */
  diff(seq: number): Record<string, unknown> {
    const from = BigInt(integer("seq", seq, 0, Number.MAX_SAFE_INTEGER));
    this.#guest.sample();
    const patch = textFrom((out) => symbols.circlet_tracker_diff(this.#guest.handle(), from, out));
    return JSON.parse(patch) as Record<string, unknown>;
  }

  /**
   * Resolves once the project has been looked at, so that a snapshot has its git state and dependencies.
   *
   * @throws {TimedOutError} After so many milliseconds, a minute by default.
   */
  async waitForProject(timeoutMs = 60_000): Promise<void> {
    const until = performance.now() + milliseconds("timeoutMs", timeoutMs);
    for (;;) {
      const status = symbols.circlet_tracker_wait_for_project(this.#guest.handle(), 0);
      if (status !== TIMED_OUT || performance.now() >= until) {
        check(status);
        return;
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** Takes a snapshot, and says it in a few lines, of at most so many tokens together: 450 by default. */
  summary(tokens?: number): string {
    const budget = tokens === undefined ? null : BigInt(integer("tokens", tokens, 0, Number.MAX_SAFE_INTEGER));
    const snapshot = text("snapshot", this.#snapshot());
    return textFrom((out) =>
      budget === null
        ? symbols.circlet_session_summary(snapshot, out)
        : symbols.circlet_session_summary_within(snapshot, budget, out),
    );
  }

  /** Ends the tracker and its page. Safe to call twice. */
  close(): void {
    dropped.unregister(this);
    this.#guest.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #snapshot(): string {
    this.#guest.sample();
    return textFrom((out) => symbols.circlet_tracker_snapshot(this.#guest.handle(), out));
  }
}

/** What a tracker shares with its timer, which does not keep the tracker itself alive. */
class Guest {
  /** What was last said. */
  said: object = {};
  readonly workers = new Set<WatchedWorker>();
  /** The rings that are watched, by the names that they are watched under. */
  readonly rings = new Map<string, WeakRef<SharedRingBuffer>>();
  readonly #noted = new Set<string>();
  readonly #probes = new Probes();
  readonly #timer: Timer;
  #handle: Pointer | null;

  constructor(handle: Pointer, sampleEveryMs: number) {
    this.#handle = handle;
    open.add(this);
    // A guest's patch would not do: the library has a name for itself there.
    check(symbols.circlet_tracker_measured(handle, text("path", "metadata.platform.useragent"), jsonOf("value", userAgent())));
    this.sample();
    this.#timer = setInterval(() => this.sample(), sampleEveryMs);
    this.#timer.unref();
  }

  handle(): Pointer {
    if (this.#handle === null) throw new ClosedError("this tracker was closed here: start another");
    return this.#handle;
  }

  /** Says what Bun knows, where it is another than before. */
  sample(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#prune(handle);
    for (const name of used) {
      if (this.#noted.has(name)) continue;
      this.#noted.add(name);
      // One that the payload has no room for is left out.
      symbols.circlet_tracker_log_api_usage(handle, text("name", name));
    }
    const now = this.#probes.look();
    const patch = changes(this.said, now);
    this.said = now;
    if (patch !== undefined && symbols.circlet_tracker_patch(handle, jsonOf("patch", patch), null) < 0) {
      // The payload has no room: what is known stays, its age tells, and it is tried again.
      this.said = {};
    }
    for (const worker of this.workers) this.#update(handle, worker);
  }

  watch(name: string, nameText: Uint8Array, what: Watchable): void {
    const handle = this.handle();
    this.#prune(handle);
    watch(handle, nameText, what);
    // Its memory stays for the views of it, also once it is closed.
    if (what instanceof SharedRingBuffer) this.rings.set(name, new WeakRef(what));
  }

  /** Watches the rings no more that are closed. */
  #prune(handle: Pointer): void {
    for (const [name, ring] of this.rings) {
      if (ring.deref()?.isClosed === false) continue;
      this.rings.delete(name);
      symbols.circlet_tracker_unwatch(handle, text("name", name));
    }
  }

  #update(handle: Pointer, worker: WatchedWorker): void {
    const changed = worker.take();
    if (changed === undefined) return;
    const status = symbols.circlet_tracker_update_worker(handle, text("id", worker.id), jsonOf("patch", changed));
    // Somebody has had it forgotten.
    const isForgotten = status < 0 && failure(status) instanceof NotFoundError;
    if (isForgotten || changed["state"] === "terminated") this.#endOf(worker);
  }

  #endOf(worker: WatchedWorker): void {
    worker.end();
    this.workers.delete(worker);
  }

  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    open.delete(this);
    clearInterval(this.#timer);
    this.#probes.end();
    for (const worker of this.workers) this.#endOf(worker);
    symbols.circlet_tracker_free(handle);
  }
}

/** Returns the options as the library takes them. */
function trackerOptions(options: TrackerOptions): string {
  checkNames(options, NAMES);
  const { folder, page, session, intervalMs, history, project, junit, lcov, redact, maxBytes } = options;
  const word = (name: string, value: string | undefined) => {
    if (value !== undefined) text(name, value);
    return value;
  };
  const flag = (name: string, value: boolean | undefined) => {
    if (value !== undefined && typeof value !== "boolean") {
      throw new InvalidError(`${name} is ${shown(value)}: give true or false`);
    }
    return value;
  };
  return JSON.stringify({
    runtime: "bun",
    folder: word("folder", folder),
    page: word("page", page),
    session: word("session", session),
    interval_ms: intervalMs === undefined ? undefined : Math.ceil(milliseconds("intervalMs", intervalMs)),
    history: history === undefined ? undefined : integer("history", history, 1, U32_MAX),
    project: flag("project", project),
    junit: word("junit", junit),
    lcov: word("lcov", lcov),
    redact: flag("redact", redact),
    max_bytes: maxBytes === undefined ? undefined : integer("maxBytes", maxBytes, 1, U32_MAX),
  });
}

function nameOf(worker: Worker): string {
  // The browsers' own type, which a program may have too, has none.
  const { threadId } = worker as Worker & { threadId: number };
  return `w_${threadId.toString(16).padStart(4, "0")}`;
}
