// A small curve of a number's last values.

import { el } from "./dom.js";
import { colours } from "./theme.js";

/** Makes the pixels of a canvas as many as the screen has of them; returns its size in units of the style sheet. */
export function fit(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const ratio = Math.min(devicePixelRatio || 1, 3);
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export class Spark {
  constructor(history, colour = "accent") {
    this.history = history;
    this.colour = colour;
    this.node = el("canvas", { class: "spark", "aria-hidden": "true" });
  }

  draw() {
    const { history } = this;
    const { context, width, height } = fit(this.node);
    if (history.length < 2 || width === 0) return;
    let [low, high] = [0, 0];
    for (let i = 0; i < history.length; i++) {
      high = Math.max(high, history.get(i));
      low = Math.min(low, history.get(i));
    }
    const span = high - low || 1;
    const step = width / (history.values.length - 1);
    const from = width - (history.length - 1) * step;
    const y = (value) => height - 1.5 - ((value - low) / span) * (height - 3);
    context.beginPath();
    for (let i = 0; i < history.length; i++) context.lineTo(from + i * step, y(history.get(i)));
    context.strokeStyle = colours()[this.colour];
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, height);
    context.lineTo(from, height);
    context.globalAlpha = 0.12;
    context.fillStyle = context.strokeStyle;
    context.fill();
    context.globalAlpha = 1;
  }
}
