/**
 * circlet's curves in Bun beside those of the npm registry: the same work, in turns within each run.
 *
 * Every line fills an array of its own, which is held against circlet's before anything is timed. Needs the C library
 * (`cargo clib`) and `npm ci` beside this file.
 */

import { parseArgs } from "node:util";
import createFlattener from "adaptive-bezier-curve/function";
import { Bezier } from "bezier-js";
import { CatmullRomCurve3, CubicBezierCurve, Vector2, Vector3 } from "three";
import { Curve, type Point } from "../../../bun/src/index.ts";

const MILLION = 1_000_000;
const KNOTS = 1000;
const CUBICS = 10_000;
const TOLERANCE = 0.1;
/** One measurement repeats its work for about this long. */
const MEASUREMENT_MS = 40;

/** Who does the work, the work, and what it wrote. */
interface Line {
  name: string;
  /** Does all of it, and returns its array, or the part that it filled. */
  work: () => Float64Array;
  remark?: string;
  /** A line that does other work, so that there is nothing to compare. */
  differs?: true;
}

interface Table {
  title: string;
  /** What is measured: milliseconds of all the work, or nanoseconds of so many calls. */
  calls?: number;
  /** How far a number may be from circlet's. */
  within: number;
  lines: Line[];
}

/** Draws numbers from 0 on, below 1: the 64-bit generator of Knuth's MMIX. */
function random(seed: bigint): () => number {
  let state = seed;
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

/** The cubics of the Rust benchmark: control points all over a square of 310 units. */
function drawing(count: number): Point[][] {
  const next = random(1n);
  return Array.from({ length: count }, () => Array.from({ length: 4 }, (): Point => [next() * 310, next() * 310]));
}

/** A thousand points, each not far from the one before. */
function walk(): Point[] {
  const next = random(3n);
  let [x, y] = [0, 0];
  return Array.from({ length: KNOTS }, (): Point => [(x += next() - 0.5), (y += next() - 0.5)]);
}

const make = (points: readonly Point[]) => Curve.make("bezier", points);
const bezier = (points: readonly Point[]) => new Bezier(points.map(([x, y]) => ({ x, y })));

function even(): Table {
  const control: Point[] = [[0, 0], [120, 40], [-60, 40], [60, 0]];
  const [curve, js] = [make(control), bezier(control)];
  const three = new CubicBezierCurve(...control.map(([x, y]) => new Vector2(x, y)));
  const [a, b, c, d] = Array.from({ length: 4 }, () => new Float64Array(MILLION * 2)) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const target = new Vector2();
  return {
    title: "one cubic at 1M even parameters",
    within: 1e-12 * 120,
    lines: [
      { name: "circlet, sample", work: () => curve.sample(MILLION, a) },
      {
        name: "bezier-js, get",
        work: () => {
          for (let i = 0; i < MILLION; i++) {
            const point = js.get(i / (MILLION - 1));
            b[2 * i] = point.x;
            b[2 * i + 1] = point.y;
          }
          return b;
        },
      },
      {
        name: "three, getPoint",
        work: () => {
          for (let i = 0; i < MILLION; i++) {
            three.getPoint(i / (MILLION - 1), target);
            c[2 * i] = target.x;
            c[2 * i + 1] = target.y;
          }
          return c;
        },
      },
      {
        name: "a plain loop",
        work: () => {
          const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = control as [Point, Point, Point, Point];
          const [bx, cx, dx] = [3 * (x1 - x0), 3 * (x2 - 2 * x1 + x0), x3 - x0 - 3 * (x2 - x1)];
          const [by, cy, dy] = [3 * (y1 - y0), 3 * (y2 - 2 * y1 + y0), y3 - y0 - 3 * (y2 - y1)];
          for (let i = 0; i < MILLION; i++) {
            const t = i / (MILLION - 1);
            d[2 * i] = x0 + t * (bx + t * (cx + t * dx));
            d[2 * i + 1] = y0 + t * (by + t * (cy + t * dy));
          }
          return d;
        },
      },
    ],
  };
}

function catmullRom(): Table {
  const points = walk();
  const curve = Curve.make("catmull_rom", points);
  const three = new CatmullRomCurve3(points.map(([x, y]) => new Vector3(x, y, 0)), false, "centripetal");
  // The first and the last segment are another's matter: three goes on straight there, and circlet as d3.
  const at = (i: number) => 1 + ((KNOTS - 3) * i) / (MILLION - 1);
  const parameters = Float64Array.from({ length: MILLION }, (_, i) => at(i));
  const [a, b] = [new Float64Array(MILLION * 2), new Float64Array(MILLION * 2)];
  const target = new Vector3();
  return {
    title: "centripetal Catmull-Rom, 1000 points, 1M ascending parameters",
    within: 1e-9,
    lines: [
      { name: "circlet, eval", work: () => curve.eval(parameters, a) },
      {
        name: "three, getPoint",
        work: () => {
          for (let i = 0; i < MILLION; i++) {
            three.getPoint(parameters[i]! / (KNOTS - 1), target);
            b[2 * i] = target.x;
            b[2 * i + 1] = target.y;
          }
          return b;
        },
      },
    ],
  };
}

function batch(): Table {
  const [count, each] = [1000, 100];
  const cubics = drawing(count);
  const [curves, js] = [cubics.map(make), cubics.map(bezier)];
  const [a, b, c] = Array.from({ length: 3 }, () => new Float64Array(count * each * 2)) as [Float64Array, Float64Array, Float64Array];
  const rooms = curves.map((_, index) => b.subarray(index * each * 2, (index + 1) * each * 2));
  return {
    title: "1000 cubics, 100 points each",
    within: 1e-12 * 310,
    lines: [
      { name: "circlet, sampleBatch", work: () => Curve.sampleBatch(curves, each, a) },
      {
        name: "circlet, sample of each",
        work: () => {
          curves.forEach((curve, index) => curve.sample(each, rooms[index]!));
          return b;
        },
      },
      {
        name: "bezier-js, get",
        work: () => {
          let at = 0;
          for (const curve of js) {
            for (let i = 0; i < each; i++) {
              const point = curve.get(i / (each - 1));
              c[at++] = point.x;
              c[at++] = point.y;
            }
          }
          return c;
        },
      },
    ],
  };
}

function lengths(): Table {
  const cubics = drawing(CUBICS);
  const [curves, js] = [cubics.map(make), cubics.map(bezier)];
  const [a, b] = [new Float64Array(CUBICS), new Float64Array(CUBICS)];
  const lines: Line[] = [
    {
      name: "circlet, length",
      remark: "within 1e-6, always kept",
      work: () => {
        for (let i = 0; i < CUBICS; i++) a[i] = curves[i]!.length(1e-6);
        return a;
      },
    },
    {
      name: "bezier-js, length",
      work: () => {
        for (let i = 0; i < CUBICS; i++) b[i] = js[i]!.length();
        return b;
      },
    },
  ];
  const off = farthest(lines[1]!.work(), lines[0]!.work());
  lines[1]!.remark = `24 nodes each, no tolerance: up to ${off.toPrecision(2)} off`;
  // Near a cusp so many nodes miss much; that it is the same length, a thousandth of the longest shows.
  return { title: "the lengths of 10,000 cubics", within: 2, lines };
}

function bounds(): Table {
  const cubics = drawing(CUBICS);
  const [curves, js] = [cubics.map(make), cubics.map(bezier)];
  const [a, b] = [new Float64Array(CUBICS * 4), new Float64Array(CUBICS * 4)];
  return {
    title: "the exact bounds of 10,000 cubics",
    within: 1e-9,
    lines: [
      {
        name: "circlet, bounds",
        work: () => {
          for (let i = 0; i < CUBICS; i++) a.set(curves[i]!.bounds(), i * 4);
          return a;
        },
      },
      {
        name: "bezier-js, bbox",
        work: () => {
          for (let i = 0; i < CUBICS; i++) {
            const { x, y } = js[i]!.bbox();
            b[4 * i] = x.min;
            b[4 * i + 1] = y.min;
            b[4 * i + 2] = x.max;
            b[4 * i + 3] = y.max;
          }
          return b;
        },
      },
    ],
  };
}

function flatten(): Table {
  const cubics = drawing(CUBICS);
  const curves = cubics.map(make);
  // Its tolerance is `pathEpsilon` by the scale.
  const adaptive = createFlattener({ pathEpsilon: TOLERANCE });
  const room = new Float64Array(4 * CUBICS * 256);
  const mine = (index: number) => curves[index]!.flatten(TOLERANCE);
  const others = (index: number): Float64Array => Float64Array.from(adaptive(...cubics[index]!).flat());
  const write = (polylines: (index: number, at: number) => number) => () => {
    let at = 0;
    for (let i = 0; i < CUBICS; i++) at = polylines(i, at);
    return room.subarray(0, at);
  };
  const remark = (polyline: (index: number) => Float64Array) => {
    let [points, most] = [0, 0];
    for (let i = 0; i < CUBICS; i++) {
      const flat = polyline(i);
      points += flat.length / 2;
      // To look at every tenth is enough to see.
      if (i % 10 === 0) most = Math.max(most, distance(curves[i]!, flat) / TOLERANCE);
    }
    return `${points} points; the farthest ${most.toFixed(2)} tolerances off`;
  };
  return {
    title: "10,000 cubics as polylines within 0.1",
    within: 0,
    lines: [
      {
        name: "circlet, flatten",
        remark: remark(mine),
        work: write((i, at) => at + curves[i]!.flatten(TOLERANCE, room.subarray(at)).length),
      },
      {
        name: "adaptive-bezier-curve",
        remark: remark(others),
        differs: true,
        work: write((i, start) => {
          let at = start;
          for (const [x, y] of adaptive(...cubics[i]!)) {
            room[at++] = x;
            room[at++] = y;
          }
          return at;
        }),
      },
    ],
  };
}

/** Returns how far a cubic goes from its polyline, each piece of it from the side that stands for it. */
function distance(curve: Curve, flat: Float64Array): number {
  const sides = flat.length / 2 - 1;
  const samples = curve.sample(sides * 16 + 1);
  // For each side, the least that the largest distance can be if the points up to here end at it.
  const least = new Float64Array(sides).fill(Infinity);
  least[0] = 0;
  for (let i = 0; i < samples.length; i += 2) {
    const [x, y] = [samples[i]!, samples[i + 1]!];
    // A side may be so short that no point is its own.
    let reached = Infinity;
    for (let side = 0; side < sides; side++) {
      const [ax, ay] = [flat[2 * side]!, flat[2 * side + 1]!];
      const [wx, wy] = [flat[2 * side + 2]! - ax, flat[2 * side + 3]! - ay];
      const square = wx * wx + wy * wy;
      const part = square > 0 ? Math.min(1, Math.max(0, ((x - ax) * wx + (y - ay) * wy) / square)) : 0;
      const off = Math.hypot(x - ax - part * wx, y - ay - part * wy);
      reached = Math.min(reached, least[side]!);
      least[side] = Math.max(reached, off);
    }
  }
  return least[sides - 1]!;
}

function call(): Table {
  const calls = 100_000;
  const control: Point[] = [[0, 0], [120, 40], [-60, 40], [60, 0]];
  const [curve, js] = [make(control), bezier(control)];
  const one = new Float64Array([0.5]);
  // One array each, which all calls of a line fill again.
  const [a, b, c, d] = Array.from({ length: 4 }, () => new Float64Array(2)) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const times = (out: Float64Array, work: () => void) => () => {
    for (let i = 0; i < calls; i++) work();
    return out;
  };
  let counted = 0;
  return {
    title: "one small call",
    calls,
    within: 1e-12 * 120,
    lines: [
      { name: "circlet, eval(0.5)", work: times(a, () => a.set(curve.eval(0.5))) },
      { name: "circlet, eval of one parameter into an array", work: times(b, () => curve.eval(one, b)) },
      { name: "circlet, sample(1) into an array", differs: true, work: times(c, () => curve.sample(1, c)) },
      {
        name: "bezier-js, get(0.5)",
        work: times(d, () => {
          const point = js.get(0.5);
          d[0] = point.x;
          d[1] = point.y;
        }),
      },
      { name: "a function that counts", differs: true, work: times(a, () => void counted++) },
    ],
  };
}

const TABLES: Record<string, () => Table> = { even, "catmull-rom": catmullRom, batch, flatten, length: lengths, bounds, call };

function farthest(found: Float64Array, wanted: Float64Array): number {
  if (found.length !== wanted.length) return Infinity;
  let most = 0;
  for (let i = 0; i < found.length; i++) {
    const off = Math.abs(found[i]! - wanted[i]!);
    // Not Math.max, which a NaN would pass through, or be lost in a comparison.
    if (!(off <= most)) most = off;
  }
  return most;
}

/** Holds every line that does the same work to circlet's result. */
function compare({ title, within, lines }: Table): void {
  const wanted = lines[0]!.work().slice();
  for (const { name, work } of lines.filter((line) => !line.differs)) {
    const off = farthest(work(), wanted);
    if (!(off <= within)) throw new Error(`${title}: ${name} is ${off} off, and ${within} is allowed`);
  }
}

function measure(table: Table, runs: number): void {
  compare(table);
  const times = table.lines.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    table.lines.forEach(({ work }, index) => {
      // Once for the caches and the compiler, and to learn how often it fits.
      let begin = performance.now();
      work();
      const repeats = Math.max(1, Math.round(MEASUREMENT_MS / (performance.now() - begin)));
      begin = performance.now();
      for (let i = 0; i < repeats; i++) work();
      times[index]!.push((performance.now() - begin) / repeats);
    });
  }
  show(table, runs, times);
}

