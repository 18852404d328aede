/** An agent on the stage. */

import { Container, Graphics, Text } from "pixi.js";
import type { Agent, Point } from "../protocol.ts";
import { FIGURE, type Art } from "./art.ts";
import { Bubble } from "./bubble.ts";

/** How high a figure is in the office's units; helpers are smaller. */
const HIGH = 1.75;
const HELPER = 0.8;
/** Units a second from which on one walks. */
const WALKS = 0.4;

export class Figure {
  /** In the office's units. */
  readonly view = new Container();
  /** Above it, in pixels. */
  readonly label: Text;
  readonly bubble: Bubble;
  agent: Agent;
  at: Point = { x: 0, y: 0 };
  readonly #ring: Graphics;
  readonly #legs: [Graphics, Graphics];
  readonly #upper = new Container();
  readonly #eyes: Graphics;
  readonly #light: Graphics;
  readonly #size: number;
  #drawnAt = 0;
  #isNew = true;
  #facing = 0;
  #speed = 0;
  #stride = 0;

  constructor(
    readonly art: Art,
    agent: Agent,
  ) {
    this.agent = agent;
    const { palette } = art;
    const colour = agent.colour % palette.agents.length;
    const part = (context: Graphics["context"], x = 0, y = 0) => {
      const graphics = new Graphics(context);
      graphics.position.set(x, y);
      return graphics;
    };
    this.#ring = part(art.ring);
    this.#legs = [part(art.leg, -5), part(art.leg, 5)];
    this.#eyes = part(art.eyes, 0, -31.5);
    this.#light = part(art.light, 0, -48);
    this.#upper.addChild(part(art.bodies[colour]!), part(art.face), this.#eyes, this.#light);
    this.view.addChild(part(art.shadow), this.#ring, ...this.#legs, this.#upper);
    this.#size = HIGH * (agent.parent === undefined ? 1 : HELPER);
    this.view.scale.set(this.#size / FIGURE);
    this.label = new Text({
      text: "",
      style: {
        fontFamily: "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif", fontSize: 12, fontWeight: "600", fill: palette.ink,
        stroke: { color: palette.corridor, width: 3.5, join: "round" },
      },
    });
    this.label.anchor.set(0.5, 0);
    this.bubble = new Bubble(art, palette.agents[colour]!);
    this.is(agent);
  }

  is(agent: Agent): void {
    this.agent = agent;
    if (this.label.text !== agent.name) this.label.text = agent.name;
    this.bubble.is(agent.activity);
    const { good, warn, bad, soft, glow } = this.art.palette;
    this.#light.tint = agent.hasFailed ? bad : agent.activity === "ask" ? warn : agent.activity === "rest" ? soft : agent.activity === "think" ? glow : good;
  }

  /** Goes to where it is now. Returns whether it looks otherwise than before. */
  draw(to: Point, now: number, { isSelected, isStill }: { isSelected: boolean; isStill: boolean }): boolean {
    const seconds = Math.min((now - this.#drawnAt) / 1000, 0.25);
    const [dx, dy] = this.#isNew ? [0, 0] : [to.x - this.at.x, to.y - this.at.y];
    this.#drawnAt = now;
    const speed = seconds > 0 ? Math.hypot(dx, dy) / seconds : 0;
    this.#speed += (Math.min(speed, 12) - this.#speed) * Math.min(1, seconds * 14);
    if (this.#speed < 0.02) this.#speed = 0;
    const isWalking = this.#speed > WALKS;
    const turned = isWalking && Math.abs(dx) > 0.001 ? Math.sign(dx) : isWalking ? 0 : this.#facing * 0.9;
    const changes = this.#isNew || dx !== 0 || dy !== 0 || this.#speed > 0 || this.#ring.visible !== isSelected || Math.abs(turned - this.#facing) > 0.01;
    this.#facing += (turned - this.#facing) * Math.min(1, seconds * 10);
    if (Math.abs(this.#facing) < 0.02) this.#facing = 0;
    this.#isNew = false;
    this.at = to;
    this.view.position.set(to.x, to.y);
    this.view.zIndex = to.y;
    this.#ring.visible = isSelected;
    this.#stride += isWalking && !isStill ? seconds * 13 : 0;
    const swing = isWalking && !isStill ? Math.sin(this.#stride) : 0;
    this.#legs[0].y = -Math.max(swing, 0) * 4;
    this.#legs[1].y = -Math.max(-swing, 0) * 4;
    this.#upper.y = -Math.abs(swing) * 2;
    this.#upper.rotation = swing * 0.035 + this.#facing * 0.03;
    this.#eyes.x = this.#facing * 3.2;
    // Everybody blinks, each at a time of its own.
    const blinks = !isStill && (now + this.agent.id * 1371) % 4200 < 130;
    const isBlinking = this.#eyes.scale.y < 1;
    this.#eyes.scale.y = blinks ? 0.15 : 1;
    return changes || blinks !== isBlinking;
  }

  get isWalking(): boolean {
    return this.#speed > WALKS;
  }

  /** Returns how high it is, in the office's units. */
  get height(): number {
    return this.#size;
  }

  destroy(): void {
    this.view.destroy({ children: true });
    this.label.destroy();
    this.bubble.destroy();
  }
}
