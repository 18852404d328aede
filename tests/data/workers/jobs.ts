/** What the Bun workers of the tests are asked to do. */

import { closeSync, openSync } from "node:fs";

declare const circlet: { aborted(): boolean; signal: AbortSignal };

export const add = (a: number, b = 1): number => a + b;
export const echo = (value: unknown): unknown => value;
export const nothing = (): void => {};
export const nested = { twice: (value: number): number => 2 * value };

const kept: Map<number, number>[] = [];
export const keep = (count: number): void => {
  for (let place = 0; place < count; place++) kept.push(new Map());
};

export async function later(value: unknown): Promise<unknown> {
  await Bun.sleep(1);
  return value;
}

export function fail(): never {
  throw new RangeError("too far");
}

export function leave(code: number): never {
  console.error("farewell");
  process.exit(code);
}

/** Says that it runs by making a file, and never ends. */
export function stubborn(path: string): never {
  closeSync(openSync(path, "w"));
  for (;;);
}

/** Says that it runs by making a file, and gives in. */
export async function polite(path: string): Promise<void> {
  closeSync(openSync(path, "w"));
  const { signal } = circlet;
  signal.throwIfAborted();
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

export const input = (): Promise<string> => Bun.stdin.text();
