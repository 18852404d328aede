// The hub itself and its rooms; of one of them, the state as it is and the events as they come.

import { now } from "../clock.js";
import { el, Keyed, setData, setHidden, setText } from "../dom.js";
import { bytes, compact, count, isNumber, rate, time } from "../format.js";
import { Rate } from "../history.js";
import { card, cell, Empty, membersOf, post, Since, Table, Tile } from "../parts.js";
import { Tree } from "../tree.js";

/** What the hub counts: a name, how it is shown, and whether it is the growth that says something. */
const STATS = {
  viewers: ["Viewers", count],
  rooms: ["Rooms", count],
  state_bytes: ["State", bytes],
  connections: ["Connections", count],
  published: ["Published", count, true],
  ticks: ["Ticks", count, true],
  told: ["Told", count, true],
  written_bytes: ["Written", bytes, true],
  behind: ["Could not take", count, true],
  snapshots: ["Whole states", count, true],
  lost: ["Lost events", count],
  refused: ["Refused", count],
  closed: ["Closed", count],
  evicted: ["Rooms gone idle", count],
};
/** What is said as a sentence, by the page's notice or beside the title. */
const SAID = ["troubles", "unshared"];
const WORRYING = ["behind", "lost", "refused", "closed"];

class Stats {
  constructor() {
    this.node = el("div", { class: "tiles apart" });
    this.unshared = el("span", { class: "note" });
    this.waited = false;
    this.keyed = new Keyed(this.node, (key) => {
      const [title, format, grows] = STATS[key] ?? [key, count];
      const tile = new Tile(title, { spark: Boolean(grows) });
      // The first that comes may be of when the hub was last watched.
      const growth = new Rate(5000, 1);
      let shown;
      return {
        node: tile.node,
        update: ({ number, stats }) => {
          if (stats !== shown && isNumber(number)) growth.add(number, now());
          shown = stats;
          const speed = growth.perSecond(now());
          if (grows) tile.update(rate(speed, format), `${format(number)} in all`, speed);
          else tile.update(format(number));
          if (WORRYING.includes(key)) setData(tile.node, "tone", number > 0 ? "warn" : "plain");
          tile.draw();
        },
      };
    });
  }

  update(stats) {
    const known = Object.keys(STATS).filter((key) => Object.hasOwn(stats, key));
    const others = Object.keys(stats).filter((key) => !Object.hasOwn(STATS, key) && !SAID.includes(key));
    this.keyed.update([...known, ...others].map((key) => [key, { number: stats[key], stats }]));
    if (stats === this.shown) return;
    this.shown = stats;
    // What is under way for a moment is worth no word.
    const waits = stats.unshared > 0;
    const rooms = stats.unshared === 1 ? "1 room has" : `${count(stats.unshared)} rooms have`;
    setText(this.unshared, waits && this.waited ? `${rooms} changes that other hubs have not been told yet` : "");
    this.waited = waits;
  }
}

/** The rooms that the hub has for itself. */
const OWN = ["hub", "rings"];

/** The events of a room, the newest at the end. */
class Log {
  constructor() {
    this.list = el("ol", { class: "log", role: "log", "aria-live": "off", "aria-label": "Events", tabindex: "0" });
    this.empty = el("p", { class: "note" }, "No event has come since this page joined the room.");
    this.node = card("Events", this.empty, this.list);
    this.shown = 0;
  }

  update(room) {
    const fresh = Math.min(room.lineCount - this.shown, room.lines.length);
    this.shown = room.lineCount;
    setHidden(this.empty, room.lines.length > 0);
    setHidden(this.list, room.lines.length === 0);
    if (fresh === 0) return;
    const { list } = this;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
    list.append(...room.lines.slice(-fresh).map(lineOf));
    while (list.childElementCount > room.lines.length) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }
}

function lineOf({ at, n, event, data }) {
  if (n === undefined) return el("li", { class: "said" }, el("span", { class: "when" }, time(at)), el("span", {}, event));
  return el(
    "li",
    {},
    el("span", { class: "when" }, time(at)),
    el("span", { class: "n" }, String(n)),
    el("span", { class: "event" }, event),
    el("code", {}, compact(data)),
  );
}

/** One room. */
class Shown {
  constructor(name) {
    this.tree = new Tree(true);
    this.since = new Since();
    this.updates = el("span", { class: "note" });
    this.growth = new Rate();
    this.empty = new Empty();
    this.log = new Log();
    this.session = el("a", { href: `#/sessions/${encodeURIComponent(name)}`, hidden: true }, "Session");
    const curves = el("a", { href: `#/curves/${encodeURIComponent(name)}` }, "Curves");
    this.node = el(
      "div",
      {},
      el("div", { class: "line title" }, el("h2", {}, name), this.since.node, this.updates, curves, this.session),
      el("div", { class: "cards pair" }, card("State", this.empty.node, this.tree.node), this.log.node),
    );
  }

  update(room) {
    this.growth.add(room.updates, now());
    const speed = this.growth.perSecond(now());
    setText(this.updates, speed > 0 ? `messages: ${rate(speed)}` : "");
    this.since.update(room);
    // Its tracker's page is what tells a session, whatever its room is called.
    setHidden(this.session, room.get("page")?.lives === undefined);
    this.empty.update(room.state.size > 0 ? undefined : "It has no keys.");
    this.tree.show([...room.state].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.log.update(room);
  }
}

export class Rooms {
  constructor(name) {
    this.name = name;
    this.stats = new Stats();
    this.since = new Since();
    this.table = new Table(["Room", "#Viewers", "#Keys", "#Bytes"], (room) => {
      const link = el("a", { href: `#/${name}/${encodeURIComponent(room)}` }, room);
      const cells = [cell(), cell(), cell()];
      return {
        cells: [link, ...cells],
        update: ({ viewers, keys, bytes: size, isShown }) => {
          [count(viewers), count(keys), bytes(size)].forEach((text, index) => setText(cells[index], text));
          if (link.hasAttribute("aria-current") !== isShown) isShown ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
        },
      };
    });
    this.table.node.classList.add("chooses");
    this.empty = new Empty();
    this.place = el("div");
    this.node = el(
      "div",
      {},
      el("div", { class: "line title" }, el("h2", {}, "Hub"), this.since.node, this.stats.unshared),
      this.stats.node,
      card("Rooms", el("p", { class: "note" }, "Choose one to watch it."), this.table.node, this.empty.node),
      this.place,
    );
    this.keyed = new Keyed(this.place, (room) => new Shown(room));
  }

  rooms(_, asked) {
    return asked ? [asked] : [];
  }

  update(wire, asked) {
    const hub = wire.rooms.get("hub");
    this.since.update(hub);
    const stats = hub?.get("stats");
    if (stats) this.stats.update(stats);
    const rooms = membersOf(hub?.get("rooms"));
    this.table.update(rooms.map(([name, about]) => [name, { ...about, isShown: name === asked }]));
    const isBare = hub?.get("rooms") !== undefined && rooms.every(([name]) => OWN.includes(name));
    this.empty.update(isBare ? `No room but the hub's own is there. A program makes one with \`set\` of its hub; a script says ${post('{"score": 1}')}.` : undefined);
    const room = asked && wire.rooms.get(asked);
    this.keyed.update(room ? [[asked, room]] : []);
  }
}
