// The page: which view is shown, and when it is drawn.

import { el } from "./dom.js";
import { oncePerFrame } from "./frame.js";
import { watchKeys } from "./keyboard.js";
import { Replay } from "./replay.js";
import { savedToken, Status } from "./status.js";
import { watchTheme } from "./theme.js";
import { Wire } from "./wire.js";
import { Curves } from "./views/curves.js";
import { Executors } from "./views/executors.js";
import { Rings } from "./views/rings.js";
import { Rooms } from "./views/rooms.js";
import { Sessions } from "./views/sessions.js";
import { Workers } from "./views/workers.js";

/** How often ages are drawn where nothing comes. */
const AGES_EVERY_MS = 250;

/**
 * The views by the first part of the address. Each is made with its `name`, and with what it calls where it is to be drawn for what
 * somebody did in it; it draws into `node`. `rooms(hub, asked)` says which rooms it wants beside the hub's own, and
 * `update(wire, asked)` draws what has changed.
 */
const VIEWS = [
  ["sessions", "Sessions", Sessions],
  ["workers", "Workers", Workers],
  ["rings", "Rings", Rings],
  ["executors", "Executors", Executors],
  ["curves", "Curves", Curves],
  ["rooms", "Rooms", Rooms],
];
const FILTER = "input[type=search]";

const HUB = "hub";
const panel = document.getElementById("panel");
const tabs = new Map();
let view;
let asked;

const draw = oncePerFrame(() => {
  if (document.hidden) return;
  const hub = wire.rooms.get(HUB);
  const names = view.rooms(hub, asked);
  wire.want([HUB, ...names]);
  view.update(wire, asked);
  const own = names.map((name) => wire.rooms.get(name)).filter(Boolean);
  replay.update(hub);
  status.update(wire, own.length > 0 ? own : hub ? [hub] : []);
});

const wire = new Wire(savedToken(), draw);
const replay = new Replay();
const status = new Status((token) => wire.connectWith(token));

function show(name) {
  if (location.hash !== `#/${name}`) location.hash = `#/${name}`;
}

/** Shows what the address says. */
function route() {
  const [name, room] = location.hash.replace(/^#\//, "").split("/");
  const index = Math.max(0, VIEWS.findIndex(([known]) => known === name));
  const [chosen, title, View] = VIEWS[index];
  asked = decoded(room);
  if (view?.name !== chosen) {
    view = new View(chosen, draw);
    panel.replaceChildren(view.node);
    panel.setAttribute("aria-labelledby", `tab-${chosen}`);
    document.title = `${title} - circlet hub`;
    for (const [of, tab] of tabs) {
      tab.setAttribute("aria-selected", String(of === chosen));
      tab.tabIndex = of === chosen ? 0 : -1;
    }
    tabs.get(chosen).scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  draw();
}

function decoded(part) {
  try {
    return part ? decodeURIComponent(part) : undefined;
  } catch {
    return undefined;
  }
}

for (const [name, title] of VIEWS) {
  const number = el("span", { class: "digit", "aria-hidden": "true" }, String(tabs.size + 1));
  const tab = el("button", { id: `tab-${name}`, role: "tab", type: "button", "aria-controls": "panel", onclick: () => show(name) }, number, title);
  tabs.set(name, tab);
}
const list = document.getElementById("tabs");
list.append(...tabs.values());
list.addEventListener("keydown", (event) => {
  const order = [...tabs.keys()];
  const at = order.indexOf(view.name);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: order.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = order[(to + order.length) % order.length];
  show(next);
  tabs.get(next).focus();
});

watchTheme(document.getElementById("theme"), draw);
watchKeys({
  show: (index) => VIEWS[index] && show(VIEWS[index][0]),
  find: () => panel.querySelector(FILTER)?.focus(),
  theme: () => document.getElementById("theme").click(),
  step(by) {
    const links = [...panel.querySelectorAll(".picker a, .chooses a")];
    const at = links.findIndex((link) => link.getAttribute("aria-current") === "true");
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.click();
  },
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) wire.pause();
  else wire.resume();
  draw();
});
if (document.hidden) wire.pause();
addEventListener("hashchange", route);
addEventListener("resize", draw);
setInterval(draw, AGES_EVERY_MS);
route();
