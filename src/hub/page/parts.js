// What views are made of.

import { now } from "./clock.js";
import { el, Keyed, setData, setHidden, setText } from "./dom.js";
import { age, UNKNOWN } from "./format.js";
import { History } from "./history.js";
import { Spark } from "./spark.js";

/** A titled part of a view. */
export function card(title, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title), ...children);
}

/** A word for a state, with a colour for what it means. */
export class Badge {
  constructor() {
    this.node = el("span", { class: "badge" });
  }

  update(word, tone) {
    setText(this.node, word ?? UNKNOWN);
    setData(this.node, "tone", tone ?? TONES[word] ?? "plain");
  }
}

const TONES = {
  processing: "accent",
  idle: "good",
  live: "good",
  booting: "soft",
  draining: "warn",
  terminated: "soft",
  ended: "warn",
  deny: "bad",
  warn: "warn",
  created: "good",
  modified: "accent",
  deleted: "bad",
};

/** Names and values in rows; what is unknown has none. */
export class Facts {
  constructor() {
    this.node = el("dl", { class: "facts" });
    this.rows = new Keyed(this.node, (name) => {
      const value = el("dd");
      return { node: el("div", {}, el("dt", {}, name), value), update: (text) => setText(value, text) };
    });
  }

  /** Shows these: a list of `[name, text]`, where `undefined` is left out. */
  update(entries) {
    this.rows.update(entries.filter(([, text]) => text !== undefined && text !== UNKNOWN));
  }
}

/** A number with its name, and the curve of its last values if it is to have one. */
export class Tile {
  constructor(name, { spark = false, tone = "accent" } = {}) {
    this.value = el("span", { class: "number" });
    // It has its place from the first note on.
    this.note = el("span", { class: "note", hidden: true });
    this.node = el("div", { class: "tile" }, el("span", { class: "name" }, name), this.value, this.note);
    if (spark) {
      this.history = new History();
      this.spark = new Spark(this.history, tone);
      this.node.append(this.spark.node);
    }
  }

  update(text, note = "", number) {
    setText(this.value, text);
    setText(this.note, note);
    if (note) setHidden(this.note, false);
    if (this.spark && number !== undefined) this.history.add(number, now());
  }

  draw() {
    this.spark?.draw();
  }
}

/** A table with a row for each key; cells are texts, or nodes that rows keep. */
export class Table {
  /**
   * @param columns their titles; one that begins with `#` is of numbers
   * @param row makes a row's cells and what updates them: `{cells: [...], update(value)}`
   */
  constructor(columns, row) {
    const heads = columns.map((title) =>
      el("th", { scope: "col", class: title.startsWith("#") ? "of-numbers" : "" }, title.replace(/^#/, "")),
    );
    this.body = el("tbody");
    this.node = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": columns.join(", ").replaceAll("#", "") });
    this.node.append(el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.body));
    this.rows = new Keyed(this.body, (key) => {
      const { cells, update } = row(key);
      const nodes = cells.map((cell, index) => el("td", { class: columns[index].startsWith("#") ? "of-numbers" : "" }, cell));
      return { node: el("tr", {}, ...nodes), update };
    });
  }

  update(entries) {
    this.rows.update(entries);
  }
}

/** A cell whose text changes. */
export const cell = (properties = {}) => el("span", properties);

/** What a view says where it has nothing to show; what stands between backticks is code. */
export class Empty {
  constructor() {
    this.node = el("p", { class: "empty" });
  }

  update(text = "") {
    setHidden(this.node, !text);
    if (text === this.shown) return;
    this.shown = text;
    this.node.replaceChildren(...text.split("`").map((part, index) => (index % 2 === 1 ? el("code", {}, part) : part)));
  }
}

/** What a script says to have something shown: the values of a room's keys, as JSON. */
export const post = (values) =>
  `\`curl -H "Authorization: Bearer $CIRCLET_EMIT_TOKEN" -d '{"event": "game-state-update", "room": "game-1", "set": ${values}}' ${location.host}/emit\`, where the hub was started with that token in its variable \`CIRCLET_EMIT_TOKEN\``;

/** How long ago a room last changed, beside its title. */
export class Since {
  constructor() {
    this.node = el("span", { class: "age" });
  }

  update(room) {
    const ms = room?.at === undefined ? undefined : now() - room.at;
    setText(this.node, ms === undefined ? "no data" : `changed ${age(ms)} ago`);
    setData(this.node, "tone", toneOfAge(ms));
  }
}

export const toneOfAge = (ms) => (ms === undefined || ms >= 30_000 ? "bad" : ms >= 5000 ? "warn" : "plain");

/** Returns the members of an object, none where it is no object. */
export const membersOf = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];

export const listOf = (value) => (Array.isArray(value) ? value : []);
