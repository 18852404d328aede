/** Rings of frames in shared memory. */

import type { Pointer } from "bun:ffi";
import { integer, number, oneOf, text, timeout, U32_MAX } from "./arguments.ts";
import { AT_ONCE_MS, Bell } from "./bell.ts";
import { Claim } from "./claim.ts";
import { copyFrom } from "./copies.ts";
import { BusyError, ClosedError, FullError, InvalidError, LaggedError } from "./errors.ts";
import { map, unmap } from "./mapping.ts";
import {
  check,
  CLOSED,
  descriptorFrom,
  EMPTY,
  failure,
  handleFrom,
  LAGGED,
  owning,
  symbols,
  TIMED_OUT,
} from "./native.ts";
import { OVERFLOWS, READ_FROM, ringOptions, type OpenOptions, type Overflow, type RingOptions } from "./options.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { checkPayload, Scratch, type Payload } from "./payload.ts";
import { readStats, type RingStats } from "./stats.ts";
import { used } from "./uses.ts";

/** The side that writes. */
export const PRODUCER = 1;
/** The side that reads. */
export const CONSUMER = 2;

/**
 * The bytes of a frame: in place, in shared memory and aligned to 8; or a copy, where the ring is a broadcast ring or
 * the message came in fragments.
 */
export type FrameView = Uint8Array<ArrayBuffer>;

/** circlet_frame in words of 32 bits: the address takes two, then come the offset in the mapping and the length. */
const FRAME_WORDS = 4;
const FRAME_ADDRESS = 0;
const FRAME_OFFSET = 2;
const FRAME_LEN = 3;
/** CIRCLET_NO_OFFSET: the frame is a copy of the library's, which lasts until it is released. */
export const NO_OFFSET = 0xffff_ffff;
/** How many frames are received at once by default. */
const BATCH = 64;

/** Every call is done with it when it returns, so that one serves all rings. */
const scratch = new Scratch();

