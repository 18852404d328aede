/** One room's game: who is where, and what they are at. It has no clock and no connection: both come from outside. */

import { COLOURS, type Action, type Agent, type Mark, type Place, type Point, type Positions } from "../protocol.ts";
import { column, type Column } from "./column.ts";
import { readAction } from "../reading.ts";
import { deed } from "./deeds.ts";
import { OFFICE, placeNamed, placeOf, way } from "./office.ts";

/** How many agents there are at most: who has done nothing for longest makes room. */
export const AGENTS_MAX = 32;
/** Whoever does nothing for so long goes home. */
const IDLE_MS = 10 * 60_000;
/** Units of the office a second. */
const SPEED = 7;
/** A step is at most so long, however late it comes. */
const STEP_MAX_MS = 250;

const NAMES = [
  "Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Joan", "Karen", "Ken", "Leslie", "Lynn",
  "Margaret", "Niklaus", "Radia", "Robin", "Shafi", "Sophie", "Tony", "Ursula", "Vera", "Whitfield",
];

interface Walker extends Agent {
  at: Point;
  way: Point[];
  /** Where it sits, or is on its way to. */
  seat: string;
  leaves: boolean;
}

/** Spreads an agent's digits. */
const hash = (text: string): number => [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 7);

export class Game {
  readonly #agents = new Map<string, Walker>();
  #marks: Mark[] = [];
  #next = 1;
  #steppedAt = 0;
  /** Whether anything but a position has changed since [`told`](this.told). */
  #isNews = true;
  /** When somebody last did something. */
  lastAt = 0;

  get size(): number {
    return this.#agents.size;
  }

  /** Takes what the hub told of an agent, which may be anything. */
  act(said: unknown, now: number): void {
    const action = readAction(said);
    const done = action && deed(action);
    if (!action || !done) return;
    // Another machine's clock may be ahead.
    action.at = Math.min(action.at, now);
    // Who had gone by then is not called back by what is told late.
    if (now - action.at > IDLE_MS) return;
    const known = this.#agents.get(action.agent);
    if (!known && done.leaves) return;
    const walker = known ?? this.#arrive(action);
    this.lastAt = Math.max(this.lastAt, action.at);
    this.#isNews = true;
    if (done.ends) this.#mark(done.ends, walker, action.at);
    Object.assign(walker, { activity: done.activity, doing: done.doing, since: action.at, hasFailed: done.ends === "failed" });
    if (action.name) walker.name = action.name;
    const place = placeOf(done.activity);
    if (done.leaves) this.#leave(walker);
    else {
      walker.leaves = false;
      if (place && place.id !== walker.place) this.#send(walker, place);
    }
  }

