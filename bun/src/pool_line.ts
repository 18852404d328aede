/** What pools of threads and of processes have in common: jobs on their way in, their ends on the way out, and the end. */

import type { Pointer } from "bun:ffi";
import { timeout } from "./arguments.ts";
import { Bell } from "./bell.ts";
import { AbortedError, ClosedError, TimedOutError } from "./errors.ts";
import { check, CLOSED, descriptorFrom, failure, FULL, handleFrom, symbols, TIMED_OUT } from "./native.ts";
import { Waiters, type Submission } from "./pool_jobs.ts";
import { poolOptions, type PoolOptions, type PoolSnapshot } from "./pool_options.ts";
import { Signals } from "./pool_signals.ts";

/** How many ends are fetched at once. */
export const FETCHED = 1024;

/** How long a glance for ends lasts, and the binary logarithm of how many are left out where none finds any. */
const GLANCE_MS = 0.02;
const MISSES_MAX = 10;

/** The longest time that a timer takes. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Tells the one who waits for a job of its end. */
export type End<Result> = (job: number, result: Result, error: unknown) => void;
/** Fetches ends, tells them, and returns how many there were, or a status. */
export type Fetch<Result> = (handle: Pointer, end: End<Result>) => number;

/** Pools of processes that nobody has closed. They end with this process, and with them what their calls have started. */
const unclosed = new Set<{ dispose(): void }>();

function endWithProcess(line: { dispose(): void }): void {
  if (unclosed.size === 0) process.once("exit", endAll);
  unclosed.add(line);
}

function endAll(): void {
  for (const line of unclosed) line.dispose();
}

/** A pool of the library, and the promises that wait for what comes of its jobs. */
export class Line<Result> {
  #handle: Pointer | null;
  #isClosing = false;
  /** What an ended pool tells. */
  #last: PoolSnapshot | null = null;
  /** Whether what finds no room waits for it here. */
  readonly #waits: boolean;
  readonly #waiters = new Waiters<Result>();
  /** What waits for room, in the order in which it came. */
  #outbox: Submission<Result>[] = [];
  readonly #signals = new Signals<Result>((submission) => this.#abort(submission));
  readonly #bell: Bell;
  #isPumping = false;
  /** Glances in vain, one after the other, and how many are left out for them. */
  #misses = 0;
  #skipped = 0;
  /** Whoever waits for the end of all jobs. */
  readonly #drainers = new Set<() => void>();
  readonly #fetch: Fetch<Result>;
  readonly #end: End<Result> = (job, result, error) => this.#waiters.end(job, result, error);
  /** What an error comes with in the place of a result. */
  readonly #nothing: Result;