/**
 * A ring that this process and others read and write in place.
 *
 * Make one with `create`, `open`, `anonymous` or `fromFd`. Each side is taken by its first use; how many may have it at
 * a time is the ring's `Mode`. A ring object belongs to the thread that made it: another opens the ring for itself.
 *
 * Timeouts are milliseconds: 0 tries, none given waits without a deadline. `send`, `recv` and their like block the
 * whole thread while they wait, timers and promises too; `sendAsync`, `recvAsync` and `for await` leave the event loop
 * running, which wakes them when the other side has done something. A promise that waits keeps the process alive, as
 * one that waits for a socket does; a ring that nobody awaits does not. Each side that was ever awaited takes one of
 * the user's inotify instances (`fs.inotify.max_user_instances`, often 128) until its ring is closed.
 *
 * A received view in shared memory is the writer's again with the next receive or `release`: copy what you keep. Its
 * `buffer` is the whole mapping: lay other arrays over it with `byteOffset` and a length, and do not `transfer` it.
 * `close` takes the memory away from all views, whose length is 0 from then on. Frames of a broadcast ring, and
 * messages that came in fragments, are copies, which stay.
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
  #reading = this.#bell(CONSUMER);
  #writing = this.#bell(PRODUCER);
  #outbox = new Outbox(this.#writing, (outgoing) => this.#sendOn(outgoing));
  #limits: Pick<RingStats, "maxFrame" | "overflow"> | null = null;

  private constructor(handle: Pointer, { readFrom }: OpenOptions) {
    this.#handle = handle;
    this.#memory = map(handle);
    used.add("circlet.SharedRingBuffer");
    if (readFrom === undefined) return;
    try {
      check(symbols.circlet_ring_attach(handle, READ_FROM[readFrom]));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Creates a named ring, which other processes `open`.
   *
   * The name ends with `close`, or with this process, unless a signal kills it.
   *
   * @example
   * ```ts
   * import { SharedRingBuffer } from "circlet";
   *
   * using log = SharedRingBuffer.create("log", { mode: "mpsc", maxMessage: 16 << 20, schema: "log/1" });
   * ```
   *
   * @throws {NameTakenError} If there is a ring of this name.
   * @throws {InvalidError} If the name or an option is not allowed.
   * @throws {CircletError} If there is no room in shared memory, or there are no huge pages.
   */
  static create(name: string, options: RingOptions = {}): SharedRingBuffer {
    const [nameText, given] = [text("name", name), ringOptions(options)];
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_create(nameText, given, out)), options);
  }

  /**
   * Opens a ring by its name.
   *
   * @throws {NotFoundError} If there is none.
   * @throws {SchemaError} If it was made with another schema.
   * @throws {SegmentError} If what has this name is no ring of this version.
   * @throws {BusyError} If `readFrom` is given and somebody alive reads.
   */
  static open(name: string, options: OpenOptions = {}): SharedRingBuffer {
    const [nameText, given] = [text("name", name), ringOptions(options)];
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_open(nameText, given, out)), options);
  }

  /** Creates a ring without a name, to be passed on by `exportFd`. Throws as `create`. */
  static anonymous(options: RingOptions = {}): SharedRingBuffer {
    const given = ringOptions(options);
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_anonymous(given, out)), options);
  }

  /**
   * Opens a ring from a descriptor that `exportFd` made. The ring owns the descriptor, also where this throws.
   *
   * @throws {SchemaError} If it was made with another schema.
   * @throws {SegmentError} If it is no ring's.
   */
  static fromFd(fd: number, options: OpenOptions = {}): SharedRingBuffer {
    integer("fd", fd, 0, 0x7fff_ffff);
    const given = owning(fd, () => ringOptions(options));
    return new SharedRingBuffer(handleFrom((out) => symbols.circlet_ring_from_fd(fd, given, out)), options);
  }

  /** @internal Owns a handle of the library. */
  static ofHandle(handle: Pointer): SharedRingBuffer {
    return new SharedRingBuffer(handle, {});
  }

  /** @internal The library's handle. */
  get handle(): Pointer {
    return this.#open();
  }

  /** Tells whether it was closed here. */
  get isClosed(): boolean {
    return this.#handle === null;
  }

  /**
   * Makes a descriptor that another process opens this ring from, such as a child that has it in its `stdio`.
   *
   * The caller owns it: close it here once it is passed, as the lock that tells who is alive belongs to it.
   */
  exportFd(): number {
    return descriptorFrom((out) => symbols.circlet_ring_export_fd(this.#open(), out));
  }

  /**
   * Copies a payload in as one message; a string goes as UTF-8, in which half a surrogate pair is U+FFFD.
   *
   * @throws {FullError} If there is no room, and the timeout is 0 or the overflow is `"fail"`.
   * @throws {TimedOutError} If there was no room before the deadline.
   * @throws {TooLargeError} If no message of this ring is so long.
   * @throws {ClosedError} If the reader closed, or this ring was closed here.
   * @throws {PeerDiedError} If the reader died.
   * @throws {BusyError} If another writer lives, or a long message of `sendAsync` is under way.
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
   * Copies a payload in as `send` does, and leaves the event loop running while it waits for room.
   *
   * Payloads are sent in the order of the calls, any number of which may be under way. A typed array is read when there
   * is room: leave it as it is until then. A message that is longer than a frame (`maxFrame` of `stats`) goes in
   * fragments as the reader makes room for them: until it is through, `send`, `sendMany` and `claim` throw `BusyError`.
   *
   * Rejects with what `send` throws. `close` rejects what still waits with `ClosedError`.
   *
   * @example
   * ```ts
   * import { SharedRingBuffer } from "circlet";
   *
   * using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
   * using reader = SharedRingBuffer.fromFd(ring.exportFd());
   * const sent = Promise.all(Array.from({ length: 1000 }, (_, index) => ring.sendAsync(`${index}`)));
   * for (let left = 1000; left > 0; left--) await reader.recvAsync();
   * await sent;
   * ```
   */
  async sendAsync(payload: Payload, timeoutMs?: number): Promise<void> {
    const limitMs = timeout(timeoutMs);
    checkPayload(payload);
    const length = typeof payload === "string" ? scratch.text(payload) : payload.byteLength;
    const bytes = typeof payload === "string" ? scratch.bytes : payload;
    if (limitMs === 0) {
      if (this.#outbox.isEmpty) return this.#sendBy(bytes, length, 0);
      throw new FullError("the ring is full: payloads that came before wait for room", "CIRCLET_FULL");
    }
    this.#limits ??= this.stats();
    const isCut = length > this.#limits.maxFrame && this.#limits.overflow === "block";
    const outgoing: Outgoing = { payload: bytes, bytes: length, sent: isCut ? new Uint32Array(1) : null };
    // Out of breath, it goes through the outbox, so that no later payload overtakes it while the event loop turns.
    if (this.#outbox.isEmpty && !this.#writing.isWinded) {
      void this.#writing.breathe();
      if (this.#sendOn(outgoing)) return;
    }
    if (typeof payload === "string") outgoing.payload = scratch.bytes.slice(0, length);
    await this.#outbox.add(outgoing, limitMs < 0 ? Infinity : limitMs);
  }

  /**
   * Copies many payloads in, a message each, in one call.
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
   * Reserves `size` bytes, at most `maxFrame`, to be written in place. Throws as `send`, and never drops.
   *
   * The next send gives it up, also one of `sendAsync` that waits: commit it before the event loop turns. The reader of
   * an mpsc ring waits for it.
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
    const claim = new Claim(
      this.#view(0),
      (length) => check(symbols.circlet_ring_commit(this.#open(), length)),
      () => check(symbols.circlet_ring_abort(this.#open())),
    );
    this.#claim = claim;
    return claim;
  }

  /**
   * Waits for a message and returns a view of it in place, valid until the next receive or `release`.
   *
   * @throws {EmptyError} If the timeout is 0 and there is none.
   * @throws {TimedOutError} If none came before the deadline.
   * @throws {ClosedError} If the writer closed and everything has been read, or this ring was closed here.
   * @throws {PeerDiedError} If the writer died and everything has been read.
   * @throws {LaggedError} If the writer of a broadcast ring overtook this reader; the next receive goes on.
   * @throws {PoisonedError} If the writer wrote what no ring may hold.
   */
  recv(timeoutMs?: number): FrameView {
    const status = symbols.circlet_ring_recv(this.#open(), timeout(timeoutMs), this.#frames);
    if (status < 0) throw this.#failure(status);
    return this.#view(0);
  }

  /**
   * Waits as `recv` does, and leaves the event loop running meanwhile.
   *
   * One call at a time: a second before the first has settled rejects with `BusyError`. Rejects with what `recv`
   * throws.
   */
  async recvAsync(timeoutMs?: number): Promise<FrameView> {
    const limitMs = timeout(timeoutMs);
    if (limitMs === 0) return this.recv(0);
    const deadline = limitMs < 0 ? Infinity : performance.now() + limitMs;
    return await this.#reading.until(
      () => {
        const status = symbols.circlet_ring_recv(this.#open(), AT_ONCE_MS, this.#frames);
        if (status === TIMED_OUT) return undefined;
        if (status < 0) throw this.#failure(status);
        return this.#view(0);
      },
      () => deadline - performance.now(),
    );
  }

  /** Waits for a message, returns a copy of it, and releases it. Throws as `recv`. */
  recvCopy(timeoutMs?: number): FrameView {
    const view = this.recv(timeoutMs);
    const copy = view.buffer === this.#memory ? view.slice() : view;
    this.release();
    return copy;
  }

  /**
   * Waits for a message and returns views of it and up to `limit - 1` that are there behind it, in one call.
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
    if (found < 0) throw this.#failure(found);
    const views = new Array<FrameView>(found);
    for (let index = 0; index < found; index++) views[index] = this.#view(index);
    return views;
  }

  /** Gives the received frames back to the writer now rather than at the next receive. */
  release(): void {
    check(symbols.circlet_ring_release(this.#open()));
  }

  /**
   * Yields a view of each message, valid until the next step, until the writer closes or this ring is closed.
   *
   * Blocks the thread while it waits. A frame that was not stepped to stays in the ring.
   *
   * @throws {PeerDiedError} If the writer died and everything has been read.
   * @throws {LaggedError} If the writer of a broadcast ring overtook this reader; another iteration goes on.
   */
  [Symbol.iterator](): Generator<FrameView, void, void> {
    this.#open();
    return this.#each();
  }

  *#each(): Generator<FrameView, void, void> {
    for (let view = this.#next(-1); view; view = this.#next(-1)) yield view;
  }

  /**
   * Yields as the iterator does, and leaves the event loop running meanwhile: it is woken with the next frame where
   * there is none, and lets other work run now and then where there are always some. One iteration or `recvAsync` at a
   * time.
   *
   * @example
   * ```ts
   * import { SharedRingBuffer } from "circlet";
   *
   * using ring = SharedRingBuffer.anonymous();
   * const writer = SharedRingBuffer.fromFd(ring.exportFd());
   * setTimeout(() => {
   *   writer.send("later");
   *   writer.close();
   * }, 10);
   * for await (const view of ring) console.log(view.toString());
   * ```
   */
  [Symbol.asyncIterator](): AsyncGenerator<FrameView, void, void> {
    this.#open();
    return this.#eachInTurn();
  }

  async *#eachInTurn(): AsyncGenerator<FrameView, void, void> {
    const forever = () => Infinity;
    for (;;) {
      const turned = this.#reading.breathe();
      if (turned !== null) await turned;
      const view = this.#next(0) ?? (await this.#reading.until(() => this.#next(AT_ONCE_MS), forever));
      if (view === false) return;
      yield view;
    }
  }

  /** Receives the next message: `undefined` where none came in time, `false` behind the last. */
  #next(timeoutMs: number): FrameView | false | undefined {
    if (this.#handle === null) return false;
    const status = symbols.circlet_ring_recv(this.#handle, timeoutMs, this.#frames);
    if (status >= 0) return this.#view(0);
    if (status === EMPTY || status === TIMED_OUT) return undefined;
    if (status === CLOSED) return false;
    throw this.#failure(status);
  }

  /**
   * Sets how long a side (`PRODUCER` or `CONSUMER`) spins before it sleeps: 0 sleeps at once, `Infinity` never does.
   * Takes the side if this ring does not have it yet.
   */
  setSpin(side: number, microseconds: number): void {
    integer("side", side, PRODUCER, CONSUMER);
    check(symbols.circlet_ring_set_spin(this.#open(), side, number("microseconds", microseconds)));
  }

  /** Sets what the sends of this object do where there is no room, and takes the writing side for it. */
  setOverflow(overflow: Overflow): void {
    check(symbols.circlet_ring_set_overflow(this.#open(), oneOf("overflow", overflow, OVERFLOWS)));
    this.#limits = { ...(this.#limits ?? this.stats()), overflow };
  }

  /** Reads the counters. */
  stats(): RingStats {
    return readStats(this.#open());
  }

  /**
   * Closes the sides that this ring has; a created name ends with it, and views of it have no bytes any more.
   *
   * Safe to call twice; anything else throws `ClosedError` from then on, and so does what is awaited. Frames that were
   * received and not released are the next reader's. If something native is still reading a view (a write to a file, a
   * compression), the memory stays until that view is collected.
   */
  close(): void {
    this.closeWith(() => 0);
  }

  /** @internal Closes the ring, and calls this when its sides are used no more. */
  closeWith(last: (handle: Pointer) => number): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#giveUpClaim();
    this.#handle = null;
    last(handle);
    check(symbols.circlet_ring_detach(handle, PRODUCER));
    check(symbols.circlet_ring_detach(handle, CONSUMER));
    check(symbols.circlet_ring_unlink(handle));
    unmap(handle, this.#memory);
    this.#memory = new ArrayBuffer(0);
    this.#reading.wake();
    this.#writing.wake();
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
    if (this.#outbox.hasBegun) {
      throw new BusyError("a long message of sendAsync is under way: await it first", "CIRCLET_BUSY");
    }
    this.#giveUpClaim();
    return this.#open();
  }

  #giveUpClaim(): void {
    this.#claim?.abort();
    this.#claim = null;
  }

  #view(index: number): FrameView {
    const at = index * FRAME_WORDS;
    const offset = this.#frames[at + FRAME_OFFSET]!;
    const length = this.#frames[at + FRAME_LEN]!;
    if (offset !== NO_OFFSET) return new Uint8Array(this.#memory, offset, length);
    const [low, high] = [this.#frames[at + FRAME_ADDRESS]!, this.#frames[at + FRAME_ADDRESS + 1]!];
    return copyFrom((high * 2 ** 32 + low) as Pointer, length);
  }

  #sendBy(bytes: ArrayBufferView, length: number, timeoutMs: number): void {
    check(symbols.circlet_ring_send(this.#write(), bytes as Uint8Array, length, timeoutMs));
  }

  /** Sends what there is room for by now; returns nothing where that was not the rest of it. */
  #sendOn({ payload, bytes, sent }: Outgoing): true | undefined {
    this.#giveUpClaim();
    const handle = this.#open();
    if (payload.byteLength < bytes) {
      throw new InvalidError(`the payload had ${bytes} bytes and has ${payload.byteLength}: leave it until it is sent`);
    }
    const view = payload as Uint8Array;
    const status =
      sent === null
        ? symbols.circlet_ring_send(handle, view, bytes, AT_ONCE_MS)
        : symbols.circlet_ring_send_part(handle, view, bytes, AT_ONCE_MS, sent);
    if (status === TIMED_OUT) return undefined;
    check(status);
    return true;
  }

  #bell(side: number): Bell {
    return new Bell(
      () => descriptorFrom((out) => symbols.circlet_ring_fd(this.#open(), side, out)),
      (bytes) => symbols.circlet_ring_arm(this.#open(), side, bytes),
    );
  }

  #failure(status: number): Error {
    const error = failure(status);
    if (status !== LAGGED) return error;
    const [frames, bytes] = [new BigUint64Array(1), new BigUint64Array(1)];
    check(symbols.circlet_ring_missed(this.#open(), frames, bytes));
    return new LaggedError(error.message, error.status, Number(frames[0]), Number(bytes[0]));
  }
}
