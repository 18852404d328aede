/**
 * Circlet for Node: trackers of sessions.
 *
 * Node calls no C functions, so that the program `circlet` keeps the payload, as a child that ends with this process.
 *
 * @module
 */

import type { SessionPayload } from "../src/session_payload.ts";

export type { SessionPayload };

/** What the program `circlet` refused, or why it is not there. The message says what to do. */
export class CircletError extends Error {
  /** The code's name in the C library, such as `"CIRCLET_NOT_FOUND"`; empty where there is none. */
  readonly status: string;
}

/** An argument is out of range or of the wrong type. */
export class InvalidError extends CircletError {}

/** There is no worker of this id, or no snapshot of this number. */
export class NotFoundError extends CircletError {}

/** There is a worker of this id. */
export class NameTakenError extends CircletError {}

/** What is said is too long. */
export class TooLargeError extends CircletError {}

/** The deadline passed. */
export class TimedOutError extends CircletError {}

/** The tracker was closed here, or its program has ended. */
export class ClosedError extends CircletError {}

/** What a tracker is started with. */
export interface TrackerOptions {
  /** The program; by default what `CIRCLET_PROGRAM` names, else `circlet` in `PATH`. */
  program?: string;
  /** The folder of the project: its git state, lockfile, dependencies; `"."` by default. */
  folder?: string;
  /** The name of a page in shared memory, which any process reads; none by default. */
  page?: string;
  /** The id of the session; made by default. */
  session?: string;
  /** How often a snapshot is published to the page, in milliseconds; 250 by default. */
  intervalMs?: number;
  /** How many snapshots are remembered; 16 by default. */
  history?: number;
  /** How long what the program says may be as JSON, in bytes; 262144 by default. */
  maxBytes?: number;
  /** Whether the project is looked at; `true` by default. */
  project?: boolean;
  /** A file of test results (JUnit XML) to follow. */
  junit?: string;
  /** A file of coverage (lcov) to follow. */
  lcov?: string;
  /** Whether what should not leave the machine's user is taken out; `true` by default. */
  redact?: boolean;
  /** How often what Node knows is looked at, in milliseconds; 1000 by default. */
  sampleEveryMs?: number;
}

/**
 * Keeps the payload of this program's session: what the system tells of its process and project, and what it says itself.
 *
 * What only Node knows, as its heap, its collections and the lag of its event loop, is filled in by a timer, which keeps no process
 * alive, and anew for each `snapshot`. Promises reject with `CircletError` for what is refused, which changes nothing, and with a
 * `TypeError` that names its path for what JSON has no place for, as NaN or a function.
 */
export class SessionTracker {
  private constructor();

  /** Starts a tracker of this process and of its project. */
  static start(options?: TrackerOptions): Promise<SessionTracker>;

  /** Notes that the session uses an interface, at `node.apis`. Each is noted once. */
  logApiUsage(name: string): Promise<void>;

  /** Adds a worker that starts. Rejects with `NameTakenError` where there is one of this id. */
  registerWorker(id: string): Promise<void>;

  /** Changes what is said of a worker by a merge patch of its entry; `null` forgets it. Rejects with `NotFoundError`. */
  updateWorker(id: string, patch: object | null): Promise<void>;

  /**
   * Takes a JSON Merge Patch (RFC 7396) of the payload; resolves to the paths of what is measured, which nobody else says. Rejects with
   * `TooLargeError` for what is too much.
   */
  patch(patch: object): Promise<string[]>;

  /** Takes a snapshot, with what Node knows at this moment, and remembers it. */
  snapshot(): Promise<SessionPayload>;

  /** Resolves to the snapshots that are remembered, the newest at the end. */
  history(): Promise<SessionPayload[]>;

  /** Takes a snapshot; resolves to the merge patch that leads to it from the one with this `seq`, which is remembered. */
  diff(seq: number): Promise<Record<string, unknown>>;

  /** Resolves once the project has been looked at; rejects with `TimedOutError` after so many milliseconds, a minute by default. */
  waitForProject(timeoutMs?: number): Promise<void>;

  /** Takes a snapshot, and says it in a few lines, of at most so many tokens together: 450 by default. */
  summary(tokens?: number): Promise<string>;

  /** Ends the tracker and its page. Safe to call twice. */
  close(): Promise<void>;

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}
