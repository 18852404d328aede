/** The whole of it in a real browser: hooks fire, the engine plays, the hub tells, the page shows. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Socket } from "socket.io-client";
import { ask, client, closeBrowser, hide, hook, Office, open, said, STARTING_MS, TOKEN, until, viewers } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const office = new Office();
beforeAll(() => office.open());
afterAll(async () => {
  await closeBrowser();
  await office.close();
});

const fire = (event: string, rest: object = {}, session?: string) =>
  hook(said(event, rest, session), { CIRCLET_HUB: office.hub, CIRCLET_EMIT_TOKEN: TOKEN });
const edits = { tool_name: "Edit", tool_input: { file_path: "/home/somebody/atlas/src/main.rs", old_string: "hunter2", new_string: "" } };

const linkIs = (page: Page, is: string) => page.locator(`#link[data-is=${is}]`).waitFor();
const listed = (page: Page, what: string) => page.locator("#actions li", { hasText: what }).first().waitFor();
const shot = (page: Page, name: string) => process.env.CIRCLET_SCRATCH && page.screenshot({ path: join(process.env.CIRCLET_SCRATCH, `${name}.png`) });

/** Those complaints that a browser itself has while nobody listens. */
const complaints = (page: { complaints: string[] }) => page.complaints.filter((what) => !/ERR_CONNECTION_REFUSED|WebSocket connection to/.test(what));

test("what_a_hook_tells_is_done_on_the_stage_and_stands_in_the_list", async () => {
  // The page may come first.
  const page = await open(`${office.page}/#game%3Aatlas`);
  await linkIs(page, "connected");
  expect(await fire("SessionStart", { source: "startup" })).toMatchObject({ code: 0, stderr: "" });
  await fire("PreToolUse", edits);
  await listed(page, "edits main.rs");
  const id = await until("it is on the stage", () => ask(page, ({ agents, stage }) => agents().find(({ id, doing }) => doing === "edits main.rs" && stage.where(id))?.id));
  // It walks to its desk: it is seen at more places than the hub has told of meanwhile.
  const [walked, told] = await walk(page, id);
  expect(walked).toBeGreaterThan(told);
  const desk = () => ask(page, ({ stage, agents }) => stage.where(agents()[0]!.id)!);
  await until("it is at a desk", async () => (await desk()).x > 10.5 && (await desk()).y < 8);
  await page.locator("#agents button", { hasText: "edits main.rs" }).waitFor();
  await page.keyboard.press("1");
  expect(await page.locator("#agents [aria-pressed=true]").count()).toBe(1);
  await page.keyboard.press("Escape");
  expect(await page.locator("#agents [aria-pressed=true]").count()).toBe(0);
  expect(await page.getAttribute("#stage", "aria-label")).toContain("edits main.rs");
  expect(await page.textContent("#age")).toMatch(/^data \d\.\d s old$/);
  await fire("PostToolUseFailure", { ...edits, error: "no" });
  await listed(page, "Edit has failed");
  await until("it has left a mark", () => ask(page, ({ stage }) => stage.objects.marks > 0));
  await fire("SessionEnd", { reason: "exit" });
  await until("it has gone home", () => ask(page, ({ agents, stage }) => agents().length === 0 && stage.objects.figures === 0));
  expect(complaints(page)).toEqual([]);
  await page.context().close();
});

/** Counts at how many places somebody is seen within two seconds, and how many updates come meanwhile. */
const walk = (page: Page, id: number): Promise<[number, number]> =>
  page.evaluate(`(async () => {
    const [seen, told] = [new Set(), new Set()];
    for (const limit = performance.now() + 2000; performance.now() < limit; ) {
      await new Promise((done) => setTimeout(done, 4));
      const at = game.stage.look(${id}, performance.now());
      if (at) seen.add(at.x + " " + at.y);
      told.add(game.room().cameAt);
    }
    return [seen.size, told.size];
  })()`);

test("positions_are_bytes_in_both_codecs", async () => {
  const emitter = await client(office.hub);
  await emitter.emitWithAck("agent-action", { room: "game:bytes", agent: "a", hook: "Stop", at: Date.now() });
  for (const codec of ["json", "msgpack"]) {
    const page = await open(`${office.page}/?codec=${codec}#game%3Abytes`);
    await until("it is on the stage", () => ask(page, ({ agents, stage }) => agents()[0] && stage.where(agents()[0]!.id)));
    expect(await ask(page, ({ room }) => Object.prototype.toString.call(room()!.state.positions.x.f32))).toMatch(/ArrayBuffer|Uint8Array/);
    await listed(page, "is done");
    expect(complaints(page)).toEqual([]);
    await page.context().close();
  }
  emitter.disconnect();
});

