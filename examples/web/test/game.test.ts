/** The game by itself, without a clock, a hub or a page. */
import { expect, test } from "bun:test";
import { deed } from "../engine/deeds.ts";
import { AGENTS_MAX, Game } from "../engine/game.ts";
import { OFFICE, placeNamed, placeOf, way } from "../engine/office.ts";
import type { Agent, Point } from "../protocol.ts";
import { readAgents, readOffice } from "../reading.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const inOffice = ({ x, y }: Point) => x >= 0 && x <= OFFICE.width && y >= 0 && y <= OFFICE.height;

/** Lets a game go on for some seconds, and returns what it told. */
function play(game: Game, from: number, seconds: number): { agents: Agent[]; marks: string[] } {
  let agents: Agent[] = [];
  const marks: string[] = [];
  for (let now = from; now <= from + seconds * 1000; now += 33) {
    game.step(now);
    const told = game.told();
    agents = told.agents ?? agents;
    marks.push(...told.marks.map(({ kind, name }) => `${kind} ${name}`));
    for (let id = 1; id <= 3 * AGENTS_MAX; id++) {
      const at = game.where(id);
      if (at) expect(inOffice(at)).toBe(true);
    }
  }
  return { agents, marks };
}

test("an_agent_walks_to_where_its_tool_is_and_goes_home_at_the_end", () => {
  const game = new Game();
  game.act({ agent: "a", hook: "SessionStart", name: "Ada", at: NOW }, NOW);
  for (const [i, [tool, place]] of ([["Read", "library"], ["Edit", "desks"], ["Bash", "machines"], ["WebSearch", "window"], ["Task", "meeting"], ["AskUserQuestion", "help"]] as const).entries()) {
    const now = NOW + (i + 1) * MINUTE;
    game.act({ agent: "a", hook: "PreToolUse", tool, at: now }, now);
    expect(play(game, now, 9).agents[0]).toMatchObject({ name: "Ada", place });
    const { x, y, width, height } = placeNamed(place)!;
    expect(game.where(1)!.x).toBeWithin(x, x + width);
    expect(game.where(1)!.y).toBeWithin(y, y + height);
  }
  game.act({ agent: "a", hook: "SessionEnd", at: NOW + 8 * MINUTE }, NOW + 8 * MINUTE);
  expect(play(game, NOW + 8 * MINUTE, 9)).toEqual({ agents: [], marks: ["left Ada"] });
});

test("whoever_does_nothing_for_ten_minutes_goes_home_and_what_is_older_is_passed_over", () => {
  const game = new Game();
  game.act({ agent: "old", hook: "Stop", at: NOW - 11 * MINUTE }, NOW);
  expect(game.size).toBe(0);
  game.act({ agent: "a", hook: "Stop", at: NOW }, NOW);
  play(game, NOW, 9);
  expect(game.size).toBe(1);
  play(game, NOW + 10 * MINUTE + 1, 9);
  expect(game.size).toBe(0);
});

test("there_are_so_many_agents_at_most_each_with_a_name_of_its_own", () => {
  const game = new Game();
  for (let i = 0; i < 3 * AGENTS_MAX; i++) game.act({ agent: `agent ${i}`, hook: "PreToolUse", tool: "Edit", at: NOW + i }, NOW + i);
  const { agents } = play(game, NOW, 9);
  expect(agents.length).toBe(AGENTS_MAX);
  expect(new Set(agents.map(({ name }) => name)).size).toBe(AGENTS_MAX);
  expect(agents.at(-1)!.agent).toBe(`agent ${3 * AGENTS_MAX - 1}`);
  expect(readAgents(JSON.parse(JSON.stringify(agents)), 99)).toEqual(agents);
});

test("what_is_no_action_is_none_in_the_game", () => {
  const game = new Game();
  for (const said of [null, 7, [], {}, { agent: "a" }, { agent: "a", hook: "Nothing" }, { agent: 7, hook: "Stop" }]) game.act(said, NOW);
  expect(game.size).toBe(0);
  game.act({ agent: "a", hook: "PreToolUse", tool: "constructor", at: NOW + MINUTE, name: "x".repeat(1000) }, NOW);
  const { agents } = play(game, NOW, 1);
  expect(agents[0]).toMatchObject({ name: "x".repeat(24), doing: "uses constructor", since: NOW });
});

test("everybody_is_told_by_a_failure_of_what_failed", () => {
  expect(deed({ agent: "a", hook: "PostToolUseFailure", tool: "mcp__tracker__list_tasks", at: NOW })).toMatchObject({ doing: "list_tasks has failed", ends: "failed" });
  expect(deed({ agent: "a", hook: "PreToolUse", tool: "Bash", says: "Run the tests", at: NOW })).toMatchObject({ activity: "run", doing: "Run the tests" });
});

test("all_ways_lead_through_doors_and_every_seat_is_in_its_room", () => {
  expect(readOffice(JSON.parse(JSON.stringify(OFFICE)))).toEqual(OFFICE);
  const desk = placeOf("write")!;
  for (const place of OFFICE.places) {
    for (const seat of place.seats) {
      expect(seat.x).toBeWithin(place.x, place.x + place.width);
      expect(seat.y).toBeWithin(place.y, place.y + place.height);
      if (place !== desk) expect(way(seat, desk.seats[0]!, 0)).toContainEqual(place.door);
    }
  }
});
