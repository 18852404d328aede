/** Trackers of sessions, against what Bun and the system say of the same program. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  BusyError,
  CircletError,
  ClosedError,
  Executor,
  InvalidError,
  NameTakenError,
  NotFoundError,
  Pool,
  readSession,
  SessionPool,
  SessionTracker,
  SharedPage,
  SharedRingBuffer,
  TooLargeError,
  type TrackerOptions,
} from "../src/index.ts";
import { changes, Longest } from "../src/session_guest.mjs";
import { errorOf, exists, newName, STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const alone: TrackerOptions = { project: false };
const SCHEMA = "circlet.session/1";
const built = join(import.meta.dir, "../../target/debug/circlet");
const program = process.env["CIRCLET_PROGRAM"] ?? (existsSync(built) ? built : Bun.which("circlet"));

/** A snapshot whose fields are not spelled out here. */
const seen = (tracker: SessionTracker): any => tracker.snapshot();

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

async function waitFor<Found>(look: () => Found | Promise<Found>): Promise<NonNullable<Found>> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await Bun.sleep(10);
  }
}

describe("what Bun says", () => {
  test("which_bun_this_is", () => {
    using tracker = SessionTracker.start(alone);
    const { metadata, bun, node_compat } = seen(tracker);
    expect(metadata.bun).toMatchObject({ version: Bun.version, revision: Bun.revision, features: { jsc: true, webcrypto: true } });
    expect(metadata.bun.build).toMatchObject({ arch: process.arch, platform: process.platform, simd: true });
    expect(metadata.platform.useragent).toStartWith(`Bun/${Bun.version} (Linux/`);
    expect(bun.flags).toEqual({ smol: false, bun: false, inspect: false, hot: false, watch: false });
    expect(bun.performance.startup_us).toBeGreaterThan(0);
    expect(bun.performance.gc).toBeUndefined();
    const apis = new Map<string, string>(node_compat.apis.map((api: { name: string; status?: string }) => [api.name, api.status]));
    for (const [name, status] of apis) expect([name, status]).toEqual([name, resolves(name) ? undefined : "missing"] as never);
    expect(apis.has("node:fs")).toBe(true);
  });

  test("its_flags", () => {
    const source = `import { SessionTracker } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
      console.log(JSON.stringify(SessionTracker.start({ project: false }).snapshot().bun.flags));`;
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "--smol", "-e", source]);
    expect([JSON.parse(stdout.toString()), stderr.toString()]).toEqual([
      { smol: true, bun: false, inspect: false, hot: false, watch: false },
      "",
    ]);
  });

  test("its_heap_as_it_grows", () => {
    using tracker = SessionTracker.start(alone);
    // What other tests have left goes before it is counted.
    Bun.gc(true);
    const before = seen(tracker).bun.performance.memory;
    const kept = Array.from({ length: 400_000 }, (_, index) => ({ index, next: index + 1 }));
    const buffer = new ArrayBuffer(32 << 20);
    Bun.gc(true);
    const own = process.memoryUsage();
    const after = seen(tracker).bun.performance.memory;
    expect(Math.abs(after.heap_bytes - own.heapUsed)).toBeLessThan(4 << 20);
    expect(after.heap_bytes - before.heap_bytes).toBeGreaterThan(kept.length * 16);
    expect(Math.abs(after.array_buffers_bytes - own.arrayBuffers)).toBeLessThan(4 << 20);
    expect(after.array_buffers_bytes).toBeGreaterThanOrEqual(buffer.byteLength);
  });

  test("a_block_of_the_event_loop_by_its_length", async () => {
    // A block is seen as shorter by what is left of a beat when it begins; a beat is late itself where the machine is busy.
    const [shorterUs, longerUs] = [15_000, 25_000];
    const apart: number[] = [];
    // Where the machine has more to do than cores, another may come between.
    for (let attempt = 0; attempt < 10 && !apart.some((us) => us <= longerUs); attempt++) {
      using tracker = SessionTracker.start(alone);
      await Bun.sleep(50);
      const began = performance.now();
      block(120);
      const length = (performance.now() - began) * 1e3;
      // Before the loop has turned again, and after.
      const lags = [seen(tracker).bun.resources];
      await Bun.sleep(50);
      lags.push(seen(tracker).bun.resources);
      // Never less: whatever holds it up comes on top.
      for (const lag of lags) expect(lag.event_loop_lag_longest_us).toBeGreaterThanOrEqual(length - shorterUs);
      const { event_loop_lag_us: last, event_loop_lag_longest_us: longest } = lags[1];
      expect(last).toBeLessThanOrEqual(longest);
      apart.push(last < longest ? longest - length : Infinity);
    }
    expect(Math.min(...apart)).toBeLessThanOrEqual(longerUs);
  });

  test("no_lag_of_the_last_minute_once_it_has_passed", () => {
    const longest = new Longest();
    expect(longest.within(500)).toBe(0);
    for (const [now, value] of [[500, 7], [900, 3], [30_000, 5]] as const) longest.note(now, value);
    expect([1000, 59_900, 61_000, 89_900, 91_000].map((now) => longest.within(now))).toEqual([7, 7, 5, 5, 0]);
  });

  test("what_has_changed_and_no_more", () => {
    const old = { a: 1, b: { c: 1, d: 2 }, e: { f: 1 }, g: [1], i: [2] };
    const now = { a: 1, b: { c: 3, d: 2 }, g: [1, 2], h: {}, i: [2] };
    expect(changes(old, now)).toEqual({ b: { c: 3 }, e: null, g: [1, 2], h: {} });
    expect(changes(now, structuredClone(now))).toBeUndefined();
  });
});

