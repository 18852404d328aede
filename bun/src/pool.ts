/** Pools of native workers. */

import { JSCallback, ptr, type dlopen, type Pointer } from "bun:ffi";
import { integer, shown, U32_MAX } from "./arguments.ts";
import { Bell } from "./bell.ts";
import { Curve } from "./curve.ts";
import { AbortedError, ClosedError, errorOf, InvalidError } from "./errors.ts";
import { check, CLOSED, descriptorFrom, failure, FULL, handleFrom, nameOf, symbols, TIMED_OUT } from "./native.ts";
import { Batch, Single, Waiters, type Submission } from "./pool_jobs.ts";
import { jobOptions, poolOptions, type JobOptions, type PoolOptions, type PoolSnapshot } from "./pool_options.ts";
import { closePort, openPort, portsOf, transferPort, type PortEntry } from "./pool_ports.ts";
import type { Dimensions } from "./points.ts";
import type { SharedRingBuffer } from "./ring.ts";
import { roomOfFloats, type Floats } from "./room.ts";

/**
 * A native function `int32_t (*)(void *)`: its address, one of a library that `dlopen` has opened, or an object that has
 * the address as `ptr`. It runs on another thread, so that no function of JavaScript can be one.
 */
export type NativeFunction = Pointer | bigint | { readonly ptr: Pointer | null } | NativeSymbol;
/** A function of a library that `dlopen` has opened. */
type NativeSymbol = ReturnType<typeof dlopen>["symbols"][string];
/**
 * What a native function is called with: an address, memory of JavaScript's, which is kept until the job is over, or
 * nothing.
 */
export type JobData = Pointer | number | bigint | ArrayBufferView | null;

/** How many completions are fetched at once. */
const FETCHED = 1024;
/** circlet_completion in words of 32 bits: the job's number takes two, then come the status and the result. */
const WORDS = 4;

const itself = (result: number): number => result;

/**
 * Worker threads that run native functions, and promises of what comes of them.
 *
 * There are as many workers as the jobs need. The event loop is told of the ends of jobs by a descriptor that it
 * watches while a promise is open; such a promise keeps the process alive, as one that waits for a socket does. A pool
 * belongs to the thread that made it.
 *
 * `await using` finishes the jobs first, as `close` does; `using` ends it at once.
 *
 * @example
 * ```ts
 * import { Curve, Pool } from "circlet";
 *
 * await using pool = new Pool({ max: 2 });
 * const lines = [0, 1].map((y) => Curve.make("linear", [[0, y], [4, y]]));
 * console.log(await pool.sampleBatch(lines, 2)); // Float64Array(8) [ 0, 0, 4, 0, 0, 1, 4, 1 ]
 * ```
 */
export class Pool implements Disposable, AsyncDisposable {
  #handle: Pointer | null;
  #isClosing = false;
  /** Whether what finds no room waits for it here. */
  readonly #waits: boolean;
  readonly #waiters = new Waiters();
  /** What waits for room, in the order in which it came. */
  #outbox: Submission[] = [];
  readonly #bell: Bell;
  #isPumping = false;
  /** Whoever waits for the end of all jobs. */
  #drainers: (() => void)[] = [];
  readonly #job = new BigUint64Array(1);
  readonly #completions = new Int32Array(FETCHED * WORDS);

