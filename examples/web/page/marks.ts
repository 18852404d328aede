/** What has happened where: signs on the floor that fade, and steps. There are so many at most; the oldest makes room. */

import { Container, Graphics } from "pixi.js";
import type { Mark, Point } from "../protocol.ts";
import { MARK_UNIT, type Art } from "./art.ts";

const MARKS = 64;
const STEPS = 120;
const MARK_MS = 30_000;
const STEP_MS = 2600;
/** How long one takes to fall into its place. */
const FALLS_MS = 350;
/** Between two steps. */
const STRIDE = 0.55;

interface Kept {
  graphics: Graphics;
  bornAt: number;
  lives: number;
  alpha: number;
}

/** Those of one kind: each is used again when its time is over. */
class Ring {
  readonly kept: Kept[] = [];
  #next = 0;

  constructor(
    readonly view: Container,
    readonly count: number,
    readonly lives: number,
  ) {}

  add(context: Graphics["context"], { x, y }: Point, tint: number, bornAt: number, alpha: number): void {
    let kept = this.kept[this.#next];
    if (!kept) {
      kept = { graphics: new Graphics(context), bornAt: 0, lives: this.lives, alpha: 1 };
      this.view.addChild(kept.graphics);
      this.kept.push(kept);
    }
    this.#next = (this.#next + 1) % this.count;
    Object.assign(kept, { bornAt, alpha });
    kept.graphics.context = context;
    kept.graphics.tint = tint;
    kept.graphics.position.set(x, y);
    kept.graphics.visible = true;
  }
}

export class Marks {
  readonly view = new Container();
  readonly #steps: Ring;
  readonly #marks: Ring;
  readonly #stepped = new Map<number, Point & { isLeft: boolean }>();

  constructor(readonly art: Art) {
    const [steps, marks] = [new Container(), new Container()];
    this.view.addChild(steps, marks);
    this.#steps = new Ring(steps, STEPS, STEP_MS);
    this.#marks = new Ring(marks, MARKS, MARK_MS);
  }

  get count(): number {
    return [...this.#steps.kept, ...this.#marks.kept].filter(({ graphics }) => graphics.visible).length;
  }

  /** Shows that something has happened, so many milliseconds ago. */
  add({ kind, x, y, colour }: Mark, ago: number, now: number): void {
    if (ago > MARK_MS || !Object.hasOwn(this.art.marks, kind)) return;
    const { agents } = this.art.palette;
    const tint = kind === "came" || kind === "left" ? agents[colour % agents.length]! : 0xffffff;
    this.#marks.add(this.art.marks[kind], { x, y }, tint, now - Math.max(ago, 0), 0.85);
  }

  /** Leaves a step behind somebody who walks. */
  walk(id: number, colour: number, at: Point, now: number): void {
    const last = this.#stepped.get(id);
    if (last && Math.hypot(at.x - last.x, at.y - last.y) < STRIDE) return;
    const isLeft = !last?.isLeft;
    this.#stepped.set(id, { ...at, isLeft });
    if (!last) return;
    const [dx, dy] = [at.x - last.x, at.y - last.y];
    const far = Math.hypot(dx, dy);
    const side = isLeft ? 0.11 : -0.11;
    const { agents } = this.art.palette;
    this.#steps.add(this.art.marks.step, { x: last.x - (dy / far) * side, y: last.y + (dx / far) * side }, agents[colour % agents.length]!, now, 0.55);
  }

  forget(id: number): void {
    this.#stepped.delete(id);
  }

  /** Returns whether any looks otherwise than before. */
  draw(now: number): boolean {
    let changes = false;
    for (const { kept } of [this.#steps, this.#marks]) {
      for (const { graphics, bornAt, lives, alpha } of kept) {
        if (!graphics.visible) continue;
        const [age, left] = [now - bornAt, 1 - (now - bornAt) / lives];
        graphics.visible = left > 0;
        // Half of its time it stays as it is. What is hardly seen to fade is drawn in few steps.
        const shown = Math.round(alpha * Math.min(Math.max(left * 2, 0), 1) * 40) / 40;
        const scale = (lives === MARK_MS && age < FALLS_MS ? 1 + 1.4 * (1 - age / FALLS_MS) ** 2 : 1) / MARK_UNIT;
        changes ||= graphics.alpha !== shown || graphics.scale.x !== scale || left <= 0;
        graphics.alpha = shown;
        graphics.scale.set(scale);
      }
    }
    return changes;
  }

  destroy(): void {
    this.view.destroy({ children: true });
  }
}
