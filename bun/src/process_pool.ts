/** Pools of worker processes. */

import { toArrayBuffer, type Pointer } from "bun:ffi";
import { deserialize, serialize } from "bun:jsc";
import { checkOptions, shown, text } from "./arguments.ts";
import { errorOf, InvalidError, JobFailedError, WorkerDiedError } from "./errors.ts";
import { HEAP_NUMBERS, heapOptions, type HeapOptions, type HeapSnapshot } from "./heap.ts";
import { addressAt, libraryPath, nameOf, symbols } from "./native.ts";
import { Single } from "./pool_jobs.ts";
import { FETCHED, Line, type End } from "./pool_line.ts";
import { jobOptions, KINDS, type PoolSnapshot } from "./pool_options.ts";
import { Ports, workerNumber } from "./pool_ports.ts";
import { CODECS, processOptions, type CallOptions, type ProcessOptions, type WorkerOutput } from "./process_options.ts";
import { used } from "./uses.ts";

/** Bytes of circlet_answer: the job's number, an address, the length, the status, nothing. */
const ANSWER = 32;

/** What a script exports, as it is called from another process: each function gives a promise. */
export type Remote<Exports> = {
  readonly [Name in keyof Exports]: Exports[Name] extends (...given: infer Given) => infer Result
    ? (...given: Given) => Promise<Awaited<Result>>
    : Exports[Name] extends object
      ? Remote<Exports[Name]>
      : never;
};

/**
 * Worker processes that call functions of a script or of Python's modules, and promises of what they return.
 *
 * There are as many workers as the calls need. Arguments and results are structured clones where the workers are of Bun:
 * `Map`, `Set`, `Date`, typed arrays, bigints and cycles arrive as they are. What a function throws is what the promise
 * rejects with. For workers of Python they are JSON.
 *
 * A pool belongs to the thread that made it. `await using` finishes the calls first, as `close` does; `using` ends it at
 * once. A pool that is not closed when the process ends takes its workers with it, and what they have started.
 *
 * @example
 * ```ts
 * import { ProcessPool } from "circlet";
 *
 * await using pool = new ProcessPool({ kind: "python", max: 2 });
 * console.log(await pool.call("math:sqrt", [16])); // 4
 * ```
 */
export class ProcessPool extends Ports implements Disposable, AsyncDisposable {
  readonly #line: Line<unknown>;
  readonly #codec: number;
  readonly #job = new BigUint64Array(1);
  /** The names of functions, as the library takes them. */
  readonly #names = new Map<string, Uint8Array>();

  /** @throws {InvalidError} For what no pool can be, such as workers of Bun without a script. */
  constructor(options: ProcessOptions) {
    super();
    checkOptions(options);
    const { kind = "bun" } = options;
    if (kind !== "bun" && kind !== "python") {
      throw new InvalidError(`kind is ${shown(kind)}: give "bun" or "python", or make a Pool`);
    }
    const codec = kind === "bun" ? CODECS.structuredClone : CODECS.json;
    const answers = new BigUint64Array(4);
    const fetch = (handle: Pointer, end: End<unknown>) => fetched(handle, answers, codec, end);
    this.#codec = codec;
    this.#line = new Line<unknown>(options, KINDS[kind], processOptions(options, libraryPath), fetch, undefined);
    used.add("circlet.ProcessPool");
  }

  /** @internal The library's handle. */
  get handle(): Pointer {
    return this.#line.open();
  }

  /** @internal */
  protected get line(): Line<unknown> {
    return this.#line;
  }

