/** A frame that is written in place. */

import { InvalidError } from "./errors.ts";
import { integer, U32_MAX } from "./arguments.ts";

/**
 * Room in a ring for one frame, to be written in place: `commit` sends it, `abort` gives it up.
 *
 * With `using` it is given up at the end of the block unless it was committed. The next send or claim of the same ring
 * gives it up too. Its bytes must not be written once it is over.
 */
export class Claim implements Disposable {
  /** The room, aligned to 8 bytes, with whatever lay there before. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  #send: ((length: number) => void) | null;
  readonly #giveUp: () => void;

  /** Made by `SharedRingBuffer.claim`. */
  constructor(bytes: Uint8Array<ArrayBuffer>, send: (length: number) => void, giveUp: () => void) {
    this.bytes = bytes;
    this.#send = send;
    this.#giveUp = giveUp;
  }

  /**
   * Sends the first `length` bytes, all of them by default, as one frame.
   *
   * @throws {TooLargeError} If that is more than was claimed; the claim stays open.
   * @throws {InvalidError} If it was committed or given up before.
   */
  commit(length: number = this.bytes.length): void {
    if (this.#send === null) {
      throw new InvalidError("this claim is over: it was committed, or given up by abort, a later send, or close");
    }
    this.#send(integer("length", length, 0, U32_MAX));
    this.#send = null;
  }

  /** Gives the room up; nothing is sent. Does nothing to a claim that is over. */
  abort(): void {
    if (this.#send === null) return;
    this.#send = null;
    this.#giveUp();
  }

  /** Gives the room up unless it was committed. */
  [Symbol.dispose](): void {
    this.abort();
  }
}