describe("what circlet itself knows", () => {
  test("of_a_ring_is_said_until_it_is_closed", () => {
    using tracker = SessionTracker.start(alone);
    const name = newName();
    const ring = SharedRingBuffer.create(name);
    tracker.watch("jobs", ring);
    expect(errorOf(() => tracker.watch("jobs", ring))).toBeInstanceOf(NameTakenError);
    ring.send("x".repeat(96));
    const { jobs } = seen(tracker).rings;
    const { usedBytes } = ring.stats();
    expect([jobs.frames_sent, jobs.used_bytes]).toEqual([1, Number(usedBytes)]);
    expect(jobs.high_water_bytes).toBeGreaterThanOrEqual(jobs.used_bytes);
    expect(tracker.patch({ rings: { jobs: { dropped: 7 } } })).toEqual(["rings.jobs"]);
    ring.close();
    expect(exists(name)).toBe(false);
    expect(seen(tracker).rings).toBeUndefined();
    using again = SharedRingBuffer.create(name);
    tracker.watch("jobs", again);
    expect(seen(tracker).rings.jobs.frames_sent).toBe(0);
    tracker.unwatch("jobs");
    expect(seen(tracker).rings).toBeUndefined();
    expect(errorOf(() => tracker.unwatch("jobs"))).toBeInstanceOf(NotFoundError);
    for (const wrong of [{}, null, 5, SharedRingBuffer]) {
      expect(errorOf(() => tracker.watch("x", wrong as never))).toBeInstanceOf(InvalidError);
    }
  });

  test("of_pools_executors_and_sessions_is_said_until_they_are_closed", async () => {
    using tracker = SessionTracker.start(alone);
    tracker.registerWorker("w_own");
    const pool = new Pool({ max: 2 });
    const executor = new Executor();
    const sessions = new SessionPool({ ready: 1, policy: { version: 1, name: "open", fs: { default: "allow" }, net: { default: "warn" }, audit: { payload: true } } });
    tracker.watch("pool", pool);
    tracker.watch("python", executor);
    tracker.watch("sessions", sessions);
    await executor.run("1 + 1");
    const session = sessions.open();
    await session.run("2 + 2");
    const { worker_threads, executors, policies } = seen(tracker);
    expect(worker_threads.pool.max).toBe(2);
    expect(worker_threads.registry.w_own.state).toBe("booting");
    expect(executors.python).toMatchObject({ language: "python", calls: 1 });
    expect(Object.entries<any>(executors).find(([name, { calls }]) => name.startsWith("sessions/") && calls === 1)![1].policy).toBe("open");
    expect(policies.open.network).toBe("warn");
    await session.run("import socket; socket.socket().connect_ex(('127.0.0.1', 9))");
    const { audit } = seen(tracker);
    expect(audit).toMatchObject({ denied: 0, warned: 1, omitted: 0, last: [{ action: "warn", request: "connect 127.0.0.1:9 tcp", rule: "net.default of open" }] });
    session.close();
    sessions.close();
    executor.close();
    await pool.close();
    const left = seen(tracker);
    expect([left.executors, left.policies, left.audit]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(left.worker_threads)).toEqual(["registry"]);
    expect(left.bun.apis).toEqual(expect.arrayContaining(["circlet.Pool", "circlet.Executor", "circlet.SessionPool"]));
  });

  test("of_a_session_is_read_by_its_page_with_whether_its_writer_lives", async () => {
    const name = newName();
    expect(errorOf(() => readSession(name))).toBeInstanceOf(NotFoundError);
    const source = `import { SessionTracker } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
      globalThis.tracker = SessionTracker.start({ project: false, page: ${JSON.stringify(name)}, intervalMs: 20 });
      tracker.patch({ goal: "be read" });
      setInterval(() => {}, 1000);`;
    const child = Bun.spawn([process.execPath, "-e", source], { stdio: ["ignore", "ignore", "inherit"] });
    await waitFor(() => exists(name));
    const read = await waitFor(() => {
      const there = readSession(name);
      return there?.payload.goal === "be read" ? there : null;
    });
    expect([read.isLive, (read.payload as any).metadata.env.process_id]).toEqual([true, child.pid]);
    child.kill("SIGKILL");
    await child.exited;
    await Bun.sleep(100);
    const last = readSession(name)!;
    expect([last.isLive, last.payload.goal]).toEqual([false, "be read"]);
    expect(last.ageMs).toBeGreaterThanOrEqual(100);
    unlinkSync(`/dev/shm/${name}`);
  });
});

