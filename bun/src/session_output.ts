/** What the code of a session prints, and the lines that it asks for. */

import { createRequire } from "node:module";
import { formatWithOptions } from "node:util";
import { answer, ASK, descriptors, LINE, print } from "./session_link.ts";
import { inCode } from "./session_lines.ts";
import { stackOf } from "./session_values.ts";

/** How deep objects are printed, as Bun's console does. */
const PRINTED_DEPTH = 2;

let indent = "";

function printed(given: unknown[]): string {
  const [first] = given;
  const text =
    typeof first === "string" && given.length > 1 && first.includes("%")
      ? formatWithOptions({ colors: false, depth: PRINTED_DEPTH }, ...given)
      : given.map(asPrinted).join(" ");
  return `${indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`)}\n`;
}

function asPrinted(value: unknown): string {
  if (typeof value === "string") return value;
  if (Error.isError(value)) return stackOf(value);
  return inCode(Bun.inspect(value, { colors: false, depth: PRINTED_DEPTH }));
}

/** Has the console print through the ring. What is not here prints to the descriptors, which are put in order with that. */
export function takeConsole(): void {
  const out = (...given: unknown[]) => print(1, printed(given));
  const err = (...given: unknown[]) => print(2, printed(given));
  const group = (...given: unknown[]) => {
    if (given.length > 0) out(...given);
    indent += "  ";
  };
  const groupEnd = () => {
    indent = indent.slice(2);
  };
  Object.assign(console, { log: out, info: out, debug: out, error: err, warn: err, group, groupCollapsed: group, groupEnd });
  giveStream("stdout", 1);
  giveStream("stderr", 2);
}

/** What `require` is for the code: it looks from the folder where the session was started. */
export const requireHere = createRequire(`${process.cwd()}/session.ts`);

/** Has `process.stdout` or `stderr` print through the ring; made when it is asked for, as few runs do. */
function giveStream(name: "stdout" | "stderr", number: 1 | 2): void {
  let stream: object | undefined;
  const make = () => {
    const { Writable } = requireHere("node:stream") as typeof import("node:stream");
    const made = new Writable({
      decodeStrings: false,
      write(chunk: string | Uint8Array, encoding, done) {
        print(number, typeof chunk === "string" && encoding !== "utf8" ? Buffer.from(chunk, encoding) : chunk);
        done();
      },
    });
    return Object.assign(made, { fd: number, isTTY: false, _isStdio: true });
  };
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => (stream ??= make()) });
}

/** What was thrown where nobody waits for it is printed, and the session goes on. */
export function takeStrays(): void {
  process.on("uncaughtException", (error) => print(2, `Uncaught ${stackOf(error)}\n`));
  process.on("unhandledRejection", (error) => print(2, `Uncaught (in promise) ${stackOf(error)}\n`));
}

/** Asks whoever runs the code for lines. */
export class Questions {
  /** Whether somebody answers. */
  areAnswered = false;
  readonly #wait: (kind: number) => string;

  /** @param wait Waits for a request of a kind, and returns its text. */
  constructor(wait: (kind: number) => string) {
    this.#wait = wait;
  }

  /** Gives the code `prompt`, `confirm` and `alert`. */
  give(): void {
    const ask = (message: unknown, isSecret: boolean) => this.#ask(String(message), isSecret);
    Object.assign(globalThis, {
      prompt: (message: unknown = "Prompt", otherwise: unknown = null) => {
        const line = ask(`${String(message)} `, false);
        return line === "" ? (otherwise ?? "") : line;
      },
      confirm: (message: unknown = "Confirm") => /^y(es)?$/i.test(ask(`${String(message)} [y/N] `, false)?.trim() ?? ""),
      alert: (message: unknown = "Alert") => void ask(`${String(message)} [Enter] `, false),
    });
  }

  /** Returns the line without its newline; `null` at the end of the input. */
  #ask(message: string, isSecret: boolean): string | null {
    if (!this.areAnswered) throw new Error("nobody answers questions here: run the code with somebody who does");
    answer(ASK, JSON.stringify([message.toWellFormed(), isSecret]));
    const line = this.#wait(LINE);
    return line === "" ? null : line.replace(/\n$/, "");
  }
}

/** Returns what gives the code rings of its caller's: pairs of a name, and the index of a descriptor or the name of a segment. */
export function ringsOf(given: string): Record<string, unknown> {
  const rings = {};
  for (const [alias, at] of JSON.parse(given) as [string, number | string][]) {
    const open = () => {
      const { SharedRingBuffer } = requireHere("circlet") as typeof import("./index.ts");
      const ring = typeof at === "number" ? SharedRingBuffer.fromFd(descriptors[at] as number) : SharedRingBuffer.open(at);
      Object.defineProperty(rings, alias, { value: ring, enumerable: true });
      return ring;
    };
    Object.defineProperty(rings, alias, { configurable: true, enumerable: true, get: open });
  }
  return rings;
}
