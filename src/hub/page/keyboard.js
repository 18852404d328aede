// What keys do, and the list of them.

import { el } from "./dom.js";

const LIST = [
  ["1 to 6", "show a view"],
  ["Left, Right, Home, End", "move between the views, when one is focused"],
  ["[ and ]", "the room before, the room after"],
  ["/", "find a room by its name, where they are listed"],
  ["t", "dark or light"],
  ["?", "these keys"],
  ["Escape", "close them"],
];

const isTyping = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;

/** @param actions what is to be done: `{show(index), step(by), find(), theme()}` */
export function watchKeys(actions) {
  const dialog = document.getElementById("keys");
  document.getElementById("keys-list").append(...LIST.map(([keys, what]) => el("div", {}, el("dt", {}, keys), el("dd", {}, what))));
  const toggle = () => (dialog.open ? dialog.close() : dialog.showModal());
  document.getElementById("help").addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const { key } = event;
    if (key === "?") toggle();
    else if (dialog.open) return;
    else if (/^[1-9]$/.test(key)) actions.show(Number(key) - 1);
    else if (key === "[") actions.step(-1);
    else if (key === "]") actions.step(1);
    else if (key === "/") actions.find();
    else if (key === "t") actions.theme();
    else return;
    event.preventDefault();
  });
}
