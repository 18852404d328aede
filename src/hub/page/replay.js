// That what is shown is a recording, and how far it is.

import { Bar, el, setHidden, setText } from "./dom.js";
import { clockOf, count, isNumber, plainly } from "./format.js";

export class Replay {
  constructor() {
    this.node = document.getElementById("replay");
    this.text = el("span");
    this.bar = new Bar("deep");
    this.node.append(el("strong", {}, "Recording"), this.text, this.bar.node);
  }

  /** Shows it, where the hub says that it plays one. */
  update(hub) {
    const replay = hub?.get("replay");
    setHidden(this.node, !replay);
    if (!replay || replay === this.shown) return;
    this.shown = replay;
    const { file, position_ms: position, length_ms: length, speed, round, is_over: isOver } = replay;
    const pace = speed === 1 ? "as fast as it was" : isNumber(speed) && `${count(speed)} times as fast as it was`;
    // Of what comes by a pipe nobody knows how long it is.
    const far = isNumber(length) ? `${clockOf(position)} of ${clockOf(length)}` : clockOf(position);
    const parts = [far, pace, round > 1 && `round ${count(round)}`, isOver && "this is the end"];
    setText(this.text, `${plainly(file)}: ${parts.filter(Boolean).join(", ")}`);
    setHidden(this.bar.node, !isNumber(length));
    this.bar.update(length > 0 ? position / length : 1);
  }
}
