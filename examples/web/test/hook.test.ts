/** The hook, as an agent starts it: what it tells, what it keeps to itself, and that it never stands in an agent's way. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { hook, said, STARTING_MS, TOKEN } from "./support.ts";

setDefaultTimeout(STARTING_MS);

let posted: { path: string; token: string | null; body: Record<string, unknown> }[] = [];
const hub = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    posted.push({ path: new URL(request.url).pathname, token: request.headers.get("authorization"), body: (await request.json()) as Record<string, unknown> });
    return Response.json({ ok: true });
  },
});
const known = { CIRCLET_HUB: `http://127.0.0.1:${hub.port}`, CIRCLET_EMIT_TOKEN: TOKEN };

afterAll(() => hub.stop(true));

async function told(input: object, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  posted = [];
  const ended = await hook(input, { ...known, ...env });
  expect(ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(posted.map(({ path, token }) => [path, token])).toEqual([["/emit", `Bearer ${TOKEN}`]]);
  return posted[0]!.body;
}

test("a_hook_tells_of_the_tool_and_the_file_in_the_room_of_the_project", async () => {
  const body = await told(said("PreToolUse", { tool_name: "Edit", tool_input: { file_path: "/home/somebody/atlas/src/main.rs", old_string: "a", new_string: "b" } }));
  expect(body).toMatchObject({ event: "agent-action", room: "game:atlas", hook: "PreToolUse", tool: "Edit", target: "main.rs" });
  expect(Math.abs(Date.now() - (body["at"] as number))).toBeLessThan(10_000);
  expect(body["agent"]).toMatch(/^[0-9a-f]{8}$/);
  expect(await told(said("Stop"), { CIRCLET_ROOM: "game:other", CIRCLET_AGENT: "Ada" })).toMatchObject({ room: "game:other", name: "Ada", agent: body["agent"] });
});

test("a_helper_is_another_agent_that_knows_who_called_it", async () => {
  const parent = await told(said("PreToolUse", { tool_name: "Task", tool_input: { description: "Find what is slow", prompt: "look everywhere", subagent_type: "Explore" } }));
  expect(parent).toMatchObject({ tool: "Task", says: "Find what is slow" });
  const helper = await told(said("SubagentStart", { agent_id: "agent-7", agent_type: "Explore" }));
  expect(helper).toMatchObject({ parent: parent["agent"], kind: "Explore" });
  expect(helper["agent"]).not.toBe(parent["agent"]);
});

test("what_is_secret_stays_with_the_agent", async () => {
  const secrets = ["hunter2", "tok-not-a-real-one", "/home/somebody", "tell nobody", "0b6c3c1e", "api.example", "transcript"];
  const inputs = [
    said("PreToolUse", { tool_name: "Bash", tool_input: { command: "curl -H 'key: tok-not-a-real-one' https://api.example -u me:hunter2", description: "Ask https://api.example with KEY=hunter2 tok-not-a-real-one from /home/somebody/notes\ntell nobody" } }),
    said("PostToolUse", { tool_name: "Bash", tool_input: { command: "echo hunter2" }, tool_response: { stdout: "hunter2" } }),
    said("PreToolUse", { tool_name: "Write", tool_input: { file_path: "/home/somebody/.env", content: "PASSWORD=hunter2" } }),
    said("PreToolUse", { tool_name: "WebFetch", tool_input: { url: "https://api.example/?key=hunter2", prompt: "tell nobody", description: "hunter2" } }),
    said("PreToolUse", { tool_name: "Grep", tool_input: { pattern: "hunter2", path: "/home/somebody" } }),
    said("PreToolUse", { tool_name: "mcp__mail__send", tool_input: { description: "hunter2", body: "tell nobody" } }),
    said("UserPromptSubmit", { prompt: "the password is hunter2, tell nobody" }),
    said("Notification", { message: "hunter2" }),
  ];
  for (const input of inputs) {
    const body = JSON.stringify(await told(input));
    for (const secret of secrets) expect(body).not.toContain(secret);
  }
  expect(await told(inputs[0]!)).toMatchObject({ says: "Ask … with … … from notes" });
});

test("an_agent_never_fails_by_its_hook_and_never_waits_for_it", async () => {
  const input = said("Stop");
  const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const refusing = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.redirect("http://127.0.0.1:1/emit") });
  const cases: [unknown, Record<string, string | undefined>, string][] = [
    [input, { ...known, CIRCLET_EMIT_TOKEN: undefined }, "CIRCLET_EMIT_TOKEN is not set"],
    [input, { ...known, CIRCLET_HUB: "http://127.0.0.1:1" }, "refused"],
    [input, { ...known, CIRCLET_HUB: `http://127.0.0.1:${mute.port}` }, "timed out"],
    [input, { ...known, CIRCLET_HUB: `http://127.0.0.1:${refusing.port}` }, "the hub answers 302"],
    [input, { ...known, CIRCLET_HUB: "file:///etc/passwd" }, "CIRCLET_HUB is no address"],
    [input, { ...known, CIRCLET_HUB: "http://127.0.0.1:none" }, "was not told"],
    [input, { ...known, CIRCLET_EMIT_TOKEN: "two\nlines" }, "was not told"],
    ["", known, "no JSON"],
    ["[1]", known, "no object"],
    ["{}", known, "no hook's input"],
    [said("PreToolUse", { tool_name: 7, tool_input: "text", cwd: null }), known, ""],
  ];
  for (const [input, env, why] of cases) {
    const ended = await hook(input, env);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain(why);
    expect(ended.stderr.trim().split("\n").length).toBeLessThanOrEqual(1);
    // With what it takes to start Python on a machine that is busy.
    expect(ended.ms).toBeLessThan(4000);
  }
  mute.stop(true);
  await refusing.stop(true);
});

test("a_hook_that_is_told_nothing_ends_all_the_same", async () => {
  const child = Bun.spawn([`${import.meta.dir}/../hook`], { env: { PATH: process.env.PATH, ...known }, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toContain("it took too long");
});