  /** Lets time go on. Returns whether anybody has moved. */
  step(now: number): boolean {
    const seconds = Math.min(now - this.#steppedAt, STEP_MAX_MS) / 1000;
    this.#steppedAt = now;
    let hasMoved = false;
    for (const walker of this.#agents.values()) {
      if (!walker.leaves && now - walker.since > IDLE_MS) this.#leave(walker);
      if (walker.way.length > 0) {
        walk(walker, SPEED * seconds);
        hasMoved = true;
      } else if (walker.leaves) {
        this.#mark("left", walker, now);
        this.#agents.delete(walker.agent);
        this.#isNews = true;
      }
    }
    return hasMoved;
  }

  /** Returns who is there if that is news, and what is to be shown once. */
  told(): { agents: Agent[] | null; marks: Mark[] } {
    const agents = this.#isNews ? [...this.#agents.values()].map(({ at: _, way: __, seat: ___, leaves: ____, ...agent }) => agent) : null;
    const marks = this.#marks;
    this.#isNews = false;
    this.#marks = [];
    return { agents, marks };
  }

  /** Says everything again, as to a hub that is new. */
  forgetTold(): void {
    this.#isNews = true;
  }

  /** Returns where everybody is, as the hub is told. */
  positions(now: number): Record<keyof Positions, Column> {
    const walkers = [...this.#agents.values()];
    return {
      id: column("i32", walkers.map(({ id }) => id)),
      x: column("f32", walkers.map(({ at }) => at.x)),
      y: column("f32", walkers.map(({ at }) => at.y)),
      at: column("f64", [now]),
    };
  }

  /** Returns where an agent is, by its number. */
  where(id: number): Point | null {
    return [...this.#agents.values()].find((walker) => walker.id === id)?.at ?? null;
  }

  #arrive(action: Action): Walker {
    if (this.#agents.size >= AGENTS_MAX) {
      const oldest = [...this.#agents.values()].reduce((a, b) => (a.since <= b.since ? a : b));
      this.#agents.delete(oldest.agent);
    }
    const parent = action.parent === undefined ? undefined : this.#agents.get(action.parent);
    const spread = hash(action.agent);
    const walker: Walker = {
      id: this.#next++,
      agent: action.agent,
      ...(parent && { parent: parent.id }),
      name: action.name ?? this.#name(spread),
      ...(action.kind !== undefined && { kind: action.kind }),
      colour: parent?.colour ?? this.#colour(spread),
      place: "",
      activity: "think",
      doing: "",
      since: action.at,
      hasFailed: false,
      // A helper comes from whoever has called it.
      at: { ...(parent?.at ?? OFFICE.entrance) },
      way: [],
      seat: "",
      leaves: false,
    };
    this.#agents.set(walker.agent, walker);
    this.#mark("came", walker, action.at);
    this.#send(walker, placeNamed("meeting")!);
    return walker;
  }

  /** Finds a name that nobody has. */
  #name(spread: number): string {
    const taken = new Set([...this.#agents.values()].map(({ name }) => name));
    for (let i = 0; i < NAMES.length; i++) {
      const name = NAMES[(spread + i) % NAMES.length]!;
      if (!taken.has(name)) return name;
    }
    return `${NAMES[spread % NAMES.length]!} ${this.#next}`;
  }

  /** Finds a colour that few others have. */
  #colour(spread: number): number {
    const worn = Array.from({ length: COLOURS }, () => 0);
    for (const { colour } of this.#agents.values()) worn[colour]! += 1;
    const order = worn.map((_, i) => (i + spread) % COLOURS);
    return order.reduce((best, colour) => (worn[colour]! < worn[best]! ? colour : best));
  }

  /** Sends an agent to the first seat of a place that is free; where none is, it stands beside one. */
  #send(walker: Walker, place: Place): void {
    const taken = new Set([...this.#agents.values()].filter((other) => other !== walker).map(({ seat }) => seat));
    const order = place.seats.map((_, i) => (i + (hash(walker.agent) % place.seats.length)) % place.seats.length);
    const index = order.find((i) => !taken.has(`${place.id} ${i}`)) ?? order[0]!;
    const seat = place.seats[index]!;
    const isShared = taken.has(`${place.id} ${index}`);
    walker.place = place.id;
    walker.seat = `${place.id} ${index}`;
    walker.way = way(walker.at, isShared ? { x: seat.x + 0.5, y: seat.y + 0.3 } : seat, this.#lane(walker));
  }

  #leave(walker: Walker): void {
    walker.leaves = true;
    walker.place = walker.seat = "";
    walker.way = way(walker.at, OFFICE.entrance, this.#lane(walker));
    this.#isNews = true;
  }

  #lane = (walker: Walker): number => ((walker.id % 5) - 2) * 0.3;

  #mark(kind: Mark["kind"], { id, name, colour, at: { x, y } }: Walker, at: number): void {
    this.#marks.push({ kind, agent: id, name, colour, x, y, at });
    // Nobody asks for them where the hub is away.
    if (this.#marks.length > 64) this.#marks.shift();
  }
}

/** Walks on for a distance. */
function walk(walker: Walker, distance: number): void {
  while (distance > 0 && walker.way[0]) {
    const to = walker.way[0];
    const [x, y] = [to.x - walker.at.x, to.y - walker.at.y];
    const far = Math.hypot(x, y);
    if (far <= distance) {
      walker.at = { ...to };
      walker.way.shift();
    } else {
      walker.at = { x: walker.at.x + (x / far) * distance, y: walker.at.y + (y / far) * distance };
    }
    distance -= far;
  }
}
