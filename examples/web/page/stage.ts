/** The stage: an office and whoever is in it, drawn when something has changed and once a frame at most. */

import "pixi.js/unsafe-eval"; // It does without: the page's policy forbids what is made of texts.
import { Application, Container, type RendererPreference } from "pixi.js";
import type { Agent, Mark, Office, Point, Positions } from "../protocol.ts";
import { Art, FIGURE } from "./art.ts";
import { Figure } from "./figure.ts";
import { Floor } from "./floor.ts";
import { Marks } from "./marks.ts";
import { Motion } from "./motion.ts";
import { palette } from "./palette.ts";

/** How many agents are drawn at most. */
export const FIGURES_MAX = 48;
/** What is between the office and the edge, in pixels; above there are bubbles. */
const MARGIN = { side: 14, top: 30, bottom: 16 };
/** Bubbles keep apart by so many pixels. */
const APART = 28;
/** So many pixels to an office's unit are enough for texts as large as they are; with fewer than the second there is no room for bubbles. */
const ROOMY = 25;
const NARROW = 17;

/** Returns how to draw, the best first: whoever has no graphics processor draws faster without WebGL than by emulating it. */
function renderers(): RendererPreference[] {
  const asked = new URLSearchParams(location.search).get("renderer");
  if (asked === "webgl" || asked === "canvas") return [asked];
  const gl = document.createElement("canvas").getContext("webgl", { failIfMajorPerformanceCaveat: true });
  const about = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = about ? String(gl?.getParameter(about.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl && !/swiftshader|llvmpipe|software|basic render/i.test(name) ? ["webgl", "canvas"] : ["canvas", "webgl"];
}

export class Stage {
  /** Whom the viewer follows. */
  selected: number | null = null;
  onSelect: (id: number | null) => void = () => {};
  frames = 0;
  readonly #app = new Application();
  readonly #world = new Container();
  readonly #floor = new Floor();
  readonly #crowd = new Container({ sortableChildren: true });
  readonly #labels = new Container();
  readonly #bubbles = new Container();
  readonly #motion = new Motion();
  readonly #figures = new Map<number, Figure>();
  readonly #stillness = matchMedia("(prefers-reduced-motion: reduce)");
  #host!: HTMLElement;
  #art!: Art;
  #marks!: Marks;
  #office: Office | null = null;
  #agents: Agent[] = [];
  #isDirty = true;
  #partedAt = 0;
  /** How large texts are. */
  #texts = 1;

  /** Takes its place in an element. */
  async open(host: HTMLElement): Promise<void> {
    this.#host = host;
    await this.#app.init({
      preference: renderers(),
      autoStart: false,
      antialias: true,
      backgroundAlpha: 0,
      width: Math.max(host.clientWidth, 1),
      height: Math.max(host.clientHeight, 1),
      resolution: Math.min(devicePixelRatio, 2),
      autoDensity: true,
      eventMode: "none",
    });
    const { canvas } = this.#app;
    host.append(canvas);
    this.#app.stage.addChild(this.#world, this.#floor.names, this.#labels, this.#bubbles);
    this.#world.addChild(this.#floor.view, this.#crowd);
    this.#dress();
    new ResizeObserver(() => this.#resize()).observe(host);
    canvas.addEventListener("click", ({ offsetX, offsetY }) => this.onSelect(this.#under(offsetX, offsetY)));
    const frame = () => {
      this.#frame(performance.now());
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  get renderer(): string {
    return this.#app.renderer.name;
  }

  /** Counts what is on the stage. */
  get objects(): { figures: number; marks: number; all: number } {
    const count = (container: Container): number => container.children.reduce((sum, child) => sum + count(child), 1);
    return { figures: this.#figures.size, marks: this.#marks.count, all: count(this.#app.stage) };
  }

  /** Returns where somebody is at a time of the page's clock, as the updates have it that have come. */
  look(id: number, now: number): Point | null {
    return this.#motion.at(id, now);
  }

  /** Returns where somebody is drawn, in the office's units. */
  where(id: number): Point | null {
    return this.#figures.get(id)?.at ?? null;
  }

  /** Wears the colours of the theme that is shown. */
  redress(): void {
    const art = this.#art;
    for (const id of [...this.#figures.keys()]) this.#remove(id);
    this.#marks.destroy();
    this.#dress();
    art.destroy();
    this.agents(this.#agents);
  }

  #dress(): void {
    this.#art = new Art(palette());
    this.#marks = new Marks(this.#art);
    this.#world.addChildAt(this.#marks.view, 1);
    this.#floor.draw(this.#office, this.#art.palette);
    this.#resize();
  }

  office(office: Office | null): void {
    this.#office = office;
    this.#floor.draw(office, this.#art.palette);
    this.#resize();
  }

  agents(agents: Agent[]): void {
    this.#agents = agents;
    const ids = new Set(this.#agents.map(({ id }) => id));
    for (const id of [...this.#figures.keys()]) if (!ids.has(id)) this.#remove(id);
    for (const agent of this.#agents) {
      const known = this.#figures.get(agent.id);
      // Another engine counts anew.
      if (known && (known.agent.agent !== agent.agent || known.agent.colour !== agent.colour)) this.#remove(agent.id);
      const figure = this.#figures.get(agent.id) ?? this.#add(agent);
      figure.is(agent);
    }
    this.#isDirty = true;
  }

  positions(positions: Positions): void {
    this.#motion.add(positions, performance.now());
  }

  mark(mark: Mark, ago: number): void {
    this.#marks.add(mark, ago, performance.now());
  }

  /** Has an agent say something. */
  say(agent: string, words: string): void {
    for (const figure of this.#figures.values()) if (figure.agent.agent === agent) figure.bubble.say(words, performance.now());
  }

  /** Is empty again, as before any room. */
  clear(): void {
    this.agents([]);
    this.#motion.clear();
    this.#marks.destroy();
    this.#marks = new Marks(this.#art);
    this.#world.addChildAt(this.#marks.view, 1);
    this.office(null);
  }

  #add(agent: Agent): Figure {
    const figure = new Figure(this.#art, agent);
    figure.at = this.#motion.at(agent.id, performance.now()) ?? figure.at;
    this.#figures.set(agent.id, figure);
    this.#crowd.addChild(figure.view);
    this.#labels.addChild(figure.label);
    this.#bubbles.addChild(figure.bubble.view);
    return figure;
  }

  #remove(id: number): void {
    this.#figures.get(id)?.destroy();
    this.#figures.delete(id);
    this.#marks.forget(id);
    this.#isDirty = true;
  }

  #resize(): void {
    const [width, height] = [Math.max(this.#host.clientWidth, 1), Math.max(this.#host.clientHeight, 1)];
    const { renderer } = this.#app;
    if (renderer.screen.width !== width || renderer.screen.height !== height) renderer.resize(width, height);
    const office = this.#office ?? { width: 1, height: 1 };
    const scale = Math.min((width - 2 * MARGIN.side) / office.width, (height - MARGIN.top - MARGIN.bottom) / office.height);
    this.#world.scale.set(Math.max(scale, 0.01));
    this.#world.position.set((width - office.width * scale) / 2, MARGIN.top + (height - MARGIN.top - MARGIN.bottom - office.height * scale) / 2);
    this.#texts = Math.min(Math.max(scale / ROOMY, 0.7), 1);
    this.#floor.place(scale, this.#texts, this.#world.x, this.#world.y);
    this.#isDirty = true;
  }

  /** Returns who is drawn at a point of the canvas. */
  #under(x: number, y: number): number | null {
    const scale = this.#world.scale.x;
    const [at, up] = [(x - this.#world.x) / scale, (y - this.#world.y) / scale];
    const hits = [...this.#figures.values()].filter((figure) => Math.abs(figure.at.x - at) < 0.7 && up < figure.at.y + 0.6 && up > figure.at.y - figure.height);
    return hits.sort((a, b) => b.at.y - a.at.y)[0]?.agent.id ?? null;
  }

  #frame(now: number): void {
    let changes = this.#isDirty;
    const still = this.#stillness.matches;
    const [scale, { x: left, y: top }] = [this.#world.scale.x, this.#world.position];
    for (const [id, figure] of this.#figures) {
      const at = this.#motion.at(id, now);
      // It is shown when it is known where.
      const isThere = at !== null;
      figure.view.visible = figure.label.visible = figure.bubble.view.visible = isThere;
      if (!isThere) continue;
      changes = figure.draw(at, now, { isSelected: id === this.selected, isStill: still }) || changes;
      if (figure.isWalking && !still) this.#marks.walk(id, figure.agent.colour, at, now);
      figure.label.scale.set(this.#texts);
      figure.bubble.view.scale.set(this.#texts);
      figure.label.position.set(Math.round(left + at.x * scale), Math.round(top + at.y * scale + 5));
      const head = top + (at.y - (figure.height * (FIGURE + 3)) / FIGURE) * scale;
      figure.bubble.view.position.set(left + at.x * scale, head);
      changes = figure.bubble.draw(now, scale >= NARROW || id === this.selected) || changes;
    }
    changes = this.#part(now) || changes;
    changes = this.#marks.draw(now) || changes;
    this.#isDirty = false;
    if (!changes) return;
    this.frames += 1;
    this.#app.renderer.render(this.#app.stage);
  }

  /** Moves bubbles up that would lie upon others, and into the picture. */
  #part(now: number): boolean {
    const width = this.#app.renderer.screen.width;
    const part = 1 - Math.exp((this.#partedAt - now) / 80);
    this.#partedAt = now;
    const apart = APART * this.#texts;
    const placed: { x: number; y: number; half: number }[] = [];
    let changes = false;
    const shown = [...this.#figures.values()].filter(({ bubble }) => bubble.view.visible);
    // Who is nearer to the viewer has the better place.
    for (const { bubble } of shown.sort((a, b) => b.at.y - a.at.y || a.agent.id - b.agent.id)) {
      const half = (bubble.isOpen ? bubble.width / 2 : 12) * this.#texts;
      const x = Math.min(Math.max(bubble.view.x, half + 4), Math.max(width - half - 4, half + 4));
      let y = bubble.view.y;
      for (let tries = 0; tries < 5; tries++) {
        const other = placed.find((other) => Math.abs(other.x - x) < other.half + half + 4 && Math.abs(other.y - y) < apart);
        if (!other) break;
        y = other.y - apart;
      }
      placed.push({ x, y, half });
      const lift = bubble.view.y - y;
      const before = bubble.lift;
      bubble.lift += (lift - bubble.lift) * part;
      if (Math.abs(lift - bubble.lift) < 0.5) bubble.lift = lift;
      changes ||= before !== bubble.lift;
      bubble.view.position.set(Math.round(x), Math.round(bubble.view.y - bubble.lift));
    }
    return changes;
  }
}
