/** Payloads on their way into one native call. */

import { InvalidError } from "./errors.ts";
import { shown, U32_MAX } from "./arguments.ts";

/** What can be sent: the bytes of any typed array or `DataView`, or a string as UTF-8. */
export type Payload = string | ArrayBufferView;

const encoder = new TextEncoder();
/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const UTF8_MAX = 3;

/** Memory that payloads are laid into one behind the other; it grows to the largest batch and is used again. */
export class Scratch {
  /** The payloads. */
  bytes = new Uint8Array(4096);
  /** Their lengths in bytes. */
  lens = new Uint32Array(64);

  /** Lays one string in, and returns its length in bytes. */
  text(payload: string): number {
    this.#reserve(payload.length * UTF8_MAX);
    return encoder.encodeInto(payload, this.bytes).written;
  }

  /** Lays payloads in, and returns how many. */
  join(payloads: readonly Payload[]): number {
    let most = 0;
    for (const payload of payloads) most += mostBytes(payload);
    this.#reserve(most);
    if (payloads.length > this.lens.length) this.lens = new Uint32Array(payloads.length * 2);
    const { bytes, lens } = this;
    let at = 0;
    for (let index = 0; index < payloads.length; index++) {
      const payload = payloads[index]!;
      let length: number;
      if (typeof payload === "string") {
        length = encoder.encodeInto(payload, bytes.subarray(at)).written;
      } else {
        bytes.set(bytesOf(payload), at);
        length = payload.byteLength;
      }
      lens[index] = length;
      at += length;
    }
    return payloads.length;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    if (bytes > U32_MAX) {
      throw new InvalidError(`the payloads take up to ${bytes} bytes: send at most ${U32_MAX} at once`);
    }
    this.bytes = new Uint8Array(Math.min(bytes * 2, U32_MAX));
  }
}

/** Throws unless the value can be sent. */
export function checkPayload(payload: Payload): void {
  if (typeof payload !== "string" && !ArrayBuffer.isView(payload)) {
    throw new InvalidError(`the payload is ${shown(payload)}: give a typed array, a DataView or a string`);
  }
}

function mostBytes(payload: Payload): number {
  checkPayload(payload);
  return typeof payload === "string" ? payload.length * UTF8_MAX : payload.byteLength;
}

/** Returns the bytes of a view, in place. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
