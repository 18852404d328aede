/** What of this process a tracker can watch, and which function of the library does. */

import type { Pointer } from "bun:ffi";
import { shown } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { Executor } from "./executor.ts";
import { Hub } from "./hub.ts";
import { check, symbols } from "./native.ts";
import { Pool } from "./pool.ts";
import { ProcessPool } from "./process_pool.ts";
import { SharedRingBuffer } from "./ring.ts";
import { SessionPool } from "./sessions.ts";

/** What a tracker can watch. */
export type Watchable = SharedRingBuffer | Pool | ProcessPool | Executor | SessionPool | Hub;

/** Has a tracker watch something. */
export function watch(tracker: Pointer, name: Uint8Array, what: Watchable): void {
  check(watching(tracker, name, what));
}

function watching(tracker: Pointer, name: Uint8Array, what: Watchable): number {
  if (what instanceof SharedRingBuffer) return symbols.circlet_tracker_watch_ring(tracker, name, what.handle);
  if (what instanceof Pool || what instanceof ProcessPool) {
    return symbols.circlet_tracker_watch_pool(tracker, name, what.handle);
  }
  if (what instanceof Executor) return symbols.circlet_tracker_watch_executor(tracker, name, what.handle);
  if (what instanceof SessionPool) return symbols.circlet_tracker_watch_session_pool(tracker, name, what.handle);
  if (what instanceof Hub) return symbols.circlet_tracker_watch_hub(tracker, name, what.handle);
  throw new InvalidError(
    `what is ${shown(what)}: give a SharedRingBuffer, a Pool, a ProcessPool, an Executor, a SessionPool or a Hub`,
  );
}
