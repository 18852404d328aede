// Rings: how full each is, how fast it goes, and how far its reader is behind.

import { now } from "../clock.js";
import { Bar, el, Keyed, setData, setHidden, setText } from "../dom.js";
import { bytes, count, isNumber, percent, plainly, rate } from "../format.js";
import { Rate } from "../history.js";
import { Badge, Empty, Facts, Since, Tile } from "../parts.js";
import { Tree, without } from "../tree.js";

const ROOM = "rings";
const DRAWN = [
  "mode", "capacity_bytes", "used_bytes", "high_water_bytes", "frames_sent", "frames_received", "dropped", "full_events", "producers",
  "room", "reads", "lost", "unread", "why",
];

class Ring {
  constructor(name) {
    this.badge = new Badge();
    this.bar = new Bar("deep");
    this.depth = el("span", { class: "note" });
    this.why = el("p", { class: "error-text" });
    this.link = el("a", { class: "note" });
    this.tiles = {
      depth: new Tile("Depth", { spark: true }),
      sent: new Tile("Sent", { spark: true, tone: "good" }),
      received: new Tile("Received"),
      lag: new Tile("Lag"),
      dropped: new Tile("Dropped"),
      lost: new Tile("Lost by the hub"),
    };
    this.rates = { sent: new Rate(), received: new Rate(), dropped: new Rate() };
    this.facts = new Facts();
    this.rest = new Tree();
    this.tileRow = el("div", { class: "tiles" }, ...Object.values(this.tiles).map((tile) => tile.node));
    this.gauge = el("div", { class: "line" }, this.bar.node, this.depth);
    this.node = el(
      "section",
      { class: "card wide" },
      el("div", { class: "line" }, el("h2", {}, name), this.badge.node, this.link),
      this.why,
      this.gauge,
      this.tileRow,
      this.facts.node,
      this.rest.node,
    );
  }

  update(ring) {
    const isThere = isNumber(ring?.capacity_bytes);
    if (ring !== this.shown) this.take(ring, isThere);
    const isBroadcast = ring?.mode === "broadcast";
    setHidden(this.gauge, !isThere || isBroadcast);
    setHidden(this.tileRow, !isThere);
    if (!isThere) return;
    const { tiles, rates } = this;
    const { capacity_bytes: capacity, used_bytes: used, frames_sent: sent, frames_received: received, dropped, lost } = ring;
    tiles.depth.update(percent(used / capacity), bytes(used), used);
    const speed = rates.sent.perSecond(now());
    tiles.sent.update(rate(speed), count(sent), speed);
    // Each reader of a broadcast ring goes its own way: it has no count of what they received, and nothing in it waits.
    for (const tile of [tiles.depth, tiles.received]) setHidden(tile.node, isBroadcast);
    tiles.received.update(rate(rates.received.perSecond(now())), count(received));
    // So it is with what is unread; the hub knows that of itself.
    const ofAll = !isBroadcast && isNumber(sent) && isNumber(received) ? Math.max(0, sent - received) : undefined;
    const ofHub = isNumber(ring.unread) ? ring.unread : undefined;
    tiles.lag.update(count(ofHub ?? ofAll), ofHub === undefined ? "frames unread" : "frames unread by the hub");
    tiles.dropped.update(count(dropped), rates.dropped.perSecond(now()) > 0 ? rate(rates.dropped.perSecond(now())) : "");
    setData(tiles.dropped.node, "tone", dropped > 0 ? "warn" : "plain");
    tiles.lost.update(count(lost));
    setData(tiles.lost.node, "tone", lost > 0 ? "warn" : "plain");
    tiles.depth.draw();
    tiles.sent.draw();
  }

  take(ring, isThere) {
    this.shown = ring;
    this.badge.update(isThere ? (ring.reads ? "read by the hub" : "read by another") : "not read", isThere ? (ring.reads ? "good" : "soft") : "warn");
    setHidden(this.why, !ring?.why);
    setText(this.why, plainly(ring?.why));
    setHidden(this.link, !ring?.room);
    if (ring?.room) {
      setText(this.link, plainly(ring.room));
      this.link.setAttribute("href", `#/rooms/${encodeURIComponent(ring.room)}`);
    }
    if (isThere) {
      const { capacity_bytes: capacity, used_bytes: used, high_water_bytes: high } = ring;
      this.bar.update(used / capacity, isNumber(high) ? high / capacity : undefined);
      setData(this.bar.node, "tone", used / capacity > 0.9 ? "bad" : used / capacity > 0.6 ? "warn" : "plain");
      setText(this.depth, `${bytes(used)} of ${bytes(capacity)}, at most ${bytes(high)}`);
      for (const [kind, number] of Object.entries({ sent: ring.frames_sent, received: ring.frames_received, dropped: ring.dropped })) {
        if (isNumber(number)) this.rates[kind].add(number, now());
      }
    }
    this.facts.update([
      ["Mode", isThere ? plainly(ring.mode) : undefined],
      ["Capacity", isThere && ring.mode === "broadcast" ? bytes(ring.capacity_bytes) : undefined],
      ["Producers", isThere ? count(ring.producers) : undefined],
      ["Was full", isThere && ring.mode !== "broadcast" ? `${count(ring.full_events)} times` : undefined],
    ]);
    const rest = without(ring, DRAWN);
    setHidden(this.rest.node, rest === undefined);
    this.rest.update(rest ?? {});
  }
}

export class Rings {
  constructor(name) {
    this.name = name;
    this.empty = new Empty();
    this.since = new Since();
    this.list = el("div", { class: "cards" });
    this.head = el("div", { class: "line title" }, el("h2", {}, "Rings"), this.since.node);
    this.node = el("div", {}, this.head, this.empty.node, this.list);
    this.keyed = new Keyed(this.list, (ring) => new Ring(ring));
  }

  rooms() {
    return [ROOM];
  }

  update(wire) {
    const room = wire.rooms.get(ROOM);
    const rings = [...(room?.state ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    this.empty.update(rings.length > 0 ? undefined : "No ring is shown. Start the hub with `circlet serve --ring NAME`, or call `follow_ring` of one in a program; the ring itself may come later.");
    setHidden(this.head, rings.length === 0);
    this.since.update(room);
    this.keyed.update(rings);
  }
}
