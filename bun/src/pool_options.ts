/** What a pool and its jobs are given, and what a pool says of itself. */

import { ptr } from "bun:ffi";
import { checkNames, integer, milliseconds, oneOf, shown, text, U32_MAX } from "./arguments.ts";
import { InvalidError } from "./errors.ts";

/** CIRCLET_BLOCK, CIRCLET_FAIL and CIRCLET_DROP_OLDEST. */
export const OVERFLOWS = { block: 0, fail: 1, dropOldest: 3 } as const;
/** CIRCLET_ROUND_ROBIN, CIRCLET_LEAST_BUSY and CIRCLET_AFFINITY. */
export const STRATEGIES = { roundRobin: 0, leastBusy: 1, affinity: 2 } as const;
/** CIRCLET_THREADS, CIRCLET_PYTHON and CIRCLET_BUN. */
export const KINDS = { threads: 0, python: 1, bun: 2 } as const;
/** CIRCLET_POOL_FROM_ZERO. */
export const FLAGS = { fromZero: 1 } as const;
/** CIRCLET_JOB_IDEMPOTENT. */
export const JOB_FLAGS = { idempotent: 1 } as const;

/**
 * What a submission does that finds the queue full: it waits for room without blocking the event loop, it rejects with
 * `FullError`, or it gives up the job of the lowest priority that has waited for longest, which rejects with
 * `DroppedError`.
 */
export type PoolOverflow = keyof typeof OVERFLOWS;
/** Which idle worker a job goes to: the next in turn, the one that was busy for the least time, or that of its key. */
export type Strategy = keyof typeof STRATEGIES;

/** What a pool is made with. */
export interface PoolOptions {
  /** The fewest workers, 1 by default; with 0 the first job starts one. */
  min?: number;
  /** The most workers, at most 1024; by default as many as the process may use processors. */
  max?: number;
  /** How many jobs may wait beside those that run; 16384 by default. */
  queue?: number;
  /** What a submission does that finds the queue full; `"block"` by default. */
  overflow?: PoolOverflow;
  /** Which idle worker a job goes to; `"roundRobin"` by default. */
  strategy?: Strategy;
  /** For how long workers are kept that were needed, in milliseconds; 400 by default. */
  keepMs?: number;
  /** How soon a backlog is to be gone once the workers for it are there, in milliseconds; 5 by default. */
  targetWaitMs?: number;
  /** The sliding window of the statistics, in milliseconds; a minute by default. */
  windowMs?: number;
  /** What the names of the threads begin with; `"circlet"` by default. */
  name?: string;
}

/** What is wished for a job, or for each of a batch. */
export interface JobOptions {
  /** Of the jobs that wait, those of the highest priority start first, and of one priority the oldest; 0 by default. */
  priority?: number;
  /** What the strategy `"affinity"` goes by: jobs of one key go to one worker, one after the other. */
  key?: number | bigint;
  /** The time from the submission within which the job is to be over; then it rejects with `TimedOutError` if it waits or gives in. */
  deadlineMs?: number;
  /** The size, in the units that this type of job counts, for snapshots. */
  nodes?: number;
  /** The type of job, for snapshots; `"native"` by default, and `"curve_batch"` for curves. */
  type?: string;
  /**
   * Aborts the job: one that waits never starts, and one that runs is asked to stop. It rejects with the reason that was
   * given to `abort`, or that `AbortSignal.timeout` has, and else with `AbortedError`; of a batch each `AbortedError` has
   * it as its cause.
   */
  signal?: AbortSignal;
}

/** How long jobs ran, in milliseconds within 1 %; absent without a job. */
export interface Processing {
  avg_processing_ms?: number;
  p50_processing_ms?: number;
  p95_processing_ms?: number;
  p99_processing_ms?: number;
  p99_9_processing_ms?: number;
}

/** What one worker does. */
export interface WorkerEntry {
  state: "booting" | "idle" | "processing" | "draining" | "terminated";
  /** Milliseconds since the start of 1970 (UTC). */
  created_at: number;
  /** Jobs that it ran to an end of any kind. */
  messages_processed: number;
  /** Those of them that failed. */
  errors: number;
  last_error: string | null;
  /** Of a worker process, its number for the kernel. */
  pid?: number;
  /** Of a worker process, how often it said what is on its heap. */
  heap_snapshot_count?: number;
  /** The job that it runs. */
  current_job?: { id: string; type: string; nodes?: number; elapsed_ms: number; abort_signal: boolean };
}

/** What every worker of a pool does, and what they have done together: the `worker_threads` of a session payload. */
export interface PoolSnapshot {
  pool: {
    size: number;
    active: number;
    idle: number;
    booting: number;
    draining: number;
    terminated: number;
    min: number;
    max: number;
    strategy: "round-robin" | "least-busy" | "affinity";
  };
  /** The workers that there are, and the last 64 of those that have ended. */
  registry: Record<string, WorkerEntry>;
  statistics: Processing & {
    total_messages_sent: number;
    total_messages_received: number;
    total_errors: number;
    error_rate?: number;
    pool_utilization?: number;
    /** The same of the jobs that ended within the sliding window. */
    window: Processing & { length_ms: number; received: number };
  };
}