test("a_hidden_page_leaves_its_room_and_is_told_what_it_has_missed", async () => {
  const page = await open(office.page + "/#game%3Ahidden");
  const emitter = await client(office.hub);
  const watching = await viewers(emitter);
  const act = (target: string) => emitter.emitWithAck("agent-action", { room: "game:hidden", agent: "a", hook: "PreToolUse", tool: "Read", target, at: Date.now() });
  await act("first");
  await listed(page, "reads first");
  await until("the page and the engine watch", () => watching("game:hidden") === 2);
  await hide(page, true);
  await linkIs(page, "paused");
  await until("the engine alone watches", () => watching("game:hidden") === 1);
  await act("second");
  await Bun.sleep(200);
  expect(await page.locator("#actions li", { hasText: "second" }).count()).toBe(0);
  await hide(page, false);
  await listed(page, "reads second");
  expect(await page.locator("#actions li", { hasText: "first" }).count()).toBe(1);
  await hide(page, true);
  await until("the engine alone watches", () => watching("game:hidden") === 1);
  for (let i = 0; i < 300; i++) await act(`${i}.`);
  await hide(page, false);
  await listed(page, "reads 299.");
  // Those that nobody has any more are said to be lost, not passed over.
  await page.locator("#lost", { hasText: "44 events lost" }).waitFor();
  expect(complaints(page)).toEqual([]);
  emitter.disconnect();
  await page.context().close();
});

test("what_is_no_game_is_passed_over", async () => {
  const emitter = await client(office.hub);
  const page = await open(office.page + "/#odd");
  await linkIs(page, "connected");
  const [point, agent] = [{ x: 1, y: 1 }, { id: 1, agent: "a", name: "<b>A</b>", colour: 0, since: 1, doing: "<img src=x>" }];
  const values = [null, 7, "text", [], {}, [null, 7, {}], { x: Number.MAX_VALUE, y: {} }];
  const offices = [...values, { width: 9, height: 9 }, { width: 9, height: 9, entrance: point, places: values }, { width: 9, height: 9, entrance: point, places: [{ id: "a", name: "a", ...point, width: 2, height: 2, door: point, furniture: [{ is: "constructor" }] }] }];
  const columns: unknown[] = [...values, { id: { i32: [1] }, x: { f32: ["1"] }, y: {}, at: { f64: [1] } }, { id: { i32: [1] }, x: { constructor: [1] }, y: { f32: [1] }, at: { f64: ["?"] } }];
  const agents = [...values, [agent, agent, { ...agent, id: 2, colour: 99 }, { ...agent, activity: "toString", since: 1e300 }]];
  for (const set of [...offices.map((office) => ({ office })), ...columns.map((positions) => ({ positions })), ...agents.map((agents) => ({ agents }))]) {
    await emitter.emitWithAck("game-state-update", { room: "odd", set });
    await Bun.sleep(40);
  }
  for (const said of [{}, { agent: 7, hook: "Stop" }, { agent: "a", hook: "constructor" }, { agent: "a", hook: "PreToolUse", tool: "__proto__", at: -1 }]) {
    await emitter.emitWithAck("agent-action", { room: "odd", ...said });
    await emitter.emitWithAck("visualization-event", { room: "odd", kind: "done", x: "1", ...said });
  }
  await emitter.emitWithAck("agent-action", { room: "odd", agent: "a", hook: "PreToolUse", tool: "Read", target: "<i>last</i>", at: Date.now() });
  await listed(page, "<b>A</b> reads <i>last</i>");
  expect(await page.locator("#agents img, #agents b, #actions i").count()).toBe(0);
  expect(complaints(page)).toEqual([]);
  emitter.disconnect();
  await page.context().close();
});

