/** Doorbells, which the event loop watches: neither a thread nor a timer waits for the other side. */

import { closeSync } from "node:fs";
import { BusyError } from "./errors.ts";
import { check, failure, owning, TIMED_OUT } from "./native.ts";

/** A deadline that passes as soon as the library has looked at everything, the other side's end included. */
export const AT_ONCE_MS = 1e-6;
/** The kernel may tell of a death a moment before it drops the dead one's lock: somebody looks again so often. */
const LOOK_AGAIN_MS = 1000;
/** How many times in a row something may succeed at once before the event loop turns. */
const STREAK = 64;

/** What is used of a stream's reader. */
interface Reader {
  read(): Promise<{ done: boolean }>;
  cancel(): Promise<void>;
}

/**
 * The doorbell of one side of a ring, or of a page's reader, in Bun's event loop.
 *
 * Bun reads the descriptor when it becomes readable, which is what a stream of it does. The stream is there only while
 * somebody waits: an idle one would keep the process alive.
 */
export class Bell {
  readonly #descriptor: () => number;
  readonly #arm: (bytes: number) => number;
  readonly #lookAgainMs: number;
  #isAwaited = false;
  #wake: ((error?: unknown) => void) | null = null;
  #stream: { reader: Reader; fd: number } | null = null;
  #isDue = false;
  #streak = 0;

  /**
   * @param descriptor Makes a descriptor of the bell, which is closed here.
   * @param arm Calls `circlet_ring_arm`, `circlet_page_arm` or `circlet_pool_arm`, and returns what that returned.
   * @param lookAgainMs How often somebody who waits looks again: where there is another process, of whose death the bell may
   *   tell too soon.
   */
  constructor(descriptor: () => number, arm: (bytes: number) => number, lookAgainMs = LOOK_AGAIN_MS) {
    this.#descriptor = descriptor;
    this.#arm = arm;
    this.#lookAgainMs = lookAgainMs;
  }

  /**
   * Tries until `attempt` returns something, and waits for the bell in between.
   *
   * @param attempt Returns nothing where the library said CIRCLET_TIMED_OUT.
   * @param leftMs Returns how long it may wait still; asked again whenever `wake` was called.
   * @param bytes What the producer wants room for.
   * @throws {TimedOutError} If an attempt found nothing and no time is left.
   * @throws {BusyError} If somebody waits here already.
   */
  async until<Found>(attempt: () => Found | undefined, leftMs: () => number, bytes = 0): Promise<Found> {
    if (this.#isAwaited) {
      throw new BusyError("this side is awaited already: make one call after the other", "CIRCLET_BUSY");
    }
    this.#isAwaited = true;
    try {
      const turned = this.breathe();
      if (turned !== null) await turned;
      for (;;) {
        const found = attempt();
        if (found !== undefined) return found;
        // The message of the attempt is there until the next call into the library.
        if (leftMs() <= 0) throw failure(TIMED_OUT);
        if (check(this.#arm(bytes)) === 0) await this.#ring(leftMs());
        // Somebody else may have taken what the library saw: then this must not go round without the event loop.
        else await turn();
        this.#streak = 0;
      }
    } finally {
      this.#isAwaited = false;
      this.#putDown();
    }
  }

  /** Whether so many calls in a row had nothing to wait for that the next must let the event loop turn. */
  get isWinded(): boolean {
    return this.#streak >= STREAK;
  }

  /** Lets the event loop turn if it must; `null` where the next call can be made at once. */
  breathe(): Promise<void> | null {
    if (!this.isWinded) {
      this.#streak++;
      return null;
    }
    this.#streak = 0;
    return turn();
  }

  /** Has whoever waits look again. */
  wake(): void {
    this.#wake?.();
  }

  /** Waits until the bell rings or `wake` is called, so long at the most, or until it is time to look again. */
  #ring(timeoutMs: number): Promise<void> {
    this.#listen();
    return new Promise((done, fail) => {
      // The deadline may have passed since it was looked at.
      const waitMs = Math.max(0, Math.ceil(Math.min(timeoutMs, this.#lookAgainMs)));
      const timer = waitMs < Infinity ? setTimeout(() => this.wake(), waitMs) : undefined;
      this.#wake = (error) => {
        clearTimeout(timer);
        this.#wake = null;
        if (error === undefined) done();
        else fail(error);
      };
    });
  }

  #listen(): void {
    if (this.#stream !== null) return;
    const fd = this.#descriptor();
    const reader: Reader = owning(fd, () => Bun.file(fd).stream().getReader());
    this.#stream = { reader, fd };
    const listen = async () => {
      // What was read means nothing: that it came does.
      while (!(await reader.read()).done) this.wake();
    };
    listen().catch((error: unknown) => this.#wake?.(error));
  }

  /** Ends the stream at the next turn of the event loop, unless somebody waits again by then. */
  #putDown(): void {
    if (this.#stream === null || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#isAwaited || this.#stream === null) return;
      const { reader, fd } = this.#stream;
      this.#stream = null;
      reader.cancel().catch(() => {});
      // Bun reads from a descriptor of its own.
      closeSync(fd);
    });
  }
}

/** Lets the event loop turn once. */
function turn(): Promise<void> {
  return new Promise((done) => {
    setImmediate(done);
  });
}
