/** What is said of a value or an error of the code's, as JSON and text. */

import { types } from "node:util";
import { inCode } from "./session_lines.ts";

/** Values nested deeper than this are not JSON: the supervisor's parser reads less than 128, of which some are ours. */
const DEPTH = 100;
/** Values in one another, more than this, are not JSON. */
const COUNT = 10_000_000;
/** Arrays up to this length are looked at for more than their items. */
const NAMED = 4096;
/** The longest text that stands for a value. */
const REPR_MAX = 1 << 24;
/** Buffers up to this many bytes are shown as text as well. */
const SHOWN_BYTES = 1 << 16;
const [LEAST, GREATEST] = [-(2n ** 63n), 2n ** 64n - 1n];
/** A method by which a value shows itself, by MIME type: the convention of Deno's Jupyter kernel. */
const SHOW = Symbol.for("Jupyter.display");

/** What items of arrays are, in the words of Python's `struct` module. */
const FORMATS: Record<string, string> = {
  Int8Array: "b",
  Int16Array: "h",
  Uint16Array: "H",
  Int32Array: "i",
  Uint32Array: "I",
  Float16Array: "e",
  Float32Array: "f",
  Float64Array: "d",
  BigInt64Array: "q",
  BigUint64Array: "Q",
};

/** What a run gives: JSON, and the bytes of its value if that is a buffer. */
export interface Said {
  json: string;
  bytes?: Uint8Array;
}

/** Says what a value is. */
export function saidOf(value: unknown): Said {
  if (value === undefined) return { json: "{}" };
  const exact = jsonOf(value);
  if (exact !== undefined) return { json: `{"value":${exact}}` };
  const bytes = bytesOf(value);
  const isShown = bytes === undefined || bytes.length < SHOWN_BYTES;
  const fields = {
    ...(bytes && { bytes: layoutOf(value, bytes.length) }),
    ...(isShown && { repr: shown(value) }),
    ...dataOf(value),
  };
  return { json: JSON.stringify(fields), ...(bytes && { bytes }) };
}

