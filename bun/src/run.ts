/** Runs of an executor: what waits for its turn, what comes of it, and who is told. */

import type { Pointer } from "bun:ffi";
import { shown } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { numbersOf, type Chunk, type Outcome, type Question, type Said } from "./outcome.ts";

/** Whoever answers questions: gives a line, or `null` for the end of the input. */
export type Ask = (question: Question) => string | null | Promise<string | null>;

/** What came while it ran. */
type Printed = Pick<Outcome, "stdout" | "stderr" | "shown" | "sent" | "states">;

/** What a run shares with its executor. */
export interface Owner {
  /** Stops a run, or has it never begin. Returns whether it was not over. */
  stop(run: Run): boolean;
  /** Gives a run the line that it asked for. */
  answer(run: Run, line: string | null): void;
}

/** Code that an executor runs, or will. */
export class Run {
  readonly promise: Promise<Outcome>;
  protected parts: Chunk[] = [];
  protected isOver = false;
  readonly #owner: Owner;
  readonly #ask: Ask | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  #done!: (outcome: Outcome) => void;
  #fail!: (error: unknown) => void;
  /** What went wrong with an answer. */
  #trouble: { error: unknown } | null = null;

  constructor(
    owner: Owner,
    /** Begins it in a session; returns what the library does. */
    readonly begin: (handle: Pointer) => number,
    ask: Ask | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#owner = owner;
    this.#ask = ask;
    this.#signal = signal;
    this.promise = new Promise((done, fail) => {
      this.#done = done;
      this.#fail = fail;
    });
    signal?.addEventListener("abort", this.#aborted);
  }

  /** Stops it. Returns whether it was not over. */
  interrupt(): boolean {
    return this.#owner.stop(this);
  }

  /** Takes what was printed. */
  print(stream: "stdout" | "stderr", bytes: Uint8Array | null): void {
    const text = bytes === null ? this.#decoders[stream].decode() : this.#decoders[stream].decode(bytes, { stream: true });
    if (text !== "") this.add({ stream, text });
  }

  /** Takes a part of what came. */
  add(chunk: Chunk): void {
    this.parts.push(chunk);
  }

  /** Takes the outcome. */
  end(said: Said, bytes: Uint8Array<ArrayBuffer>): void {
    this.print("stdout", null);
    this.print("stderr", null);
    const { bytes: kind, ...outcome } = said;
    const buffer = kind && { value: numbersOf(bytes, kind.format), format: kind.format, shape: kind.shape };
    const whole: Outcome = { ...outcome, ...this.printed(), ...buffer };
    this.#finish();
    if (this.#trouble === null) this.#done(whole);
    else this.#fail(this.#trouble.error);
  }

  /** Takes why there is no outcome. */
  fail(error: unknown): void {
    this.#finish();
    this.#fail(this.#trouble === null ? error : this.#trouble.error);
  }

  /** Has a question answered. */
  async answer(question: Question): Promise<void> {
    let line: string | null = null;
    try {
      line = (await this.#ask?.(question)) ?? null;
      if (line !== null && typeof line !== "string") {
        throw new InvalidError(`ask gave ${shown(line)}: give a string, or null for the end of the input`);
      }
    } catch (error) {
      line = null;
      this.#trouble ??= { error };
    }
    if (!this.isOver) this.#owner.answer(this, line);
  }

  protected printed(): Printed {
    const printed: Printed = { stdout: "", stderr: "", shown: [], sent: [], states: [] };
    for (const chunk of this.parts) {
      if (chunk.stream === "data") printed.sent.push(chunk.data);
      else if (chunk.stream === "display") printed.shown.push(chunk.data);
      else if (chunk.stream === "state") printed.states.push(chunk.data);
      else printed[chunk.stream] += chunk.text;
    }
    this.parts = [];
    return printed;
  }

  #finish(): void {
    this.isOver = true;
    this.#signal?.removeEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => {
    // Who waits is told at once, and the code ends meanwhile.
    this.#fail(this.#signal?.reason);
    this.interrupt();
  };
}

/**
 * A run whose output is read as it comes: `for await (const chunk of stream)`, by one reader. Leaving the loop before the end
 * interrupts the run.
 */
export class Stream extends Run implements AsyncIterable<Chunk> {
  #wake: (() => void) | null = null;

  /** Resolves to the outcome, without what was told before; it rejects as the loop throws. */
  get outcome(): Promise<Outcome> {
    return this.promise;
  }

  override add(chunk: Chunk): void {
    const last = this.parts.at(-1);
    // What nobody has read yet is read at once.
    if (last !== undefined && "text" in last && last.stream === chunk.stream && chunk.stream !== "display") {
      last.text += chunk.text;
    } else {
      super.add(chunk);
    }
    this.#wake?.();
  }

  protected override printed(): Printed {
    return { stdout: "", stderr: "", shown: [], sent: [], states: [] };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void> {
    // Who reads is told there.
    const over = this.promise.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    let end: { error: unknown } | null | undefined;
    void over.then((found) => {
      end = found;
      this.#wake?.();
    });
    try {
      for (;;) {
        const chunk = this.parts.shift();
        if (chunk !== undefined) {
          yield chunk;
        } else if (end !== undefined) {
          if (end !== null) throw end.error;
          return;
        } else {
          await new Promise<void>((wake) => (this.#wake = wake));
          this.#wake = null;
        }
      }
    } finally {
      if (!this.isOver) this.interrupt();
    }
  }
}
