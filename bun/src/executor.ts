/** Executors: Python sessions that run code strings, tell what comes of them as it comes, and stop them when told. */

import type { Pointer } from "bun:ffi";
import { shown } from "./arguments.ts";
import { Bell } from "./bell.ts";
import { copyFrom } from "./copies.ts";
import { AbortedError, ClosedError, InvalidError, JobFailedError, TimedOutError } from "./errors.ts";
import { executorOptions, runOptions, type ExecutorOptions, type RunOptions } from "./executor_options.ts";
import { check, descriptorFrom, failure, handleFrom, symbols, TIMED_OUT } from "./native.ts";
import { heapOptions, type HeapOptions, type HeapSnapshot } from "./heap.ts";
import { failureOf, parseExactly, type Failed, type Outcome, type Said, type State } from "./outcome.ts";
import { bytesOf, checkPayload, type Payload } from "./payload.ts";
import { Run, Stream, type Owner } from "./run.ts";
import { used } from "./uses.ts";

/** CIRCLET_EVENT_OUTPUT and its like. */
const EVENTS = { output: 1, display: 2, data: 3, ask: 4, state: 5, end: 6, failure: 7 } as const;
/** Bytes of circlet_event. */
const EVENT_BYTES = 48;
/** How long a glance for events lasts: about as long as it takes to be woken by the event loop. */
const GLANCE_MS = 0.02;
/** So many events are taken before the event loop turns. */
const AT_ONCE = 64;
/** How often it is looked for room for what is to be sent. */
const ROOM_MS = 1;

/** Executors that nobody has closed: their sessions end with this process. */
const unclosed = new Set<Pointer>();
/** Ends the session of an executor that nobody has any more. */
const dropped = new FinalizationRegistry<Pointer>(end);

function endAll(): void {
  for (const handle of unclosed) symbols.circlet_executor_kill(handle);
}

/** Executors that a pool has opened, by what stands for their options. */
const openedBefore = new WeakMap<ExecutorOptions, Pointer>();

/** Makes what stands for the options of an executor that a pool has opened. */
export function opened(handle: Pointer): ExecutorOptions {
  const options = {};
  openedBefore.set(options, handle);
  return options;
}

/** Ends a session, whatever it runs. */
function end(handle: Pointer): void {
  if (!unclosed.delete(handle)) return;
  if (unclosed.size === 0) process.off("exit", endAll);
  if (symbols.circlet_executor_interrupt(handle) === 1) symbols.circlet_executor_kill(handle);
  symbols.circlet_executor_free(handle);
}

/**
 * Runs code strings in a Python process of its own, whose names stay from run to run.
 *
 * One run comes after the other, in the order of the calls. A session that ends, whatever the reason, fails the run that was
 * under way; the next has a new session, without the names of the last. An executor belongs to the thread that made it. The event
 * loop goes on while code runs; to start a session blocks it for some 15 ms, and hardly at all where one is `ready`.
 *
 * @example
 * ```ts
 * import { Executor } from "circlet";
 *
 * using python = new Executor();
 * console.log((await python.run("6 * 7")).value); // 42
 * for await (const chunk of python.stream("print('hello')")) console.log(chunk);
 * ```
 */
export class Executor implements Disposable, AsyncDisposable {
  #handle: Pointer | null;
  #current: Run | null = null;
  #queue: Run[] = [];
  #isPumping = false;
  #bell: Bell;
  /** Whether a new session has a descriptor that nobody watches yet. */
  #isMoved = false;
  readonly #event = new BigUint64Array(EVENT_BYTES / 8);
  readonly #words = new Uint32Array(this.#event.buffer);
  readonly #owner: Owner = { stop: (run) => this.#stop(run), answer: (run, line) => this.#answer(run, line) };

  /**
   * Starts a session, and waits until it is ready.
   *
   * @throws {InvalidError} For options out of range; a `CircletError` where no session starts.
   */
  constructor(options: ExecutorOptions = {}) {
    let handle = openedBefore.get(options);
    if (handle === undefined) {
      const given = executorOptions(options);
      handle = handleFrom((out) => symbols.circlet_executor_new(given, out));
    }
    this.#handle = handle;
    if (unclosed.size === 0) process.on("exit", endAll);
    unclosed.add(handle);
    used.add("circlet.Executor");
    dropped.register(this, handle, this);
    this.#bell = this.#newBell();
  }

  /** @internal The library's handle. */
  get handle(): Pointer {
    return this.#open();
  }