/** Returns JSON that says exactly what the value is, if there is such. */
function jsonOf(value: unknown): string | undefined {
  let count = 0;
  // What JSON.stringify would not say as it is: -0 and integers of 64 bits.
  let isPlain = true;
  const above: object[] = [];
  return isExact(value) ? (isPlain ? JSON.stringify(value) : written(value)) : undefined;

  function isExact(value: unknown): boolean {
    switch (typeof value) {
      case "boolean":
        return true;
      case "string":
        return value.isWellFormed();
      case "number":
        if (Object.is(value, -0)) isPlain = false;
        return Number.isFinite(value);
      case "bigint":
        isPlain = false;
        return LEAST <= value && value <= GREATEST;
      case "object":
        return value === null || isExactObject(value);
      default:
        return false;
    }
  }

  function isExactObject(value: object): boolean {
    if (above.length >= DEPTH || ++count > COUNT || types.isProxy(value) || "toJSON" in value) return false;
    const kind: unknown = Object.getPrototypeOf(value);
    if (!(Array.isArray(value) ? kind === Array.prototype : kind === Object.prototype || kind === null)) return false;
    if (above.includes(value)) return false;
    above.push(value);
    const exact = Array.isArray(value) ? areExactItems(value) : areExactFields(value);
    above.pop();
    return exact;
  }

  function areExactItems(items: unknown[]): boolean {
    if (items.length <= NAMED && Reflect.ownKeys(items).length !== items.length + 1) return false;
    for (let at = 0; at < items.length; at++) if (!isExact(items[at])) return false;
    return true;
  }

  function areExactFields(value: object): boolean {
    for (const [key, field] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      if (field.get !== undefined || !field.enumerable || !key.isWellFormed() || !isExact(field.value)) return false;
    }
    return Object.getOwnPropertySymbols(value).length === 0;
  }

  function written(value: unknown): string {
    if (typeof value === "bigint") return value.toString();
    if (Object.is(value, -0)) return "-0.0";
    if (Array.isArray(value)) return `[${value.map(written).join()}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    return `{${Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}:${written(field)}`).join()}}`;
  }
}

/** Returns the bytes of a buffer, in place. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

/** Returns the format and the shape of a buffer. */
function layoutOf(value: unknown, bytes: number): [string, number[]] {
  // The name that a typed array has whatever its class.
  const name = Reflect.get(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag, value) as string | undefined;
  const format = FORMATS[name ?? ""];
  return format === undefined ? ["B", [bytes]] : [format, [(value as Float64Array).length]];
}

/** Returns a value as Bun shows it, without the middle of a very long text. */
export function shown(value: unknown): string {
  let text = Bun.inspect(value, { colors: false });
  if (text.length > REPR_MAX) {
    const leftOut = `\n[circlet: ${text.length - REPR_MAX} characters are left out]\n`;
    text = text.slice(0, REPR_MAX / 2) + leftOut + text.slice(-REPR_MAX / 2);
  }
  return escaped(inCode(text));
}

/** Returns a text with lone surrogates as escapes. */
function escaped(text: string): string {
  return text.isWellFormed()
    ? text
    : text.replace(/\p{Surrogate}/gu, (lone) => `\\u${lone.charCodeAt(0).toString(16)}`);
}

/** Returns how a value shows itself, by MIME type. */
function dataOf(value: unknown): { data?: Record<string, unknown> } {
  const show: unknown = value === null || value === undefined ? undefined : (value as Record<symbol, unknown>)[SHOW];
  if (typeof show !== "function") return {};
  const data: unknown = Reflect.apply(show, value, []);
  if (typeof data !== "object" || data === null) return {};
  const entries = Object.entries(data).map(([type, content]: [string, unknown]) => {
    const bytes = bytesOf(content);
    if (bytes !== undefined) return [escaped(type), Buffer.from(bytes).toString("base64")];
    const exact = jsonOf(content);
    return [escaped(type), exact === undefined ? shown(content) : (JSON.parse(exact) as unknown)];
  });
  return { data: Object.fromEntries(entries) as Record<string, unknown> };
}

/** Says how to show a value in the midst of a run. */
export function displayed(value: unknown): string {
  return JSON.stringify({ "text/plain": typeof value === "string" ? escaped(value) : shown(value), ...dataOf(value).data });
}

/** So many characters of a message and of a stack are told, those in the middle left out. */
const TOLD_MAX = 1 << 16;

function told(say: () => string): string {
  let text: string;
  try {
    text = say();
  } catch {
    return "[circlet: it cannot be told]";
  }
  if (text.length > TOLD_MAX) {
    const leftOut = `\n... ${text.length - TOLD_MAX} of ${text.length} characters are left out here ...\n`;
    text = text.slice(0, TOLD_MAX / 2) + leftOut + text.slice(-TOLD_MAX / 2);
  }
  return escaped(text);
}

/** What is said of an error. */
export interface SaidError {
  type: string;
  message: string;
  traceback: string;
}

/** Says what was thrown. */
export function thrown(error: unknown): Said {
  const said: SaidError = { type: told(() => typeOf(error)), message: told(() => messageOf(error)), traceback: told(() => stackOf(error)) };
  return { json: JSON.stringify({ error: said }) };
}

function isError(value: unknown): value is Error {
  return Error.isError(value) || value instanceof Error;
}

/** Tells whether it is of the transpiler's: a message with a place, or several. */
function isParseError(error: unknown): error is Error & { position?: Position | null; errors?: unknown[] } {
  return error instanceof BuildMessage || (error instanceof AggregateError && error.errors[0] instanceof BuildMessage);
}

interface Position {
  lineText: string;
  line: number;
  column: number;
}

function typeOf(error: unknown): string {
  if (isParseError(error)) return "SyntaxError";
  if (!isError(error)) return typeof error === "object" ? (error?.constructor.name ?? "null") : typeof error;
  return String(error.name === "Error" ? error.constructor.name : error.name) || "Error";
}

function messageOf(error: unknown): string {
  if (isParseError(error)) return String((error.errors?.[0] as Error | undefined)?.message ?? error.message);
  if (isError(error)) return String(error.message);
  return typeof error === "string" ? error : Bun.inspect(error);
}

/** Returns the stack of an error as far as the code's own lines, with those of its causes. */
export function stackOf(error: unknown, depth = 0): string {
  if (isParseError(error)) return (error.errors ?? [error]).map((one) => parseErrorOf(one as Error)).join("\n\n");
  if (!isError(error)) return `Uncaught ${messageOf(error)}`;
  const begin = `${typeOf(error)}: ${messageOf(error)}`;
  const frames = typeof error.stack === "string" ? framesOf(error.stack) : [];
  const parts = [[begin, ...frames].join("\n")];
  if (depth < 8 && error.cause !== undefined) parts.push(`Caused by: ${stackOf(error.cause, depth + 1)}`);
  if (depth < 8 && error instanceof AggregateError) {
    parts.push(...error.errors.slice(0, 8).map((one) => `One of them: ${stackOf(one, depth + 1)}`));
  }
  return parts.join("\n");
}

/** Returns the frames of a stack up to the shell's, with places in the code. */
function framesOf(stack: string): string[] {
  const lines = stack.split("\n");
  const end = lines.findIndex((line) => line.includes("at circletEvaluate ") || line.includes("/[eval]:"));
  const own = end < 0 ? lines : lines.slice(0, end).filter((line) => !line.endsWith("at eval (unknown)"));
  const frames = own.filter((line) => /^\s+at /.test(line) && !line.endsWith("at <parse> (:0)"));
  // The function that a run is in, and the call of it.
  const inner = frames.filter((line, at) => !(at === frames.length - 1 && at > 0 && isTop(line) && isTop(frames[at - 1])));
  return inner.map(inCode);
}

function isTop(frame: string | undefined): boolean {
  return frame !== undefined && /at <anonymous> \(<run-\d+>:/.test(frame);
}

function parseErrorOf(error: Error & { position?: Position | null }): string {
  const { position } = error;
  if (!position) return `SyntaxError: ${error.message}`;
  const caret = " ".repeat(Math.max(0, position.column - 1));
  return `${position.lineText}\n${caret}^\nSyntaxError: ${error.message}\n    at ${runName}:${position.line}:${position.column}`;
}

let runName = "<run>";

/** Names the run whose syntax errors are told. */
export function nameRun(number: number): void {
  runName = `<run-${number}>`;
}
