/** What the hook, the engine and the page say to each other by way of the hub's rooms. */

/** An `agent-action`: what the hook tells of an agent. */
export interface Action {
  /** Who: eight digits that stand for the session. */
  agent: string;
  /** Who started it, where somebody has. */
  parent?: string;
  /** What kind of agent it is, such as `Explore`. */
  kind?: string;
  /** What it is to be called. */
  name?: string;
  /** What has happened, such as `PreToolUse`. */
  hook: string;
  tool?: string;
  /** The base name of a file. */
  target?: string;
  /** What the agent calls it. */
  says?: string;
  /** When, in milliseconds since 1970. */
  at: number;
}

/** What an agent can be at; each has a sign on the stage. */
export type Activity = "read" | "write" | "run" | "browse" | "plan" | "ask" | "think" | "rest";

export interface Point {
  x: number;
  y: number;
}

export interface Area extends Point {
  width: number;
  height: number;
}

/** A room of the office. Its door is in the middle of the wall towards the corridor. */
export interface Place extends Area {
  id: string;
  name: string;
  door: Point;
  /** Where agents are when they are there. */
  seats: Point[];
  furniture: Furniture[];
}

export interface Furniture extends Area {
  is: "shelf" | "desk" | "rack" | "screen" | "table" | "board" | "counter" | "sofa" | "plant" | "rug";
}

/** The key `office` of a room: what is drawn once. */
export interface Office {
  width: number;
  height: number;
  entrance: Point;
  places: Place[];
}

/** A member of the key `agents`, which says whatever is no number. */
export interface Agent {
  /** Its number in `positions`. */
  id: number;
  agent: string;
  parent?: number;
  name: string;
  kind?: string;
  /** Which of the stage's colours is its own. */
  colour: number;
  place: string;
  activity: Activity;
  /** What it is at, in a few words. */
  doing: string;
  /** When it began, in milliseconds since 1970. */
  since: number;
  hasFailed: boolean;
}

/** Numbers as a page gets them. */
export type Column<Kind extends string> = { [kind in Kind]: ArrayBuffer | Uint8Array };

/** The key `positions`: where everybody is, at a time of the engine's. */
export interface Positions {
  id: Column<"i32">;
  x: Column<"f32">;
  y: Column<"f32">;
  /** One number: milliseconds since 1970. */
  at: Column<"f64">;
}

/** A `visualization-event`: what is to be seen where it has happened, for a while. */
export interface Mark extends Point {
  kind: "came" | "done" | "failed" | "left";
  agent: number;
  name: string;
  colour: number;
  at: number;
}

/** How many colours agents have. */
export const COLOURS = 8;

/** Rooms of this kind have an engine. */
export const GAME = "game:";
