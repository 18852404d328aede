/** The memory of a ring, and when it ends. */

import { markAsUntransferable } from "node:worker_threads";
import { toArrayBuffer, type Pointer } from "bun:ffi";
import { addressAt, check, symbols } from "./native.ts";

/** The rings that are open, and those closed ones whose memory is still looked at. */
const open = new Map<Pointer, WeakRef<ArrayBuffer>>();

/** A view keeps its buffer alive, so that a handle ends here only when nothing can look at its memory any more. */
const dropped = new FinalizationRegistry<Pointer>((handle) => {
  open.delete(handle);
  symbols.circlet_ring_close(handle);
});

// A ring that was left open ends with the process in order: its peers see "closed", and its name goes.
process.on("exit", () => {
  // No finalizer runs from here on, so that one that is due cannot end a handle twice.
  for (const [handle, memory] of open) unmap(handle, memory.deref());
});

/** Lays one buffer over all of a ring's memory, and ends the handle once the buffer is collected. */
export function map(handle: Pointer): ArrayBuffer {
  const base = new BigUint64Array(1);
  const bytes = new BigUint64Array(1);
  check(symbols.circlet_ring_memory(handle, base, bytes));
  const memory = toArrayBuffer(addressAt(base, 0), 0, Number(bytes[0]));
  // Moved to another thread, it would outlive its handle.
  markAsUntransferable(memory);
  dropped.register(memory, handle, memory);
  open.set(handle, new WeakRef(memory));
  return memory;
}

/**
 * Takes the memory away from every view of it, which has no bytes from then on, and ends the handle.
 *
 * A buffer that a native operation is reading at this moment cannot be taken away: it ends when it is collected.
 */
export function unmap(handle: Pointer, memory: ArrayBuffer | undefined): void {
  if (memory !== undefined) {
    // Somebody has moved it: where its views are now is not known, so that it must stay.
    if (memory.detached) return;
    memory.transfer(0);
    if (!memory.detached) return;
    dropped.unregister(memory);
  }
  open.delete(handle);
  symbols.circlet_ring_close(handle);
}
