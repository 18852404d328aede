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
export {
  Curve,
  type AffineMap,
  type Box,
  type Columns,
  type Fit,
  type Floats,
  type Point,
  type Points,
} from "./curve.ts";
export {
  BusyError,
  CircletError,
  ClosedError,
  CurveError,
  EmptyError,
  FullError,
  InvalidError,
  LaggedError,
  NameTakenError,
  NotFoundError,
  PeerDiedError,
  PoisonedError,
  SchemaError,
  SegmentError,
  TimedOutError,
  TooLargeError,
} from "./errors.ts";
export type { Derivative, Ends, Families, Family, Knots } from "./families.ts";
export type { Mode, OpenOptions, Overflow, RingOptions } from "./options.ts";
export { SharedPage, type PageOptions, type PageValue } from "./page.ts";
export type { Payload } from "./payload.ts";
export { CONSUMER, PRODUCER, SharedRingBuffer, type FrameView } from "./ring.ts";
export type { Peer, RingStats } from "./stats.ts";
