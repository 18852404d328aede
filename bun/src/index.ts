/**
 * Circlet: one native core, shared by the languages of one program.
 *
 * @example
 * ```ts
 * import { SharedRingBuffer } from "circlet";
 *
 * using ring = SharedRingBuffer.anonymous();
 * ring.sendMany(["one", "two"]);
 * console.log(ring.recvMany().map((view) => view.toString()));
 * ```
 *
 * @module
 */

export { Claim } from "./claim.ts";
export { Curve, type Bounds, type Params, type Segment } from "./curve.ts";
export type { AffineMap, Box, Fit } from "./curve_drawing.ts";
export {
  AbortedError,
  BatchError,
  BusyError,
  CircletError,
  ClosedError,
  CurveError,
  DroppedError,
  EmptyError,
  FullError,
  InvalidError,
  JobFailedError,
  LaggedError,
  NameTakenError,
  NotFoundError,
  NoWorkerError,
  PeerDiedError,
  PoisonedError,
  SchemaError,
  SegmentError,
  TimedOutError,
  TooLargeError,
  WorkerDiedError,
} from "./errors.ts";
export { Executor } from "./executor.ts";
export { SessionPool, type SessionSnapshot } from "./sessions.ts";
export { readSession, type ReadSession } from "./session_read.ts";
export type { Watchable } from "./session_watches.ts";
export { SessionTracker, type TrackerOptions } from "./session_tracker.ts";
export type { ExecutorOptions, RunOptions } from "./executor_options.ts";
export type { Derivative, Ends, Families, Family, Knots } from "./families.ts";
export { Hub, type HubStats } from "./hub.ts";
export type { ClientLimits, HubColumn, HubOptions } from "./hub_options.ts";
export type { HeapLine, HeapOptions, HeapSnapshot } from "./heap.ts";
export type { Mode, OpenOptions, Overflow, RingOptions } from "./options.ts";
export type { Chunk, CodeError, Numbers, Outcome, Question, State } from "./outcome.ts";
export { SharedPage, type PageOptions, type PageValue } from "./page.ts";
export type { Payload } from "./payload.ts";
export type { Dimensions, Flat, Point, Points } from "./points.ts";
export { Pool, type JobData, type NativeFunction } from "./pool.ts";
export { JobPort, jobPort, type PortEntry, type PortState } from "./pool_ports.ts";
export type {
  JobOptions,
  PoolOptions,
  PoolOverflow,
  PoolSnapshot,
  Processing,
  Strategy,
  WorkerEntry,
} from "./pool_options.ts";
export { ProcessPool, type Remote } from "./process_pool.ts";
export type { BunWorkers, CallOptions, ProcessOptions, PythonWorkers, WorkerOutput } from "./process_options.ts";
export type { Ask, Stream } from "./run.ts";
export { CONSUMER, PRODUCER, SharedRingBuffer, type FrameView } from "./ring.ts";
export type { Columns, Floats } from "./room.ts";
export type { SessionPayload } from "./session_payload.ts";
export type * as Session from "./session_payload.ts";
export { simplify } from "./simplify.ts";
export type { Peer, RingStats } from "./stats.ts";