  /**
   * @param kind The number of what the workers are.
   * @param processes What worker processes are started with, as the library takes it.
   */
  constructor(
    options: PoolOptions,
    kind: number,
    processes: Uint8Array | null,
    fetch: Fetch<Result>,
    nothing: Result,
  ) {
    const given = poolOptions(options, kind, processes);
    this.#waits = (options.overflow ?? "block") === "block";
    this.#fetch = fetch;
    this.#nothing = nothing;
    this.#handle = handleFrom((out) => symbols.circlet_pool_new(given, out));
    if (processes !== null) endWithProcess(this);
    this.#bell = new Bell(
      () => descriptorFrom((out) => symbols.circlet_pool_fd(this.open(), out)),
      () => symbols.circlet_pool_arm(this.open()),
      Infinity,
    );
  }

  /** Returns the handle while the pool is open. */
  open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this pool was closed here");
    return this.#handle;
  }

  /** Returns the handle while the pool takes jobs. */
  accepting(): Pointer {
    if (this.#isClosing) throw new ClosedError("this pool was closed here: it takes no more jobs");
    return this.open();
  }

  /** Submits jobs as soon as there is room for them. */
  begin(submission: Submission<Result>, signal: AbortSignal | undefined): void {
    submission.waiter.abortsBy = signal;
    if (signal?.aborted) return this.#refuse(submission, aborted());
    if (signal !== undefined) this.#signals.follow(signal, submission);
    // Nothing overtakes what waits.
    if (this.#outbox.length > 0 || !this.#offer(submission)) this.#outbox.push(submission);
    if (!this.#isPumping) void this.#pump();
  }

  /** Waits until every job that was submitted is over. Rejects with `TimedOutError` if that takes longer. */
  drain(timeoutMs?: number): Promise<void> {
    const limitMs = timeout(timeoutMs);
    return this.#drained(limitMs < 0 ? Infinity : performance.now() + limitMs);
  }

  /** Returns what a function of the library tells of the pool. */
  told<Told>(tell: (handle: Pointer, out: BigUint64Array) => number): Told {
    const text = handleFrom((out) => tell(this.open(), out));
    try {
      return JSON.parse(String(symbols.circlet_text_data(text))) as Told;
    } finally {
      symbols.circlet_text_free(text);
    }
  }

  /** Looks at every worker at one moment; of a pool that has ended, at its end. */
  snapshot(): PoolSnapshot {
    return this.#last === null ? this.told(symbols.circlet_pool_snapshot) : structuredClone(this.#last);
  }

  /** Takes no more jobs, waits until those that were submitted are over, and ends the workers. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.drain();
    this.#free();
  }

  /** Ends the pool at once, whatever there is to do. */
  dispose(): void {
    if (this.#handle === null) return;
    this.#isClosing = true;
    // Those that came last go first: none of them takes the place of one that has stopped.
    for (const job of this.#waiters.numbers().reverse()) {
      symbols.circlet_pool_abort(this.#handle, BigUint64Array.of(BigInt(job)));
    }
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const submission of outbox) this.#refuse(submission, aborted("the pool was ended before the job started"));
    check(symbols.circlet_pool_close(this.#handle));
    while (this.#collect()) continue;
    this.#free();
  }

  /** Gives the library what it has room for. Returns whether nothing is left. */
  #offer(submission: Submission<Result>): boolean {
    while (submission.taken < submission.count) {
      const { taken, jobs, waiter } = submission;
      const status = submission.call(taken);
      if (status < 0) {
        if (status === FULL && this.#waits) return false;
        this.#refuse(submission, failure(status));
        return true;
      }
      const numbers = new Uint32Array(jobs.buffer);
      for (let index = taken; index < taken + status; index++) {
        this.#waiters.add(numbers[2 * index + 1]! * 2 ** 32 + numbers[2 * index]!, waiter, index);
      }
      submission.taken += status;
    }
    return true;
  }

  /** Ends the jobs of a submission that the library does not have. */
  #refuse(submission: Submission<Result>, error: Error): void {
    const { waiter, taken, count } = submission;
    submission.count = taken;
    for (let index = taken; index < count; index++) waiter.end(index, this.#nothing, error);
  }

  #abort(submission: Submission<Result>): void {
    if (this.#handle === null) return;
    this.#refuse(submission, aborted());
    // None takes the place of one that has stopped.
    for (let index = submission.taken - 1; index >= 0; index--) {
      symbols.circlet_pool_abort(this.#handle, submission.jobs.subarray(index, index + 1));
    }
  }

  async #drained(deadline: number): Promise<void> {
    while (this.#isBusy) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const jobs = this.#outbox.reduce((sum, { count, taken }) => sum + count - taken, this.#waiters.size);
        throw new TimedOutError(`the timeout passed with ${jobs} jobs unfinished`, "CIRCLET_TIMED_OUT");
      }
      await this.#pumped(leftMs);
    }
  }

  /** Waits until there are no jobs, or for so long. */
  #pumped(leftMs: number): Promise<void> {
    return new Promise((done) => {
      const over = () => {
        clearTimeout(timer);
        this.#drainers.delete(over);
        done();
      };
      const timer = leftMs < Infinity ? setTimeout(over, Math.min(Math.ceil(leftMs), TIMER_MAX_MS)) : undefined;
      this.#drainers.add(over);
    });
  }

  get #isBusy(): boolean {
    return this.#waiters.size > 0 || this.#outbox.length > 0;
  }

  /** Settles promises as jobs end, while there are any. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    // What is submitted in one go comes first.
    await null;
    const attempt = () => (this.#handle === null || this.#collect() || this.#glance() ? true : undefined);
    try {
      while (this.#isBusy) await this.#bell.until(attempt, () => Infinity);
    } catch (error) {
      // No descriptor is left: nobody would ever learn of the ends.
      for (const job of this.#waiters.numbers()) this.#waiters.end(job, this.#nothing, error as Error);
      for (const submission of this.#outbox.splice(0)) this.#refuse(submission, error as Error);
    } finally {
      this.#isPumping = false;
      for (const done of this.#drainers) done();
    }
  }

  /**
   * Looks for ends for about as long as it takes to be woken by the event loop, and ever more seldom where that is in vain:
   * a short job is over by then. Returns whether there were any.
   */
  #glance(): boolean {
    if (this.#skipped > 0) {
      this.#skipped--;
      return false;
    }
    const until = performance.now() + GLANCE_MS;
    do {
      if (this.#collect()) {
        this.#misses = 0;
        return true;
      }
    } while (performance.now() < until);
    this.#misses = Math.min(this.#misses + 1, MISSES_MAX);
    this.#skipped = 2 ** this.#misses - 1;
    return false;
  }

  /** Tells of the ends of jobs. Returns whether there were any. */
  #collect(): boolean {
    const found = this.#fetch(this.open(), this.#end);
    if (found === TIMED_OUT || found === CLOSED) return false;
    check(found);
    while (this.#outbox.length > 0 && this.#offer(this.#outbox[0]!)) this.#outbox.shift();
    return true;
  }

  #free(): void {
    if (this.#handle === null) return;
    check(symbols.circlet_pool_close(this.#handle));
    this.#last = this.snapshot();
    symbols.circlet_pool_free(this.#handle);
    this.#handle = null;
    if (unclosed.delete(this) && unclosed.size === 0) process.off("exit", endAll);
    this.#bell.wake();
  }
}

function aborted(message = "the job was aborted"): AbortedError {
  return new AbortedError(message, "CIRCLET_ABORTED");
}
