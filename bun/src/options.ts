/** What a ring is made or opened with. */

import { ptr } from "bun:ffi";
import { integer, oneOf, text, U32_MAX } from "./arguments.ts";

/** CIRCLET_SPSC, CIRCLET_MPSC and CIRCLET_BROADCAST. */
export const MODES = { spsc: 1, mpsc: 2, broadcast: 3 } as const;
/** CIRCLET_BLOCK, CIRCLET_FAIL and CIRCLET_DROP_NEWEST. */
export const OVERFLOWS = { block: 0, fail: 1, dropNewest: 2 } as const;
/** CIRCLET_RING_PREFAULT and CIRCLET_RING_HUGE_PAGES. */
export const FLAGS = { prefault: 1, hugePages: 2 } as const;
/** The sides by where they begin: CIRCLET_CONSUMER and CIRCLET_CONSUMER_FROM_OLDEST. */
export const READ_FROM = { next: 2, oldest: 3 } as const;

/**
 * Who may write and read: one writer and one reader (`"spsc"`); up to 32 writers, each with a ring of its own that it
 * opened, and one reader (`"mpsc"`); one writer that never waits, and any number of readers that learn what they missed
 * (`"broadcast"`).
 */
export type Mode = keyof typeof MODES;

/** What a writer does that finds no room: it waits, it throws `FullError`, or it drops the frame and counts it. */
export type Overflow = keyof typeof OVERFLOWS;

/** What a ring is opened with. */
export interface OpenOptions {
  /**
   * A tag of at most 56 bytes of UTF-8 that says what the frames hold; none by default. Who opens a ring must give the
   * one that it was made with.
   */
  schema?: string;
  /** Whether every page of memory is mapped now rather than at its first use; `false` by default. */
  prefault?: boolean;
  /** Whether to take huge pages, reserved ones for an anonymous ring, else transparent ones; `false` by default. */
  hugePages?: boolean;
  /**
   * Takes the reading side now rather than at the first receive. A broadcast ring is then read from the frame that is
   * sent next, or from the oldest that is still there; other rings are read from the first that nobody has released.
   */
  readFrom?: keyof typeof READ_FROM;
}

/** What a ring is made with. */
export interface RingOptions extends OpenOptions {
  /** Who may write and read; `"spsc"` by default. */
  mode?: Mode;
  /** Bytes of the data area, 4 KiB to 1 GiB, rounded up to a power of two; 1 MiB by default. */
  capacity?: number;
  /**
   * The longest message in bytes, at most 1 GiB. One that is longer than a frame goes in fragments and arrives whole.
   * By default it is the longest frame: half the capacity, an eighth in a broadcast ring, less four bytes.
   */
  maxMessage?: number;
  /** What a writer does that finds no room; `"block"` by default. A broadcast ring always has room. */
  overflow?: Overflow;
  /** The mode bits of a named ring's file, such as `0o660`; `0o600` by default. */
  permissions?: number;
}

/** Bytes of circlet_ring_options, whose last field is the address of the schema. */
const STRUCT_BYTES = 40;
const SCHEMA_AT = 32;

/**
 * Returns circlet_ring_options with the schema's text behind it, so that the text lives as long as what leads to it.
 *
 * The bytes lie in an `ArrayBuffer` of their own, which stays where it is.
 */
export function ringOptions(options: RingOptions): Uint8Array {
  const { mode, capacity, maxMessage, overflow, permissions, schema, prefault, hugePages, readFrom } = options;
  const tag = schema === undefined ? null : text("schema", schema);
  const bytes = new Uint8Array(new ArrayBuffer(STRUCT_BYTES + (tag?.length ?? 0)));
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, STRUCT_BYTES, true);
  if (mode !== undefined) fields.setUint32(4, oneOf("mode", mode, MODES), true);
  if (capacity !== undefined) {
    fields.setBigUint64(8, BigInt(integer("capacity", capacity, 1, Number.MAX_SAFE_INTEGER)), true);
  }
  if (maxMessage !== undefined) fields.setUint32(16, integer("maxMessage", maxMessage, 1, U32_MAX), true);
  if (overflow !== undefined) fields.setUint32(20, oneOf("overflow", overflow, OVERFLOWS), true);
  fields.setUint32(24, (prefault ? FLAGS.prefault : 0) | (hugePages ? FLAGS.hugePages : 0), true);
  if (permissions !== undefined) fields.setUint32(28, integer("permissions", permissions, 1, U32_MAX), true);
  if (readFrom !== undefined) oneOf("readFrom", readFrom, READ_FROM);
  if (tag !== null) {
    bytes.set(tag, STRUCT_BYTES);
    fields.setBigUint64(SCHEMA_AT, BigInt(ptr(bytes) + STRUCT_BYTES), true);
  }
  return bytes;
}
