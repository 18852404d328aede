// A session: its payload, drawn for people.

import { el, Keyed, setHidden, setText } from "../dom.js";
import { plainly } from "../format.js";
import { Badge, Empty, Since } from "../parts.js";
import { Picker, sessionName, sessions } from "../picker.js";
import { ABOVE, aims, AT_WORK, cardOf, CARDS, headline, WORK } from "../cards.js";

export class Sessions {
  constructor(name) {
    this.name = name;
    this.picker = new Picker("Sessions", (room) => `#/${name}/${encodeURIComponent(room)}`);
    this.empty = new Empty();
    this.title = el("h2");
    this.lives = new Badge();
    this.since = new Since();
    this.snapshot = el("span", { class: "note" });
    this.why = el("p", { class: "notice" });
    this.cards = el("div");
    this.head = el("div", { class: "line title" }, this.title, this.lives.node, this.snapshot, this.since.node);
    this.node = el("div", {}, this.picker.node, this.empty.node, this.head, this.why, this.cards);
  }

  rooms(hub, asked) {
    const { chosen } = sessions(hub, asked);
    return chosen ? [chosen] : [];
  }

  update(wire, asked) {
    const { names, chosen } = sessions(wire.rooms.get("hub"), asked);
    this.picker.update(names.map((name) => [name, sessionName(name)]), chosen);
    const room = chosen && wire.rooms.get(chosen);
    const isThere = Boolean(room && room.state.size > 0);
    this.empty.update(isThere ? undefined : emptyText(chosen));
    setHidden(this.head, !isThere);
    setHidden(this.cards, !isThere);
    setHidden(this.why, true);
    if (!isThere) return;
    if (this.shown !== room) this.begin(room);
    const page = room.get("page");
    setText(this.title, sessionName(chosen));
    this.lives.update(page?.lives ? "live" : "ended");
    setText(this.snapshot, headline(room.state));
    this.since.update(room);
    setHidden(this.why, page?.lives !== false);
    if (page?.lives === false) setText(this.why, `No tracker keeps this session's page now: ${plainly(page.why)}`);
    this.aims.update(room.state);
    const known = [...CARDS.keys()].filter((key) => room.state.has(key));
    if (WORK.some((key) => room.state.has(key))) known.unshift(AT_WORK);
    const others = [...room.state.keys()].filter((key) => !CARDS.has(key) && !ABOVE.includes(key) && !WORK.includes(key)).sort();
    // What it is for people to read last: ages, and what is not known.
    const last = ["ages_ms", "unavailable", "redacted"];
    const order = [...known.filter((key) => !last.includes(key)), ...others, ...last.filter((key) => known.includes(key))];
    this.keyed.update(order.map((key) => [key, { section: room.get(key), room }]));
  }

  begin(room) {
    this.shown = room;
    this.aims = aims();
    const rest = el("div", { class: "cards" });
    this.keyed = new Keyed(rest, (key) => {
      const card = cardOf(key);
      return { node: card.node, update: ({ section, room }) => card.update(section, room) };
    });
    this.cards.replaceChildren(this.aims.node, rest);
  }
}

const PAGE = "`circlet session track --page NAME --pid PID`, or in a program a tracker with that page";

export function emptyText(chosen) {
  return chosen
    ? `Nothing is known of ${sessionName(chosen)} yet: it comes with its page, by ${PAGE}.`
    : `No session is shown. Start the hub with \`circlet serve --session NAME\`, and have the session keep a page of that name: ${PAGE}.`;
}

/** Says how a tracker comes to tell of something. */
export const watched = (what, name) =>
  `Have its tracker watch ${what}: \`tracker.watch("${name}", ${name})\` in Python and Bun, \`watch_${name}\` in Rust, \`circlet_tracker_watch_${name}\` in C.`;
