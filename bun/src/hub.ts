/** The live hub: rooms of state that thousands of viewers watch over Socket.IO. */

import type { Pointer } from "bun:ffi";
import { milliseconds, shown, text } from "./arguments.ts";
import { CircletError, ClosedError, InvalidError } from "./errors.ts";
import { columnsOf, hubOptions, type HubColumn, type HubOptions } from "./hub_options.ts";
import { jsonOf } from "./json.ts";
import { check, handleFrom, symbols, textFrom } from "./native.ts";
import { used } from "./uses.ts";

/** What a hub does and has done: `viewers`, `rooms`, `told`, `behind`, `published` and so on, as `docs/hub.md` says. */
export type HubStats = Record<string, number>;

/** What viewers have to take what was published last. */
const PATIENCE_MS = 1000;

const open = new Set<Pointer>();
const dropped = new FinalizationRegistry<Pointer>(end);

// A hub that was left open stops with the process in order: its viewers are asked to come back later.
process.on("exit", () => open.forEach(end));

function end(handle: Pointer): void {
  if (open.delete(handle)) symbols.circlet_hub_free(handle);
}

/**
 * Shows rooms of state live to viewers over Socket.IO, and on a page of its own at `url`.
 *
 * A room holds the newest value of each key; what changed is told some 30 times a second. A viewer that is slow is told the newest state
 * when it can take it, and is in nobody's way. No call but `stop` waits for viewers. A hub has threads of its own, which do not keep the
 * process alive; its object belongs to the thread that made it.
 *
 * @example
 * ```ts
 * import { Hub } from "circlet";
 *
 * using hub = new Hub({ port: 0 });
 * hub.set("game-1", "player", { x: 1, y: 2 });
 * hub.setColumns("game-1", "path", { x: Float32Array.of(0, 1), y: Float32Array.of(0, 2) });
 * hub.emit("game-1", "agent-action", { action: "edit" });
 * console.log(hub.url, hub.stats().viewers);
 * ```
 */
export class Hub implements Disposable {
  /** The address and port that it listens at, such as `"127.0.0.1:3010"`. */
  readonly addr: string;
  #handle: Pointer | null;

  /**
   * Starts a hub, which listens once this returns.
   *
   * @throws {InvalidError} For what is no option, and what one cannot be.
   * @throws {BusyError} If the port is taken.
   */
  constructor(options: HubOptions = {}) {
    const given = jsonOf("options", hubOptions(options));
    const handle = handleFrom((out) => fitting(() => check(symbols.circlet_hub_start(given, out))));
    this.#handle = handle;
    open.add(handle);
    used.add("circlet.Hub");
    dropped.register(this, handle, this);
    this.addr = textFrom((out) => symbols.circlet_hub_addr(handle, out));
  }

  /** Where its page is, and its viewers connect to. */
  get url(): string {
    return `http://${this.addr}`;
  }

