/** What a hub and its columns are given, as the library takes it. */

import { ptr } from "bun:ffi";
import { checkNames, checkOptions, integer, milliseconds, shown, text } from "./arguments.ts";
import { InvalidError } from "./errors.ts";

/** What a hub is started with. The defaults are for viewers on this machine; `docs/hub.md` says more of each. */
export interface HubOptions {
  /** Where it listens; `"127.0.0.1:3010"` by default. */
  addr?: string;
  /** Short for a port at `127.0.0.1`; 0 takes a free one. */
  port?: number;
  /** How often what is new is told at most, a second: 1 to 60; 30 by default. */
  hz?: number;
  /** How often it is asked whether a viewer is there; 25,000 by default. */
  pingIntervalMs?: number;
  /** How soon a viewer is to answer that; 20,000 by default. */
  pingTimeoutMs?: number;
  /** How soon a session's socket is to be connected; 45,000 by default. */
  connectTimeoutMs?: number;
  /** For how long a viewer may take nothing of what waits for it; 10,000 by default. */
  stalledAfterMs?: number;
  /** For how long a room that nobody watches stays without activity; 600,000 by default. */
  idleRoomMs?: number;
  /** How many rooms there are at most; 1,000 by default. */
  maxRooms?: number;
  /** How many keys a room has at most; 10,000 by default. */
  maxKeys?: number;
  /** About how many bytes a room's state takes at most, and its log; 4 MiB by default. */
  maxRoomBytes?: number;
  /** How many events of a room are kept for whoever fell behind; 256 by default. */
  log?: number;
  /** How many connections there are at most; 20,000 by default. */
  maxConnections?: number;
  /** How many of them are of one address at most; 1,000 by default, and any number from this machine. */
  maxConnectionsPerAddress?: number;
  /** No polling. */
  websocketOnly?: boolean;
  /** The origins of pages that may connect, such as `"https://example.org"`, beside the hub's own. */
  origins?: readonly string[];
  /** The names by which it is reached, beside its address and `localhost`. */
  hosts?: readonly string[];
  /** The addresses or networks that may connect; all by default. */
  allow?: readonly string[];
  /** The addresses or networks that may not, also where `allow` has them. */
  deny?: readonly string[];
  /** What emitters say as `auth.token`; nobody emits without one. */
  emitToken?: string;
  /** What viewers say as `auth.token`; everybody watches without one. */
  viewToken?: string;
  /** How much a viewer may send. */
  viewerLimits?: ClientLimits;
  /** How much an emitter may send. */
  emitterLimits?: ClientLimits;
  /** A file that all is written to which viewers are told, to be shown again by `circlet replay`. */
  record?: string;
  /** The Redis server by which rooms are shared with other hubs, as `"redis://:password@127.0.0.1:6379/0"`. */
  redis?: string;
  /** What the names of its keys begin with: hubs of the same one share their rooms; `"circlet"` by default. */
  redisPrefix?: string;
  /** How many threads serve connections; as many as there are processors, and at most 4, by default. */
  threads?: number;
}

/** How much a client may send. Twice as much as in a second may come at once. */
export interface ClientLimits {
  /** How many messages in a second. */
  messagesPerS?: number;
  /** How many bytes in a second. */
  bytesPerS?: number;
  /** In how many rooms it is at most. */
  rooms?: number;
  /** How many bytes a message has at most. */
  messageBytes?: number;
}

/** Numbers that viewers get as bytes. */
export type HubColumn = Float32Array | Float64Array | Int32Array | Uint8Array;

const NAMES: Record<keyof HubOptions, true> = {
  addr: true,
  port: true,
  hz: true,
  pingIntervalMs: true,
  pingTimeoutMs: true,
  connectTimeoutMs: true,
  stalledAfterMs: true,
  idleRoomMs: true,
  maxRooms: true,
  maxKeys: true,
  maxRoomBytes: true,
  log: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  websocketOnly: true,
  origins: true,
  hosts: true,
  allow: true,
  deny: true,
  emitToken: true,
  viewToken: true,
  viewerLimits: true,
  emitterLimits: true,
  record: true,
  redis: true,
  redisPrefix: true,
  threads: true,
};
const LIMITS: Record<keyof ClientLimits, true> = { messagesPerS: true, bytesPerS: true, rooms: true, messageBytes: true };

/** Returns the options as the library has them; which values there may be is its to say. */
export function hubOptions(options: HubOptions): object {
  const { port, ...others } = withNames(options, NAMES);
  if (port === undefined) return others;
  if (others["addr"] !== undefined) {
    throw new InvalidError('addr and port are both given: give the port in addr, as "127.0.0.1:3010"');
  }
  return { ...others, addr: `127.0.0.1:${integer("port", port as number, 0, 65535)}` };
}

/** Returns options by the library's names: `idle_room_ms` for `idleRoomMs`. */
function withNames(options: object, names: Record<string, true>): Record<string, unknown> {
  checkNames(options, new Set(Object.keys(names)));
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), checked(name, value)]));
}

function checked(name: string, value: unknown): unknown {
  if (name.endsWith("Ms")) return milliseconds(name, value as number);
  if (name.endsWith("Limits")) return withNames(value as object, LIMITS);
  return value;
}

/** The library's numbers of what a column holds. */
export const COLUMNS = { f32: 1, f64: 2, i32: 3, u8: 4 } as const;
/** Bytes of circlet_column. */
const COLUMN_BYTES = 32;

/** Returns an array of circlet_column, with their names, and what it leads to, which is to stay until the library has it. */
export function columnsOf(columns: Readonly<Record<string, HubColumn>>): { bytes: Uint8Array; count: number; kept: unknown[] } {
  checkOptions(columns);
  const entries = Object.entries(columns);
  // At least a byte: none has no address.
  const bytes = new Uint8Array(new ArrayBuffer(COLUMN_BYTES * entries.length + 1));
  const fields = new DataView(bytes.buffer);
  const kept = entries.map(([name, numbers], index) => {
    const [at, kind, nameText] = [COLUMN_BYTES * index, kindOf(name, numbers), text("a column's name", name)];
    fields.setBigUint64(at, BigInt(ptr(nameText)), true);
    fields.setBigUint64(at + 8, numbers.length > 0 ? BigInt(ptr(numbers)) : 0n, true);
    fields.setBigUint64(at + 16, BigInt(numbers.length), true);
    fields.setUint32(at + 24, kind, true);
    return [nameText, numbers];
  });
  return { bytes, count: entries.length, kept };
}

function kindOf(name: string, numbers: HubColumn): number {
  if (numbers instanceof Float32Array) return COLUMNS.f32;
  if (numbers instanceof Float64Array) return COLUMNS.f64;
  if (numbers instanceof Int32Array) return COLUMNS.i32;
  if (numbers instanceof Uint8Array) return COLUMNS.u8;
  throw new InvalidError(`${name} is ${shown(numbers)}: give a Float32Array, a Float64Array, an Int32Array or a Uint8Array`);
}
