// The last values of a number, and how fast it grows.

/** So many samples, no closer than so many ms. */
export class History {
  constructor(length = 120, everyMs = 250) {
    this.values = new Float64Array(length);
    this.everyMs = everyMs;
    this.length = 0;
    this.next = 0;
    this.at = -Infinity;
  }

  /** Adds a value of a moment; one that comes too soon takes the place of the last. */
  add(value, at) {
    if (at - this.at < this.everyMs && this.length > 0) {
      this.values[(this.next + this.values.length - 1) % this.values.length] = value;
      return;
    }
    this.at = at;
    this.values[this.next] = value;
    this.next = (this.next + 1) % this.values.length;
    this.length = Math.min(this.length + 1, this.values.length);
  }

  /** Returns the value that is the `index`th, of which the first is the oldest. */
  get(index) {
    return this.values[(this.next - this.length + index + 2 * this.values.length) % this.values.length];
  }
}

/** Values that are closer than that say little of how fast something grows. */
const SHORTEST_MS = 400;

/** A rate of the successive values of a count, over a window of time. */
export class Rate {
  /** @param skipped how many values are left out first: those that may be of any time */
  constructor(windowMs = 2000, skipped = 0) {
    this.windowMs = windowMs;
    this.skipped = skipped;
    this.points = [];
  }

  /** Takes a count of a moment. One that is smaller begins anew. */
  add(value, at) {
    if (this.skipped > 0) {
      this.skipped -= 1;
      return;
    }
    const last = this.points.at(-1);
    if (last && value < last.value) this.points.length = 0;
    if (last && at <= last.at) return;
    this.points.push({ value, at });
    while (this.points.length > 2 && this.points[1].at < at - this.windowMs) this.points.shift();
  }

  /** Returns how much it grew in a second until a moment; `undefined` before that can be told. */
  perSecond(at) {
    const first = this.points[0];
    const last = this.points.at(-1);
    if (!first || last.at - first.at < SHORTEST_MS) return undefined;
    // A count that stands still comes no more.
    const until = Math.max(last.at, at - 1000);
    if (until - last.at > this.windowMs) return 0;
    return ((last.value - first.value) * 1000) / Math.max(1, until - first.at);
  }
}
