/** The office as it stands: rooms, walls and furniture, drawn once. */

import { Container, Text } from "pixi.js";
import type { Furniture, Office, Place } from "../protocol.ts";
import { mix, type Palette } from "./palette.ts";
import { Pen } from "./pen.ts";

/** How wide a door is, and how thick a wall. */
const DOOR = 1.9;
const WALL = 0.22;

type Draw = (g: Pen, thing: Furniture, palette: Palette) => void;

/** A box seen from above and in front: its top, and its side below. */
function box(g: Pen, { x, y, width, height }: Furniture, top: number, side: number, round = 0.12, deep = 0.3): void {
  g.roundRect(x, y + deep, width, height, round).fill(side);
  g.roundRect(x, y, width, height, round).fill(top);
}

const DRAW: Record<Furniture["is"], Draw> = {
  rug: (g, { x, y, width, height }, { wall, paper }) => {
    g.roundRect(x, y, width, height, 0.6).fill({ color: wall, alpha: 0.28 });
    g.roundRect(x + 0.25, y + 0.25, width - 0.5, height - 0.5, 0.45).stroke({ color: paper, alpha: 0.45, width: 0.07 });
  },
  shelf: (g, thing, { wood, "wood-side": side, agents, shade }) => {
    box(g, { ...thing, height: 0.3 }, wood, side, 0.08, 1.1);
    const { x, y, width } = thing;
    g.rect(x + 0.12, y + 0.36, width - 0.24, 0.9).fill({ color: shade, alpha: 0.35 });
    for (let i = 0, at = x + 0.16; at < x + width - 0.3; i++) {
      const wide = 0.1 + ((i * 7) % 4) * 0.035;
      const high = 0.5 + ((i * 5) % 4) * 0.09;
      if (i % 9 !== 7) g.rect(at, y + 1.24 - high, wide, high).fill({ color: mix(agents[(i * 3) % agents.length]!, wood, 0.3) });
      at += wide + 0.03;
    }
  },
  desk: (g, thing, { wood, "wood-side": side, metal, "metal-side": dark, glow }) => {
    box(g, thing, wood, side);
    const { x, y, width } = thing;
    g.roundRect(x + width / 2 - 0.55, y - 0.42, 1.1, 0.72, 0.08).fill(dark);
    g.roundRect(x + width / 2 - 0.47, y - 0.34, 0.94, 0.54, 0.05).fill(glow);
    for (let i = 0; i < 3; i++) g.rect(x + width / 2 - 0.38, y - 0.26 + i * 0.15, 0.3 + ((i * 5) % 3) * 0.17, 0.06).fill({ color: 0xffffff, alpha: 0.65 });
    g.roundRect(x + width / 2 - 0.42, y + 0.48, 0.84, 0.22, 0.06).fill(metal);
    g.circle(x + width - 0.3, y + 0.35, 0.13).fill(metal);
  },
  rack: (g, thing, { metal, "metal-side": side, good, warn, glow }) => {
    box(g, thing, metal, side, 0.1, 0.25);
    const { x, y, width, height } = thing;
    for (let row = 0; row < 6; row++) {
      const top = y + 0.18 + row * ((height - 0.2) / 6);
      g.roundRect(x + 0.1, top, width - 0.2, 0.17, 0.04).fill(side);
      for (let light = 0; light < 3; light++) {
        const colour = [good, glow, warn][(row * 2 + light * 5 + Math.round(x)) % 3]!;
        g.circle(x + 0.22 + light * 0.15, top + 0.085, 0.045).fill(colour);
      }
    }
  },
  screen: (g, { x, y, width, height }, { glass, wall }) => {
    g.roundRect(x, y, width, height, 0.08).fill(wall);
    const panes = Math.max(1, Math.round(width / 1.25));
    for (let i = 0; i < panes; i++) {
      const [left, wide] = [x + 0.08 + (i * (width - 0.08)) / panes, (width - 0.08) / panes - 0.08];
      g.rect(left, y + 0.08, wide, height - 0.16).fill(glass);
      g.poly([left + wide * 0.2, y + height - 0.08, left + wide * 0.55, y + 0.08, left + wide * 0.75, y + 0.08, left + wide * 0.4, y + height - 0.08]).fill({ color: 0xffffff, alpha: 0.35 });
    }
  },
  table: (g, thing, { wood, "wood-side": side }) => {
    box(g, thing, wood, side, Math.min(thing.height / 2, 0.6));
    g.roundRect(thing.x + 0.2, thing.y + 0.15, thing.width - 0.4, thing.height - 0.3, Math.min(thing.height / 2, 0.5)).stroke({ color: side, alpha: 0.35, width: 0.05 });
  },
  board: (g, thing, { board, wall, accent, good, bad }) => {
    box(g, thing, board, wall, 0.06, 0.14);
    const { x, y, width } = thing;
    for (const [i, colour] of [accent, good, bad, accent].entries()) g.roundRect(x + 0.25 + (i * width) / 4.2, y + 0.12, 0.45, 0.12, 0.05).fill({ color: colour, alpha: 0.8 });
  },
  counter: (g, thing, { wood, "wood-side": side, warn, metal }) => {
    box(g, thing, wood, side, 0.2, 0.4);
    g.circle(thing.x + thing.width / 2, thing.y + 0.38, 0.2).fill(warn);
    g.circle(thing.x + thing.width / 2, thing.y + 0.33, 0.06).fill(metal);
  },
  sofa: (g, thing, { fabric, "fabric-side": side }) => {
    const { x, y, width, height } = thing;
    g.roundRect(x, y, width, height, 0.28).fill(side);
    for (const i of [0, 1]) g.roundRect(x + 0.22 + i * (width / 2 - 0.17), y - 0.08, width / 2 - 0.28, height - 0.25, 0.18).fill(fabric);
  },
  plant: (g, { x, y, width, height }, { leaf, pot, shade }) => {
    const [cx, cy] = [x + width / 2, y + height / 2];
    g.ellipse(cx, cy + 0.42, 0.36, 0.14).fill({ color: shade, alpha: 0.25 });
    g.roundRect(cx - 0.22, cy + 0.02, 0.44, 0.42, 0.1).fill(pot);
    for (const [dx, dy, r] of [[-0.24, -0.1, 0.24], [0.24, -0.12, 0.24], [0, -0.38, 0.27], [0, -0.08, 0.26]] as const) {
      g.circle(cx + dx, cy + dy, r).fill(mix(leaf, 0xffffff, dx === 0 ? 0.12 : 0));
    }
  },
};

