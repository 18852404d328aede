// A choice of one room among several, as links, so that each has its own address.

import { el, Keyed, setHidden, setText } from "./dom.js";

export class Picker {
  /** @param linkOf from a room's name, the address of the view with it */
  constructor(title, linkOf) {
    this.list = el("ul");
    this.node = el("nav", { class: "picker", "aria-label": title }, this.list);
    this.rows = new Keyed(this.list, (name) => {
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
    this.rows.update(entries.map(([name, text]) => [name, { text, isChosen: name === chosen }]));
  }
}

/** Returns the names of the rooms that the hub has, but for some. */
export function roomNames(hub, isMeant) {
  const rooms = hub?.get("rooms");
  return typeof rooms === "object" && rooms !== null ? Object.keys(rooms).filter(isMeant).sort() : [];
}

export const isSession = (name) => name.startsWith("session:");

/** Returns the sessions to choose from, and the one that is: that of the address, else the first. */
export function sessions(hub, asked) {
  const names = roomNames(hub, isSession);
  if (asked && !names.includes(asked)) names.push(asked);
  return { names, chosen: asked ?? names[0] };
}

export const sessionName = (room) => room.replace(/^session:/, "");