describe("what the program says", () => {
  test("is_kept_and_what_is_measured_refused", () => {
    using tracker = SessionTracker.start(alone);
    for (const api of ["Bun.serve", "Bun.file", "Bun.serve"]) tracker.logApiUsage(api);
    const refused = tracker.patch({ goal: "draw", process: { rss_bytes: 1 }, metadata: { env: { process_id: 1 } } });
    expect(refused.toSorted()).toEqual(["metadata.env.process_id", "process"]);
    const payload = seen(tracker);
    const resident = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * 4096;
    expect(payload.goal).toBe("draw");
    expect(payload.bun.apis.filter((api: string) => api.startsWith("Bun."))).toEqual(["Bun.serve", "Bun.file"]);
    expect(payload.metadata.env.process_id).toBe(process.pid);
    expect(Math.abs(payload.process.rss_bytes - resident)).toBeLessThan(8 << 20);
  });

  test("is_said_anew_where_it_was_overwritten", () => {
    using tracker = SessionTracker.start(alone);
    tracker.patch({ metadata: { bun: { version: "0.1" } }, bun: { performance: null, mine: 1 } });
    const { metadata, bun } = seen(tracker);
    expect([metadata.bun.version, bun.mine]).toEqual([Bun.version, 1]);
    expect(bun.performance.memory.heap_bytes).toBeGreaterThan(0);
  });

  test("of_workers_is_kept_until_they_are_forgotten", () => {
    using tracker = SessionTracker.start(alone);
    tracker.registerWorker("w_1");
    expect(errorOf(() => tracker.registerWorker("w_1"))).toBeInstanceOf(NameTakenError);
    tracker.updateWorker("w_1", { state: "idle", messages_processed: 3 });
    expect(seen(tracker).worker_threads.registry.w_1).toMatchObject({ state: "idle", messages_processed: 3, errors: 0 });
    tracker.updateWorker("w_1", null);
    expect(errorOf(() => tracker.updateWorker("w_1", {}))).toBeInstanceOf(NotFoundError);
  });

  test("is_taken_out_where_it_should_not_leave", () => {
    const secrets = [`ghp_${"a1B2".repeat(9)}`, `${homedir()}/hidden`, "https://ada:hunter2@example.org"];
    using tracker = SessionTracker.start(alone);
    tracker.patch({ context: secrets, bun: { note: secrets[0] } });
    const said = JSON.stringify(tracker.snapshot());
    expect([secrets[0]!, secrets[1]!, "hunter2"].filter((secret) => said.includes(secret))).toEqual([]);
    using whole = SessionTracker.start({ ...alone, redact: false });
    whole.patch({ context: secrets });
    expect(seen(whole).context).toEqual(secrets);
  });

  test("is_refused_by_its_path_where_json_has_no_place_for_it", () => {
    using tracker = SessionTracker.start(alone);
    tracker.patch({ bun: { custom: 1 } });
    const wrong: [object, RegExp][] = [
      [{ bun: { custom: NaN } }, /^patch\.bun\.custom is NaN, /],
      [{ bun: { list: [1, -Infinity] } }, /^patch\.bun\.list\[1\] is -Infinity, /],
      [{ bun: { custom: () => 1 } }, /^patch\.bun\.custom is a function, /],
      [{ bun: { custom: Symbol("x") } }, /^patch\.bun\.custom is a symbol, /],
      [{ bun: { custom: 5n } }, /^patch\.bun\.custom is the bigint 5, /],
    ];
    for (const [patch, message] of wrong) {
      expect(() => tracker.patch(patch)).toThrow(TypeError);
      expect(() => tracker.patch(patch)).toThrow(message);
    }
    tracker.patch({ bun: { absent: undefined, when: new Date(0) } });
    expect(seen(tracker).bun).toMatchObject({ custom: 1, when: "1970-01-01T00:00:00.000Z" });
  });

  test("may_be_as_long_as_it_was_started_with", () => {
    using tracker = SessionTracker.start({ ...alone, maxBytes: 1 << 20 });
    tracker.patch({ last: "y".repeat(1 << 19) });
    expect(errorOf(() => tracker.patch({ goal: "y".repeat(1 << 20) }))).toBeInstanceOf(TooLargeError);
  });

  test("is_refused_whole_where_it_does_not_fit", () => {
    using tracker = SessionTracker.start(alone);
    tracker.patch({ goal: "stay" });
    for (const wrong of [{ goal: "x", critical: 5 }, [1], 5, () => 1]) {
      expect(errorOf(() => tracker.patch(wrong as object))).toBeInstanceOf(CircletError);
    }
    expect(errorOf(() => tracker.patch({ goal: "x", last: "y".repeat(1 << 20) }))).toBeInstanceOf(TooLargeError);
    expect(seen(tracker).goal).toBe("stay");
    for (const name of ["", "x".repeat(257), "a\0b", 5 as never]) {
      expect(errorOf(() => tracker.logApiUsage(name))).toBeInstanceOf(InvalidError);
    }
  });
});