test("a_room_that_is_left_leaves_nothing_behind", async () => {
  const emitter = await client(office.hub);
  for (const room of ["game:one", "game:two"]) {
    for (const agent of ["a", "b", "c"]) await emitter.emitWithAck("agent-action", { room, agent, hook: "PreToolUse", tool: "Bash", says: `works in ${room}`, at: Date.now() });
  }
  const page = await open(office.page + "/#game%3Aone");
  await until("three are there", () => ask(page, ({ stage }) => stage.objects.figures === 3));
  await page.locator("#rooms option[value='game:two']").waitFor({ state: "attached" });
  const empty = await ask(page, ({ stage }) => stage.objects.all);
  await page.goto(office.page + "/#nothing");
  await until("nobody is there", () => ask(page, ({ stage }) => stage.objects.figures === 0));
  expect(await page.locator("#actions li").count()).toBe(0);
  const bare = await ask(page, ({ stage }) => stage.objects.all);
  expect(bare).toBeLessThan(empty);
  for (let i = 0; i < 5; i++) {
    await page.selectOption("#rooms", i % 2 === 0 ? "game:two" : "game:one");
    await until("three are there", () => ask(page, ({ stage }) => stage.objects.figures === 3));
  }
  await listed(page, "works in game:two");
  expect(await page.locator("#actions li", { hasText: "works in game:one" }).count()).toBe(0);
  await page.goto(office.page + "/#nothing");
  await until("nobody is there", () => ask(page, ({ stage }) => stage.objects.figures === 0));
  expect(await ask(page, ({ stage }) => stage.objects.all)).toBe(bare);
  await page.locator("#empty", { hasText: "No engine keeps this room" }).waitFor();
  expect(complaints(page)).toEqual([]);
  emitter.disconnect();
  await page.context().close();
});

/** Has eight agents act thirty times a second, of whom one goes now and then and another comes; returns what stops them. */
function act(emitter: Socket, room: string): () => void {
  const tools = ["Read", "Edit", "Bash", "WebFetch", "TodoWrite", "AskUserQuestion", "Grep"];
  let count = 0;
  const say = (agent: string, hook: string, rest: object = {}) => emitter.emit("agent-action", { room, agent, hook, at: Date.now(), ...rest });
  const timer = setInterval(() => {
    const [index, round] = [count % 8, Math.floor(count / 8)];
    const generation = Math.floor((round + index * 5) / 40);
    if (generation > 0 && (round + index * 5) % 40 === 0) say(`${index} ${generation - 1}`, "SessionEnd");
    const tool = tools[(Math.floor(round / 10) + index) % tools.length];
    say(`${index} ${generation}`, round % 10 < 8 ? "PreToolUse" : "PostToolUse", { tool, target: `file ${count % 40}` });
    count += 1;
  }, 1000 / 30);
  return () => clearInterval(timer);
}

test("a_page_that_is_told_thirty_times_a_second_does_not_grow", async () => {
  const emitter = await client(office.hub);
  const stop = act(emitter, "game:flat");
  const page = await open(office.page + "/#game%3Aflat");
  await linkIs(page, "connected");
  // Until everything is there that is ever there, and what is measured once is.
  await until("the list is full", async () => (await page.locator("#actions li").count()) === 100);
  await Bun.sleep(2500);
  const devtools = await page.context().newCDPSession(page);
  const measure = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    const { nodes } = await devtools.send("Memory.getDOMCounters");
    return { usedSize, nodes, ...(await ask(page, ({ stage }) => ({ all: stage.objects.all, frames: stage.frames }))) };
  };
  const before = await measure();
  await Bun.sleep(8000);
  const after = await measure();
  stop();
  console.log(`heap ${before.usedSize} to ${after.usedSize}, objects ${before.all} to ${after.all}, nodes ${before.nodes} to ${after.nodes}, ${after.frames - before.frames} frames`);
  expect(after.frames - before.frames).toBeGreaterThan(60);
  expect(after.usedSize - before.usedSize).toBeLessThan(500_000);
  // All figures, marks and steps that there may be.
  expect(after.all).toBeLessThan(900);
  expect(after.nodes - before.nodes).toBeLessThan(400);
  expect(await page.locator("#actions li").count()).toBe(100);
  await shot(page, "light");
  await page.keyboard.press("t");
  await Bun.sleep(300);
  await shot(page, "dark");
  expect(complaints(page)).toEqual([]);
  emitter.disconnect();
  await page.context().close();
});

test("page_and_engine_go_on_after_the_hub_was_started_again", async () => {
  await fire("UserPromptSubmit");
  const page = await open(office.page + "/#game%3Aatlas");
  await page.locator("#agents button", { hasText: "was asked something" }).waitFor();
  await office.closeHub();
  await linkIs(page, "away");
  await page.locator("#notice", { hasText: "does not answer" }).waitFor();
  expect(await page.getAttribute("#age", "data-tone")).toBe("bad");
  // What was known stays to be seen.
  await until("it is there", () => ask(page, ({ stage }) => stage.objects.figures === 1));
  await office.openHub();
  await linkIs(page, "connected");
  await listed(page, "The hub was started again");
  await page.locator("#notice").waitFor({ state: "hidden" });
  await fire("PreToolUse", edits);
  await listed(page, "edits main.rs");
  await until("the engine plays on", () => ask(page, ({ agents }) => agents().length === 1 && agents()[0]!.doing === "edits main.rs"));
  expect(complaints(page)).toEqual([]);
  await page.context().close();
});
