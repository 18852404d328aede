/** Pools of native workers. */

import { JSCallback, ptr, type dlopen, type Pointer } from "bun:ffi";
import { integer, shown, U32_MAX } from "./arguments.ts";
import { Curve } from "./curve.ts";
import { errorOf, InvalidError } from "./errors.ts";
import { nameOf, symbols } from "./native.ts";
import { Batch, Single } from "./pool_jobs.ts";
import { FETCHED, Line, type End } from "./pool_line.ts";
import { jobOptions, KINDS, type JobOptions, type PoolOptions, type PoolSnapshot } from "./pool_options.ts";
import { Ports } from "./pool_ports.ts";
import type { Dimensions } from "./points.ts";
import { roomOfFloats, type Floats } from "./room.ts";
import { used } from "./uses.ts";

/**
 * A native function `int32_t (*)(void *)`: its address, one of a library that `dlopen` has opened, or an object that has
 * the address as `ptr`. It runs on another thread, so that no function of JavaScript can be one: a `ProcessPool` calls those.
 */
export type NativeFunction = Pointer | bigint | { readonly ptr: Pointer | null } | NativeSymbol;
/** A function of a library that `dlopen` has opened. */
type NativeSymbol = ReturnType<typeof dlopen>["symbols"][string];
/**
 * What a native function is called with: an address, memory of JavaScript's, which is kept until the job is over, or
 * nothing.
 */
export type JobData = Pointer | number | bigint | ArrayBufferView | null;

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
export class Pool extends Ports implements Disposable, AsyncDisposable {
  readonly #line: Line<number>;
  readonly #job = new BigUint64Array(1);

  /** @throws {InvalidError} For what no pool can be, such as a minimum above the maximum. */
  constructor(options: PoolOptions = {}) {
    super();
    const completions = new Int32Array(FETCHED * WORDS);
    this.#line = new Line(options, KINDS.threads, null, (handle, end) => fetched(handle, completions, end), 0);
    used.add("circlet.Pool");
  }

  /** @internal The library's handle. */
  get handle(): Pointer {
    return this.#line.open();
  }

  /** @internal */
  protected get line(): Line<number> {
    return this.#line;
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
    const [address, wishes, handle] = [addressOf(run), jobOptions(options), this.#line.accepting()];
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
      this.#line.begin({ waiter, count, taken: 0, jobs, call }, options?.signal);
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

  /**
   * Waits until every job that was submitted is over; the pool stays open. Rejects with `TimedOutError` if the
   * deadline passes first.
   *
   * @param timeoutMs 0 looks; without one there is no deadline.
   * @throws {InvalidError} For what is no timeout.
   */
  drain(timeoutMs?: number): Promise<void> {
    return this.#line.drain(timeoutMs);
  }

  /** Looks at every worker at one moment; of a pool that has ended, at its end. */
  snapshot(): PoolSnapshot {
    return this.#line.snapshot();
  }

  /** Takes no more jobs, waits until those that were submitted are over, and ends the workers. Safe to call twice. */
  close(): Promise<void> {
    return this.#line.close();
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
    this.#line.dispose();
  }

  /** Submits one job, whose result becomes a value. */
  #one<T>(
    kept: unknown,
    value: (result: number) => T,
    options: JobOptions | undefined,
    submit: (handle: Pointer, wishes: Uint8Array | null, job: BigUint64Array) => number,
  ): Promise<T> {
    const [wishes, handle] = [jobOptions(options), this.#line.accepting()];
    const jobs = options?.signal === undefined ? this.#job : new BigUint64Array(1);
    return new Promise((done, fail) => {
      const waiter = new Single(done, fail, value, kept);
      const call = () => {
        const status = submit(handle, wishes, jobs);
        return status === 0 ? 1 : status;
      };
      this.#line.begin({ waiter, count: 1, taken: 0, jobs, call }, options?.signal);
    });
  }
}

/** Tells of the next ends of jobs. */
function fetched(handle: Pointer, words: Int32Array, end: End<number>): number {
  const found = symbols.circlet_pool_next_many(handle, words, FETCHED, 0);
  for (let at = 0; at < found * WORDS; at += WORDS) {
    const job = words[at + 1]! * 2 ** 32 + (words[at]! >>> 0);
    const status = words[at + 2]!;
    end(job, words[at + 3]!, status === 0 ? null : endOf(handle, job, status));
  }
  return found;
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

function addressOf(run: NativeFunction): Pointer {
  if (typeof run === "function" && !("ptr" in run)) {
    throw new InvalidError(
      `run is ${shown(run)}, a function of JavaScript, which no other thread can call: give the address of a native one, or use a ProcessPool`,
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
