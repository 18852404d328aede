/** What stands beside the stage: who is there, and what was done. Nodes are used again, so that there are so many at most. */

import type { Action, Agent } from "../protocol.ts";
import { deed, toolName } from "../engine/deeds.ts";

/** How many actions are listed. */
const LINES = 100;

interface Line {
  at: number;
  agent: string | null;
  kind: "begun" | "done" | "failed" | "note";
  what: string;
}

interface Row {
  node: HTMLElement;
  button: HTMLButtonElement;
  dot: HTMLElement;
  name: HTMLElement;
  since: HTMLElement;
  doing: HTMLElement;
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className = "", ...children: (Node | string)[]): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Says something that was not said before: what stays the same is not touched. */
function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class Panel {
  onSelect: (id: number | null) => void = () => {};
  #agents: Agent[] = [];
  #selected: number | null = null;
  readonly #rows: Row[] = [];
  #waiting: Line[] = [];
  readonly #keys = new Map<HTMLElement, string | null>();

  constructor(
    readonly list: HTMLElement,
    readonly count: HTMLElement,
    readonly log: HTMLElement,
  ) {}

  agents(agents: Agent[]): void {
    this.#agents = agents;
    for (const [line, key] of this.#keys) this.#call(line, key);
    this.draw();
  }

  select(id: number | null): void {
    this.#selected = id;
    this.draw();
  }

  /** Shows who is there, and since when. */
  draw(): void {
    say(this.count, this.#agents.length === 0 ? "" : String(this.#agents.length));
    while (this.#rows.length > this.#agents.length) this.#rows.pop()!.node.remove();
    for (const [i, agent] of this.#agents.entries()) {
      const row = this.#rows[i] ?? this.#row(i);
      row.dot.dataset.colour = String(agent.colour);
      say(row.name, agent.kind === undefined ? agent.name : `${agent.name}, ${agent.kind}`);
      say(row.since, duration(Date.now() - agent.since));
      say(row.doing, agent.doing);
      row.node.toggleAttribute("data-failed", agent.hasFailed);
      row.button.setAttribute("aria-pressed", String(agent.id === this.#selected));
    }
  }

  #row(index: number): Row {
    const [dot, name, since, doing] = [element("span", "dot"), element("span", "name"), element("span", "since"), element("span", "doing")];
    const button = element("button", "", dot, name, since, doing);
    button.type = "button";
    button.addEventListener("click", () => {
      const { id } = this.#agents[index]!;
      this.onSelect(id === this.#selected ? null : id);
    });
    const row = { node: element("li", "", button), button, dot, name, since, doing };
    this.list.append(row.node);
    this.#rows.push(row);
    return row;
  }

  action(action: Action): void {
    const done = deed(action);
    if (!done) return;
    const kind = done.ends ?? "begun";
    const what = kind === "done" && action.tool !== undefined ? `is done with ${toolName(action)}` : done.doing;
    this.#wait({ at: action.at, agent: action.agent, kind, what });
  }

  note(what: string): void {
    this.#wait({ at: Date.now(), agent: null, kind: "note", what });
  }

  #wait(line: Line): void {
    this.#waiting.push(line);
    if (this.#waiting.length > LINES) this.#waiting.shift();
  }

  /** Lists what has come since the last frame, the newest first. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const { log } = this;
    const isRead = log.scrollTop > 4;
    const before = log.scrollHeight;
    for (const line of this.#waiting) log.prepend(this.#line(line));
    this.#waiting = [];
    // Who reads what was before goes on reading it.
    if (isRead) log.scrollTop += log.scrollHeight - before;
  }

  #line({ at, agent, kind, what }: Line): HTMLElement {
    // The oldest is used again.
    const line = this.#keys.size >= LINES ? (this.log.lastElementChild as HTMLElement) : element("li", "", element("time"), element("span", "dot"), element("span", "", element("b"), element("span", "what")));
    const [time, , said] = line.children as unknown as [HTMLTimeElement, HTMLElement, HTMLElement];
    const moment = new Date(at);
    time.dateTime = Number.isNaN(moment.getTime()) ? "" : moment.toISOString();
    say(time, time.dateTime && clock.format(moment));
    line.dataset.kind = kind;
    say(said.lastElementChild as HTMLElement, what);
    this.#keys.set(line, agent);
    this.#call(line, agent);
    return line;
  }

  /** Writes who it was: a name, as soon as there is one. */
  #call(line: HTMLElement, key: string | null): void {
    const agent = this.#agents.find(({ agent }) => agent === key);
    const name = line.querySelector("b")!;
    // Who has gone keeps the name.
    if (!agent && line.dataset.of === String(key)) return;
    line.dataset.of = agent ? String(key) : "";
    say(name, agent ? `${agent.name} ` : key === null ? "" : `${key} `);
    (line.children[1] as HTMLElement).dataset.colour = agent ? String(agent.colour) : "";
  }

  clear(): void {
    this.#waiting = [];
    this.#keys.clear();
    this.log.replaceChildren();
    this.agents([]);
  }
}
