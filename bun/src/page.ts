/** Pages: one latest value in shared memory. */

import type { Pointer } from "bun:ffi";
import { integer, text, timeout, U32_MAX } from "./arguments.ts";
import { AT_ONCE_MS, Bell } from "./bell.ts";
import { copyFrom } from "./copies.ts";
import { ClosedError } from "./errors.ts";
import { addressAt, check, descriptorFrom, EMPTY, failure, handleFrom, owning, symbols, TIMED_OUT } from "./native.ts";
import { checkPayload, Scratch, type Payload } from "./payload.ts";
import { used } from "./uses.ts";

/** What a page is made or opened with. */
export interface PageOptions {
  /** The longest value in bytes, below 512 MiB; 64 KiB by default. Of no account where a page is opened. */
  maxBytes?: number;
  /**
   * A tag of at most 56 bytes of UTF-8 that says what the value is; none by default. Who opens a page must give the one
   * that it was made with.
   */
  schema?: string;
}

/** A value of a page. */
export interface PageValue {
  /** Its number: 1 is the first that was written, and each is one more. */
  version: number;
  /** A copy of its bytes, which is the caller's. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Every call is done with it when it returns, so that one serves all pages. */
const scratch = new Scratch();

const open = new Set<Pointer>();
const dropped = new FinalizationRegistry<Pointer>(end);

// A page that was left open ends with the process in order: its readers see "closed", and its name goes.
process.on("exit", () => open.forEach(end));

function end(handle: Pointer): void {
  if (open.delete(handle)) symbols.circlet_page_close(handle);
}

/**
 * One latest value in shared memory: a writer replaces it and never waits, and any number of readers get the newest,
 * whole. Values between two reads are skipped.
 *
 * The first `write` takes the writer's seat. A page object belongs to the thread that made it. Timeouts are
 * milliseconds: none given waits without a deadline. `wait` blocks the whole thread; `waitAsync` and `for await` leave
 * the event loop running, and keep the process alive while they wait.
 *
 * @example
 * ```ts
 * import { SharedPage } from "circlet";
 *
 * using page = SharedPage.anonymous();
 * page.write("first");
 * page.write("second");
 * console.log(page.read()); // { version: 2, bytes: ... }
 * ```
 */
export class SharedPage implements Disposable, AsyncIterable<PageValue> {
  #handle: Pointer | null;
  #address = new BigUint64Array(1);
  #version = new BigUint64Array(1);
  #bell = new Bell(
    () => descriptorFrom((out) => symbols.circlet_page_fd(this.#open(), out)),
    () => symbols.circlet_page_arm(this.#open()),
  );

  private constructor(handle: Pointer) {
    this.#handle = handle;
    open.add(handle);
    used.add("circlet.SharedPage");
    dropped.register(this, handle, this);
  }

  /**
   * Creates a named page, which other processes `open`.
   *
   * The name ends with `close`, or with this process, unless a signal kills it.
   *
   * @throws {NameTakenError} If there is a segment of this name.
   * @throws {InvalidError} If the name or an option is not allowed.
   * @throws {CircletError} If there is no room in shared memory.
   */
  static create(name: string, options: PageOptions = {}): SharedPage {
    const [nameText, maxBytes, schema] = [text("name", name), maxBytesOf(options), schemaOf(options)];
    return new SharedPage(handleFrom((out) => symbols.circlet_page_create(nameText, maxBytes, schema, out)));
  }

  /**
   * Opens a page by its name.
   *
   * @throws {NotFoundError} If there is none.
   * @throws {SchemaError} If it was made with another schema.
   * @throws {SegmentError} If what has this name is no page of this version.
   */
  static open(name: string, options: Pick<PageOptions, "schema"> = {}): SharedPage {
    const [nameText, schema] = [text("name", name), schemaOf(options)];
    return new SharedPage(handleFrom((out) => symbols.circlet_page_open(nameText, schema, out)));
  }

  /** Creates a page without a name, to be passed on by `exportFd`. Throws as `create`. */
  static anonymous(options: PageOptions = {}): SharedPage {
    const [maxBytes, schema] = [maxBytesOf(options), schemaOf(options)];
    return new SharedPage(handleFrom((out) => symbols.circlet_page_anonymous(maxBytes, schema, out)));
  }

  /**
   * Opens a page from a descriptor that `exportFd` made. The page owns the descriptor, also where this throws.
   *
   * @throws {SchemaError} If it was made with another schema.
   * @throws {SegmentError} If it is no page's.
   */
  static fromFd(fd: number, options: Pick<PageOptions, "schema"> = {}): SharedPage {
    integer("fd", fd, 0, 0x7fff_ffff);
    const schema = owning(fd, () => schemaOf(options));
    return new SharedPage(handleFrom((out) => symbols.circlet_page_from_fd(fd, schema, out)));
  }

  /**
   * Makes a descriptor that another process opens this page from, such as a child that has it in its `stdio`.
   *
   * The caller owns it: close it here once it is passed, as the lock that tells who is alive belongs to it.
   */
  exportFd(): number {
    return descriptorFrom((out) => symbols.circlet_page_export_fd(this.#open(), out));
  }

  /**
   * Replaces the value. It never waits for readers.
   *
   * @throws {TooLargeError} If the page has no room for it.
   * @throws {BusyError} If another writer lives.
   */
  write(value: Payload): void {
    checkPayload(value);
    const handle = this.#open();
    if (typeof value === "string") {
      const length = scratch.text(value);
      check(symbols.circlet_page_write(handle, scratch.bytes, length));
    } else {
      const length = integer("value.byteLength", value.byteLength, 0, U32_MAX);
      // The table of bun:ffi takes a DataView too, its types do not.
      check(symbols.circlet_page_write(handle, value as Uint8Array, length));
    }
  }

  /**
   * Returns the newest value, also one that was read before or whose writer has gone; `null` where there is none yet.
   *
   * @throws {LaggedError} If the writer is so fast that no copy was whole.
   * @throws {PoisonedError} If the writer wrote what no page may hold.
   */
  read(): PageValue | null {
    return this.#read(0) ?? null;
  }

  /**
   * Waits for a value that is newer than the last one that this object read, and returns the newest.
   *
   * @param timeoutMs 0 looks once.
   * @throws {TimedOutError} If none came before the deadline.
   * @throws {ClosedError} If there is none and the writer closed, or this page was closed here.
   * @throws {PeerDiedError} If there is none and the writer died.
   */
  wait(timeoutMs?: number): PageValue {
    const value = this.#read(timeout(timeoutMs) || AT_ONCE_MS);
    if (value === undefined) throw failure(TIMED_OUT);
    return value;
  }

  /**
   * Waits as `wait` does, and leaves the event loop running meanwhile.
   *
   * One call at a time: a second before the first has settled rejects with `BusyError`. Rejects with what `wait`
   * throws.
   */
  async waitAsync(timeoutMs?: number): Promise<PageValue> {
    const limitMs = timeout(timeoutMs);
    const deadline = limitMs < 0 ? Infinity : performance.now() + limitMs;
    return await this.#bell.until(
      () => this.#read(AT_ONCE_MS),
      () => deadline - performance.now(),
    );
  }

  /**
   * Yields the newest value whenever there is a newer one than the last that this object read, until the writer closes
   * or this page is closed. Leaves the event loop running meanwhile.
   *
   * @example
   * ```ts
   * import { SharedPage } from "circlet";
   *
   * using page = SharedPage.anonymous();
   * page.write("now");
   * for await (const { version, bytes } of page) {
   *   console.log(version, new TextDecoder().decode(bytes));
   *   break;
   * }
   * ```
   *
   * @throws {PeerDiedError} If there is none and the writer died.
   */
  [Symbol.asyncIterator](): AsyncGenerator<PageValue, void, void> {
    this.#open();
    return this.#eachInTurn();
  }

  async *#eachInTurn(): AsyncGenerator<PageValue, void, void> {
    try {
      for (;;) yield await this.waitAsync();
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  /** Gives the writer's seat up and ends the page; a created name ends with it. Safe to call twice. */
  close(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    dropped.unregister(this);
    end(handle);
    this.#bell.wake();
  }

  /** Closes the page. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Pointer {
    if (this.#handle === null) throw new ClosedError("this page was closed here");
    return this.#handle;
  }

  #read(timeoutMs: number): PageValue | undefined {
    const length = symbols.circlet_page_read(this.#open(), timeoutMs, this.#address, this.#version);
    if (length === EMPTY || length === TIMED_OUT) return undefined;
    if (length < 0) throw failure(length);
    return { version: Number(this.#version[0]), bytes: copyFrom(addressAt(this.#address, 0), length) };
  }
}

/** 0 stands for the default. */
function maxBytesOf({ maxBytes }: PageOptions): number {
  return maxBytes === undefined ? 0 : integer("maxBytes", maxBytes, 1, U32_MAX);
}

function schemaOf({ schema }: PageOptions): Uint8Array | null {
  return schema === undefined ? null : text("schema", schema);
}