function drawPlace(g: Pen, place: Place, tint: number, palette: Palette): void {
  const { x, y, width, height, door } = place;
  g.rect(x, y, width, height).fill(tint);
  for (let line = 1; line < height; line += 1) g.rect(x, y + line, width, 0.03).fill({ color: palette.shade, alpha: 0.06 });
  // The wall's shadow on the floor.
  g.rect(x, y, width, 0.35).fill({ color: palette.shade, alpha: 0.1 });
  for (const thing of place.furniture) DRAW[thing.is]?.(g, thing, palette);
  const isUpper = door.y > y + height / 2;
  const [far, near] = isUpper ? [y, y + height] : [y + height, y];
  const path = (dy: number) =>
    g.line(door.x - DOOR / 2, near + dy, x, near + dy, x, far + dy, x + width, far + dy, x + width, near + dy, door.x + DOOR / 2, near + dy);
  path(0.14).stroke({ color: palette["wall-side"], width: WALL, join: "round", cap: "round" });
  path(0).stroke({ color: palette.wall, width: WALL, join: "round", cap: "round" });
  g.roundRect(door.x - DOOR / 2 + 0.2, near - 0.14, DOOR - 0.4, 0.28, 0.1).fill({ color: palette.shade, alpha: 0.14 });
}

export class Floor {
  readonly view = new Container();
  /** The rooms' names, which stay as large as they are whatever the office's scale. */
  readonly names = new Container();
  readonly #pen = new Pen();
  #office: Office | null = null;

  constructor() {
    this.view.addChild(this.#pen.graphics);
  }

  draw(office: Office | null, palette: Palette): void {
    this.clear();
    this.#office = office;
    if (!office) return;
    const g = this.#pen;
    g.roundRect(0, 0, office.width, office.height, 0.7).fill(palette.corridor);
    g.roundRect(0, 0, office.width, office.height, 0.7).stroke({ color: palette.line, width: 0.08 });
    const { x, y } = office.entrance;
    g.roundRect(x - 0.2, y - 1.1, 0.8, 2.2, 0.2).fill({ color: palette.accent, alpha: 0.25 });
    for (let at = 1.4; at < office.width - 1; at += 1.2) g.roundRect(at, y - 0.04, 0.55, 0.08, 0.04).fill({ color: palette.shade, alpha: 0.09 });
    for (const [i, place] of office.places.entries()) {
      drawPlace(g, place, palette.zones[i % palette.zones.length]!, palette);
      const text = new Text({ text: place.name, style: { fontFamily: "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif", fontSize: 12, fontWeight: "600", fill: palette.soft, letterSpacing: 0.3 } });
      text.anchor.set(0, place.door.y > place.y + place.height / 2 ? 1 : 0);
      this.names.addChild(text);
    }
  }

  /** Puts the names where the rooms are. */
  place(scale: number, texts: number, left: number, top: number): void {
    for (const [i, place] of (this.#office?.places ?? []).entries()) {
      const text = this.names.children[i];
      const isUpper = place.door.y > place.y + place.height / 2;
      if (!text) continue;
      text.scale.set(texts);
      // A room that is too narrow goes without.
      text.visible = text.width < (place.width - 0.5) * scale;
      text.position.set(Math.round(left + (place.x + 0.35) * scale), Math.round(top + (isUpper ? place.y + place.height - 0.25 : place.y + 0.35) * scale));
    }
  }

  clear(): void {
    this.#office = null;
    this.#pen.graphics.clear();
    for (const text of this.names.removeChildren()) text.destroy();
  }
}
