/** Where agents are between two updates: a little in the past, by the engine's own time. */

import type { Point, Positions } from "../protocol.ts";
import { numbers } from "./columns.ts";

/** So far behind the newest is drawn: three updates at 30 a second, so that one that is late is not missed. */
const BEHIND_MS = 110;
/** How many updates are kept: more than a second of them. */
const KEPT = 40;
/** Whoever is so far away by the next update was not on foot. */
const LEAP = 3;

interface Sample {
  at: number;
  /** By the agent's number. */
  points: Map<number, Point>;
}

export class Motion {
  #samples: Sample[] = [];
  /** What is to be added to the engine's time for the page's: as of the update that was fastest of late. */
  #offset = 0;
  readonly #delays: number[] = [];

  /** Takes an update that came at a time of the page's clock. */
  add(positions: Positions, now: number): void {
    const [id, x, y, [at]] = [numbers(positions.id), numbers(positions.x), numbers(positions.y), numbers(positions.at)];
    if (at === undefined || !Number.isFinite(at)) return;
    const last = this.#samples.at(-1);
    // An engine that was started again on another clock.
    if (last && (at < last.at || at > last.at + 60_000)) this.clear();
    this.#delays.push(now - at);
    if (this.#delays.length > KEPT) this.#delays.shift();
    this.#offset = Math.min(...this.#delays);
    const points = new Map<number, Point>();
    id.forEach((id, i) => points.set(id, { x: x[i] ?? 0, y: y[i] ?? 0 }));
    this.#samples.push({ at, points });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  clear(): void {
    this.#samples = [];
    this.#delays.length = 0;
  }

  /** Returns where an agent is at a time of the page's clock. */
  at(id: number, now: number): Point | null {
    const time = now - this.#offset - BEHIND_MS;
    const samples = this.#samples;
    let after = samples.length - 1;
    while (after > 0 && samples[after - 1]!.at > time) after--;
    const [before, next] = [samples[Math.max(after - 1, 0)], samples[after]];
    const [from, to] = [before?.points.get(id), next?.points.get(id)];
    if (!from || !to || !before || !next) return to ?? from ?? null;
    if (next.at <= before.at || Math.hypot(to.x - from.x, to.y - from.y) > LEAP) return to;
    const part = Math.min(Math.max((time - before.at) / (next.at - before.at), 0), 1);
    return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
  }
}
