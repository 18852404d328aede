/** What the workers of `process_pool.test.ts` call. */

import { appendFileSync } from "node:fs";

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
/** Runs on whatever it is asked. */
export function hangs(file: string): never {
  appendFileSync(file, "runs");
  for (;;) continue;
}

const kept: Uint8Array[] = [];
export function leaks(bytes: number): number {
  kept.push(new Uint8Array(bytes).fill(1));
  return process.pid;
}
export function prints(words: string): void {
  console.log(words);
  console.error(`and ${words}`);
}
