/** JSON, as the library takes it. */

import { shown, text } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { isRefused, jsonText } from "./session_guest.mjs";

/** Returns JSON as C takes it. */
export function jsonOf(name: string, value: unknown): Uint8Array {
  const isNone = typeof value === "function" || typeof value === "symbol";
  let json: string | undefined;
  try {
    json = isNone ? undefined : jsonText(name, value);
  } catch (error) {
    if (isRefused(error)) throw error;
    json = undefined;
  }
  if (json === undefined) throw new InvalidError(`${name} is ${shown(value)}, which JSON cannot hold`);
  return text(name, json);
}
