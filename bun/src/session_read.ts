/** Snapshots of sessions that other processes write, or this one. */

import { text } from "./arguments.ts";
import { EmptyError } from "./errors.ts";
import { symbols, textFrom } from "./native.ts";
import type { SessionPayload } from "./session_payload.ts";

/** A snapshot of a session, as it was read from its page. */
export interface ReadSession {
  readonly payload: SessionPayload;
  /** How old it is, in milliseconds; `null` where it does not say when it was taken. */
  readonly ageMs: number | null;
  /** Whether its writer lives: one that was killed leaves its last snapshot. */
  readonly isLive: boolean;
}

/**
 * Returns the newest snapshot on the page of a session, whichever process and language writes it; `null` where none was written yet.
 *
 * @example
 * ```ts
 * import { readSession, SessionTracker } from "circlet";
 *
 * const page = `app-${process.pid}`;
 * using tracker = SessionTracker.start({ page, project: false });
 * let read = readSession(page);
 * while (read === null) read = readSession(page);
 * console.log(read.isLive, read.ageMs, read.payload.process?.rss_bytes);
 * ```
 *
 * @throws {NotFoundError} If there is no such page.
 * @throws {SchemaError} If it is none of a session.
 */
export function readSession(name: string): ReadSession | null {
  const nameText = text("name", name);
  let read: string;
  try {
    read = textFrom((out) => symbols.circlet_session_read(nameText, out));
  } catch (error) {
    if (error instanceof EmptyError) return null;
    throw error;
  }
  const { payload, age_ms, is_live } = JSON.parse(read) as { payload: SessionPayload; age_ms: number | null; is_live: boolean };
  return { payload, ageMs: age_ms, isLive: is_live };
}
