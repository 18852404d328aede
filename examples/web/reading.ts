/** Reads what comes of a room: whoever may emit may say anything. What is none of the game's is `null`, what is too long is cut. */

import { COLOURS, type Action, type Activity, type Agent, type Area, type Furniture, type Mark, type Office, type Place, type Point } from "./protocol.ts";

const ACTIVITIES: Activity[] = ["read", "write", "run", "browse", "plan", "ask", "think", "rest"];
const FURNITURE: Furniture["is"][] = ["shelf", "desk", "rack", "screen", "table", "board", "counter", "sofa", "plant", "rug"];
const MARKS: Mark["kind"][] = ["came", "done", "failed", "left"];
/** No office is larger, in its own units. */
const LARGE = 1000;
/** So many places there are at most, and things and seats in each. */
const MANY = 100;

type Members = Record<string, unknown>;

const members = (value: unknown): Members | null => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : null);
const text = (value: unknown, limit: number): string | undefined => (typeof value === "string" && value !== "" ? value.slice(0, limit) : undefined);
const within = (value: unknown, least: number, most: number): value is number => typeof value === "number" && value >= least && value <= most;
const index = (value: unknown, count: number): value is number => Number.isInteger(value) && within(value, 0, count - 1);
/** A time that a calendar has. */
const time = (value: unknown): value is number => within(value, 0, 8.64e15);
const one = <Item>(items: Item[], value: unknown): Item | undefined => items.find((item) => item === value);

/** Reads each member of a list, and passes over those that are none. */
function all<Item>(value: unknown, read: (value: unknown) => Item | null, limit = MANY): Item[] {
  return Array.isArray(value) ? value.slice(0, limit).map(read).filter((item) => item !== null) : [];
}

/** Leaves out what is not there. */
const known = <Value extends object>(value: Value) => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));

function readPoint(value: unknown): Point | null {
  const { x, y } = members(value) ?? {};
  return within(x, -LARGE, LARGE) && within(y, -LARGE, LARGE) ? { x, y } : null;
}

function readArea(value: unknown): Area | null {
  const point = readPoint(value);
  const { width, height } = members(value) ?? {};
  return point && within(width, 0.01, LARGE) && within(height, 0.01, LARGE) ? { ...point, width, height } : null;
}

function readFurniture(value: unknown): Furniture | null {
  const area = readArea(value);
  const is = one(FURNITURE, members(value)?.["is"]);
  return area && is ? { is, ...area } : null;
}

function readPlace(value: unknown): Place | null {
  const area = readArea(value);
  const said = members(value) ?? {};
  const [id, name, door] = [text(said["id"], 40), text(said["name"], 40), readPoint(said["door"])];
  if (!area || !id || !name || !door) return null;
  return { id, name, door, ...area, seats: all(said["seats"], readPoint), furniture: all(said["furniture"], readFurniture) };
}

export function readOffice(value: unknown): Office | null {
  const area = readArea({ x: 0, y: 0, ...members(value) });
  const said = members(value) ?? {};
  const entrance = readPoint(said["entrance"]);
  return area && entrance ? { width: area.width, height: area.height, entrance, places: all(said["places"], readPlace) } : null;
}

function readAgent(value: unknown): Agent | null {
  const said = members(value) ?? {};
  const { id, parent, colour, since } = said;
  const [agent, name] = [text(said["agent"], 64), text(said["name"], 24)];
  if (!Number.isInteger(id) || !agent || !name || !index(colour, COLOURS) || !time(since)) return null;
  return {
    id: id as number, agent, name, colour, since,
    place: text(said["place"], 40) ?? "",
    activity: one(ACTIVITIES, said["activity"]) ?? "think",
    doing: text(said["doing"], 120) ?? "",
    hasFailed: said["hasFailed"] === true,
    ...known({ kind: text(said["kind"], 40), parent: Number.isInteger(parent) ? (parent as number) : undefined }),
  };
}

/** Reads agents; of two with the same number the first is one. */
export function readAgents(value: unknown, limit: number): Agent[] {
  const ids = new Set<number>();
  return all(value, readAgent, limit).filter(({ id }) => !ids.has(id) && ids.add(id));
}

export function readMark(value: unknown): Mark | null {
  const point = readPoint(value);
  const { agent, name, colour, at, kind } = members(value) ?? {};
  const is = one(MARKS, kind);
  if (!point || !is || !index(colour, COLOURS) || !time(at)) return null;
  return { kind: is, ...point, colour, at, agent: Number(agent), name: text(name, 24) ?? "" };
}

export function readAction(value: unknown): Action | null {
  const said = members(value) ?? {};
  const [agent, hook] = [text(said["agent"], 64), text(said["hook"], 40)];
  if (!agent || !hook) return null;
  const rest = {
    parent: text(said["parent"], 64), kind: text(said["kind"], 40), name: text(said["name"], 24),
    tool: text(said["tool"], 60), target: text(said["target"], 60), says: text(said["says"], 80),
  };
  return { agent, hook, at: time(said["at"]) ? said["at"] : Date.now(), ...known(rest) };
}
