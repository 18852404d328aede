/** Checks of what TypeScript cannot check, before a value reaches C and is silently cut to fit. */

import { InvalidError } from "./errors.ts";

/** The longest beginning of a refused value that a message shows. */
const SHOWN_MAX = 80;

/** The largest `uint32_t`. */
export const U32_MAX = 0xffff_ffff;

/** Returns an integer between `min` and `max`, or throws. */
export function integer(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidError(`${name} is ${shown(value)}: give an integer from ${min} to ${max}`);
  }
  return value;
}

/** Returns a number, NaN and infinity included: those are the library's to judge. */
export function number(name: string, value: number): number {
  if (typeof value !== "number") throw new InvalidError(`${name} is ${shown(value)}: give a number`);
  return value;
}

/** Returns a time above 0: the library takes 0 for its default. */
export function milliseconds(name: string, value: number): number {
  if (typeof value !== "number" || !(value > 0) || value === Infinity) {
    throw new InvalidError(`${name} is ${shown(value)}: give milliseconds above 0`);
  }
  return value;
}

/** Refuses what is no object of options. */
export function checkOptions(options: object): void {
  if (typeof options !== "object" || options === null) {
    throw new InvalidError(`options is ${shown(options)}: give an object of options`);
  }
}

/** Refuses what is no object of options, and options that nothing reads, such as those with a slip in their names. */
export function checkNames(options: object, names: ReadonlySet<string>): void {
  checkOptions(options);
  for (const name in options) {
    if (!names.has(name)) throw new InvalidError(`${shown(name)} is no option here: give ${[...names].join(", ")}`);
  }
}

/** Returns a timeout as the library takes it: below 0 for no deadline. */
export function timeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return -1;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw new InvalidError(
      `timeoutMs is ${shown(timeoutMs)}: give milliseconds, 0 to try, or nothing to wait without a deadline`,
    );
  }
  return timeoutMs;
}

/** Returns a text as C takes it: UTF-8 with a zero byte behind it. */
export function text(name: string, value: string): Uint8Array {
  if (typeof value !== "string") throw new InvalidError(`${name} is ${shown(value)}: give a string`);
  const end = value.indexOf("\0");
  if (end >= 0) throw new InvalidError(`${name} has a NUL at ${end}: C would end it there`);
  if (!value.isWellFormed()) {
    throw new InvalidError(`${name} is ${shown(value)}, half a surrogate pair: UTF-8 would make another text of it`);
  }
  return new TextEncoder().encode(`${value}\0`);
}

/** Returns the number that a word stands for, or throws. */
export function oneOf<Word extends string>(name: string, value: Word, words: Readonly<Record<Word, number>>): number {
  if (!Object.hasOwn(words, value)) {
    const allowed = Object.keys(words).map((word) => `"${word}"`);
    throw new InvalidError(`${name} is ${shown(value)}: give ${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)}`);
  }
  return words[value];
}

/** Shows a refused value in a message, or its beginning. */
export function shown(value: unknown): string {
  const whole = Bun.inspect(value, { depth: 1 });
  return whole.length > SHOWN_MAX ? `${whole.slice(0, SHOWN_MAX)}…` : whole;
}