  /**
   * Runs a code string, once those before it are over, and resolves to what came of it: an exception of the code too is a
   * value, `outcome.error`.
   *
   * Rejects with `WorkerDiedError` where the session ended, with `TimedOutError` where it was killed because the code did not stop
   * when it was told, with the signal's reason, with what `ask` threw, `AbortedError` after a `restart`, or `ClosedError`.
   *
   * @throws {InvalidError} For code that is no text, and for options out of range.
   */
  run(code: string, options: RunOptions = {}): Promise<Outcome> {
    return this.#begin(Run, code, options).promise;
  }

  /**
   * As `run`, but what comes of the code is read as it comes: `for await (const chunk of python.stream(code))`. Leaving the loop
   * interrupts the run. `stream.outcome` has the rest.
   */
  stream(code: string, options: RunOptions = {}): Stream {
    const stream = this.#begin(Stream, code, options);
    // Whoever reads it is told.
    stream.promise.catch(() => {});
    return stream;
  }

  /**
   * Asks the session what it has on its heap, once the runs before are over, as `ProcessPool.heapSnapshot`; after the timeout it
   * is interrupted, as a run is.
   *
   * Rejects with `JobFailedError` where the session cannot write the file, `TimedOutError`, `WorkerDiedError`, or `ClosedError`.
   *
   * @throws {InvalidError} For options out of range.
   */
  async heapSnapshot(options: HeapOptions = {}): Promise<HeapSnapshot> {
    this.#open();
    const wishes = heapOptions(options);
    const begin = (handle: Pointer) => symbols.circlet_executor_begin_heap_snapshot(handle, wishes);
    const { value, error, stopped } = await this.#add(new Run(this.#owner, begin, undefined, undefined)).promise;
    if (stopped !== undefined) throw new TimedOutError("the heap snapshot took longer than it may", "CIRCLET_TIMED_OUT");
    if (error !== undefined) throw new JobFailedError(`${error.type}: ${error.message}`, "CIRCLET_JOB_FAILED");
    return value as HeapSnapshot;
  }

