// The parts of a session, each drawn from its section of the payload.

import { now } from "./clock.js";
import { el, Keyed, setHidden, setText } from "./dom.js";
import { age, count, isNumber, named, plainly, time } from "./format.js";
import { card, Facts, listOf, membersOf } from "./parts.js";
import { cache, dependencies, files, git, machine, process, runtime, Section, tests } from "./sections.js";

/** A list of texts. */
class Lines {
  constructor(tag, title) {
    this.list = el(tag);
    this.node = el("div", {}, el("h3", {}, title), this.list);
    this.rows = new Keyed(this.list, () => {
      const node = el("li");
      return { node, update: (text) => setText(node, plainly(text)) };
    });
  }

  update(items) {
    setHidden(this.node, items.length === 0);
    this.rows.update(items.map((item, index) => [index, item]));
  }
}

class Aims {
  constructor() {
    this.goal = el("p", { class: "goal" });
    this.last = el("p");
    this.lastPart = el("div", {}, el("h3", {}, "Last"), this.last);
    this.critical = new Lines("ol", "Critical");
    this.context = new Lines("ul", "Context");
    this.node = card("Goal", this.goal, this.lastPart, this.critical.node, this.context.node);
    this.node.classList.add("wide");
  }

  update(state) {
    setText(this.goal, state.has("goal") ? plainly(state.get("goal")) : "none is told");
    setHidden(this.lastPart, !state.has("last"));
    setText(this.last, plainly(state.get("last")));
    this.critical.update(listOf(state.get("critical")));
    this.context.update(listOf(state.get("context")));
  }
}

function workers(section) {
  const states = membersOf(section?.registry).map(([, worker]) => plainly(worker?.state));
  const counts = [...new Set(states)].sort().map((state) => `${states.filter((other) => other === state).length} ${state}`);
  return counts.length > 0 ? counts.join(", ") : "no worker is registered";
}

const ROWS = [
  ["worker_threads", "Workers", "workers", workers],
  ["executors", "Executors", "executors", (all) => each(all, (one) => plainly(one?.state))],
  ["policies", "Policies", "executors", (all) => each(all, (one) => `${count(one?.rules)} rules`)],
  ["audit", "Audit", "executors", (audit) => `${count(audit?.denied)} denied, ${count(audit?.warned)} warned`],
];

const each = (all, say) => membersOf(all).map(([name, one]) => `${name} (${say(one)})`).join(", ");

/** What has a view of its own: in short, with the way there. */
class Work {
  constructor() {
    const list = el("dl", { class: "facts" });
    this.node = card("At work", list);
    this.rows = new Keyed(list, (key) => {
      const [, title, view, say] = ROWS.find(([known]) => known === key);
      const [link, text] = [el("a", {}, title), el("dd")];
      return {
        node: el("div", {}, el("dt", {}, link), text),
        update: (room) => {
          setText(text, say(room.get(key)));
          const href = `#/${view}/${encodeURIComponent(room.name)}`;
          if (link.getAttribute("href") !== href) link.setAttribute("href", href);
        },
      };
    });
  }

  update(_, room) {
    this.rows.update(WORK.filter((key) => room.state.has(key)).map((key) => [key, room]));
  }
}

/** How old each section is, which goes on between snapshots. */
class Ages {
  constructor() {
    this.facts = new Facts();
    this.node = card("Ages of sections", this.facts.node);
    this.node.classList.add("wide", "in-columns");
  }

  update(ages, room) {
    const since = room.at === undefined ? 0 : now() - room.at;
    this.facts.update(membersOf(ages).map(([name, ms]) => [name, isNumber(ms) ? age(ms + since) : plainly(ms)]));
  }
}

const tree = (title) => new Section(title);

/** The keys of the card of what is at work, and what that card itself goes by. */
export const WORK = ROWS.map(([key]) => key);
export const AT_WORK = "\nwork";

/** The cards by the key of the payload that they are drawn from, in the order in which they are shown. */
export const CARDS = new Map([
  [AT_WORK, () => new Work()],
  ["process", process],
  ["git", git],
  ["test", tests],
  ["metadata", machine],
  ["python", () => runtime("Python")],
  ["node", () => runtime("Node")],
  ["bun", () => runtime("Bun")],
  ["native", () => runtime("Native code")],
  ["dependencies", dependencies],
  ["cache", cache],
  ["files", files],
  ["ages_ms", () => new Ages()],
  ["unavailable", () => tree("Not known, and why")],
  ["redacted", () => tree("Taken out")],
]);

/** What is shown elsewhere: above the cards, or in the card of the goal. */
export const ABOVE = ["goal", "last", "critical", "context", "schema", "seq", "captured_at_ms", "page"];

export const aims = () => new Aims();

/** Returns the card of a section, also of one that nobody here has heard of. */
export function cardOf(key) {
  const make = CARDS.get(key);
  return make ? make() : tree(key);
}

/** Returns what stands above a session's cards. */
export function headline(state) {
  const seq = state.get("seq");
  const taken = state.get("captured_at_ms");
  return [isNumber(seq) ? `snapshot ${named("seq", seq)}` : undefined, isNumber(taken) ? `of ${time(taken)}` : undefined].filter(Boolean).join(" ");
}

