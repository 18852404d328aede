// Any value, drawn as names and values; what has not changed is not touched.

import { el, Keyed, setText } from "./dom.js";
import { named, plainly } from "./format.js";

/** How many members of one value are shown. */
const MEMBERS = 200;
/** How deep it is drawn; what is deeper stands there as JSON. */
const DEPTH = 8;

/** How many numbers of a list are shown; they stand in one line. */
const NUMBERS = 12;

const isNumbers = (value) => Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");

const isBranch = (value, depth) =>
  typeof value === "object" && value !== null && !(value instanceof ArrayBuffer) && !isNumbers(value) && depth < DEPTH;

function numbers(list) {
  const first = list.slice(0, NUMBERS).map((number) => String(Number(number.toPrecision(6))));
  return list.length > NUMBERS ? `${list.length} numbers: ${first.join(", ")}, ...` : first.join(", ");
}

/** The members of an object or a list, as rows. */
export class Tree {
  /** @param isRaw whether numbers are shown as they came, without their unit */
  constructor(isRaw = false, depth = 0) {
    this.node = el("dl", { class: isRaw ? "tree raw" : "tree" });
    this.isRaw = isRaw;
    this.depth = depth;
    this.rows = new Keyed(this.node, (name) => new Row(name, isRaw, depth));
  }

  update(value) {
    if (value === this.shown) return;
    this.shown = value;
    this.show(Object.entries(value));
  }

  /** Shows these: a list of `[name, value]`. */
  show(entries) {
    if (entries.length > MEMBERS) {
      const more = entries.length - MEMBERS;
      entries = [...entries.slice(0, MEMBERS), ["...", `${more} more`]];
    }
    this.rows.update(entries);
  }
}

class Row {
  constructor(name, isRaw, depth) {
    this.name = name;
    this.isRaw = isRaw;
    this.depth = depth;
    this.value = el("dd");
    this.node = el("div", {}, el("dt", {}, name), this.value);
  }

  update(value) {
    if (value === this.shown && this.isDrawn) return;
    this.shown = value;
    this.isDrawn = true;
    const size = isBranch(value, this.depth) ? Object.keys(value).length : 0;
    if (size === 0) {
      this.tree = undefined;
      this.node.classList.remove("branch");
      setText(this.value, this.textOf(value));
      return;
    }
    if (!this.tree) {
      this.tree = new Tree(this.isRaw, this.depth + 1);
      this.value.shownText = undefined;
      this.value.replaceChildren(this.tree.node);
      this.node.classList.add("branch");
    }
    this.tree.update(value);
  }

  /** Returns a value that has no members as text. */
  textOf(value) {
    if (isNumbers(value)) return numbers(value);
    if (isBranch(value, this.depth)) return Array.isArray(value) ? "empty list" : "empty";
    return this.isRaw ? plainly(value) : named(this.name, value);
  }
}

/** Returns a copy of a value without some paths, and without what is empty then; `undefined` where nothing is left. */
export function without(value, paths) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const left = {};
  let isAny = false;
  for (const [name, member] of Object.entries(value)) {
    if (paths.includes(name)) continue;
    const below = paths.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
    const kept = below.length > 0 ? without(member, below) : member;
    if (kept === undefined) continue;
    // A name such as `__proto__` is a member as well.
    Object.defineProperty(left, name, { value: kept, enumerable: true });
    isAny = true;
  }
  return isAny ? left : undefined;
}

/** Returns what is at a path. */
export function at(value, path) {
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
