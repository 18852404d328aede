// What is known of one room: its newest state, and its last events.

import { now } from "./clock.js";

/** How many events are kept for people to read. */
const LINES = 200;

export class Room {
  constructor(name) {
    this.name = name;
    this.state = new Map();
    /** The last events: `{at, n, event, data}`; what is said about them has no number. */
    this.lines = [];
    /** How many lines there have been. */
    this.lineCount = 0;
    this.version = undefined;
    /** Where to go on: the id of the hub that told `next`. */
    this.hub = undefined;
    this.next = undefined;
    /** When something came last, by the page's clock. */
    this.at = undefined;
    this.updates = 0;
    this.isJoined = false;
    /** Its whole state is to come. */
    this.isAwaited = false;
    this.error = undefined;
  }

  get(key) {
    return this.state.get(key);
  }

  /** It was joined; `next` is where events begin. */
  joined({ hub, next, resumed }) {
    if (hub !== this.hub || (resumed === false && this.next !== undefined && next !== this.next)) {
      if (hub !== this.hub && this.hub !== undefined) this.say("the hub was started again");
      else if (this.hub !== undefined) this.say("the room was made anew");
      this.hub = hub;
      this.next = next;
    }
    this.isJoined = true;
    this.error = undefined;
  }

  /** A whole state. */
  whole(state, about) {
    this.joined(about);
    this.state = new Map(Object.entries(state));
    this.version = about.version;
    this.isAwaited = false;
    this.came();
  }

  /** What has changed. Returns whether it follows on what was there. */
  delta(set, { from, version, removed }) {
    for (const [key, value] of Object.entries(set)) this.state.set(key, value);
    for (const key of removed) this.state.delete(key);
    const follows = from === this.version;
    this.version = version;
    this.came();
    return follows;
  }

  event(event, data, n) {
    this.next = n + 1;
    this.add({ n, event, data });
    this.came();
  }

  lost({ lost, next }) {
    this.next = next;
    this.say(`${lost} events were lost`);
    this.came();
  }

  /** A line that is no event. */
  say(what) {
    this.add({ n: undefined, event: what, data: undefined });
  }

  add(line) {
    this.lines.push({ ...line, at: Date.now() });
    this.lineCount += 1;
    if (this.lines.length > LINES) this.lines.shift();
  }

  came() {
    this.at = now();
    this.updates += 1;
  }
}
