// Curves of rooms, drawn as they change.

import { el, Keyed, setHidden, setText } from "../dom.js";
import { count } from "../format.js";
import { Empty, post, Since } from "../parts.js";
import { Picker, isSession, roomNames } from "../picker.js";
import { Plot } from "../plot.js";
import { curvesOf } from "../points.js";

/** How many rooms are looked at, where none is chosen. */
const ROOMS = 16;
/** How many curves of one room are drawn. */
const CURVES = 24;
const ALL = "";

class Figure {
  constructor(name) {
    this.plot = new Plot();
    this.since = new Since();
    this.legend = el("ul", { class: "legend" });
    this.names = new Keyed(this.legend, () => {
      const text = el("span");
      const node = el("li", {}, el("span", { class: "swatch" }), text);
      return {
        node,
        update: ({ text: said, index }) => {
          setText(text, said);
          node.className = `series-${(index % 6) + 1}`;
        },
      };
    });
    this.node = el(
      "section",
      { class: "card wide" },
      el("div", { class: "line" }, el("h2", {}, el("a", { href: `#/rooms/${encodeURIComponent(name)}` }, name)), this.since.node),
      this.plot.node,
      this.legend,
    );
    this.name = name;
  }

  update({ room, isEqual, all }) {
    const curves = all.slice(0, CURVES);
    this.since.update(room);
    const entries = curves.map(([key, { x, y }], index) => [key, { text: `${key}, ${count(Math.min(x.length, y.length))} points`, index }]);
    if (all.length > CURVES) entries.push(["\n", { text: `${all.length - CURVES} more are not drawn`, index: CURVES }]);
    this.names.update(entries);
    const label = `Curves of ${this.name}: ${curves.map(([key]) => key).join(", ")}`;
    if (label !== this.label) this.plot.node.setAttribute("aria-label", (this.label = label));
    this.plot.draw(curves, isEqual);
  }
}

export class Curves {
  constructor(name) {
    this.name = name;
    this.picker = new Picker("Rooms", (room) => (room === ALL ? `#/${name}` : `#/${name}/${encodeURIComponent(room)}`));
    this.empty = new Empty();
    this.equal = el("input", { type: "checkbox" });
    this.note = el("span", { class: "note" });
    this.options = el("div", { class: "line title" }, el("label", {}, this.equal, " One scale for both axes"), this.note);
    this.list = el("div", { class: "cards" });
    this.keyed = new Keyed(this.list, (room) => new Figure(room));
    this.node = el("div", {}, this.picker.node, this.options, this.empty.node, this.list);
  }

  names(hub) {
    return roomNames(hub, (name) => name !== "hub" && name !== "rings" && !isSession(name));
  }

  rooms(hub, asked) {
    return asked ? [asked] : this.names(hub).slice(0, ROOMS);
  }

  update(wire, asked) {
    const hub = wire.rooms.get("hub");
    const names = this.names(hub);
    if (asked && !names.includes(asked)) names.push(asked);
    this.picker.update([[ALL, "All"], ...names.map((name) => [name, name])], asked ?? ALL);
    const isCut = !asked && names.length > ROOMS;
    setText(this.note, isCut ? `The first ${ROOMS} of ${names.length} rooms are looked at; choose one to see another.` : "");
    const figures = this.rooms(hub, asked)
      .map((name) => wire.rooms.get(name))
      .filter(Boolean)
      .map((room) => [room.name, { room, all: curvesOf(room), isEqual: this.equal.checked }])
      .filter(([, { all }]) => all.length > 0);
    this.keyed.update(figures);
    setHidden(this.options, figures.length === 0);
    this.empty.update(figures.length > 0 ? undefined : `${asked ?? "No room"} has ${asked ? "no " : ""}curves: a value with columns \`x\` and \`y\`, or a list of points. A program makes one with \`set_columns\` of its hub; a script says ${post('{"path": [[0, 0], [1, 2]]}')}.`);
  }
}