  /** @throws {InvalidError} For what no pool can be, such as a minimum above the maximum. */
  constructor(options: PoolOptions = {}) {
    this.#waits = (options.overflow ?? "block") === "block";
    const given = poolOptions(options);
    this.#handle = handleFrom((out) => symbols.circlet_pool_new(given, out));
    this.#bell = new Bell(
      () => descriptorFrom((out) => symbols.circlet_pool_fd(this.#open(), out)),
      () => symbols.circlet_pool_arm(this.#open()),
      Infinity,
    );
  }

  /**
   * Has a worker call `run` with `data`, and resolves to what it returned.
   *
   * Rejects with `JobFailedError` where the function called `circlet_job_fail`, `AbortedError`, `TimedOutError` by its
   * deadline, `DroppedError` or `FullError` by the overflow, or `ClosedError`.
   *
   * @throws {InvalidError} For a function of JavaScript, and for options out of range.
   */
  submit(run: NativeFunction, data: JobData = null, options?: JobOptions): Promise<number> {
    const [address, argument] = [addressOf(run), dataOf(data)];
    return this.#one(data, itself, options, (handle, wishes, job) =>
      symbols.circlet_pool_submit(handle, address, argument, wishes, job),
    );
  }

  /**
   * Has workers call `run` with each of `data`, and resolves to what they returned, in the order of `data`, when all are
   * over. It costs less for each than `submit`.
   *
   * Rejects with `BatchError`, which has the results of the others, where one or more have none.
   *
   * @param data Addresses or memory; a `BigUint64Array` of addresses is taken as it is.
   * @throws {InvalidError} As `submit`.
   */
  submitMany(run: NativeFunction, data: BigUint64Array | readonly JobData[], options?: JobOptions): Promise<Int32Array> {
    const [address, wishes, handle] = [addressOf(run), jobOptions(options), this.#accepting()];
    const pointers = data instanceof BigUint64Array ? data : BigUint64Array.from(data, (one) => BigInt(dataOf(one) ?? 0));
    const [count, jobs] = [pointers.length, new BigUint64Array(pointers.length)];
    return new Promise((done, fail) => {
      const waiter = new Batch(count, done, fail, data);
      const call = (taken: number) =>
        symbols.circlet_pool_submit_many(
          handle,
          address,
          pointers.subarray(taken),
          count - taken,
          wishes,
          jobs.subarray(taken),
        );
      this.#begin({ waiter, count, taken: 0, jobs, call }, options?.signal);
    });
  }

  /**
   * Has a worker sample many curves of the same dimensions, as `Curve.sampleBatch` does, and resolves to the points.
   *
   * A job runs on one worker: split the curves to use more. Do not dispose of a curve until the promise has settled.
   *
   * @param out Takes the points, rounded if it has floats; leave it alone until the promise has settled.
   * @throws {InvalidError} As `Curve.sampleBatch`.
   */
  sampleBatch<Out extends Floats = Float64Array>(
    curves: readonly Curve<Dimensions>[],
    pointsEach: number,
    out?: Out,
    options?: JobOptions,
  ): Promise<Out>;
  sampleBatch(
    curves: readonly Curve<Dimensions>[],
    pointsEach: number,
    out?: Floats,
    options?: JobOptions,
  ): Promise<Floats> {
    const handles = Curve.handlesOf(curves);
    const count = handles.length * integer("pointsEach", pointsEach, 0, U32_MAX);
    const points = roomOfFloats(count, curves[0]?.dimensions ?? 2, out);
    const isFloats = points instanceof Float32Array;
    const submit = isFloats ? symbols.circlet_pool_submit_curves_f32 : symbols.circlet_pool_submit_curves;
    const room = dataOf(points);
    return this.#one([curves.slice(), points], () => points, options, (handle, wishes, job) =>
      submit(handle, handles, handles.length, pointsEach, room, wishes, job),
    );
  }

  /** Waits until every job that was submitted is over. */
  async drain(): Promise<void> {
    while (this.#isBusy) await new Promise<void>((done) => this.#drainers.push(done));
  }

  /**
   * Makes a side of a ring (`PRODUCER` or `CONSUMER`) a port, which any worker may use, and returns its name.
   *
   * The side is the pool's until the port, or the pool, is closed: for the other side it lives, whichever worker has it.
   * A job in C takes it by `circlet_job_port`, a call of a process by `jobPort`.
   *
   * @throws {BusyError} If somebody has that side.
   * @throws {InvalidError} For a reader of a broadcast ring, or of messages in fragments.
   */
  openPort(ring: SharedRingBuffer, side: number): string {
    return openPort(this.#accepting(), ring, side);
  }

  /**
   * Hands a port to a worker of `snapshot().registry`, which alone may use it then, or (`null`) to all. Whoever uses it
   * goes on until it gives it back.
   *
   * @throws {NotFoundError} If there is no such port, or no such worker.
   */
  transferPort(port: string, worker: string | null): void {
    transferPort(this.#open(), port, worker);
  }

  /**
   * Closes a port, when whoever uses it has given it back. What is queued stays in the ring.
   *
   * @throws {NotFoundError} If there is no such port.
   */
  closePort(port: string): void {
    closePort(this.#open(), port);
  }

  /** Lists the ports in the order in which they were opened, and the last 64 that were closed. */
  ports(): PortEntry[] {
    return portsOf(this.#open());
  }

  /** Looks at every worker at one moment. */
  snapshot(): PoolSnapshot {
    const text = handleFrom((out) => symbols.circlet_pool_snapshot(this.#open(), out));
    try {
      return JSON.parse(String(symbols.circlet_text_data(text))) as PoolSnapshot;
    } finally {
      symbols.circlet_text_free(text);
    }
  }

  /** Takes no more jobs, waits until those that were submitted are over, and ends the workers. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.drain();
    this.#free();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Ends the pool at once: jobs that wait reject with `AbortedError`, and those that run are asked to stop. Blocks the
   * thread until they have ended.
   */
  [Symbol.dispose](): void {
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

  /** Submits one job, whose result becomes a value. */
  #one<T>(
    kept: unknown,
    value: (result: number) => T,
    options: JobOptions | undefined,
    submit: (handle: Pointer, wishes: Uint8Array | null, job: BigUint64Array) => number,
  ): Promise<T> {
    const [wishes, handle] = [jobOptions(options), this.#accepting()];
    const jobs = options?.signal === undefined ? this.#job : new BigUint64Array(1);
    return new Promise((done, fail) => {
      const waiter = new Single(done, fail, value, kept);
      const call = () => {
        const status = submit(handle, wishes, jobs);
        return status === 0 ? 1 : status;
      };
      this.#begin({ waiter, count: 1, taken: 0, jobs, call }, options?.signal);
    });
  }

  #begin(submission: Submission, signal: AbortSignal | undefined): void {
    if (signal?.aborted) return this.#refuse(submission, aborted());
    // Nothing overtakes what waits.
    if (this.#outbox.length > 0 || !this.#offer(submission)) this.#outbox.push(submission);
    signal?.addEventListener("abort", () => this.#abort(submission), { once: true });
    if (!this.#isPumping) void this.#pump();
  }

  /** Gives the library what it has room for. Returns whether nothing is left. */
  #offer(submission: Submission): boolean {
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
  #refuse(submission: Submission, error: Error): void {
    const { waiter, taken, count } = submission;
    submission.count = taken;
    for (let index = taken; index < count; index++) waiter.end(index, 0, error);
  }

  #abort(submission: Submission): void {
    if (this.#handle === null) return;
    this.#refuse(submission, aborted());
    // None takes the place of one that has stopped.
    for (let index = submission.taken - 1; index >= 0; index--) {
      symbols.circlet_pool_abort(this.#handle, submission.jobs.subarray(index, index + 1));
    }
  }

  get #isBusy(): boolean {
    return this.#waiters.size > 0 || this.#outbox.length > 0;
  }

  /** Settles promises as jobs end, while there are any. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    // What is submitted in one go comes first.
    await null;
    const attempt = () => (this.#handle === null || this.#collect() ? true : undefined);
    try {
      while (this.#isBusy) await this.#bell.until(attempt, () => Infinity);
    } catch (error) {
      // No descriptor is left: nobody would ever learn of the ends.
      for (const job of this.#waiters.numbers()) this.#waiters.end(job, 0, error as Error);
      for (const submission of this.#outbox.splice(0)) this.#refuse(submission, error as Error);
    } finally {
      this.#isPumping = false;
      for (const done of this.#drainers.splice(0)) done();
    }
  }

  /** Tells of the ends of jobs. Returns whether there were any. */
  #collect(): boolean {
    const [handle, words] = [this.#open(), this.#completions];
    const found = symbols.circlet_pool_next_many(handle, words, FETCHED, 0);
    if (found === TIMED_OUT || found === CLOSED) return false;
    check(found);
    for (let at = 0; at < found * WORDS; at += WORDS) {
      const job = words[at + 1]! * 2 ** 32 + (words[at]! >>> 0);
      const status = words[at + 2]!;
      this.#waiters.end(job, words[at + 3]!, status === 0 ? null : endOf(handle, job, status));
    }
    while (this.#outbox.length > 0 && this.#offer(this.#outbox[0]!)) this.#outbox.shift();
    return true;
  }

  #free(): void {
    if (this.#handle === null) return;
    symbols.circlet_pool_free(this.#handle);
    this.#handle = null;
    this.#bell.wake();
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this pool was closed here");
    return this.#handle;
  }

  #accepting(): Pointer {
    if (this.#isClosing) throw new ClosedError("this pool was closed here: it takes no more jobs");
    return this.#open();
  }
}

/** Makes the error of a job that has no result. */
function endOf(handle: Pointer, job: number, status: number): Error {
  const number = BigUint64Array.of(BigInt(job));
  const bytes = symbols.circlet_pool_failure(handle, number, null, 0);
  if (bytes < 0) return errorOf(nameOf(status), ENDS[nameOf(status)] ?? "the job has no result");
  const message = new Uint8Array(bytes + 1);
  symbols.circlet_pool_failure(handle, number, message, message.length);
  return errorOf(nameOf(status), new TextDecoder().decode(message.subarray(0, -1)));
}

/** What is said of jobs that did not fail by themselves. */
const ENDS: Record<string, string> = {
  CIRCLET_ABORTED: "the job was aborted",
  CIRCLET_TIMED_OUT: "the deadline of the job passed",
  CIRCLET_DROPPED: "the job was given up for another: the queue was full",
  CIRCLET_CLOSED: "the pool closed before the job started",
};

function aborted(message = "the job was aborted"): AbortedError {
  return new AbortedError(message, "CIRCLET_ABORTED");
}

function addressOf(run: NativeFunction): Pointer {
  if (typeof run === "function" && !("ptr" in run)) {
    throw new InvalidError(
      `run is ${shown(run)}, a function of JavaScript, which no other thread can call: give the address of a native one`,
    );
  }
  if (run instanceof JSCallback) {
    throw new InvalidError("run is a JSCallback, which no other thread can call: give the address of a native function");
  }
  const address = Number(typeof run === "object" || typeof run === "function" ? run?.ptr : run);
  if (!Number.isSafeInteger(address) || address <= 0) {
    throw new InvalidError(`run is ${shown(run)}: give the address of a native function`);
  }
  return address as Pointer;
}

/** Returns the address of a job's data. */
function dataOf(data: JobData): Pointer | null {
  if (data === null) return null;
  if (ArrayBuffer.isView(data)) {
    if (data.byteLength === 0) return null;
    // A small array lies in the JavaScript heap, where it would move, until its buffer was asked for.
    void data.buffer;
    return ptr(data as Uint8Array);
  }
  const address = Number(data);
  if (!Number.isSafeInteger(address) || address < 0) {
    throw new InvalidError(`data is ${shown(data)}: give an address, a typed array or null`);
  }
  return address as Pointer;
}
