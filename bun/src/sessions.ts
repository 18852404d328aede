/** Pools of sessions: executors that are there in a few milliseconds. */

import type { Pointer } from "bun:ffi";
import { ClosedError } from "./errors.ts";
import { Executor, opened } from "./executor.ts";
import { executorOptions, type ExecutorOptions } from "./executor_options.ts";
import { check, handleFrom, symbols } from "./native.ts";
import type { WorkerEntry } from "./pool_options.ts";
import { used } from "./uses.ts";

/** What every session of a pool does. */
export interface SessionSnapshot {
  /** How many sessions are in which state; those of `terminated` are no part of `size`. */
  pool: { size: number; active: number; idle: number; ready: number; draining: number; terminated: number };
  /** The sessions that there are, and the last 64 of those that have ended. */
  registry: Record<string, WorkerEntry>;
}

const dropped = new FinalizationRegistry<Pointer>((handle) => symbols.circlet_session_pool_free(handle));

/**
 * Forks sessions from a process that has the interpreter and modules loaded, and keeps some ready.
 *
 * A session that ends while nobody uses it is replaced. Executors that were opened live on when the pool is closed; the last of them
 * ends its processes.
 *
 * @example
 * ```ts
 * import { SessionPool } from "circlet";
 *
 * using pool = new SessionPool({ ready: 2, preload: ["decimal"] });
 * using python = pool.open();
 * console.log((await python.run("import decimal; str(decimal.Decimal(1) / 8)")).value); // 0.125
 * ```
 */
export class SessionPool implements Disposable {
  #handle: Pointer | null;

  /**
   * Starts the process that forks sessions, and waits until it can, which blocks for some 40 ms. `ready` is 1 by default.
   *
   * @throws {InvalidError} For options out of range; a `CircletError` where it does not start.
   */
  constructor(options: ExecutorOptions = {}) {
    const given = executorOptions(options);
    this.#handle = handleFrom((out) => symbols.circlet_session_pool_new(given, out));
    used.add("circlet.SessionPool");
    dropped.register(this, this.#handle, this);
  }

  /** @internal The library's handle. */
  get handle(): Pointer {
    return this.#open();
  }

  /** Opens an executor with a session of its own: one that is ready, else one that is forked now, which blocks for 2 ms. */
  open(): Executor {
    return new Executor(opened(handleFrom((out) => symbols.circlet_session_pool_open(this.#open(), out))));
  }

  /**
   * Blocks until as many sessions are ready as are to be kept.
   *
   * @throws {TimedOutError} Or why the last session could not be made.
   */
  waitReady(timeoutMs = 10_000): void {
    check(symbols.circlet_session_pool_wait(this.#open(), timeoutMs));
  }

  /** Looks at every session at one moment, as a session payload has it. */
  snapshot(): SessionSnapshot {
    const text = handleFrom((out) => symbols.circlet_session_pool_snapshot(this.#open(), out));
    try {
      return JSON.parse(String(symbols.circlet_text_data(text))) as SessionSnapshot;
    } finally {
      symbols.circlet_text_free(text);
    }
  }

  /** Ends the sessions that are ready. Safe to call twice. */
  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    dropped.unregister(this);
    symbols.circlet_session_pool_free(handle);
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this pool was closed here", "CIRCLET_CLOSED");
    return this.#handle;
  }
}