describe("a worker that is watched", () => {
  const worker = (source: string) => new Worker(URL.createObjectURL(new Blob([source])));

  test("is_followed_by_its_messages_and_its_end", async () => {
    using tracker = SessionTracker.start(alone);
    const echo = worker("onmessage = ({ data }) => postMessage(data)");
    const id = tracker.watchWorker(echo);
    const entry = () => seen(tracker).worker_threads.registry[id];
    expect(entry().state).toBe("booting");
    for (let index = 0; index < 5; index++) echo.postMessage(index);
    await waitFor(() => entry().messages_processed === 5);
    expect(entry()).toMatchObject({ state: "idle", errors: 0 });
    echo.terminate();
    await waitFor(() => entry().state === "terminated");
    expect(entry()).toMatchObject({ end: "stopped", messages_processed: 5 });
  });

  test("has_its_error_said", async () => {
    using tracker = SessionTracker.start(alone);
    tracker.watchWorker(worker("throw new RangeError('out of it')"), "w_bad");
    const entry = () => seen(tracker).worker_threads.registry.w_bad;
    await waitFor(() => entry().state === "terminated");
    expect(entry()).toMatchObject({ end: "crashed", errors: 1 });
    expect(entry().last_error).toBe("RangeError: out of it");
  });

  test("may_be_forgotten", async () => {
    using tracker = SessionTracker.start(alone);
    const echo = worker("onmessage = ({ data }) => postMessage(data)");
    const id = tracker.watchWorker(echo);
    tracker.updateWorker(id, null);
    echo.postMessage(1);
    await new Promise((got) => echo.addEventListener("message", got));
    expect(seen(tracker).worker_threads?.registry?.[id]).toBeUndefined();
    echo.terminate();
  });
});

test("snapshots_are_remembered_and_compared", () => {
  using tracker = SessionTracker.start({ ...alone, history: 3, session: "sess-mine" });
  const first = seen(tracker);
  expect(first.metadata.env.session).toBe("sess-mine");
  tracker.patch({ last: "compared" });
  expect(tracker.diff(first.seq)["last"]).toBe("compared");
  const numbers = [1, 2, 3, 4].map(() => seen(tracker).seq);
  expect(tracker.history().map(({ seq }) => seq)).toEqual(numbers.slice(1));
  expect(errorOf(() => tracker.diff(first.seq))).toBeInstanceOf(NotFoundError);
  for (const summary of [tracker.summary(), tracker.summary(100)]) expect(summary).toContain("compared");
  expect(tracker.summary(100).length).toBeLessThanOrEqual(tracker.summary().length);
  for (const tokens of [-1, 0.5, "many" as never]) expect(errorOf(() => tracker.summary(tokens))).toBeInstanceOf(InvalidError);
});

