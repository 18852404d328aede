/** Bytes that the library lends for a while. */

import { toArrayBuffer, type Pointer } from "bun:ffi";

/** Copies `length` bytes from an address of the library's memory. */
export function copyFrom(address: Pointer, length: number): Uint8Array<ArrayBuffer> {
  // Bun takes a length of 0 for one that is not known.
  if (length === 0) return new Uint8Array(0);
  return new Uint8Array(toArrayBuffer(address, 0, length).slice(0));
}
