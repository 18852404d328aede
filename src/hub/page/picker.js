// A choice of one room among several, as links, so that each has its own address.

import { el, Keyed, setHidden, setText } from "./dom.js";
import { count } from "./format.js";

/** How many are offered: of more, one is chosen in the list of all rooms. */
const OFFERED = 60;
const MORE = "\nmore";

export class Picker {
  /** @param linkOf from a room's name, the address of the view with it */
  constructor(title, linkOf) {
    this.list = el("ul");
    this.node = el("nav", { class: "picker", "aria-label": title }, this.list);
    this.rows = new Keyed(this.list, (name) => {
      if (name === MORE) {
        const link = el("a", { href: "#/rooms" });
        return { node: el("li", {}, link), update: ({ text }) => setText(link, text) };
      }
      const link = el("a", { href: linkOf(name) });
      let wasChosen = false;
      return {
        node: el("li", {}, link),
        update: ({ text, isChosen }) => {
          setText(link, text);
          if (isChosen === wasChosen) return;
          wasChosen = isChosen;
          if (isChosen) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        },
      };
    });
  }

  /** Offers these: a list of `[name, text]`. */
  update(entries, chosen) {
    setHidden(this.node, entries.length < 2);
    if (entries.length > OFFERED) {
      const isOffered = ([name], index) => index < OFFERED || name === chosen;
      const more = `${count(entries.length - OFFERED)} more: see all rooms`;
      entries = [...entries.filter(isOffered), [MORE, more]];
    }
    this.rows.update(entries.map(([name, text]) => [name, { text, isChosen: name === chosen }]));
  }
}

/** The names in a list of rooms in order, for as long as that list is the newest. */
const sorted = new WeakMap();

/** Returns the names of the rooms that the hub has, but for some. */
export function roomNames(hub, isMeant) {
  const rooms = hub?.get("rooms");
  if (typeof rooms !== "object" || rooms === null) return [];
  if (!sorted.has(rooms)) sorted.set(rooms, Object.keys(rooms).sort());
  return sorted.get(rooms).filter(isMeant);
}

export const isSession = (name) => name.startsWith("session:");

/** Returns the sessions to choose from, and the one that is: that of the address, else the first. */
export function sessions(hub, asked) {
  const names = roomNames(hub, isSession);
  if (asked && !names.includes(asked)) names.push(asked);
  return { names, chosen: asked ?? names[0] };
}

export const sessionName = (room) => room.replace(/^session:/, "");
