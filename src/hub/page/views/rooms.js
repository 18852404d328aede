// The hub itself and its rooms; of one of them, the state as it is and the events as they come.

import { now } from "../clock.js";
import { el, Keyed, setHidden, setText } from "../dom.js";
import { compact, rate, time } from "../format.js";
import { Rate } from "../history.js";
import { card, Empty, Since } from "../parts.js";
import { RoomList } from "../room_list.js";
import { Stats } from "../stats.js";
import { Tree } from "../tree.js";

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
  constructor(name, changed) {
    this.name = name;
    this.stats = new Stats();
    this.since = new Since();
    this.list = new RoomList(name, changed);
    this.place = el("div");
    const title = el("div", { class: "line title" }, el("h2", {}, "Hub"), this.since.node, this.stats.unshared);
    // What is chosen stands beside the list, or above it where there is no place for both, and before what the hub does.
    this.node = el("div", { class: "rooms" }, el("div", {}, title, this.stats.node), el("div", { class: "chooser" }, this.place, this.list.node));
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
    const room = asked && wire.rooms.get(asked);
    this.node.classList.toggle("is-chosen", Boolean(room));
    this.keyed.update(room ? [[asked, room]] : []);
    this.list.update(hub?.get("rooms"), asked);
  }
}
