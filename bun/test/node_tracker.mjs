/** Trackers of sessions in Node, against what Node and the system say of the same program: `node --test` runs it. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  CircletError,
  ClosedError,
  InvalidError,
  NameTakenError,
  NotFoundError,
  SessionTracker,
  TooLargeError,
} from "circlet";

const built = fileURLToPath(new URL("../../target/debug/circlet", import.meta.url));
const program = (process.env.CIRCLET_PROGRAM ??= existsSync(built) ? built : "circlet");
const entry = new URL("../node/index.mjs", import.meta.url).href;
const alone = { project: false };
const SOON_MS = 60_000;

let names = 0;
const newName = () => `circlet-node-test-${process.pid}-${names++}`;
const exists = (name) => existsSync(`/dev/shm/${name}`);

async function tracked(work, options = {}) {
  const tracker = await SessionTracker.start({ ...alone, ...options });
  try {
    await work(tracker);
  } finally {
    await tracker.close();
  }
}

async function waitFor(look) {
  for (const until = performance.now() + SOON_MS; performance.now() < until; await sleep(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error("waited for too long");
}

function block(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Runs a program of Node's that imports the package; resolves to what it printed and how it ended. */
async function run(source, input = "ignore") {
  const args = ["--input-type=module", "-e", `import { SessionTracker } from ${JSON.stringify(entry)};\n${source}`];
  const child = spawn(process.execPath, args, { stdio: [input, "pipe", "pipe"] });
  const said = ["", ""];
  child.stdout.on("data", (chunk) => (said[0] += chunk));
  child.stderr.on("data", (chunk) => (said[1] += chunk));
  const ended = new Promise((done) => child.on("close", (code, signal) => done([...said, signal ?? code])));
  return { child, said, ended };
}

/** Finds the children of this process that run the program. */
function programs() {
  return readdirSync("/proc").filter((pid) => {
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      return Number(parent) === process.pid && readlinkSync(`/proc/${pid}/exe`).endsWith("/circlet");
    } catch {
      return false;
    }
  });
}

test("it_says_which_node_this_is", () =>
  tracked(async (tracker) => {
    const { node } = await tracker.snapshot();
    assert.equal(node.version, process.versions.node);
    assert.equal(node.implementation, "node");
    assert.equal(node.executable, process.execPath.replace(homedir(), "~"));
    assert.equal(node.features.inspector, process.features.inspector);
    assert.deepEqual([node.threads, node.modules], [undefined, undefined]);
  }));

test("the_heap_grows_as_node_says", () =>
  tracked(async (tracker) => {
    const before = (await tracker.snapshot()).node.heap;
    const kept = Array.from({ length: 400_000 }, (_, index) => ({ index, next: [index] }));
    const buffer = new ArrayBuffer(32 << 20);
    const { heap } = (await tracker.snapshot()).node;
    const own = getHeapStatistics();
    assert.ok(Math.abs(heap.used_bytes - process.memoryUsage().heapUsed) < 8 << 20, `${heap.used_bytes}`);
    assert.ok(heap.used_bytes - before.used_bytes > kept.length * 32);
    assert.ok(heap.external_bytes >= before.external_bytes && process.memoryUsage().arrayBuffers >= buffer.byteLength);
    assert.equal(heap.limit_bytes, own.heap_size_limit);
    assert.ok(heap.total_bytes >= heap.used_bytes);
  }));

test("collections_are_counted_and_timed", () =>
  tracked(async (tracker) => {
    const before = (await tracker.snapshot()).node.gc;
    for (let round = 0, kept = []; round < 3_000_000; round++) kept[round % 1000] = { round };
    const after = await waitFor(async () => {
      const { gc } = (await tracker.snapshot()).node;
      return gc.collections > before.collections && gc;
    });
    assert.ok(after.longest_us > 0 && after.longest_us <= after.total_us);
    assert.ok(after.total_us < performance.now() * 1000);
  }));

// A block is seen as shorter by what is left of a beat when it begins; a beat is late itself where the machine is busy.
const [SHORTER_US, LONGER_US] = [15_000, 25_000];

