/** What an agent is at: a bubble that says so and fades, and a sign that stays. */

import { Container, Graphics, Text } from "pixi.js";
import type { Activity } from "../protocol.ts";
import type { Art } from "./art.ts";

/** For how long a bubble is read, and how long it fades. */
const SHOWN_MS = 5000;
const FADES_MS = 500;
const LETTERS = 34;
const HEIGHT = 24;
const BADGE = 9.5;

export class Bubble {
  readonly view = new Container();
  /** How much higher it is than it would be, for the sake of another. */
  lift = 0;
  readonly #pill = new Graphics();
  readonly #text: Text;
  readonly #badge = new Container();
  readonly #disc = new Graphics();
  readonly #sign: Graphics;
  #saidAt = -Infinity;
  #width = 0;

  constructor(
    readonly art: Art,
    readonly colour: number,
  ) {
    const { ink } = art.palette;
    this.#text = new Text({ text: "", style: { fontFamily: "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif", fontSize: 12, fontWeight: "500", fill: ink } });
    this.#text.anchor.set(0, 0.5);
    this.#sign = new Graphics(art.signs.think);
    this.#disc.circle(0, 0, BADGE).fill(colour).circle(0, 0, BADGE).stroke({ color: art.palette.paper, width: 1.5 });
    this.#badge.addChild(this.#disc, this.#sign);
    this.view.addChild(this.#pill, this.#text, this.#badge);
  }

  /** Its width while it says something. */
  get width(): number {
    return this.#width;
  }

  is(activity: Activity): void {
    this.#sign.context = this.art.signs[activity] ?? this.art.signs.think;
  }

  say(words: string, now: number): void {
    const text = words.length > LETTERS ? `${words.slice(0, LETTERS - 1)}…` : words;
    this.#saidAt = now;
    if (text === this.#text.text) return;
    this.#text.text = text;
    const { paper, line } = this.art.palette;
    this.#width = Math.ceil(this.#text.width) + 2 * BADGE + 20;
    const [left, top] = [-this.#width / 2, -HEIGHT - 6];
    this.#pill.clear().roundRect(left, top, this.#width, HEIGHT, HEIGHT / 2).fill(paper).roundRect(left, top, this.#width, HEIGHT, HEIGHT / 2).stroke({ color: line, width: 1 });
    this.#pill.poly([-5, -6.6, 5, -6.6, 0, -1]).fill(paper);
    this.#text.position.set(left + 2 * BADGE + 9, top + HEIGHT / 2);
  }

  /** Tells whether it can be read now. */
  get isOpen(): boolean {
    return this.#pill.visible;
  }

  /** Shows what was said, where there is room for it. Returns whether it looks otherwise than before. */
  draw(now: number, hasRoom: boolean): boolean {
    const age = now - this.#saidAt;
    const fades = Math.min(Math.max((SHOWN_MS + FADES_MS - age) / FADES_MS, 0), 1);
    const shown = hasRoom ? fades * Math.min(age / 120 + 0.2, 1) : 0;
    const changes = this.#pill.alpha !== shown;
    this.#pill.alpha = this.#text.alpha = shown;
    this.#pill.visible = this.#text.visible = shown > 0;
    this.#badge.position.set(shown * (-this.#width / 2 + BADGE + 2.5), -HEIGHT / 2 - 6);
    return changes;
  }

  destroy(): void {
    // What it has drawn itself goes by itself: the others are the art's.
    this.#pill.destroy();
    this.#disc.destroy();
    this.view.destroy({ children: true });
  }
}
