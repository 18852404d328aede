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
export { Curve, type AffineMap, type Box, type Fit, type Point, type Points } from "./curve.ts";
export {
  BusyError,
  CircletError,
  ClosedError,
  CurveError,
  EmptyError,
  FullError,
  InvalidError,
  NameTakenError,
  NotFoundError,
  PeerDiedError,
  PoisonedError,
  SegmentError,
  TimedOutError,
  TooLargeError,
} from "./errors.ts";
export type { Payload } from "./payload.ts";
export {
  CONSUMER,
  PRODUCER,
  SharedRingBuffer,
  type FrameView,
  type Peer,
  type RingOptions,
  type RingStats,
} from "./ring.ts";
