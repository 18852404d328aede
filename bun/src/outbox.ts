/** Payloads that wait for room in a ring, in the order in which they came. */

import type { Bell } from "./bell.ts";
import { TimedOutError } from "./errors.ts";

interface Job {
  readonly payload: ArrayBufferView;
  readonly bytes: number;
  /** On the clock of `performance.now`. */
  readonly deadline: number;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Sends one payload after the other as the reader makes room. */
export class Outbox {
  readonly #bell: Bell;
  readonly #send: (payload: ArrayBufferView, bytes: number) => true | undefined;
  #jobs: Job[] = [];

  /** @param send Sends a payload if there is room for it now; returns nothing where there is none. */
  constructor(bell: Bell, send: (payload: ArrayBufferView, bytes: number) => true | undefined) {
    this.#bell = bell;
    this.#send = send;
  }

  /** Whether nobody waits for room. */
  get isEmpty(): boolean {
    return this.#jobs.length === 0;
  }

  /** Sends a payload after those that wait already. */
  add(payload: ArrayBufferView, timeoutMs: number): Promise<void> {
    return new Promise((done, fail) => {
      const deadline = performance.now() + timeoutMs;
      this.#jobs.push({ payload, bytes: payload.byteLength, deadline, done, fail });
      if (this.#jobs.length === 1) void this.#drain();
      // This deadline may be the first to pass.
      else this.#bell.wake();
    });
  }

  /** Never rejects: each error goes to the one whose payload it is. */
  async #drain(): Promise<void> {
    const leftMs = () => this.#jobs.reduce((least, job) => Math.min(least, job.deadline), Infinity) - performance.now();
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      const { payload, bytes } = job;
      try {
        await this.#bell.until(() => this.#send(payload, bytes), leftMs, bytes);
        this.#jobs.shift();
        job.done();
      } catch (error) {
        const now = performance.now();
        // Where it was the deadline, it need not have been that of the first.
        const isOver = (one: Job) => (error instanceof TimedOutError ? one.deadline <= now : one === job);
        const over = this.#jobs.filter(isOver);
        this.#jobs = this.#jobs.filter((one) => !isOver(one));
        for (const { fail } of over) fail(error);
      }
    }
  }
}
