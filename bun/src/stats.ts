/** The counters of a ring. */

import type { Pointer } from "bun:ffi";
import { check, symbols } from "./native.ts";
import { MODES, OVERFLOWS, type Mode, type Overflow } from "./options.ts";

/** Who has a side of a ring: nobody yet, somebody alive, or one who closed or died. */
export type Peer = "never" | "alive" | "closed" | "died";

/** The counters of a ring, of all its writers together. */
export interface RingStats {
  /** Bytes of the data area. */
  capacityBytes: number;
  /** Bytes committed and not yet released; 0 in a broadcast ring, where nobody releases. */
  usedBytes: number;
  /** The most bytes that were seen unreleased, to within a sixteenth of the capacity. */
  highWaterBytes: number;
  /** Frames committed since the ring was made; each fragment of a message is one. */
  framesSent: number;
  /** Frames released since the ring was made; 0 in a broadcast ring. */
  framesReceived: number;
  /** Payload bytes committed since the ring was made. */
  payloadBytesSent: number;
  /** How often a frame found no room at first. */
  fullEvents: number;
  /** Frames dropped because there was no room. */
  dropped: number;
  /** How often a blocking writer slept for room. */
  producerWaits: number;
  /** How often the blocking reader slept for a frame; 0 in a broadcast ring. */
  consumerWaits: number;
  /** The longest payload of one frame in bytes. */
  maxFrame: number;
  /** The longest message in bytes. */
  maxMessage: number;
  /** Who may write and read. */
  mode: Mode;
  /** What a writer does that finds no room, unless it says otherwise for itself. */
  overflow: Overflow;
  /** The tag that says what the frames hold; empty where there is none. */
  schema: string;
  /** How many writers live. */
  producers: number;
  /** What is known of the writers: alive if one of them is. */
  producer: Peer;
  /** What is known of the reader; `"never"` in a broadcast ring, whose readers have no seat. */
  consumer: Peer;
}

/** Bytes of circlet_ring_stats, and of those of its fields that are longs. */
const STRUCT_BYTES = 112;
const LONGS_BYTES = 80;
/** The longest schema and the zero byte behind it. */
const SCHEMA_BYTES = 57;

const PEERS: readonly Peer[] = ["never", "alive", "closed", "died"];

/** Reads the counters of an open ring. */
export function readStats(handle: Pointer): RingStats {
  const memory = new ArrayBuffer(STRUCT_BYTES);
  const [longs, words] = [new BigUint64Array(memory), new Uint32Array(memory, LONGS_BYTES)];
  check(symbols.circlet_ring_get_stats(handle, longs));
  const schema = new Uint8Array(SCHEMA_BYTES);
  const schemaBytes = check(symbols.circlet_ring_schema(handle, schema, schema.length));
  return {
    capacityBytes: Number(longs[0]),
    usedBytes: Number(longs[1]),
    highWaterBytes: Number(longs[2]),
    framesSent: Number(longs[3]),
    framesReceived: Number(longs[4]),
    payloadBytesSent: Number(longs[5]),
    fullEvents: Number(longs[6]),
    dropped: Number(longs[7]),
    producerWaits: Number(longs[8]),
    consumerWaits: Number(longs[9]),
    maxFrame: words[0]!,
    maxMessage: words[1]!,
    mode: wordOf(MODES, words[2]!),
    overflow: wordOf(OVERFLOWS, words[3]!),
    schema: new TextDecoder().decode(schema.subarray(0, schemaBytes)),
    producers: words[4]!,
    producer: PEERS[words[5]!]!,
    consumer: PEERS[words[6]!]!,
  };
}

function wordOf<Word extends string>(words: Readonly<Record<Word, number>>, number: number): Word {
  return (Object.keys(words) as Word[]).find((word) => words[word] === number)!;
}
