/** The signals that abort the jobs of a pool. */

import type { Submission, Waiter } from "./pool_jobs.ts";

/** The submissions that wait for a signal, which has one listener for all of them, and none when their jobs are over. */
export class Signals<Result> {
  readonly #abort: (submission: Submission<Result>) => void;
  readonly #followers = new Map<AbortSignal, Set<Submission<Result>>>();

  /** @param abort Aborts the jobs of a submission. */
  constructor(abort: (submission: Submission<Result>) => void) {
    this.#abort = abort;
  }

  /** Has a signal abort the jobs of a submission, none of which is over, until all are. */
  follow(signal: AbortSignal, submission: Submission<Result>): void {
    if (submission.count === 0) return;
    const followers = this.#followers.get(signal) ?? this.#listen(signal);
    followers.add(submission);
    const over = () => {
      followers.delete(submission);
      if (followers.size > 0) return;
      this.#followers.delete(signal);
      signal.removeEventListener("abort", this.#aborted);
    };
    submission.waiter = new Counted(submission.waiter, submission.count, over);
  }

  #listen(signal: AbortSignal): Set<Submission<Result>> {
    const followers = new Set<Submission<Result>>();
    this.#followers.set(signal, followers);
    signal.addEventListener("abort", this.#aborted);
    return followers;
  }

  readonly #aborted = ({ target }: Event): void => {
    // Those that came last go first: none of them takes the place of one that has stopped.
    const followers = [...(this.#followers.get(target as AbortSignal) ?? [])].reverse();
    for (const submission of followers) this.#abort(submission);
  };
}

/** A waiter that says when the last of its jobs is over, before it is told of that. */
class Counted<Result> implements Waiter<Result> {
  readonly #waiter: Waiter<Result>;
  readonly #over: () => void;
  #left: number;

  constructor(waiter: Waiter<Result>, count: number, over: () => void) {
    this.#waiter = waiter;
    this.#left = count;
    this.#over = over;
  }

  end(index: number, result: Result, error: unknown): void {
    if (--this.#left === 0) this.#over();
    this.#waiter.end(index, result, error);
  }
}
