/** Rings of frames in shared memory. */

import type { Pointer } from "bun:ffi";
import { integer, number, text, timeout, U32_MAX } from "./arguments.ts";
import { Claim } from "./claim.ts";
import { ClosedError } from "./errors.ts";
import { map, unmap } from "./mapping.ts";
import { check, CLOSED, EMPTY, failure, handleFrom, symbols } from "./native.ts";
import { checkPayload, Scratch, type Payload } from "./payload.ts";

/** The side that writes. */
export const PRODUCER = 1;
/** The side that reads. */
export const CONSUMER = 2;

/** What a ring is made with. */
export interface RingOptions {
  /** Bytes of the data area, 4 KiB to 1 GiB, rounded up to a power of two; 1 MiB if it is not given. */
  capacity?: number;
}

/** Who has a side of a ring: nobody yet, somebody alive, or one who closed or died. */
export type Peer = "never" | "alive" | "closed" | "died";

/** The counters of a ring. */
export interface RingStats {
  /** Bytes of the data area. */
  capacityBytes: number;
  /** Bytes committed and not yet released. */
  usedBytes: number;
  /** Frames committed since the ring was made. */
  framesSent: number;
  /** Frames released since the ring was made. */
  framesReceived: number;
  /** Payload bytes committed since the ring was made. */
  payloadBytesSent: number;
  /** How often a claim found no room at first. */
  fullEvents: number;
  /** The longest payload of one frame in bytes. */
  maxFrame: number;
  /** Who has the writing side. */
  producer: Peer;
  /** Who has the reading side. */
  consumer: Peer;
}

/** A frame in place: its bytes in shared memory, aligned to 8. */
export type FrameView = Uint8Array<ArrayBuffer>;

const PEERS: readonly Peer[] = ["never", "alive", "closed", "died"];
/** circlet_frame in words of 32 bits: the address takes two, then come the offset in the mapping and the length. */
const FRAME_WORDS = 4;
const FRAME_OFFSET = 2;
const FRAME_LEN = 3;
/** How many frames are received at once by default, and between two turns of the event loop. */
const BATCH = 64;
/** The longest pause between two looks of the asynchronous iterator at an empty ring. */
const PAUSE_MAX_MS = 8;

/** Every call is done with it when it returns, so that one serves all rings. */
const scratch = new Scratch();

/**
 * A ring that this process and others read and write in place.
 *
 * Make one with `create`, `open`, `anonymous` or `fromFd`. One process writes and one reads; each side is taken by its
 * first use. Timeouts are milliseconds: 0 tries, none given waits without a deadline. A wait blocks the whole thread,
 * timers and promises too; only the asynchronous iterator does not.
 *
 * A received view lies in shared memory: its bytes are the writer's again with the next receive or `release`. Copy what
 * you keep. Its `buffer` is the whole mapping: lay other arrays over it with `byteOffset` and a length, and do not
 * `transfer` it. `close` takes the memory away from all views, whose length is 0 from then on.
 *
 * @example
 * ```ts
 * import { SharedRingBuffer } from "circlet";
 *
 * using ring = SharedRingBuffer.anonymous();
 * ring.send("hello");
 * console.log(new TextDecoder().decode(ring.recv()));
 * ```
 */
export class SharedRingBuffer implements Disposable, Iterable<FrameView>, AsyncIterable<FrameView> {
  #handle: Pointer | null;
  #memory: ArrayBuffer;
  #frames = new Uint32Array(FRAME_WORDS);
  #claim: Claim | null = null;

  private constructor(handle: Pointer) {
    this.#handle = handle;
    this.#memory = map(handle);
  }

