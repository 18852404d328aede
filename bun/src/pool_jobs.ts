/** The jobs of a pool that are not over, and what is to be done when they are. */

import { AbortedError, BatchError } from "./errors.ts";

/** Whoever is told of the ends of jobs. */
export interface Waiter<Result> {
  /**
   * @param index Which of the waiter's jobs it was.
   * @param error Why it has no result; else `null`.
   */
  end(index: number, result: Result, error: unknown): void;
  /** What may abort its jobs. */
  abortsBy?: AbortSignal;
}

/** What a signal has for a reason whose owner gave none. */
const { message: noReason } = AbortSignal.abort().reason as DOMException;

/** Tells whether an error is the end of a job that a signal has aborted for a reason that its owner gave. */
function isForReason(error: unknown, by: AbortSignal | undefined): by is AbortSignal {
  if (!by?.aborted || !(error instanceof AbortedError)) return false;
  const reason: unknown = by.reason;
  return !(reason instanceof DOMException && reason.name === "AbortError" && reason.message === noReason);
}

/** One job that gives a `T`. */
export class Single<T, Result = number> implements Waiter<Result> {
  readonly #done: (value: T) => void;
  readonly #fail: (error: unknown) => void;
  readonly #value: (result: Result) => T;
  /** What must stay where it is until the job is over. */
  readonly kept: unknown;
  abortsBy?: AbortSignal;

  constructor(done: (value: T) => void, fail: (error: unknown) => void, value: (result: Result) => T, kept: unknown) {
    this.#done = done;
    this.#fail = fail;
    this.#value = value;
    this.kept = kept;
  }

  end(_index: number, result: Result, error: unknown): void {
    if (error === null) this.#done(this.#value(result));
    else this.#fail(isForReason(error, this.abortsBy) ? this.abortsBy.reason : error);
  }
}

/** Many jobs with one promise, which settles when all are over. */
export class Batch implements Waiter<number> {
  readonly #results: Int32Array;
  readonly #errors = new Map<number, Error>();
  readonly #done: (results: Int32Array) => void;
  readonly #fail: (error: unknown) => void;
  #left: number;
  /** What must stay where it is until the jobs are over. */
  readonly kept: unknown;
  abortsBy?: AbortSignal;

  constructor(count: number, done: (results: Int32Array) => void, fail: (error: unknown) => void, kept: unknown) {
    this.#results = new Int32Array(count);
    this.#left = count;
    this.#done = done;
    this.#fail = fail;
    this.kept = kept;
    if (count === 0) done(this.#results);
  }

  end(index: number, result: number, error: unknown): void {
    if (isForReason(error, this.abortsBy)) (error as Error).cause = this.abortsBy.reason;
    if (error === null) this.#results[index] = result;
    else this.#errors.set(index, error as Error);
    if (--this.#left > 0) return;
    if (this.#errors.size === 0) this.#done(this.#results);
    else this.#fail(new BatchError(this.#results, this.#errors));
  }
}

/** Jobs on their way into the queue. */
export interface Submission<Result> {
  waiter: Waiter<Result>;
  /** How many there are; those that will not be submitted any more do not count. */
  count: number;
  /** How many of them the library has. */
  taken: number;
  /** Their numbers, as far as the library has them. */
  readonly jobs: BigUint64Array;
  /** Gives the library those from `taken` on. Returns how many it took, or a status. */
  readonly call: (taken: number) => number;
}

/** Numbers lie together: they rise, and most jobs are over soon after they came. */
const BLOCK = 1024;

interface Block<Result> {
  readonly number: number;
  readonly waiters: (Waiter<Result> | null)[];
  readonly indexes: Uint32Array;
  left: number;
}

/** Finds by a job's number who waits for it. */
export class Waiters<Result> {
  readonly #blocks = new Map<number, Block<Result>>();
  /** The block that was looked at last. */
  #last: Block<Result> | undefined;
  /** How many jobs are not over. */
  size = 0;

  /** Adds a job as one of those of a waiter. */
  add(job: number, waiter: Waiter<Result>, index: number): void {
    const number = Math.floor(job / BLOCK);
    const block = this.#find(number) ?? this.#open(number);
    block.waiters[job % BLOCK] = waiter;
    block.indexes[job % BLOCK] = index;
    block.left++;
    this.size++;
  }

  /** Tells whoever waits for a job of its end. */
  end(job: number, result: Result, error: unknown): void {
    const block = this.#find(Math.floor(job / BLOCK));
    const at = job % BLOCK;
    const waiter = block?.waiters[at];
    if (block === undefined || waiter === undefined || waiter === null) return;
    block.waiters[at] = null;
    this.size--;
    if (--block.left === 0) {
      this.#blocks.delete(block.number);
      this.#last = undefined;
    }
    waiter.end(block.indexes[at]!, result, error);
  }

  /** Returns the numbers of the jobs that are not over. */
  numbers(): number[] {
    return [...this.#blocks.values()].flatMap(({ number, waiters }) =>
      waiters.flatMap((waiter, at) => (waiter === null ? [] : [number * BLOCK + at])),
    );
  }

  #find(number: number): Block<Result> | undefined {
    if (this.#last?.number !== number) this.#last = this.#blocks.get(number);
    return this.#last;
  }

  #open(number: number): Block<Result> {
    const waiters = new Array<Waiter<Result> | null>(BLOCK).fill(null);
    const block = { number, waiters, indexes: new Uint32Array(BLOCK), left: 0 };
    this.#blocks.set(number, block);
    this.#last = block;
    return block;
  }
}
