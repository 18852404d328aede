/** Payloads that wait for room in a ring, in the order in which they came. */

import type { Bell } from "./bell.ts";
import { TimedOutError } from "./errors.ts";

/** A payload on its way into a ring. */
export interface Outgoing {
  payload: ArrayBufferView;
  readonly bytes: number;
  /** How much of it is sent, where it goes in fragments. */
  readonly sent: Uint32Array | null;
}

interface Job {
  readonly outgoing: Outgoing;
  /** On the clock of `performance.now`. */
  readonly deadline: number;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Sends one payload after the other as the reader makes room. */
export class Outbox {
  readonly #bell: Bell;
  readonly #send: (outgoing: Outgoing) => true | undefined;
  #jobs: Job[] = [];

  /** @param send Sends what there is room for now; returns nothing where that was not the rest of it. */
  constructor(bell: Bell, send: (outgoing: Outgoing) => true | undefined) {
    this.#bell = bell;
    this.#send = send;
  }

  /** Whether nobody waits for room. */
  get isEmpty(): boolean {
    return this.#jobs.length === 0;
  }

  /** Whether a part of a payload is sent, so that nothing may be sent before the rest. */
  get hasBegun(): boolean {
    const { sent, bytes } = this.#jobs[0]?.outgoing ?? { sent: null, bytes: 0 };
    return sent !== null && sent[0]! > 0 && sent[0]! < bytes;
  }

  /** Sends a payload after those that wait already. */
  add(outgoing: Outgoing, timeoutMs: number): Promise<void> {
    return new Promise((done, fail) => {
      const deadline = performance.now() + timeoutMs;
      this.#jobs.push({ outgoing, deadline, done, fail });
      if (this.#jobs.length === 1) void this.#drain();
      // This deadline may be the first to pass.
      else this.#bell.wake();
    });
  }

  /** Never rejects: each error goes to the one whose payload it is. */
  async #drain(): Promise<void> {
    const leftMs = () => this.#jobs.reduce((least, job) => Math.min(least, job.deadline), Infinity) - performance.now();
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      const { outgoing } = job;
      try {
        await this.#bell.until(() => this.#send(outgoing), leftMs, outgoing.bytes);
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