test("each_snapshot_has_the_collections_before_it", () =>
  tracked(async (tracker) => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc");
    for (let round = 0; round < 20; round++) {
      const before = (await tracker.snapshot()).node.gc;
      collect();
      const after = (await tracker.snapshot()).node.gc;
      assert.ok(after.collections > before.collections && after.total_us > before.total_us, `${round}`);
    }
  }));

test("a_block_of_the_event_loop_is_seen_by_its_length", async () => {
  const apart = [];
  // Where the machine has more to do than cores, another may come between.
  for (let attempt = 0; attempt < 10 && !apart.some((us) => us <= LONGER_US); attempt++) {
    await tracked(async (tracker) => {
      await sleep(50);
      const began = performance.now();
      block(120);
      const length = (performance.now() - began) * 1e3;
      // Before the loop has turned again, and after.
      const lags = [(await tracker.snapshot()).node.event_loop];
      await sleep(50);
      lags.push((await tracker.snapshot()).node.event_loop);
      // Never less: whatever holds it up comes on top.
      for (const { lag_longest_us } of lags) assert.ok(lag_longest_us >= length - SHORTER_US, `${lag_longest_us} ${length}`);
      assert.ok(lags[1].lag_us <= lags[1].lag_longest_us);
      apart.push(lags[1].lag_us < lags[1].lag_longest_us ? lags[1].lag_longest_us - length : Infinity);
    });
  }
  assert.ok(apart.some((us) => us <= LONGER_US), `${apart}`);
});

test("a_block_is_as_long_as_node_itself_says", async () => {
  const apart = [];
  // Where the machine has more to do than cores, one of the two may be held up alone.
  for (let attempt = 0; attempt < 10 && !apart.some((ms) => Math.abs(ms) < 12); attempt++) {
    await tracked(async (tracker) => {
      const own = monitorEventLoopDelay({ resolution: 10 });
      own.enable();
      await sleep(50);
      block(120);
      await sleep(50);
      own.disable();
      // Node's has its resolution on top.
      apart.push((await tracker.snapshot()).node.event_loop.lag_longest_us / 1e3 - (own.max / 1e6 - 10));
    });
  }
  assert.ok(apart.some((ms) => Math.abs(ms) < 12), `${apart}`);
});

test("what_the_program_says_is_kept_and_what_is_measured_refused", () =>
  tracked(async (tracker) => {
    await Promise.all(["node:vm", "node:http", "node:vm"].map((api) => tracker.logApiUsage(api)));
    const refused = await tracker.patch({ goal: "draw", process: { rss_bytes: 1 }, metadata: { env: { process_id: 1 } } });
    assert.deepEqual(refused.sort(), ["metadata.env.process_id", "process"]);
    const payload = await tracker.snapshot();
    const resident = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * 4096;
    assert.equal(payload.goal, "draw");
    assert.deepEqual(payload.node.apis, ["node:vm", "node:http"]);
    assert.equal(payload.metadata.env.process_id, process.pid);
    assert.ok(Math.abs(payload.process.rss_bytes - resident) < 8 << 20, `${payload.process.rss_bytes} ${resident}`);
    await tracker.patch({ node: { version: "0.1", heap: null, mine: 1 } });
    const { node } = await tracker.snapshot();
    assert.deepEqual([node.version, node.mine, node.heap.used_bytes > 0], [process.versions.node, 1, true]);
  }));

test("workers_snapshots_and_their_differences", () =>
  tracked(
    async (tracker) => {
      await tracker.registerWorker("w_1");
      await assert.rejects(tracker.registerWorker("w_1"), NameTakenError);
      await tracker.updateWorker("w_1", { state: "idle", messages_processed: 3 });
      const first = await tracker.snapshot();
      assert.equal(first.worker_threads.registry.w_1.messages_processed, 3);
      await tracker.updateWorker("w_1", null);
      await assert.rejects(tracker.updateWorker("w_1", {}), (error) => error instanceof NotFoundError && /no worker/.test(error.message));
      await tracker.patch({ last: "compared" });
      assert.equal((await tracker.diff(first.seq)).last, "compared");
      await assert.rejects(tracker.diff(1000), NotFoundError);
      const history = await tracker.history();
      assert.deepEqual(history[0], first);
      assert.match(await tracker.summary(), /compared/);
      const short = await tracker.summary(60);
      assert.ok(/compared/.test(short) && short.length < (await tracker.summary()).length, short);
      await assert.rejects(tracker.summary(-1), InvalidError);
    },
    { session: "sess-mine" },
  ));

