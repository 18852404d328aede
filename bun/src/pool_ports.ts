/** The ports of a pool: ends of rings that go from one worker to another with nothing lost. */

import type { Pointer } from "bun:ffi";
import { shown, timeout } from "./arguments.ts";
import { ClosedError, InvalidError } from "./errors.ts";
import { check, failure, symbols, TIMED_OUT } from "./native.ts";
import { CONSUMER, PRODUCER, SharedRingBuffer } from "./ring.ts";

/** What has become of a port: any worker may use it, one that it was handed to, or nobody any more. */
export type PortState = "open" | "transferred" | "closed";

/** A port as its pool lists it. */
export interface PortEntry {
  /** Its name, such as `"p_1a2b"`. */
  readonly id: string;
  /** The worker that it was transferred to; of an open one, the worker that uses it now. */
  readonly owner: string | null;
  readonly state: PortState;
  /** `PRODUCER` or `CONSUMER`. */
  readonly side: number;
  /** Frames that were sent and not yet released, each fragment of a message one; `null` of a broadcast ring. */
  readonly messagesQueued: number | null;
}

/** For how long a wait for a port blocks the event loop at a time, in milliseconds. */
const SLICE_MS = 5;
const ANY_WORKER = 0xffff_ffff;
const STATES: readonly PortState[] = ["open", "transferred", "closed"];
/** circlet_port in words of 32 bits: port, owner, side, state, and two of the messages queued. */
const WORDS = 6;

function nameOf(kind: "p" | "w", number: number): string {
  return `${kind}_${number.toString(16).padStart(4, "0")}`;
}

function numberOf(kind: "p" | "w", name: string): number {
  const digits = new RegExp(`^${kind}_([0-9a-f]{1,8})$`).exec(name)?.[1];
  if (digits === undefined) {
    const [what, example] = kind === "p" ? ["port", "p_1a2b"] : ["worker", "w_3a7f"];
    throw new InvalidError(`${shown(name)} names no ${what}: give a name such as "${example}"`);
  }
  return Number.parseInt(digits, 16);
}

/** Returns the number of a worker that snapshots name, such as `"w_3a7f"`. */
export function workerNumber(name: string): number {
  return numberOf("w", name);
}

function workerOf(name: string | null): number {
  return name === null ? ANY_WORKER : workerNumber(name);
}

/** What has the handle of a pool. */
interface Handle {
  open(): Pointer;
  accepting(): Pointer;
}

/** The ports of a pool; a part of `Pool` and `ProcessPool`. */
export abstract class Ports {
  /** @internal */
  protected abstract get line(): Handle;

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
    const port = new Uint32Array(1);
    check(symbols.circlet_pool_port_open(this.line.accepting(), ring.handle, side, port));
    return nameOf("p", port[0]!);
  }

  /**
   * Hands a port to a worker of `snapshot().registry`, which alone may use it then, or (`null`) to all. Whoever uses it
   * goes on until it gives it back.
   *
   * @throws {NotFoundError} If there is no such port, or no such worker.
   */
  transferPort(port: string, worker: string | null): void {
    check(symbols.circlet_pool_port_transfer(this.line.open(), numberOf("p", port), workerOf(worker)));
  }

  /**
   * Closes a port, when whoever uses it has given it back. What is queued stays in the ring.
   *
   * @throws {NotFoundError} If there is no such port.
   */
  closePort(port: string): void {
    check(symbols.circlet_pool_port_close(this.line.open(), numberOf("p", port)));
  }

  /** Lists the ports in the order in which they were opened, and the last 64 that were closed. */
  ports(): PortEntry[] {
    const pool = this.line.open();
    let [room, found] = [0, check(symbols.circlet_pool_ports(pool, null, 0))];
    let words = new Uint32Array(0);
    while (found > room) {
      room = found;
      words = new Uint32Array(WORDS * room);
      found = check(symbols.circlet_pool_ports(pool, words, room));
    }
    return Array.from({ length: found }, (_, index) => {
      const [port, owner, side, state, low, high] = words.subarray(WORDS * index) as unknown as number[];
      return {
        id: nameOf("p", port!),
        owner: owner === ANY_WORKER ? null : nameOf("w", owner!),
        state: STATES[state!]!,
        side: side!,
        messagesQueued: high === 0xffff_ffff ? null : high! * 2 ** 32 + low!,
      };
    });
  }
}

