// Curves on a canvas, with axes that follow what is drawn.

import { el } from "./dom.js";
import { fit } from "./spark.js";
import { colours } from "./theme.js";

/** More points than these are not told apart. */
const POINTS = 20_000;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 10, 24];
/** How fast the axes close in on what is smaller, in a second. */
const CLOSING = 1.5;

/** Returns the extent of some columns, `undefined` where there is no number. */
function extent(all) {
  let [low, high] = [Infinity, -Infinity];
  for (const column of all) {
    for (const value of column) {
      if (value < low && value > -Infinity && value !== null) low = value;
      if (value > high && value < Infinity && value !== null) high = value;
    }
  }
  return low > high ? undefined : low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Returns a step of 1, 2 or 5 times a power of ten, which parts a span about so often. */
function stepOf(span, parts) {
  const rough = span / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * (rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
}

/** Returns where the marks are; not more than there is place for, however large the numbers are. */
function ticks(low, high, step) {
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: 40 }, (_, i) => first + i * step).filter((value) => value <= high);
}

function label(value, step) {
  if (Math.abs(value) < step / 1e6) return "0";
  if (Math.abs(value) >= 1e6 || step < 1e-4) return value.toExponential(1);
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
}

/** One axis: it opens at once and closes in slowly, so that what moves is seen to move. */
class Axis {
  follow(wanted, seconds) {
    if (!this.range) return (this.range = wanted);
    const part = 1 - Math.exp(-CLOSING * seconds);
    const [low, high] = this.range;
    const to = (now, next, opens) => (opens ? next : now + (next - now) * part);
    return (this.range = [to(low, wanted[0], wanted[0] < low), to(high, wanted[1], wanted[1] > high)]);
  }
}

export class Plot {
  constructor() {
    this.node = el("canvas", { class: "plot", role: "img" });
    this.x = new Axis();
    this.y = new Axis();
    this.drawn = performance.now();
  }

  /** Draws curves: a list of `[name, {x, y}]`. `isEqual` gives both axes one scale. */
  draw(curves, isEqual) {
    const now = performance.now();
    const seconds = Math.min(1, (now - this.drawn) / 1000);
    this.drawn = now;
    const { context, width, height } = fit(this.node);
    const across = extent(curves.map(([, { x }]) => x));
    const upward = extent(curves.map(([, { y }]) => y));
    if (!across || !upward || width < LEFT + RIGHT + 20) return;
    const [wide, high] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
    let [x0, x1] = this.x.follow(across, seconds);
    let [y0, y1] = this.y.follow(upward, seconds);
    const margin = (y1 - y0) * 0.05;
    [y0, y1] = [y0 - margin, y1 + margin];
    if (isEqual) {
      const unit = Math.max((x1 - x0) / wide, (y1 - y0) / high);
      const widen = (low, top, size) => {
        const more = (unit * size - (top - low)) / 2;
        return [low - more, top + more];
      };
      [x0, x1] = widen(x0, x1, wide);
      [y0, y1] = widen(y0, y1, high);
    }
    const px = (x) => LEFT + ((x - x0) / (x1 - x0)) * wide;
    const py = (y) => TOP + high - ((y - y0) / (y1 - y0)) * high;
    this.grid(context, { x0, x1, y0, y1, px, py, wide, high });
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP, wide, high);
    context.clip();
    curves.forEach(([, columns], index) => this.line(context, columns, px, py, index));
    context.restore();
  }

  grid(context, { x0, x1, y0, y1, px, py, wide, high }) {
    const { line, soft } = colours();
    context.strokeStyle = line;
    context.fillStyle = soft;
    context.lineWidth = 1;
    context.font = "11px system-ui, sans-serif";
    context.beginPath();
    const xStep = stepOf(x1 - x0, wide / 90);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const x of ticks(x0, x1, xStep)) {
      const at = Math.round(px(x)) + 0.5;
      context.moveTo(at, TOP);
      context.lineTo(at, TOP + high);
      context.fillText(label(x, xStep), at, TOP + high + 7);
    }
    const yStep = stepOf(y1 - y0, high / 45);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const y of ticks(y0, y1, yStep)) {
      const at = Math.round(py(y)) + 0.5;
      context.moveTo(LEFT, at);
      context.lineTo(LEFT + wide, at);
      context.fillText(label(y, yStep), LEFT - 8, at);
    }
    context.stroke();
  }

  line(context, { x, y }, px, py, index) {
    const length = Math.min(x.length, y.length);
    const stride = Math.max(1, Math.ceil(length / POINTS));
    context.beginPath();
    let isDown = false;
    const to = (i) => {
      const [a, b] = [x[i], y[i]];
      const isPoint = Number.isFinite(a) && Number.isFinite(b);
      if (isPoint && isDown) context.lineTo(px(a), py(b));
      else if (isPoint) context.moveTo(px(a), py(b));
      isDown = isPoint;
    };
    for (let i = 0; i < length; i += stride) to(i);
    if ((length - 1) % stride !== 0) to(length - 1);
    context.strokeStyle = colours()[`series-${(index % 6) + 1}`];
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.stroke();
  }
}