test("what_should_not_leave_is_taken_out", async () => {
  const secrets = [`ghp_${"a1B2".repeat(9)}`, `${homedir()}/hidden`, "https://ada:hunter2@example.org"];
  await tracked(async (tracker) => {
    await tracker.patch({ context: secrets, node: { note: secrets[0] } });
    const said = JSON.stringify(await tracker.snapshot());
    assert.deepEqual([secrets[0], secrets[1], "hunter2"].filter((secret) => said.includes(secret)), []);
  });
  await tracked(
    async (tracker) => {
      await tracker.patch({ context: secrets });
      assert.deepEqual((await tracker.snapshot()).context, secrets);
    },
    { redact: false },
  );
});

test("the_page_is_read_by_another_process_and_ends_with_the_tracker", async () => {
  const name = newName();
  await tracked(
    async (tracker) => {
      await tracker.logApiUsage("node:http");
      await tracker.patch({ goal: "be seen" });
      const kept = Array.from({ length: 400_000 }, (_, index) => ({ index }));
      // The timer says it without being asked.
      const payload = await waitFor(() => {
        const { stdout } = spawnSync(program, ["session", "watch", name, "--count", "1"], { encoding: "utf8" });
        const payload = JSON.parse(stdout);
        return payload.node?.heap.used_bytes > kept.length * 20 && payload;
      });
      assert.deepEqual([payload.goal, payload.node.apis], ["be seen", ["node:http"]]);
      assert.equal(payload.metadata.env.process_id, process.pid);
      await assert.rejects(SessionTracker.start({ ...alone, page: name }), /producer|writer/);
    },
    { page: name, intervalMs: 20, sampleEveryMs: 20 },
  );
  assert.equal(exists(name), false);
  assert.deepEqual(programs(), []);
});

test("after_the_close_it_is_over", async () => {
  const tracker = await SessionTracker.start(alone);
  // What was asked before is answered.
  const asked = [tracker.history(), tracker.patch({ goal: "x" })];
  await Promise.all([tracker.close(), tracker.close()]);
  assert.deepEqual(await Promise.all(asked), [[], []]);
  await tracker.close();
  for (const call of [() => tracker.snapshot(), () => tracker.patch({}), () => tracker.history()]) {
    await assert.rejects(call, ClosedError);
  }
});

test("a_tracker_keeps_no_process_alive_but_for_an_answer_and_ends_with_it", async () => {
  const name = newName();
  const { ended } = await run(`
    const tracker = await SessionTracker.start({ page: ${JSON.stringify(name)}, sampleEveryMs: 1 });
    console.log((await tracker.snapshot()).seq > 0);`);
  assert.deepEqual(await ended, ["true\n", "", 0]);
  await waitFor(() => !exists(name));
});

test("a_process_that_is_killed_leaves_no_program_and_no_page", async () => {
  const name = newName();
  const { child, ended } = await run(`
    globalThis.tracker = await SessionTracker.start({ page: ${JSON.stringify(name)} });
    setInterval(() => {}, 1000);`);
  await waitFor(() => exists(name));
  child.kill("SIGKILL");
  assert.equal((await ended)[2], "SIGKILL");
  await waitFor(() => !exists(name));
});

test("a_program_that_is_killed_is_said", async () => {
  const tracker = await SessionTracker.start(alone);
  const [pid] = programs();
  process.kill(Number(pid), "SIGKILL");
  await assert.rejects(
    waitFor(async () => void (await tracker.history())),
    /ended by SIGKILL: start another/,
  );
  await tracker.close();
});