/** The names of `PoolOptions`, of `JobOptions`, and of what is wished for calls. */
export const POOL_NAMES = new Set<string>([
  "min",
  "max",
  "queue",
  "overflow",
  "strategy",
  "keepMs",
  "targetWaitMs",
  "windowMs",
  "name",
] satisfies (keyof PoolOptions)[]);
const JOB_NAMES = new Set<string>(["priority", "key", "deadlineMs", "nodes", "type", "signal"] satisfies (keyof JobOptions)[]);
const CALL_NAMES = new Set([...JOB_NAMES, "idempotent"]);

/** Bytes of circlet_pool_options, whose last fields are the addresses of the name and of circlet_process_options. */
const POOL_BYTES = 80;
const NAME_AT = 64;
const PROCESSES_AT = 72;
/** Bytes of circlet_job_options, whose last field is the address of the type. */
const JOB_BYTES = 48;
const TYPE_AT = 40;

/** Returns circlet_pool_options. What describes processes is to live as long as it. */
export function poolOptions(options: PoolOptions, kind: number = KINDS.threads, processes: Uint8Array | null = null): Uint8Array {
  if (processes === null) checkNames(options, POOL_NAMES);
  const { min, max, queue, overflow, strategy, keepMs, targetWaitMs, windowMs, name } = options;
  const [bytes, fields] = struct(POOL_BYTES, NAME_AT, name === undefined ? null : text("name", name));
  fields.setUint32(4, kind, true);
  if (processes !== null) fields.setBigUint64(PROCESSES_AT, BigInt(ptr(processes)), true);
  if (min !== undefined) fields.setUint32(8, integer("min", min, 0, U32_MAX), true);
  if (max !== undefined) fields.setUint32(12, integer("max", max, 1, U32_MAX), true);
  if (queue !== undefined) fields.setUint32(16, integer("queue", queue, 1, U32_MAX), true);
  // Waiting for room is done here: the library would block the thread.
  const word = oneOf("overflow", overflow ?? "block", OVERFLOWS);
  fields.setUint32(20, word === OVERFLOWS.block ? OVERFLOWS.fail : word, true);
  if (strategy !== undefined) fields.setUint32(24, oneOf("strategy", strategy, STRATEGIES), true);
  fields.setUint32(28, min === 0 ? FLAGS.fromZero : 0, true);
  if (keepMs !== undefined) fields.setFloat64(40, milliseconds("keepMs", keepMs), true);
  if (targetWaitMs !== undefined) fields.setFloat64(48, milliseconds("targetWaitMs", targetWaitMs), true);
  if (windowMs !== undefined) fields.setFloat64(56, milliseconds("windowMs", windowMs), true);
  return bytes;
}

/** Returns circlet_job_options, or nothing where there is nothing to say; those of a call may say `idempotent` too. */
export function jobOptions(options: (JobOptions & { idempotent?: boolean }) | undefined, isCall = false): Uint8Array | null {
  if (options === undefined) return null;
  checkNames(options, isCall ? CALL_NAMES : JOB_NAMES);
  const { idempotent = false } = options;
  if (typeof idempotent !== "boolean") throw new InvalidError(`idempotent is ${shown(idempotent)}: give true or false`);
  const { priority, key, deadlineMs, nodes, type, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidError(`signal is ${shown(signal)}: give an AbortSignal`);
  }
  const [bytes, fields] = struct(JOB_BYTES, TYPE_AT, type === undefined ? null : text("type", type));
  if (priority !== undefined) {
    fields.setInt32(4, integer("priority", priority, -(2 ** 31), 2 ** 31 - 1), true);
  }
  if (nodes !== undefined) fields.setBigUint64(8, BigInt(integer("nodes", nodes, 0, Number.MAX_SAFE_INTEGER)), true);
  if (key !== undefined) {
    const given = typeof key === "bigint" ? key : BigInt(integer("key", key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
    fields.setBigUint64(16, BigInt.asUintN(64, given), true);
    fields.setUint32(32, 1, true);
  }
  if (deadlineMs !== undefined) fields.setFloat64(24, milliseconds("deadlineMs", deadlineMs), true);
  fields.setUint32(36, idempotent ? JOB_FLAGS.idempotent : 0, true);
  return bytes;
}

/** Makes a struct that begins with its size, with a text behind it: in an `ArrayBuffer` of its own, which stays where it is. */
function struct(size: number, textAt: number, tag: Uint8Array | null): [Uint8Array, DataView] {
  const bytes = new Uint8Array(new ArrayBuffer(size + (tag?.length ?? 0)));
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, size, true);
  if (tag !== null) {
    bytes.set(tag, size);
    fields.setBigUint64(textAt, BigInt(ptr(bytes) + size), true);
  }
  return [bytes, fields];
}