  /**
   * Creates a named ring, which other processes `open`.
   *
   * The name ends with `close`, or with this process, unless a signal kills it.
   *
   * @throws {NameTakenError} If there is a ring of this name.
   * @throws {InvalidError} If the name or the capacity is not allowed.
   * @throws {CircletError} If there is no room in shared memory.
   */
  static create(name: string, options: RingOptions = {}): SharedRingBuffer {
    const [nameText, given] = [text("name", name), ringOptions(options)];
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_create(nameText, given, out)));
  }

  /**
   * Opens a ring by its name.
   *
   * @throws {NotFoundError} If there is none.
   * @throws {SegmentError} If what has this name is no ring of this version.
   */
  static open(name: string): SharedRingBuffer {
    const nameText = text("name", name);
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_open(nameText, null, out)));
  }

  /** Creates a ring without a name, to be passed on by `exportFd`. Throws as `create`. */
  static anonymous(options: RingOptions = {}): SharedRingBuffer {
    const given = ringOptions(options);
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_anonymous(given, out)));
  }

  /**
   * Opens a ring from a descriptor that `exportFd` made. The ring owns the descriptor, also where this throws.
   *
   * @throws {SegmentError} If it is no ring's.
   */
  static fromFd(fd: number): SharedRingBuffer {
    integer("fd", fd, 0, 0x7fff_ffff);
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_from_fd(fd, null, out)));
  }

  /**
   * Makes a descriptor that another process opens this ring from, such as a child that has it in its `stdio`.
   *
   * The caller owns it: close it here once it is passed, as the lock that tells who is alive belongs to it.
   */
  exportFd(): number {
    const fd = new Int32Array(1);
    check(symbols.circlet_ring_export_fd(this.#open(), fd));
    return fd[0]!;
  }

  /**
   * Copies a payload in as one frame.
   *
   * @throws {FullError} If the timeout is 0 and there is no room.
   * @throws {TimedOutError} If there was no room before the deadline.
   * @throws {TooLargeError} If no frame of this ring is so long.
   * @throws {ClosedError} If the reader closed, or this ring was closed here.
   * @throws {PeerDiedError} If the reader died.
   */
  send(payload: Payload, timeoutMs?: number): void {
    const deadline = timeout(timeoutMs);
    checkPayload(payload);
    const handle = this.#write();
    let status: number;
    if (typeof payload === "string") {
      const length = scratch.text(payload);
      status = symbols.circlet_ring_send(handle, scratch.bytes, length, deadline);
    } else {
      const length = integer("payload.byteLength", payload.byteLength, 0, U32_MAX);
      // The table of bun:ffi takes a DataView too, its types do not.
      status = symbols.circlet_ring_send(handle, payload as Uint8Array, length, deadline);
    }
    if (status < 0) throw failure(status);
  }

  /**
   * Copies many payloads in, a frame each, in one call.
   *
   * Returns how many were sent: fewer than given if the deadline passed after the first. Throws as `send`; a payload
   * that is too long is refused before any is sent.
   */
  sendMany(payloads: readonly Payload[], timeoutMs?: number): number {
    const deadline = timeout(timeoutMs);
    const count = scratch.join(payloads);
    return check(symbols.circlet_ring_send_many(this.#write(), scratch.bytes, scratch.lens, count, deadline));
  }

  /**
   * Reserves `size` bytes to be written in place. Throws as `send`.
   *
   * @example
   * ```ts
   * import { SharedRingBuffer } from "circlet";
   *
   * using ring = SharedRingBuffer.anonymous();
   * using claim = ring.claim(16);
   * new Float64Array(claim.bytes.buffer, claim.bytes.byteOffset, 2).set([1.5, 2.5]);
   * claim.commit();
   * ```
   */
  claim(size: number, timeoutMs?: number): Claim {
    integer("size", size, 0, U32_MAX);
    const deadline = timeout(timeoutMs);
    check(symbols.circlet_ring_claim(this.#write(), size, deadline, this.#frames));
    const claim = new Claim(this.#view(0), (length) => check(symbols.circlet_ring_commit(this.#open(), length)));
    this.#claim = claim;
    return claim;
  }

  /**
   * Waits for a frame and returns a view of it in place, valid until the next receive or `release`.
   *
   * @throws {EmptyError} If the timeout is 0 and there is none.
   * @throws {TimedOutError} If none came before the deadline.
   * @throws {ClosedError} If the writer closed and everything has been read, or this ring was closed here.
   * @throws {PeerDiedError} If the writer died and everything has been read.
   * @throws {PoisonedError} If the writer wrote what no ring may hold.
   */
  recv(timeoutMs?: number): FrameView {
    const status = symbols.circlet_ring_recv(this.#open(), timeout(timeoutMs), this.#frames);
    if (status < 0) throw failure(status);
    return this.#view(0);
  }

  /** Waits for a frame, returns a copy of it, and releases it. Throws as `recv`. */
  recvCopy(timeoutMs?: number): FrameView {
    const copy = this.recv(timeoutMs).slice();
    this.release();
    return copy;
  }

  /**
   * Waits for a frame and returns views of it and up to `limit - 1` that are there behind it, in one call.
   *
   * All of them count as read with the next receive, whether they were looked at or not. Throws as `recv`.
   */
  recvMany(limit = BATCH, timeoutMs?: number): FrameView[] {
    integer("limit", limit, 1, U32_MAX);
    const deadline = timeout(timeoutMs);
    const handle = this.#open();
    // A frame takes at least 8 bytes, so that no ring has more of them.
    const room = Math.min(limit, this.#memory.byteLength >>> 3);
    if (room * FRAME_WORDS > this.#frames.length) this.#frames = new Uint32Array(room * FRAME_WORDS);
    const found = symbols.circlet_ring_recv_many(handle, this.#frames, room, deadline);
    if (found < 0) throw failure(found);
    const views = new Array<FrameView>(found);
    for (let index = 0; index < found; index++) views[index] = this.#view(index);
    return views;
  }

  /** Gives the received frames back to the writer now rather than at the next receive. */
  release(): void {
    check(symbols.circlet_ring_release(this.#open()));
  }

  /**
   * Yields a view of each frame, valid until the next step, until the writer closes or this ring is closed.
   *
   * Blocks the thread while it waits. A frame that was not stepped to stays in the ring.
   *
   * @throws {PeerDiedError} If the writer died and everything has been read.
   */
  [Symbol.iterator](): Generator<FrameView, void, void> {
    this.#open();
    return this.#each();
  }

  *#each(): Generator<FrameView, void, void> {
    while (this.#handle !== null) {
      const status = symbols.circlet_ring_recv(this.#handle, -1, this.#frames);
      if (status === CLOSED) return;
      if (status < 0) throw failure(status);
      yield this.#view(0);
    }
  }

  /**
   * Yields as the iterator does, and leaves the event loop running meanwhile.
   *
   * An empty ring is looked at again after a pause that grows to 8 ms, so that a frame may wait for so long; a full one
   * lets the event loop turn after every 64 frames.
   */
  [Symbol.asyncIterator](): AsyncGenerator<FrameView, void, void> {
    this.#open();
    return this.#eachInTurn();
  }

  async *#eachInTurn(): AsyncGenerator<FrameView, void, void> {
    let pauseMs = 0;
    let yielded = 0;
    while (this.#handle !== null) {
      const status = symbols.circlet_ring_recv(this.#handle, 0, this.#frames);
      if (status === EMPTY) {
        await pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2 || 1, PAUSE_MAX_MS);
        continue;
      }
      if (status === CLOSED) return;
      if (status < 0) throw failure(status);
      pauseMs = 0;
      yield this.#view(0);
      if (++yielded % BATCH === 0) await pause(0);
    }
  }

  /**
   * Sets how long a side (`PRODUCER` or `CONSUMER`) spins before it sleeps: 0 sleeps at once, `Infinity` never does.
   * Takes the side if this ring does not have it yet.
   */
  setSpin(side: number, microseconds: number): void {
    integer("side", side, PRODUCER, CONSUMER);
    check(symbols.circlet_ring_set_spin(this.#open(), side, number("microseconds", microseconds)));
  }

  /** Reads the counters. */
  stats(): RingStats {
    const memory = new ArrayBuffer(64);
    const [longs, words] = [new BigUint64Array(memory), new Uint32Array(memory, 48)];
    check(symbols.circlet_ring_get_stats(this.#open(), longs));
    return {
      capacityBytes: Number(longs[0]),
      usedBytes: Number(longs[1]),
      framesSent: Number(longs[2]),
      framesReceived: Number(longs[3]),
      payloadBytesSent: Number(longs[4]),
      fullEvents: Number(longs[5]),
      maxFrame: words[0]!,
      producer: PEERS[words[1]!]!,
      consumer: PEERS[words[2]!]!,
    };
  }

  /**
   * Closes the sides that this ring has; a created name ends with it, and views of it have no bytes any more.
   *
   * Safe to call twice; anything else throws `ClosedError` from then on. Frames that were received and not released are
   * the next reader's. If something native is still reading a view (a write to a file, a compression), the memory
   * stays until that view is collected.
   */
  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#giveUpClaim();
    this.#handle = null;
    check(symbols.circlet_ring_detach(handle, PRODUCER));
    check(symbols.circlet_ring_detach(handle, CONSUMER));
    check(symbols.circlet_ring_unlink(handle));
    unmap(handle, this.#memory);
    this.#memory = new ArrayBuffer(0);
  }

  /** Closes the ring. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this ring was closed here");
    return this.#handle;
  }

  /** Begins a write, which ends the claim that is open. */
  #write(): Pointer {
    this.#giveUpClaim();
    return this.#open();
  }

  #giveUpClaim(): void {
    this.#claim?.abort();
    this.#claim = null;
  }

  #view(index: number): FrameView {
    const at = index * FRAME_WORDS;
    return new Uint8Array(this.#memory, this.#frames[at + FRAME_OFFSET], this.#frames[at + FRAME_LEN]);
  }
}

/** Lets the event loop turn: at once for 0. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => {
    if (milliseconds === 0) setImmediate(done);
    else setTimeout(done, milliseconds);
  });
}

/** circlet_ring_options, or the defaults. */
function ringOptions({ capacity }: RingOptions): Uint8Array | null {
  if (capacity === undefined) return null;
  integer("capacity", capacity, 1, Number.MAX_SAFE_INTEGER);
  const fields = new DataView(new ArrayBuffer(16));
  fields.setUint32(0, fields.byteLength, true);
  fields.setBigUint64(8, BigInt(capacity), true);
  return new Uint8Array(fields.buffer);
}
