/** What is drawn more than once, kept once: parts of figures, signs and marks, each as long as a theme is shown. */

import { GraphicsContext } from "pixi.js";
import type { Activity, Mark } from "../protocol.ts";
import { mix, type Palette } from "./palette.ts";

/** A figure is so many of its own units high; its feet are at 0, 0. */
export const FIGURE = 50;

function body(colour: number): GraphicsContext {
  const [dark, light] = [mix(colour, 0x000000, 0.22), mix(colour, 0xffffff, 0.28)];
  return new GraphicsContext()
    .roundRect(-13, -21, 5, 11, 2.5).fill(dark)
    .roundRect(8, -21, 5, 11, 2.5).fill(dark)
    .roundRect(-10, -24, 20, 20, 7).fill(colour)
    .roundRect(-6, -15, 12, 7, 3.5).fill({ color: 0xffffff, alpha: 0.22 })
    .moveTo(0, -42).lineTo(0, -47).stroke({ color: dark, width: 2 })
    .roundRect(-13, -43, 26, 21, 9).fill(light);
}

const face = ({ visor }: Palette) => new GraphicsContext().roundRect(-10, -38, 20, 12.5, 6).fill(visor);
const eyes = ({ eye }: Palette) => new GraphicsContext().roundRect(-5.5, -2.5, 3.6, 5, 1.8).fill(eye).roundRect(1.9, -2.5, 3.6, 5, 1.8).fill(eye);
const leg = ({ visor }: Palette) => new GraphicsContext().roundRect(-3, -6, 6, 7, 2.5).fill(visor);
const light = () => new GraphicsContext().circle(0, 0, 3.2).fill(0xffffff);
const shadow = ({ shade }: Palette) => new GraphicsContext().ellipse(0, 1, 12, 4).fill({ color: shade, alpha: 0.25 });
const ring = ({ accent }: Palette) => new GraphicsContext().ellipse(0, 1, 17, 7).stroke({ color: accent, width: 2.5 });

/** Signs, drawn in white within 16 by 16 around 0, 0. */
const SIGNS: Record<Activity, (g: GraphicsContext) => GraphicsContext> = {
  read: (g) => g.moveTo(0, -3.5).lineTo(-5, -4.5).lineTo(-5, 3.5).lineTo(0, 4.5).lineTo(5, 3.5).lineTo(5, -4.5).lineTo(0, -3.5).lineTo(0, 4.5),
  write: (g) => g.moveTo(-4.5, 4.5).lineTo(-3.5, 1).lineTo(2.5, -5).lineTo(5, -2.5).lineTo(-1, 3.5).closePath(),
  run: (g) => g.moveTo(-4.5, -4).lineTo(-0.5, 0).lineTo(-4.5, 4).moveTo(0.5, 4).lineTo(5, 4),
  browse: (g) => g.circle(0, 0, 5.2).moveTo(-5.2, 0).lineTo(5.2, 0).ellipse(0, 0, 2.3, 5.2),
  plan: (g) => g.moveTo(-5, -3.6).lineTo(-3.8, -2.4).lineTo(-2, -5).moveTo(0.5, -3.6).lineTo(5, -3.6).moveTo(-5, 2.6).lineTo(-3.8, 3.8).lineTo(-2, 1.2).moveTo(0.5, 2.6).lineTo(5, 2.6),
  ask: (g) => g.moveTo(-2.8, -2.6).quadraticCurveTo(-2.6, -5.4, 0.2, -5.4).quadraticCurveTo(3, -5.4, 3, -2.8).quadraticCurveTo(3, -0.8, 0, 0.2).lineTo(0, 1.6).moveTo(0, 4.4).lineTo(0, 4.8),
  think: (g) => g.circle(-4, 0, 0.6).circle(0, 0, 0.6).circle(4, 0, 0.6),
  rest: (g) => g.moveTo(-4.5, -2.5).lineTo(-4, 4.5).lineTo(2, 4.5).lineTo(2.5, -2.5).closePath().moveTo(2.4, -1.2).quadraticCurveTo(5.4, -1, 5, 1.2).quadraticCurveTo(4.4, 2.6, 2.2, 2.4),
};

const sign = (activity: Activity) => SIGNS[activity](new GraphicsContext()).stroke({ color: 0xffffff, width: 1.7, cap: "round", join: "round" });

type MarkKind = Mark["kind"] | "step";

/** How large marks are drawn, to an office's unit: circles are cut into lines by their size. */
export const MARK_UNIT = 32;

function mark(kind: MarkKind, palette: Palette): GraphicsContext {
  const g = new GraphicsContext();
  switch (kind) {
    case "step":
      return g.ellipse(0, 0, 3, 2.2).fill(0xffffff);
    case "came":
      return g.circle(0, 0, 12).stroke({ color: 0xffffff, width: 3 }).circle(0, 0, 4.5).fill(0xffffff);
    case "left":
      return g.circle(0, 0, 11).stroke({ color: 0xffffff, width: 3 });
    case "done":
      return g.circle(0, 0, 9.5).fill(palette.good).moveTo(-4.2, 0.3).lineTo(-1, 3.5).lineTo(4.8, -3.2).stroke({ color: palette.paper, width: 2.6, cap: "round", join: "round" });
    case "failed":
      return g.circle(0, 0, 10.5).fill(palette.bad).moveTo(-4, -4).lineTo(4, 4).moveTo(4, -4).lineTo(-4, 4).stroke({ color: palette.paper, width: 2.8, cap: "round" });
  }
}

const of = <Key extends string>(keys: readonly Key[], make: (key: Key) => GraphicsContext) => Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, GraphicsContext>;

export class Art {
  readonly bodies: GraphicsContext[];
  readonly face: GraphicsContext;
  readonly eyes: GraphicsContext;
  readonly leg: GraphicsContext;
  readonly light = light();
  readonly shadow: GraphicsContext;
  readonly ring: GraphicsContext;
  readonly signs = of(Object.keys(SIGNS) as Activity[], sign);
  readonly marks: Record<MarkKind, GraphicsContext>;

  constructor(readonly palette: Palette) {
    this.bodies = palette.agents.map(body);
    this.face = face(palette);
    this.eyes = eyes(palette);
    this.leg = leg(palette);
    this.shadow = shadow(palette);
    this.ring = ring(palette);
    this.marks = of(["step", "came", "left", "done", "failed"], (kind) => mark(kind, palette));
  }

  /** Nothing that is drawn of it may be on a stage any more. */
  destroy(): void {
    const { bodies, face, eyes, leg, light, shadow, ring, signs, marks } = this;
    for (const context of [...bodies, face, eyes, leg, light, shadow, ring, ...Object.values(signs), ...Object.values(marks)]) context.destroy();
  }
}
