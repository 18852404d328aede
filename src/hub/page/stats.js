// What the hub counts, as tiles.

import { now } from "./clock.js";
import { el, Keyed, setData, setText } from "./dom.js";
import { bytes, count, isNumber, rate } from "./format.js";
import { Rate } from "./history.js";
import { Tile } from "./parts.js";

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

export class Stats {
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
