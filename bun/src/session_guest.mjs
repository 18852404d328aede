/** What Bun and Node look at alike: how late the event loop is, and what of a section has changed. */

/** How often the event loop is looked at, in milliseconds: a block is seen as shorter by at most as much. */
export const BEAT_MS = 10;
const WINDOW_S = 60;

/** The largest of the values of the last minute. */
export class Longest {
  #seconds = Array.from({ length: WINDOW_S }, () => ({ of: -WINDOW_S, most: 0 }));

  /** Takes a value of this moment. */
  note(nowMs, value) {
    const of = Math.floor(nowMs / 1000);
    const second = this.#seconds[of % WINDOW_S];
    if (second.of !== of) Object.assign(second, { of, most: value });
    else if (value > second.most) second.most = value;
  }

  /** Returns the largest that is at most a minute old, 0 where there is none. */
  within(nowMs) {
    const oldest = Math.floor(nowMs / 1000) - WINDOW_S;
    return this.#seconds.reduce((longest, { of, most }) => (of > oldest && most > longest ? most : longest), 0);
  }
}

/** How late the event loop runs what is due, by something that is due every `BEAT_MS`. It keeps no process alive. */
export class EventLoop {
  #longest = new Longest();
  #lagUs = 0;
  #due = performance.now() + BEAT_MS;
  #timer = setTimeout(() => this.#beat(), BEAT_MS);

  constructor() {
    this.#timer.unref();
  }

  #beat() {
    const now = performance.now();
    this.#lagUs = microseconds(now - this.#due);
    this.#longest.note(now, this.#lagUs);
    this.#due = now + BEAT_MS;
    this.#timer.refresh();
  }

  /** Returns how late it is, by now too if it is late at this moment. */
  look() {
    const now = performance.now();
    const lag_us = Math.max(this.#lagUs, microseconds(now - this.#due));
    return { lag_us, lag_longest_us: Math.max(lag_us, this.#longest.within(now)) };
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/** Returns a time of milliseconds in whole microseconds, 0 for one that has not come. */
export function microseconds(ms) {
  return Math.max(0, Math.round(ms * 1000));
}

/** Returns the merge patch (RFC 7396) that leads from one document without nulls to another; `undefined` for none. */
export function changes(old, now) {
  const patch = {};
  for (const name of Object.keys(old)) {
    if (!Object.hasOwn(now, name)) patch[name] = null;
  }
  for (const [name, value] of Object.entries(now)) {
    const before = old[name];
    const inner = isObject(value) && isObject(before) ? changes(before, value) : isSame(before, value) ? undefined : value;
    if (inner !== undefined) patch[name] = inner;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Returns JSON text of a value, without what `JSON.stringify` makes null or leaves out in silence. */
export function jsonText(name, value) {
  const paths = new Map();
  return JSON.stringify(value, function (key, inner) {
    const above = paths.get(this);
    const path = above === undefined ? name : Array.isArray(this) ? `${above}[${key}]` : above === "" ? key : `${above}.${key}`;
    const reason = refusal(inner);
    if (reason !== undefined) throw new Refused(`${path} is ${reason}`);
    if (typeof inner === "object" && inner !== null) paths.set(inner, path);
    return inner;
  });
}

/** What a program says that JSON has no place for. */
class Refused extends TypeError {
  name = "TypeError";
}

/** Tells whether `jsonText` has refused something in a value. */
export function isRefused(error) {
  return error instanceof Refused;
}

function refusal(value) {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `${value}, which JSON has no number for: give a finite one, or null to take it out`;
    case "bigint":
      return `the bigint ${value}, which JSON has no number for: give a number or a string`;
    case "function":
    case "symbol":
      return `a ${typeof value}, which JSON cannot hold: give a value, or null to take it out`;
  }
  return undefined;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(one, other) {
  return one === other || (Array.isArray(one) && JSON.stringify(one) === JSON.stringify(other));
}
