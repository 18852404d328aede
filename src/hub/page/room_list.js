// All rooms that the hub has, of which there may be thousands, and a choice of one.

import { el, setText } from "./dom.js";
import { bytes, count } from "./format.js";
import { cell, Empty, membersOf, post, Table } from "./parts.js";

/** The rooms that the hub has for itself. */
const OWN = ["hub", "rings"];

/** A room's row, which is written to where one of its numbers is another. */
function row(view, room) {
  const link = el("a", { href: `#/${view}/${encodeURIComponent(room)}` }, room);
  const cells = [cell(), cell(), cell()];
  let shown = [];
  let wasChosen = false;
  return {
    cells: [link, ...cells],
    update({ viewers, keys, bytes: size, isChosen }) {
      [viewers, keys, size].forEach((number, index) => {
        if (number !== shown[index]) setText(cells[index], index === 2 ? bytes(number) : count(number));
      });
      shown = [viewers, keys, size];
      if (isChosen === wasChosen) return;
      wasChosen = isChosen;
      if (isChosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    },
  };
}

/** The list, with a box for what their names are to have in them. It is drawn when the list comes, and not with what is in rooms. */
export class RoomList {
  /** @param changed is called when something else is to be shown */
  constructor(view, changed) {
    this.filter = el("input", { type: "search", placeholder: "Filter by name", spellcheck: "false", autocomplete: "off", oninput: changed });
    this.filter.setAttribute("aria-label", "Filter rooms by name");
    this.found = el("span", { class: "note", role: "status" });
    this.table = new Table(["Room", "#Viewers", "#Keys", "#Bytes"], (room) => row(view, room));
    this.table.node.classList.add("chooses");
    this.empty = new Empty();
    this.node = el(
      "section",
      { class: "card" },
      el("div", { class: "line" }, el("h2", {}, "Rooms"), this.filter, this.found),
      this.table.node,
      this.empty.node,
    );
  }

  update(rooms, chosen) {
    const part = this.filter.value.trim().toLowerCase();
    if (rooms === this.rooms && part === this.part && chosen === this.chosen) return;
    this.isSought ||= chosen !== this.chosen;
    Object.assign(this, { rooms, part, chosen });
    const all = membersOf(rooms);
    const found = part ? all.filter(([name]) => name.toLowerCase().includes(part)) : all;
    setText(this.found, part ? `${count(found.length)} of ${count(all.length)}` : all.length > 20 ? count(all.length) : "");
    this.table.update(found.map(([name, about]) => [name, { ...about, isChosen: name === chosen }]));
    this.say(rooms, all, found);
    if (this.isSought) this.show();
  }

  say(rooms, all, found) {
    const isBare = rooms !== undefined && all.every(([name]) => OWN.includes(name));
    this.empty.update(
      isBare ? `No room but the hub's own is there. A program makes one with \`set\` of its hub; a script says ${post('{"score": 1}')}.`
      : all.length > 0 && found.length === 0 ? "No room has that in its name."
      : undefined,
    );
  }

  /** Scrolls the list, and not the page, to the room that is chosen, once it is there. */
  show() {
    const { node } = this.table;
    const link = node.querySelector("[aria-current]");
    if (!link) return;
    this.isSought = false;
    const [inner, outer] = [link.getBoundingClientRect(), node.getBoundingClientRect()];
    if (inner.top < outer.top + 40 || inner.bottom > outer.bottom) node.scrollTop += inner.top - outer.top - node.clientHeight / 2;
  }
}