  /**
   * Has a worker call a function, and resolves to what it returned.
   *
   * Rejects with what the function threw, or with `JobFailedError` where that cannot be had here; with `WorkerDiedError`,
   * `NoWorkerError`, `AbortedError`, `TimedOutError` by its deadline, `DroppedError` or `FullError` by the overflow, or
   * `ClosedError`.
   *
   * @param name What the script exports, or what is in that (`"images.resize"`); of Python `"package.module:name"`.
   * @param given The arguments in their order; for Python also an object of arguments by name.
   * @throws {InvalidError} For arguments that cannot go to another process, and for options out of range.
   */
  call<Result = unknown>(name: string, given: readonly unknown[] | object = [], options?: CallOptions): Promise<Result> {
    const wishes = jobOptions(options, true);
    const [handle, named, data] = [this.#line.accepting(), this.#nameOf(name), this.#encoded(name, given)];
    const jobs = options?.signal === undefined ? this.#job : new BigUint64Array(1);
    return new Promise<Result>((done, fail) => {
      const waiter = new Single<Result, unknown>(done, fail, (result) => result as Result, null);
      const call = () => {
        const status = symbols.circlet_pool_call(handle, named, this.#codec, data, data.length, wishes, jobs);
        return status === 0 ? 1 : status;
      };
      this.#line.begin({ waiter, count: 1, taken: 0, jobs, call }, options?.signal);
    });
  }

  /**
   * Returns the script's exports as functions that call them in a worker, each giving a promise:
   * `const jobs = pool.remote<typeof import("./jobs.ts")>()`, and then `await jobs.area(3, 4)`.
   */
  remote<Exports extends object>(options?: CallOptions): Remote<Exports> {
    return this.#remote("", options) as Remote<Exports>;
  }

  #remote(path: string, options: CallOptions | undefined): object {
    return new Proxy(() => undefined, {
      get: (_, name) => {
        // What awaits it asks for `then`, which no exported function is called.
        if (typeof name === "symbol" || name === "then") return undefined;
        return this.#remote(path === "" ? name : `${path}.${name}`, options);
      },
      apply: (_, __, given: unknown[]) => this.call(path, given, options),
    });
  }

  /**
   * Waits until every call that was made is over; the pool stays open. Rejects with `TimedOutError` if the
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

  /** Takes what the workers have printed since the last time, in a pool with the output `"keep"`. */
  output(): WorkerOutput {
    return this.#line.told(symbols.circlet_pool_output);
  }

  /**
   * Asks a worker of `snapshot().registry` what it has on its heap, between two of its calls, and resolves to that.
   *
   * Workers of Bun count objects by type. Those of Python trace allocations from the first snapshot on, which makes each
   * slower, and know no line in it; one with `stop` ends that.
   *
   * Rejects with `NotFoundError` where there is no such worker, or it ends before it has looked; `TimedOutError`;
   * `JobFailedError` where it cannot write the file; `WorkerDiedError`; or `ClosedError`.
   *
   * @throws {InvalidError} For what names no worker, and for options out of range.
   */
  heapSnapshot(worker: string, options: HeapOptions = {}): Promise<HeapSnapshot> {
    const [handle, named, wishes] = [this.#line.accepting(), workerNumber(worker), heapOptions(options)];
    const jobs = new BigUint64Array(1);
    return new Promise((done, fail) => {
      const waiter = new Single<HeapSnapshot, unknown>(done, fail, (taken) => taken as HeapSnapshot, null);
      const call = () => {
        const status = symbols.circlet_pool_heap_submit(handle, named, wishes, jobs);
        return status === 0 ? 1 : status;
      };
      this.#line.begin({ waiter, count: 1, taken: 0, jobs, call }, undefined);
    });
  }

  /** Takes no more calls, waits until those that were made are over, and ends the workers. Safe to call twice. */
  close(): Promise<void> {
    return this.#line.close();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Ends the pool at once: calls that wait reject with `AbortedError`, and those that run are aborted. Blocks the thread
   * until their workers have ended, for the grace at the most.
   */
  [Symbol.dispose](): void {
    this.#line.dispose();
  }

  #nameOf(name: string): Uint8Array {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (name === "") throw new InvalidError('name is "": give what the script exports, or of Python "module:name"');
    const made = text("name", name);
    this.#names.set(name, made);
    return made;
  }

  #encoded(name: string, given: readonly unknown[] | object): Uint8Array {
    try {
      if (this.#codec === CODECS.json) return Buffer.from(JSON.stringify(given));
      return serialize(Array.isArray(given) ? given : [given], { binaryType: "nodebuffer" });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InvalidError(`the arguments of ${name} cannot go to another process: ${reason}`);
    }
  }
}

/** Tells of the next ends of calls. */
function fetched(handle: Pointer, answers: BigUint64Array, codec: number, end: End<unknown>): number {
  const found = symbols.circlet_pool_answers(handle, FETCHED, 0, answers);
  if (found <= 0) return found;
  const [items, length] = [addressAt(answers, 0), Number(answers[2])];
  const words = new Uint32Array(toArrayBuffer(items, 0, found * ANSWER).slice(0));
  const whole = length === 0 ? new ArrayBuffer(0) : toArrayBuffer(addressAt(answers, 1), 0, length).slice(0);
  symbols.circlet_answers_free(answers);
  const bytes = Buffer.from(whole);
  let begin = 0;
  for (let at = 0; at < words.length; at += ANSWER / 4) {
    const job = words[at + 1]! * 2 ** 32 + words[at]!;
    const size = words[at + 5]! * 2 ** 32 + words[at + 4]!;
    const status = words[at + 6]! | 0;
    let [value, error]: [unknown, unknown] = [undefined, null];
    try {
      if (status !== 0) error = endOf(status, bytes.toString("utf8", begin, begin + size));
      else if (codec === CODECS.json || job >= HEAP_NUMBERS) value = JSON.parse(bytes.toString("utf8", begin, begin + size));
      else value = deserialize(whole.slice(begin, begin + size));
    } catch (broken) {
      error = broken;
    }
    begin += size;
    end(job, value, error);
  }
  return found;
}

/** What is said of a call that has no answer. */
interface Said {
  message: string;
  type?: string;
  traceback?: string;
  encoded?: string;
  exit_code?: number | null;
  signal?: number | null;
  out_of_memory?: boolean | null;
  stderr?: string;
  kills?: number;
}

/** Makes what a call without an answer rejects with. */
function endOf(status: number, json: string): unknown {
  const said = JSON.parse(json) as Said;
  if (said.encoded !== undefined) {
    try {
      const thrown: unknown = deserialize(new Uint8Array(Buffer.from(said.encoded, "base64")).buffer);
      // The clone of an error has no name of its own.
      if (thrown instanceof Error && said.type !== undefined && thrown.name !== said.type) thrown.name = said.type;
      return thrown;
    } catch {
      // It is told in words.
    }
  }
  const error = errorOf(nameOf(status), said.type ? `${said.type}: ${said.message}` : said.message);
  if (error instanceof JobFailedError) {
    error.type = said.type ?? "";
    error.traceback = said.traceback ?? "";
  }
  if (error instanceof WorkerDiedError) {
    error.exitCode = said.exit_code ?? null;
    error.signal = said.signal ?? null;
    error.outOfMemory = said.out_of_memory ?? null;
    error.stderr = said.stderr ?? "";
    error.kills = said.kills ?? 0;
  }
  return error;
}
