/**
 * A session's link to its supervisor: the functions `circlet_shell_*` of the C library.
 *
 * The files session_*.ts are started as one: `bun -e SHELL LIBRARY DESCRIPTORS RINGS`, see docs/protocol.md. No two of them
 * may take the same name from the same module.
 */

import { dlopen, toArrayBuffer, type Pointer } from "bun:ffi";

/** Kinds of requests. */
export const RUN = 1;
export const DATA = 2;
export const LINE = 3;
export const HEAP = 4;
/** All of them. */
const ANY = 0xffffffff;
/** CIRCLET_TIMED_OUT. */
const TIMED_OUT = -18;
/** Kinds of answers. */
export const OUTCOME = 2;
export const DISPLAY = 5;
export const SENT = 6;
export const BYTES = 7;
export const ASK = 8;
export const STATE = 9;

const [library, given, called] = process.argv.slice(1) as [string, string, string];
/** The descriptors that were passed on. */
export const descriptors = given.split(",").map(Number);
/** What the code calls rings of its caller's: JSON, or nothing. */
export const givenRings = called;
process.argv.length = 1;

const { symbols: c } = dlopen(library, {
  circlet_shell_new: { args: ["i32", "i32", "i32", "i32", "ptr"], returns: "i32" },
  circlet_shell_ready: { args: ["ptr"], returns: "i32" },
  circlet_shell_take: { args: ["ptr", "u32", "f64", "ptr"], returns: "i32" },
  circlet_shell_fd: { args: ["ptr"], returns: "i32" },
  circlet_shell_arm: { args: ["ptr"], returns: "i32" },
  circlet_shell_answer: { args: ["ptr", "i32", "ptr", "u64"], returns: "i32" },
  circlet_shell_print: { args: ["ptr", "i32", "ptr", "u64"], returns: "i32" },
  circlet_shell_stopped: { args: ["ptr"], returns: "i32" },
  circlet_shell_last_stopped: { args: ["ptr"], returns: "u32" },
});

const handle = new BigUint64Array(1);
const [requests, answers, words, outside] = descriptors as [number, number, number, number];
if (c.circlet_shell_new(requests, answers, words, outside, handle) !== 0) {
  throw new Error("this session's descriptors are not its supervisor's");
}
const shell = Number(handle[0]) as Pointer;

/** A request, as the library has it: address, length, number and flags, of 64 bits each. */
const request = new Uint32Array(8);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const nothing = new Uint8Array(1);

/** Takes a request, and returns its kind; 0 where none came within so many microseconds, less than 0 at the end. */
export function poll(waitUs: number): number {
  const kind = c.circlet_shell_take(shell, ANY, waitUs / 1000, request);
  return kind === TIMED_OUT ? 0 : kind;
}

function body(): Uint8Array {
  const [low, high, length, lengthHigh] = request as unknown as [number, number, number, number];
  const bytes = length + lengthHigh * 2 ** 32;
  return bytes === 0 ? new Uint8Array() : new Uint8Array(toArrayBuffer((low + high * 2 ** 32) as Pointer, 0, bytes));
}

/** Returns the text of the request that was taken last. */
export function taken(): string {
  return decoder.decode(body());
}

/** Returns a copy of its bytes. */
export function takenBytes(): Uint8Array {
  return body().slice();
}

/** Returns its number and its flags. */
export function takenRun(): { number: number; flags: number } {
  return { number: request[4] as number, flags: request[6] as number };
}

/** Says that requests can be taken. */
export function ready(): void {
  c.circlet_shell_ready(shell);
}

/** Returns a descriptor that is readable when there may be a request. */
export function bell(): number {
  return c.circlet_shell_fd(shell);
}

/** Asks for the bell; tells whether there is a request already. */
export function isThere(): boolean {
  return c.circlet_shell_arm(shell) !== 0;
}

/** Tells whether the run that is under way is to stop. */
export function isStopped(): boolean {
  return c.circlet_shell_stopped(shell) === 1;
}

/** Returns the number of the run that was last asked to stop. */
export function lastStopped(): number {
  return c.circlet_shell_last_stopped(shell);
}

/** Sends a frame of the run that is under way. */
export function answer(kind: number, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  // An empty array has no address.
  if (c.circlet_shell_answer(shell, kind, bytes.length === 0 ? nothing : bytes, bytes.length) < 0) {
    throw new Error("no run is under way, or the supervisor has gone");
  }
}

/** Prints to standard output (1) or error (2). */
export function print(stream: 1 | 2, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  if (bytes.length > 0) c.circlet_shell_print(shell, stream, bytes, bytes.length);
}