  /** The handle, for other parts of the package. */
  get handle(): Pointer {
    if (this.#handle === null) throw new ClosedError("this hub was stopped here: start another");
    return this.#handle;
  }

  /**
   * Sets the value of a key of a room to what JSON can hold. The room is made where there is none.
   *
   * @throws {InvalidError} For names of none or more than 200 bytes.
   * @throws {TypeError} If JSON has no place for something in it, as NaN; the message names its path.
   * @throws {FullError} If the room or the hub has no place for it.
   * @throws {ClosedError} Once it is stopped, as all that follows here.
   */
  set(room: string, key: string, value: unknown): void {
    const [roomText, keyText, valueText] = [text("room", room), text("key", key), jsonOf("value", value)];
    check(symbols.circlet_hub_set(this.handle, roomText, keyText, valueText));
  }

  /**
   * Sets the value of a key to columns of numbers, which viewers get as bytes: `{ x: { f32: ArrayBuffer } }`, for
   * `new Float32Array(value.x.f32)`. They are copied: what changes later is not told. Throws as `set`.
   */
  setColumns(room: string, key: string, columns: Readonly<Record<string, HubColumn>>): void {
    const [roomText, keyText, { bytes, count, kept }] = [text("room", room), text("key", key), columnsOf(columns)];
    check(symbols.circlet_hub_set_columns(this.handle, roomText, keyText, bytes, count));
    // What the columns lead to stays until here.
    kept.length = 0;
  }

  /**
   * Sets and removes keys of a room, and has viewers told of all of it together. What is in both is set. Throws as `set`, and changes
   * nothing then.
   */
  update(room: string, set: Readonly<Record<string, unknown>>, removed: readonly string[] = []): void {
    if (!Array.isArray(removed)) throw new InvalidError(`removed is ${shown(removed)}: give the names of keys in an array`);
    const [roomText, setText, removedText] = [text("room", room), jsonOf("set", set), jsonOf("removed", removed)];
    fitting(() => check(symbols.circlet_hub_update(this.handle, roomText, setText, removedText)));
  }

  /** Removes a key of a room, and tells whether it was there. Throws as `set`. */
  remove(room: string, key: string): boolean {
    const [roomText, keyText] = [text("room", room), text("key", key)];
    return check(symbols.circlet_hub_remove(this.handle, roomText, keyText)) === 1;
  }

  /**
   * Tells viewers of an event, such as `"agent-action"`, which is not merged with others. Throws as `set`.
   *
   * @returns Its number in the room, from 1 on; nothing where rooms are shared by Redis, as it has none before all hubs are told.
   */
  emit(room: string, event: string, data: unknown): number | undefined {
    const [roomText, eventText, dataText] = [text("room", room), text("event", event), jsonOf("data", data)];
    const number = new BigUint64Array(1);
    check(symbols.circlet_hub_emit(this.handle, roomText, eventText, dataText, number));
    return Number(number[0]) || undefined;
  }

  /**
   * Shows the ring of a name in a room for as long as the hub is there: it may come later, and come again. The room `rings` says how full
   * it is; what its messages say is in `docs/hub.md`.
   */
  followRing(name: string, room = `ring:${name}`): void {
    const [nameText, roomText] = [text("name", name), text("room", room)];
    check(symbols.circlet_hub_follow_ring(this.handle, nameText, roomText));
  }

  /** Shows the page of a session in a room: the payload's sections are its keys. */
  followSession(page: string, room = `session:${page}`): void {
    const [pageText, roomText] = [text("page", page), text("room", room)];
    check(symbols.circlet_hub_follow_session(this.handle, pageText, roomText));
  }

  /** Tells what it does and has done. */
  stats(): HubStats {
    return JSON.parse(textFrom((out) => symbols.circlet_hub_stats(this.handle, out))) as HubStats;
  }

  /** Tells what does not work at the moment, though it goes on: why it cannot record, that Redis is away. */
  troubles(): string[] {
    return JSON.parse(textFrom((out) => symbols.circlet_hub_troubles(this.handle, out))) as string[];
  }

  /**
   * Stops it: tells what was published, asks viewers to come back later (close code 1013), and closes all connections. What takes longer
   * than so many milliseconds, 1000 by default, is ended. Safe to call twice.
   */
  stop(patienceMs = PATIENCE_MS): void {
    const patience = milliseconds("patienceMs", patienceMs);
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    dropped.unregister(this);
    symbols.circlet_hub_stop(handle, patience);
    end(handle);
  }

  /** As `stop`. */
  close(): void {
    this.stop();
  }

  /** As `stop`. */
  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Has what is JSON and does not fit be an argument that is refused. */
function fitting(call: () => number): number {
  try {
    return call();
  } catch (error) {
    const isUnfit = error instanceof CircletError && error.status === "CIRCLET_BAD_JSON";
    throw isUnfit ? new InvalidError(error.message) : error;
  }
}