  /**
   * Sends bytes to the code, which takes them by `circlet.session.receive()`. What finds no room is copied, and goes while a run is
   * under way.
   *
   * @throws {WorkerDiedError} Where the session has ended.
   */
  send(content: Payload): void {
    checkPayload(content);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : bytesOf(content);
    check(symbols.circlet_executor_send(this.#open(), bytes.length === 0 ? null : bytes, bytes.length));
    this.#bell.wake();
  }

  /** Interrupts the run that is under way; others that wait have their turn. Returns whether there was one. */
  interrupt(): boolean {
    return this.#handle !== null && check(symbols.circlet_executor_interrupt(this.#handle)) === 1;
  }

  /**
   * Ends the session, whatever it does, and starts another: the run that is under way rejects with `AbortedError`. Blocks until the
   * new one is ready.
   */
  restart(): void {
    const [handle, run] = [this.#open(), this.#current];
    this.#current = null;
    this.#isMoved = true;
    run?.fail(new AbortedError("the session of the run was ended: the executor was restarted", "CIRCLET_ABORTED"));
    check(symbols.circlet_executor_restart(handle));
    this.#advance();
    this.#bell.wake();
  }

  /** The process id of the session that was started last, which may have ended. */
  get processId(): number {
    return check(symbols.circlet_executor_process_id(this.#open()));
  }

  /** Ends the session. Runs that are not over reject with `ClosedError`. Safe to call twice. */
  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    const runs = [...(this.#current === null ? [] : [this.#current]), ...this.#queue];
    [this.#current, this.#queue] = [null, []];
    dropped.unregister(this);
    end(handle);
    for (const run of runs) run.fail(new ClosedError("this executor was closed before the run was over", "CIRCLET_CLOSED"));
    this.#bell.wake();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this executor was closed here", "CIRCLET_CLOSED");
    return this.#handle;
  }

  #newBell(): Bell {
    return new Bell(
      () => descriptorFrom((out) => symbols.circlet_executor_fd(this.#open(), out)),
      () => this.#arm(),
      Infinity,
    );
  }

  #arm(): number {
    const armed = symbols.circlet_executor_arm(this.#open());
    if (armed < 2) return armed;
    // Nobody tells when there is room.
    setTimeout(() => this.#bell.wake(), ROOM_MS);
    return 0;
  }

  #begin<Kind extends Run>(
    kind: new (...given: ConstructorParameters<typeof Run>) => Kind,
    code: string,
    options: RunOptions,
  ): Kind {
    this.#open();
    if (typeof code !== "string") throw new InvalidError(`code is ${shown(code)}: give a string`);
    if (!code.isWellFormed()) throw new InvalidError("code has half a surrogate pair: no file of Python has one");
    const wishes = runOptions(options);
    const bytes = new TextEncoder().encode(code);
    const begin = (handle: Pointer) =>
      symbols.circlet_executor_begin(handle, bytes.length === 0 ? null : bytes, bytes.length, wishes);
    const run = new kind(this.#owner, begin, options.ask, options.signal);
    if (options.signal?.aborted) {
      run.fail(options.signal.reason);
      return run;
    }
    return this.#add(run);
  }

  /** Has a run take its turn. */
  #add<Kind extends Run>(run: Kind): Kind {
    this.#queue.push(run);
    this.#advance();
    if (!this.#isPumping && this.#current !== null) void this.#pump();
    return run;
  }

  /** Begins the next run, if none is under way. */
  #advance(): void {
    while (this.#current === null && this.#handle !== null) {
      const run = this.#queue.shift();
      if (run === undefined) return;
      const status = run.begin(this.#handle);
      if (status < 0) {
        run.fail(failure(status));
        continue;
      }
      if (status === 1) this.#isMoved = true;
      this.#current = run;
    }
  }

  /** Takes what comes, while there is a run. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    // What is begun in one go comes first.
    await null;
    const attempt = () => (this.#collect() ? true : undefined);
    try {
      while (this.#current !== null) {
        if (this.#isMoved) [this.#bell, this.#isMoved] = [this.#newBell(), false];
        await this.#bell.until(attempt, () => Infinity);
      }
    } catch (error) {
      // No descriptor is left: nobody would ever learn of the ends.
      const runs = [...(this.#current === null ? [] : [this.#current]), ...this.#queue];
      [this.#current, this.#queue] = [null, []];
      if (this.#handle !== null) symbols.circlet_executor_kill(this.#handle);
      for (const run of runs) run.fail(error);
    } finally {
      this.#isPumping = false;
    }
  }

  /** Takes some of what has come. Returns whether there was something, or nothing is to be waited for. */
  #collect(): boolean {
    for (let taken = 0; taken < AT_ONCE; taken++) {
      const [handle, run] = [this.#handle, this.#current];
      if (handle === null || run === null || this.#isMoved) return true;
      const kind = symbols.circlet_executor_next(handle, GLANCE_MS, this.#event);
      if (kind === TIMED_OUT) return taken > 0;
      if (check(kind) > 0) this.#tell(run, kind);
    }
    return true;
  }

  #tell(run: Run, kind: number): void {
    const [stream, body] = [this.#words[1]!, this.#bytes(2)];
    const text = () => new TextDecoder().decode(body);
    switch (kind) {
      case EVENTS.output:
        run.print(stream === 2 ? "stderr" : "stdout", body);
        break;
      case EVENTS.display: {
        const data = JSON.parse(text()) as Record<string, unknown>;
        run.add({ stream: "display", text: String(data["text/plain"] ?? ""), data });
        break;
      }
      case EVENTS.data:
        run.add({ stream: "data", data: body });
        break;
      case EVENTS.state:
        run.add({ stream: "state", data: JSON.parse(text()) as State });
        break;
      case EVENTS.ask:
        void run.answer({ prompt: text(), isSecret: stream === 1 });
        break;
      case EVENTS.end:
      case EVENTS.failure: {
        const said: unknown = parseExactly(text());
        const bytes = this.#bytes(4);
        this.#current = null;
        try {
          if (kind === EVENTS.end) run.end(said as Said, bytes);
          else run.fail(failureOf(said as Failed));
        } catch (error) {
          // A value that is not what its session says.
          run.fail(error);
        }
        this.#advance();
      }
    }
  }

  /** Copies the bytes whose address and length are at a place of the event. */
  #bytes(place: number): Uint8Array<ArrayBuffer> {
    return copyFrom(Number(this.#event[place]) as Pointer, Number(this.#event[place + 1]));
  }

  #stop(run: Run): boolean {
    if (run === this.#current) return this.interrupt();
    const at = this.#queue.indexOf(run);
    if (at < 0) return false;
    this.#queue.splice(at, 1);
    run.fail(new AbortedError("the run was interrupted before it began", "CIRCLET_ABORTED"));
    return true;
  }

  #answer(run: Run, line: string | null): void {
    if (this.#handle === null || run !== this.#current) return;
    // With a byte behind it, as no bytes have no address.
    const bytes = line === null ? null : new TextEncoder().encode(`${line}\n`);
    const status = symbols.circlet_executor_answer(this.#handle, bytes, bytes === null ? 0 : bytes.length - 1);
    // The end of the session is an event.
    if (status >= 0) this.#bell.wake();
  }
}