function show({ title, calls, lines }: Table, runs: number, times: number[][]): void {
  const scale = calls === undefined ? 1 : 1e6 / calls;
  const digits = calls === undefined ? 3 : 1;
  const sorted = times.map((values) => values.map((value) => value * scale).toSorted((a, b) => a - b));
  const medians = sorted.map((values) => values[values.length >> 1]!);
  const rows = [["", calls === undefined ? "ms" : "ns per call", "range", "times circlet's", ""]];
  lines.forEach(({ name, remark }, index) => {
    const values = sorted[index]!;
    const range = `${values[0]!.toFixed(digits)} to ${values.at(-1)!.toFixed(digits)}`;
    const ratio = (medians[index]! / medians[0]!).toFixed(2);
    rows.push([name, medians[index]!.toFixed(digits), range, ratio, remark ?? ""]);
  });
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  console.log(`\nBun: ${title}: medians of ${runs} runs\n`);
  rows.forEach((row, index) => {
    console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`);
    if (index === 0) console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  });
}

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: Object.keys(TABLES).join(",") },
    runs: { type: "string", default: "7" },
  },
});
for (const row of values.rows.split(",")) {
  const table = TABLES[row];
  if (table === undefined) throw new Error(`there is no row ${row}: give some of ${Object.keys(TABLES)}`);
  measure(table(), Number(values.runs));
}