/** What the shell of a worker process leaves for this package. */
interface Shell {
  readonly worker: Pointer;
  /** What is to be closed when the call is over. */
  readonly used: Set<{ close(): void }>;
  /** Tells whether the call was asked to stop. */
  readonly aborted: () => boolean;
}

/**
 * A port in the hands of the call that runs in a worker process, until it is closed or the call is over.
 *
 * What the call has received counts as received then, and the next one goes on behind it; what a worker had received and
 * not released when it died comes again.
 */
export class JobPort implements Disposable {
  /** The port's name, such as `"p_1a2b"`. */
  readonly id: string;
  /** The side that this is: `PRODUCER` or `CONSUMER`. */
  readonly side: number;
  /** The ring, of which the call has that side. */
  readonly ring: SharedRingBuffer;
  readonly #shell: Shell;
  #isClosed = false;

  /** @internal Made by `jobPort`. */
  constructor(shell: Shell, id: string, side: number, handle: Pointer) {
    this.#shell = shell;
    this.id = id;
    this.side = side;
    this.ring = SharedRingBuffer.ofHandle(handle);
    shell.used.add(this);
  }

  /**
   * Hands the port on to another worker, such as `"w_3a7f"`, or to whichever asks (`null`), and gives it back.
   *
   * @throws {NotFoundError} If there is no such worker; the port stays here then.
   */
  transfer(worker: string | null = null): void {
    if (this.#isClosed) throw new ClosedError("this port was given back");
    check(symbols.circlet_worker_port_transfer(this.#shell.worker, numberOf("p", this.id), workerOf(worker)));
    this.close();
  }

  /** Gives the port back. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#shell.used.delete(this);
    const back = (handle: Pointer | null) =>
      check(symbols.circlet_worker_port_back(this.#shell.worker, numberOf("p", this.id), handle));
    if (this.ring.isClosed) {
      back(null);
      return;
    }
    if (this.side === CONSUMER) this.ring.release();
    this.ring.closeWith(back);
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Takes a port of the pool for the call that runs in a worker process: waits until this worker may have it.
 *
 * An open port goes to whoever asks while nobody uses it; one that was transferred, to its worker alone. Rejects with
 * `TimedOutError`, `NotFoundError` for a port that is closed or that there is not, `BusyError` where this call has it
 * already, an `AbortError` when the call is asked to stop, and `ClosedError` where no call of a pool runs.
 */
export async function jobPort(id: string, timeoutMs?: number): Promise<JobPort> {
  const limitMs = timeout(timeoutMs);
  const shell = (globalThis as Record<symbol, unknown>)[Symbol.for("circlet.worker")] as Shell | undefined;
  if (shell === undefined) {
    throw new ClosedError("no call of a pool runs here: ports are for functions that a worker process runs");
  }
  const [port, out] = [numberOf("p", id), new BigUint64Array(1)];
  const deadline = limitMs < 0 ? Infinity : performance.now() + limitMs;
  for (;;) {
    if (shell.aborted()) throw new DOMException("the call was asked to stop", "AbortError");
    const left = Math.max(0, Math.min(SLICE_MS, deadline - performance.now()));
    const side = symbols.circlet_worker_port(shell.worker, port, left, out);
    if (side === PRODUCER || side === CONSUMER) return new JobPort(shell, id, side, Number(out[0]) as Pointer);
    if (side !== TIMED_OUT || performance.now() >= deadline) throw failure(side);
    await new Promise((next) => setImmediate(next));
  }
}
