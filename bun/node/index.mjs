/**
 * Circlet for Node: trackers of sessions.
 *
 * Node calls no C functions, so that the program `circlet` keeps the payload, as a child that ends with this process.
 */

export {
  CircletError,
  ClosedError,
  InvalidError,
  NameTakenError,
  NotFoundError,
  TimedOutError,
  TooLargeError,
} from "./errors.mjs";
export { SessionTracker } from "./session_tracker.mjs";
