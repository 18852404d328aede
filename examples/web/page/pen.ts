/** Draws in the office's units: curves are cut into lines by how large they are, so that units are made larger before. */

import { Graphics, type FillInput, type StrokeStyle } from "pixi.js";

/** How much larger. */
const UNIT = 32;

export class Pen {
  readonly graphics = new Graphics({ scale: 1 / UNIT });

  rect(x: number, y: number, width: number, height: number): this {
    this.graphics.rect(x * UNIT, y * UNIT, width * UNIT, height * UNIT);
    return this;
  }

  roundRect(x: number, y: number, width: number, height: number, radius: number): this {
    this.graphics.roundRect(x * UNIT, y * UNIT, width * UNIT, height * UNIT, radius * UNIT);
    return this;
  }

  circle(x: number, y: number, radius: number): this {
    this.graphics.circle(x * UNIT, y * UNIT, radius * UNIT);
    return this;
  }

  ellipse(x: number, y: number, across: number, down: number): this {
    this.graphics.ellipse(x * UNIT, y * UNIT, across * UNIT, down * UNIT);
    return this;
  }

  poly(points: number[]): this {
    this.graphics.poly(points.map((number) => number * UNIT));
    return this;
  }

  /** Draws from point to point. */
  line(...points: number[]): this {
    for (let i = 0; i < points.length; i += 2) this.graphics[i === 0 ? "moveTo" : "lineTo"](points[i]! * UNIT, points[i + 1]! * UNIT);
    return this;
  }

  fill(style: FillInput): this {
    this.graphics.fill(style);
    return this;
  }

  stroke(style: StrokeStyle & { width: number }): this {
    this.graphics.stroke({ ...style, width: style.width * UNIT });
    return this;
  }
}
