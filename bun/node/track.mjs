/** The program `circlet session track`: a line of JSON for each request, a line for each answer, in this order. */

import { spawn } from "node:child_process";
import { CircletError, ClosedError, errorOf, TooLargeError } from "./errors.mjs";

/** How much of what the program says of its failure is kept, in characters. */
const SAID_MAX = 4096;
/** The longest line that the program reads, in bytes, with its end. */
const LINE_MAX = 16 << 20;

/** A running program. It keeps this process alive only while somebody waits for an answer. */
export class Track {
  #child;
  #waiting = [];
  #awaited = 0;
  #line = [];
  #said = "";
  /** Why there are no more answers. */
  #end = null;
  #ended;

  /** Starts it; whether it has started, the first answer tells. */
  constructor(program, args) {
    // In a group of its own, so that Ctrl-C is this process's alone to answer. It ends with its input.
    this.#child = spawn(program, ["session", "track", ...args], { stdio: "pipe", detached: true });
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) {
      // What is wrong with a pipe the end of the program says better.
      stream.on("error", () => {});
      stream.unref();
    }
    this.#child.unref();
    stdout.setEncoding("utf8").on("data", (chunk) => this.#read(chunk));
    stderr.setEncoding("utf8").on("data", (chunk) => {
      this.#said = (this.#said + chunk).slice(-SAID_MAX);
    });
    this.#ended = new Promise((done) => {
      this.#child.on("error", (error) => done(this.#fail(startFailure(program, error))));
      this.#child.on("close", (code, signal) => done(this.#fail(endFailure(this.#said.trim(), code, signal))));
    });
  }

  /** Sends a request; resolves to its answer. With `isAwaited`, this process stays alive for that. */
  ask(request, isAwaited = true) {
    if (this.#end !== null) return Promise.reject(this.#end);
    // Before any of it is written.
    const bytes = Buffer.byteLength(request) + 1;
    if (bytes > LINE_MAX) {
      return Promise.reject(new TooLargeError(`the request has ${bytes} bytes, and may have ${LINE_MAX}: say less at once`));
    }
    const answer = new Promise((done, fail) => this.#waiting.push({ done, fail, isAwaited }));
    this.#child.stdin.write(`${request}\n`);
    if (isAwaited) this.#hold();
    return answer;
  }

  /** Ends it once it has answered everything. */
  async close() {
    const closed = new ClosedError("this tracker was closed here: start another");
    if (this.#end === null) {
      this.#child.stdin.end();
      this.#hold();
      await this.#ended;
      this.#release();
    }
    this.#end = closed;
  }

  /** Ends it without waiting. */
  drop() {
    this.#child.stdin.end();
  }

  #hold() {
    if (this.#awaited++ === 0) {
      this.#child.ref();
      this.#child.stdout.ref();
    }
  }

  #release() {
    if (--this.#awaited === 0) {
      this.#child.unref();
      this.#child.stdout.unref();
    }
  }

  #read(chunk) {
    const parts = chunk.split("\n");
    for (const part of parts.slice(0, -1)) {
      const line = this.#line.join("") + part;
      this.#line = [];
      this.#answered(line);
    }
    this.#line.push(parts.at(-1));
  }

  #answered(line) {
    const { done, fail, isAwaited } = this.#waiting.shift();
    if (isAwaited) this.#release();
    const answer = JSON.parse(line);
    if (answer.error === undefined) done(answer);
    else fail(errorOf(answer.status, answer.error));
  }

  #fail(error) {
    this.#end ??= error;
    for (const { fail, isAwaited } of this.#waiting.splice(0)) {
      if (isAwaited) this.#release();
      fail(this.#end);
    }
  }
}

/** Runs `circlet` with an input to its end; resolves to what it printed. */
export function runWith(program, args, input) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: "pipe" });
    const said = ["", ""];
    for (const [index, stream] of [child.stdout, child.stderr].entries()) {
      stream.setEncoding("utf8").on("data", (chunk) => (said[index] += chunk));
    }
    child.on("error", (error) => fail(startFailure(program, error)));
    child.on("close", (code, signal) => {
      if (code === 0) done(said[0]);
      else fail(endFailure(said[1].trim(), code, signal));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function startFailure(program, { code, message }) {
  const reason = code === "ENOENT" ? "is not there" : `does not start: ${message}`;
  return new CircletError(
    `the program ${program} ${reason}; install it with \`cargo install --path . --features cli\`, ` +
      "or give its path as the option `program` or in CIRCLET_PROGRAM",
  );
}

function endFailure(said, code, signal) {
  const how = signal === null ? `with ${code}` : `by ${signal}`;
  return new ClosedError(said === "" ? `the tracker's program has ended ${how}: start another tracker` : said);
}