test.skipIf(program === null)("the_page_is_read_by_another_process_and_ends_with_the_tracker", async () => {
  const name = newName();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "tracked.ts"), name], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const heap = Number(new TextDecoder().decode((await child.stdout.getReader().read()).value));
  const payload = await waitFor(() => {
    const { stdout } = Bun.spawnSync([program!, "session", "watch", name, "--count", "1"]);
    const payload = JSON.parse(stdout.toString());
    // The first is written before the program has said anything.
    return payload.goal === undefined ? null : payload;
  });
  expect(payload).toMatchObject({ goal: "be seen", bun: { apis: ["Bun.stdin"] } });
  expect(payload.metadata.env.process_id).toBe(child.pid);
  expect(Math.abs(payload.bun.performance.memory.heap_bytes - heap)).toBeLessThan(heap / 2);
  child.stdin.end();
  expect(await child.exited).toBe(0);
  expect(errorOf(() => SharedPage.open(name, { schema: SCHEMA }))).toBeInstanceOf(NotFoundError);
});

test("the_timer_says_what_changes_without_being_asked", async () => {
  const name = newName();
  using _tracker = SessionTracker.start({ ...alone, page: name, intervalMs: 10, sampleEveryMs: 10 });
  using page = SharedPage.open(name, { schema: SCHEMA });
  const buffer = new ArrayBuffer(16 << 20);
  await waitFor(async () => {
    const payload = JSON.parse(new TextDecoder().decode((await page.waitAsync()).bytes));
    return payload.bun?.performance.memory.array_buffers_bytes >= buffer.byteLength;
  });
});

test("what_is_no_worker_is_refused_in_words", () => {
  using tracker = SessionTracker.start(alone);
  for (const wrong of [{}, null, undefined, "worker"]) {
    const error = errorOf(() => tracker.watchWorker(wrong as never)) as Error;
    expect([error instanceof InvalidError, error.message]).toEqual([true, expect.stringContaining("give a Worker")]);
  }
  expect(seen(tracker).worker_threads).toBeUndefined();
});

test("after_the_close_nothing_of_it_is_left", () => {
  const name = newName();
  const tracker = SessionTracker.start({ ...alone, page: name });
  expect(errorOf(() => SessionTracker.start({ ...alone, page: name }))).toBeInstanceOf(BusyError);
  tracker.close();
  tracker.close();
  expect(exists(name)).toBe(false);
  const calls = [() => tracker.snapshot(), () => tracker.history(), () => tracker.patch({}), () => tracker.summary()];
  for (const call of calls) expect(errorOf(call)).toBeInstanceOf(ClosedError);
});

test("a_tracker_keeps_no_process_alive_and_ends_with_it", async () => {
  const name = newName();
  const source = `import { SessionTracker } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
    const tracker = SessionTracker.start({ page: ${JSON.stringify(name)}, sampleEveryMs: 1 });
    await Bun.sleep(20);
    console.log(tracker.snapshot().seq > 0);`;
  const child = Bun.spawn([process.execPath, "-e", source], { stdio: ["ignore", "pipe", "pipe"] });
  const said = [await new Response(child.stdout).text(), await new Response(child.stderr).text(), await child.exited];
  expect(said).toEqual(["true\n", "", 0]);
  expect(exists(name)).toBe(false);
});

test("a_tracker_that_nobody_has_ends", async () => {
  const name = newName();
  (() => void SessionTracker.start({ ...alone, page: name }))();
  await waitFor(() => {
    Bun.gc(true);
    return !exists(name);
  });
});

test("it_goes_on_where_the_payload_has_no_more_room", () => {
  using tracker = SessionTracker.start(alone);
  for (let [room, number] = [256 << 10, 0]; room >= 16; number++) {
    try {
      tracker.patch({ [`filler_${number}`]: "y".repeat(room) });
    } catch (error) {
      expect(error).toBeInstanceOf(TooLargeError);
      room >>= 1;
    }
  }
  expect(seen(tracker).process.rss_bytes).toBeGreaterThan(0);
});

test("options_that_are_none_are_refused", () => {
  const wrong = [
    { sampleEveryMs: 0 },
    { intervalMs: "soon" },
    { history: 0 },
    { project: "no" },
    { page: "a/b" },
    { session: 5 },
    { redact: null },
    { sampleEvery: 1 },
    { maxBytes: 0 },
    { folder: "/nowhere/at/all" },
    null,
  ];
  for (const options of wrong) {
    expect(errorOf(() => SessionTracker.start(options as TrackerOptions))).toBeInstanceOf(InvalidError);
  }
});

function resolves(name: string): boolean {
  try {
    return require.resolve(name) !== "";
  } catch {
    return false;
  }
}
