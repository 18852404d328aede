/** What the workers of `process_pool.test.ts` call. */

import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { ClosedError, jobPort } from "../src/index.ts";

/** What the worker's shell offers. */
declare const circlet: { aborted(): boolean; readonly signal: AbortSignal };

export const echo = <Value>(value: Value): Value => value;
export const area = (width: number, height: number): number => width * height;
export const later = async (value: number): Promise<number> => {
  await Bun.sleep(1);
  return value;
};
export const deep = { er: { product: (left: number, right: number) => left * right } };
export const pid = (): number => process.pid;

class Counter {
  #count = 0;
  next(): number {
    return ++this.#count;
  }
}
export let counter = new Counter();
export function beginsAnew(): void {
  counter = new Counter();
}
/** Gives what can be awaited and is no promise. */
export const thenable = (value: number): PromiseLike<number> => ({ then: (done) => later(value).then(done) });
export const failingThenable = (): PromiseLike<never> => ({ then: (_, fail) => failsLater().then(null, fail) });

/** Says what arrived, of what a structured clone keeps. */
export function looksAt(value: { map: Map<string, Date>; set: Set<number>; floats: Float64Array; big: bigint; self: unknown }) {
  return {
    date: value.map.get("then")?.getTime(),
    has: value.set.has(7),
    isTyped: value.floats instanceof Float64Array && value.floats[1] === 0.5,
    big: value.big + 1n,
    isCyclic: value.self === value,
  };
}

export class OwnError extends Error {
  override name = "OwnError";
}

export function fails(): never {
  throw new RangeError("for this reason", { cause: 7 });
}
export function failsOnItsOwn(): never {
  throw new OwnError("own");
}
export async function failsLater(): Promise<never> {
  await Bun.sleep(1);
  throw new TypeError("later");
}
export function failsWithWhatCannotBeCloned(): never {
  throw { run: () => 7 };
}
export function failsAtLengthWithWhatCannotBeCloned(length: number): never {
  throw { run: () => 7, toString: () => `first ${"x".repeat(length)} last` };
}
export const givesWhatCannotBeCloned = () => () => 7;

export function dies(): void {
  console.error("last words");
  process.kill(process.pid, "SIGKILL");
}
/** Kills the first worker that runs it. */
export async function diesOnce(file: string): Promise<string> {
  if (!(await Bun.file(file).exists())) {
    appendFileSync(file, "died");
    process.kill(process.pid, "SIGKILL");
  }
  return "alive";
}

/** Runs until it is asked to stop, and gives in; `file` says that it runs. */
export function givesIn(file: string): Promise<never> {
  return new Promise((_, fail) => {
    const { signal } = circlet;
    signal.addEventListener("abort", () => fail(new DOMException("asked to stop", "AbortError")));
    appendFileSync(file, "runs");
    setInterval(() => circlet.signal, 5);
  });
}
/** Starts a process that stays; returns the numbers of this one and of that. */
export function starts(): [number, number] {
  return [process.pid, Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] }).pid];
}
/** Does so, writes the numbers to a file, and runs on whatever it is asked. */
export function startsAndHangs(file: string): never {
  writeFileSync(`${file}.part`, starts().join());
  renameSync(`${file}.part`, file);
  for (;;) continue;
}

/** Leaves a file where it begins, whatever it is given. */
export function begins(file: string, given: unknown): number {
  appendFileSync(file, "begun");
  return given instanceof Set ? given.size : 0;
}
/** Runs on whatever it is asked. */
export function hangs(file: string): never {
  appendFileSync(file, "runs");
  for (;;) continue;
}

const kept: Uint8Array[] = [];
const maps: Map<number, number>[] = [];
export function keeps(count: number): void {
  for (let at = 0; at < count; at++) maps.push(new Map());
}
export function leaks(bytes: number): number {
  kept.push(new Uint8Array(bytes).fill(1));
  return process.pid;
}
export function prints(words: string): void {
  console.log(words);
  console.error(`and ${words}`);
}

/** Receives some messages in each turn and hands the port on to the other worker, until there are no more. */
export async function goesRound(port: string, other: Record<number, string>): Promise<number[]> {
  const received: number[] = [];
  for (;;) {
    const held = await jobPort(port, 30_000);
    try {
      for (const view of held.ring.recvMany(3)) received.push(view[0]! + 256 * view[1]!);
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
      held.transfer(null);
      return received;
    }
    held.transfer(other[process.pid]!);
  }
}
