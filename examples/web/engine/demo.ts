/** Agents that nobody has sent: something to look at where no hook is installed yet. */

import type { Action } from "../protocol.ts";
import type { Engine } from "./engine.ts";

export const ROOM = "game:demo";

type Said = Partial<Action> & { hook: string };

/** What an agent's day is made of. */
const WORK: [string, string?, string?][] = [
  ["Read", "events.rs"], ["Grep"], ["Edit", "room.rs"], ["Bash", undefined, "Run the tests of the hub"], ["Read", "README.md"],
  ["Write", "stage.ts"], ["WebSearch"], ["TodoWrite"], ["Edit", "game.ts"], ["Bash", undefined, "Build the release"], ["Glob"],
  ["WebFetch"], ["Task", undefined, "Find what is slow"], ["Edit", "style.css"], ["Read", "Cargo.toml"], ["NotebookEdit", "curves.ipynb"],
  ["Bash", undefined, "Format and lint"], ["mcp__tracker__list_tasks"],
];

const choose = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)]!;

/** One agent's actions, which never end. */
function* day(): Generator<[Said, number]> {
  yield [{ hook: "SessionStart" }, 1500];
  for (;;) {
    yield [{ hook: "UserPromptSubmit" }, 1200];
    for (let i = 0; i < 4 + Math.random() * 5; i++) {
      const [tool, target, says] = choose(WORK);
      const told = { tool, ...(target && { target }), ...(says && { says }) };
      if (Math.random() < 0.12) yield [{ hook: "PermissionRequest", ...told }, 3500];
      yield [{ hook: "PreToolUse", ...told }, 2500 + Math.random() * 3500];
      yield [{ hook: Math.random() < 0.12 ? "PostToolUseFailure" : "PostToolUse", ...told }, 600 + Math.random() * 1200];
    }
    yield [{ hook: "Stop" }, 4000 + Math.random() * 4000];
  }
}

/** Has agents act until the engine ends; returns what stops them. */
export function demonstrate(engine: Engine, count = 7): () => void {
  const timers = new Set<Timer>();
  const after = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };
  const agents = Array.from({ length: count }, (_, i) => `demo000${i}`);
  for (const [i, agent] of agents.entries()) {
    const steps = day();
    // The last two are helpers of the first.
    const about = i >= count - 2 ? { parent: agents[0]!, kind: choose(["Explore", "Plan"]) } : {};
    const next = () => {
      const [said, ms] = steps.next().value as [Said, number];
      engine.say(ROOM, { agent, ...about, ...said, at: Date.now() });
      after(ms, next);
    };
    after(500 + i * 700, next);
  }
  return () => timers.forEach(clearTimeout);
}
