/** The page: the room of the address, on the stage and in lists. */

import { GAME, type Agent, type Positions } from "../protocol.ts";
import { readAction, readAgents, readMark, readOffice } from "../reading.ts";
import { deed } from "../engine/deeds.ts";
import { Connection, type Link } from "./connection.ts";
import { Panel } from "./panel.ts";
import { Room, type Listener } from "./room.ts";
import { FIGURES_MAX, Stage } from "./stage.ts";

/** Data that is older is said to be. */
const OLD_MS = 5000;
/** What was done longer ago is listed, and said no more. */
const SAID_MS = 8000;
/** How many events of before are listed when a room is opened. */
const HISTORY = 60;
const TOKEN = "circlet-view-token";
const THEME = "circlet-theme";

function find<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const [link, age, lost, notice] = [find("link"), find("age"), find("lost"), find("notice")];
const [empty, host] = [find("empty"), find("stage")];
const rooms = find<HTMLSelectElement>("rooms");
const [form, token] = [find<HTMLFormElement>("token-form"), find<HTMLInputElement>("token")];

const LINKS: Record<Link, string> = { connecting: "connecting", connected: "connected", away: "not connected", refused: "refused", paused: "hidden: not watching" };

const stage = new Stage();
const panel = new Panel(find("agents"), find("count"), find("actions"));
const parameters = new URLSearchParams(location.search);

/** The rooms that the hub has, by their names. */
let known: string[] = [];
let room: Room | null = null;
let agents: Agent[] = [];
let selected: number | null = null;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const listener: Listener = {
  state({ state }, keys) {
    if (keys.includes("office")) stage.office(readOffice(state["office"]));
    // Positions come first: whoever is new is then drawn where they are.
    if (keys.includes("positions") && isRecord(state["positions"])) stage.positions(state["positions"] as unknown as Positions);
    if (keys.includes("agents")) {
      agents = readAgents(state["agents"], FIGURES_MAX);
      stage.agents(agents);
      panel.agents(agents);
      if (selected !== null && !agents.some(({ id }) => id === selected)) select(null);
    }
  },
  event(kind, data) {
    if (kind === "visualization-event") {
      const mark = readMark(data);
      if (mark) stage.mark(mark, Date.now() - mark.at);
      return;
    }
    const action = readAction(data);
    if (!action) return;
    panel.action(action);
    const done = deed(action);
    if (done && done.ends !== "done" && Date.now() - action.at < SAID_MS) waiting.set(action.agent, done.doing);
  },
  note: (text) => panel.note(text),
};

/** What agents have said since the last frame; who is new is on the stage by then. */
const waiting = new Map<string, string>();

/** The room `hub` lists the others. */
const lobby = new Room("hub", {
  state({ state }) {
    const all = isRecord(state["rooms"]) ? Object.keys(state["rooms"]) : [];
    known = all.filter((name) => name.startsWith(GAME));
    if (room === null && known[0] !== undefined) history.replaceState(null, "", address(known[0]));
    follow();
  },
  event() {},
  note() {},
});

const address = (name: string): string => `${location.pathname}${location.search}#${encodeURIComponent(name)}`;

function named(): string | null {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null;
  }
}

/** Watches the room of the address, and no other. */
function follow(): void {
  const name = named();
  if (name !== (room?.name ?? null)) {
    if (room) connection.leave(room);
    agents = [];
    waiting.clear();
    select(null);
    stage.clear();
    panel.clear();
    room = name === null || name === lobby.name ? null : new Room(name, listener, HISTORY);
    if (room) connection.watch(room);
  }
  list();
}

/** Lists the rooms; one that is watched is there in any case. */
function list(): void {
  const names = [...new Set([...known, ...(room ? [room.name] : [])])].sort();
  const shown = [...rooms.options].map(({ value }) => value);
  if (names.join("\n") !== shown.join("\n")) {
    rooms.replaceChildren(...names.map((name) => new Option(name.startsWith(GAME) ? name.slice(GAME.length) : name, name)));
  }
  rooms.value = room?.name ?? "";
}

function select(id: number | null): void {
  selected = stage.selected = id;
  panel.select(id);
}

function step(by: number): void {
  const names = [...rooms.options].map(({ value }) => value);
  const at = names.indexOf(room?.name ?? "");
  const name = names[(at + by + names.length) % names.length];
  if (name !== undefined) location.hash = encodeURIComponent(name);
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Says how it stands with the connection and the data. */
function status(): void {
  const now = performance.now();
  const { link: is, why } = connection;
  link.dataset.is = is;
  setText(link, LINKS[is]);
  const old = room?.cameAt == null ? null : now - room.cameAt;
  setText(age, old === null ? "no data yet" : `data ${(old / 1000).toFixed(1)} s old`);
  age.dataset.tone = is === "away" || is === "refused" ? "bad" : old !== null && old > OLD_MS ? "warn" : "";
  lost.hidden = !room?.lostCount;
  setText(lost, lost.hidden ? "" : `${room!.lostCount} events lost`);
  notice.hidden = why === "" && is !== "away";
  setText(notice, is === "away" ? `The hub does not answer (${why || "gone"}). The page connects again by itself.` : why);
  form.hidden = is !== "refused";
  const office = room && readOffice(room.state["office"]);
  const words = room === null ? "No agent has come yet" : old === null ? "Waiting for the room" : !office ? "No engine keeps this room" : agents.length === 0 ? "Nobody is here" : "";
  empty.hidden = words === "";
  setText(empty, words);
  const told = agents.map(({ name, doing }) => `${name}: ${doing}`).join("; ");
  host.setAttribute("aria-label", words || `The office, with ${told}`);
}

let connection: Connection;

function wearTheme(theme: string | null): void {
  if (theme === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function toggleTheme(): void {
  const isDark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = isDark ? "light" : "dark";
  localStorage.setItem(THEME, theme);
  wearTheme(theme);
  stage.redress();
}

const KEYS: Record<string, () => void> = {
  "[": () => step(-1),
  "]": () => step(1),
  a: () => find("actions").focus(),
  t: toggleTheme,
  Escape: () => select(null),
};

function listen(): void {
  addEventListener("hashchange", follow);
  rooms.addEventListener("change", () => (location.hash = encodeURIComponent(rooms.value)));
  document.addEventListener("visibilitychange", () => (document.hidden ? connection.pause() : connection.resume()));
  stage.onSelect = panel.onSelect = select;
  find("theme").addEventListener("click", toggleTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage.redress());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, token.value);
    connection.connectWith(token.value);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const agent = /^[1-9]$/.test(event.key) ? agents[Number(event.key) - 1] : undefined;
    if (agent) select(agent.id === selected ? null : agent.id);
    else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]!();
  });
}

function frame(): void {
  for (const [agent, words] of waiting) stage.say(agent, words);
  waiting.clear();
  panel.flush();
  requestAnimationFrame(frame);
}

async function start(): Promise<void> {
  wearTheme(localStorage.getItem(THEME));
  await stage.open(host);
  const { hub } = (await (await fetch("/hub.json")).json()) as { hub: string };
  const codec = parameters.get("codec") === "msgpack" ? "msgpack" : "json";
  connection = new Connection({ hub, codec, token: sessionStorage.getItem(TOKEN), changed: () => {} });
  listen();
  connection.watch(lobby);
  follow();
  if (document.hidden) connection.pause();
  setInterval(status, 100);
  setInterval(() => panel.draw(), 1000);
  requestAnimationFrame(frame);
}

/** For whoever asks in the console, and for tests. */
Object.assign(globalThis, {
  game: { stage, agents: () => agents, room: () => room },
});

void start();
