/** What a curve of the library is here: a handle that is freed with its object. */

import type { Pointer } from "bun:ffi";
import { ClosedError } from "./errors.ts";
import { check, symbols } from "./native.ts";
import type { Dimensions } from "./points.ts";

const dropped = new FinalizationRegistry<Pointer>((handle) => symbols.circlet_curve_free(handle));

/** A handle, and its curve's dimensions. */
export abstract class CurveHandle<D extends Dimensions = 2> implements Disposable {
  #handle: Pointer | null;
  readonly #dimensions: D;

  /** Owns a handle of the library. */
  protected constructor(handle: Pointer) {
    this.#handle = handle;
    dropped.register(this, handle, this);
    this.#dimensions = check(symbols.circlet_curve_dimensions(handle)) as D;
  }

  /** Of how many dimensions the curve is, 1 to 4: so many numbers each of its points has. */
  get dimensions(): D {
    return this.#dimensions;
  }

  /** The handle, for the call that follows at once. */
  protected get handle(): Pointer {
    if (this.#handle === null) throw new ClosedError("this curve was freed here");
    return this.#handle;
  }

  /** Frees the curve's memory in the library now. Safe to call twice. */
  [Symbol.dispose](): void {
    if (this.#handle === null) return;
    dropped.unregister(this);
    symbols.circlet_curve_free(this.#handle);
    this.#handle = null;
  }
}
