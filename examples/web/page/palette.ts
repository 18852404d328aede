/** The stage's colours: those of the style sheet, in the theme that is shown. */

import { Color } from "pixi.js";
import { COLOURS } from "../protocol.ts";

const NAMES = [
  "paper", "ink", "soft", "line", "good", "warn", "bad", "accent", "street", "corridor", "wall", "wall-side", "shade", "wood", "wood-side", "metal", "metal-side",
  "glow", "leaf", "pot", "glass", "fabric", "fabric-side", "board", "visor", "eye",
] as const;
/** How many tints rooms have. */
const ZONES = 7;

export type Palette = Record<(typeof NAMES)[number], number> & { agents: number[]; zones: number[] };

/** Reads the colours as they are now. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => new Color(style.getPropertyValue(`--${name}`).trim()).toNumber();
  const named = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Record<(typeof NAMES)[number], number>;
  const all = (name: string, count: number) => Array.from({ length: count }, (_, i) => read(`${name}-${i + 1}`));
  return { ...named, agents: all("agent", COLOURS), zones: all("zone", ZONES) };
}

/** Mixes two colours: `part` of the second. */
export function mix(one: number, other: number, part: number): number {
  const [a, b] = [new Color(one).toArray(), new Color(other).toArray()];
  const blend = (i: number) => a[i]! + (b[i]! - a[i]!) * part;
  return new Color([blend(0), blend(1), blend(2)]).toNumber();
}