test("a_program_that_is_not_there_is_named", async () => {
  await assert.rejects(SessionTracker.start({ program: "/no/circlet" }), /\/no\/circlet is not there; install it .* CIRCLET_PROGRAM/);
  await assert.rejects(SessionTracker.start({ program: "/" }), /does not start/);
  // A program that knows no sessions says so itself, or ends.
  await assert.rejects(SessionTracker.start({ program: "false" }), ClosedError);
});

test("what_does_not_fit_is_refused_and_changes_nothing", () =>
  tracked(async (tracker) => {
    await tracker.patch({ goal: "stay" });
    for (const wrong of [{ goal: "x", critical: 5 }, [1], 5, () => 1, undefined, { last: "y".repeat(1 << 20) }]) {
      await assert.rejects(tracker.patch(wrong), CircletError);
    }
    for (const name of ["", "x".repeat(257), "a\0b", 5]) await assert.rejects(tracker.logApiUsage(name), CircletError);
    assert.equal((await tracker.snapshot()).goal, "stay");
  }));

test("what_json_has_no_place_for_is_refused_by_its_path_and_takes_nothing_away", () =>
  tracked(async (tracker) => {
    await tracker.patch({ node: { custom: 1 } });
    const wrong = [
      [{ node: { custom: NaN } }, /^patch\.node\.custom is NaN, /],
      [{ node: { list: [1, -Infinity] } }, /^patch\.node\.list\[1\] is -Infinity, /],
      [{ node: { custom: () => 1 } }, /^patch\.node\.custom is a function, /],
      [{ node: { custom: Symbol("x") } }, /^patch\.node\.custom is a symbol, /],
      [{ node: { custom: 5n } }, /^patch\.node\.custom is the bigint 5, /],
    ];
    for (const [patch, message] of wrong) await assert.rejects(tracker.patch(patch), { name: "TypeError", message });
    await tracker.registerWorker("w");
    await assert.rejects(tracker.updateWorker("w", { errors: NaN }), TypeError);
    const cycle = {};
    cycle.of = cycle;
    await assert.rejects(tracker.patch(cycle), InvalidError);
    await tracker.patch({ node: { absent: undefined, when: new Date(0) } });
    const { node } = await tracker.snapshot();
    assert.deepEqual([node.custom, node.when, "absent" in node], [1, "1970-01-01T00:00:00.000Z", false]);
  }));

test("a_patch_that_is_too_long_is_refused_and_the_tracker_goes_on", async () => {
  const name = newName();
  await tracked(
    async (tracker) => {
      for (const size of [1 << 20, (16 << 20) - 30, 16 << 20, 17 << 20]) {
        await assert.rejects(tracker.patch({ x: "y".repeat(size) }), TooLargeError);
      }
      await tracker.patch({ goal: "on" });
      assert.equal((await tracker.snapshot()).goal, "on");
      assert.ok(exists(name));
    },
    { page: name },
  );
});

test("it_remembers_as_many_snapshots_and_takes_as_many_bytes_as_it_is_told", () =>
  tracked(
    async (tracker) => {
      await tracker.patch({ last: "y".repeat(1 << 19) });
      await assert.rejects(tracker.patch({ goal: "y".repeat(1 << 20) }), TooLargeError);
      for (let taken = 0; taken < 4; taken++) await tracker.snapshot();
      assert.equal((await tracker.history()).length, 2);
      await assert.rejects(tracker.waitForProject(), InvalidError);
    },
    { history: 2, maxBytes: 1 << 20 },
  ));

test("a_project_is_waited_for_and_a_folder_that_is_not_there_refused", async () => {
  await tracked((tracker) => tracker.waitForProject(), { project: true });
  await assert.rejects(SessionTracker.start({ folder: "/nowhere/at/all" }), /no such folder/);
});

test("options_that_are_none_are_refused", async () => {
  const wrong = [{ sampleEveryMs: 0 }, { intervalMs: "soon" }, { project: "no" }, { session: 5 }, { sampleEvery: 1 }, { history: 0 }, { maxBytes: -1 }, null];
  for (const options of wrong) await assert.rejects(SessionTracker.start(options), InvalidError);
  await assert.rejects(SessionTracker.start({ page: "a/b" }), CircletError);
});
