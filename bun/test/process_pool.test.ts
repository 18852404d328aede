/** Pools of worker processes in the event loop. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { getEventListeners } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AbortedError,
  ClosedError,
  CircletError,
  FullError,
  InvalidError,
  JobFailedError,
  NotFoundError,
  NoWorkerError,
  ProcessPool,
  TimedOutError,
  WorkerDiedError,
  type BunWorkers,
} from "../src/index.ts";
import { STARTING_MS, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const folder = mkdtempSync(join(tmpdir(), "circlet-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `file-${files++}`);

const script = new URL("./process_jobs.ts", import.meta.url);
const open = (options: Partial<BunWorkers> = {}) => new ProcessPool({ script, max: 2, ...options });
const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
/** Tells whether a process has not ended, whether or not anybody has waited for it. */
const isRunning = (pid: number) => isAlive(pid) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
/** Awaits what must reject, and returns what it rejected with. */
const rejectionOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => new Error(`it gave ${Bun.inspect(value)}`),
    (error: unknown) => error as Error,
  );
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("results", () => {
  test("a_structured_clone_arrives_as_it_was", async () => {
    await using pool = open();
    const value = {
      map: new Map([["then", new Date(5)]]),
      set: new Set([7]),
      floats: new Float64Array([0, 0.5]),
      big: 2n ** 70n,
      self: undefined as unknown,
    };
    value.self = value;
    const seen = await pool.call("looksAt", [value]);
    expect(seen).toEqual({ date: 5, has: true, isTyped: true, big: 2n ** 70n + 1n, isCyclic: true });
    const back = await pool.call<typeof value>("echo", [value]);
    expect(back.map.get("then")).toEqual(new Date(5));
    expect(back.floats).toEqual(new Float64Array([0, 0.5]));
    expect(back.big).toBe(2n ** 70n);
    expect(back.self).toBe(back);
    expect(await pool.call("echo", [undefined])).toBeUndefined();
    const long = new Uint8Array(5_000_000).fill(7);
    expect(await pool.call<Uint8Array>("echo", [long])).toEqual(long);
  });

  test("each_of_thousands_of_calls_gives_its_own", async () => {
    await using pool = open({ min: 2, queue: 100 });
    const all = await Promise.all(numbers(5000).map((number) => pool.call("echo", [number])));
    expect(all).toEqual(numbers(5000));
    for (const number of numbers(100)) expect(await pool.call("later", [number])).toBe(number);
  });

  test("exports_are_called_as_functions_with_their_types", async () => {
    await using pool = open();
    const jobs = pool.remote<typeof import("./process_jobs.ts")>({ priority: 1 });
    const area: number = await jobs.area(3, 4);
    expect(area).toBe(12);
    expect(await jobs.deep.er.product(3, 5)).toBe(15);
    expect(await jobs.later(7)).toBe(7);
    expect((await rejectionOf((jobs as never as Record<string, () => Promise<never>>)["missing"]!())).message).toContain(
      "exports no function missing",
    );
  });

  test("a_method_has_what_it_is_called_on_as_its_this", async () => {
    await using pool = open({ max: 1 });
    const jobs = pool.remote<typeof import("./process_jobs.ts")>();
    expect([await jobs.counter.next(), await pool.call("counter.next")]).toEqual([1, 2]);
    await jobs.beginsAnew();
    expect(await jobs.counter.next()).toBe(1);
  });

  test("what_can_be_awaited_is_awaited_though_it_is_no_promise", async () => {
    await using pool = open({ max: 1 });
    const jobs = pool.remote<typeof import("./process_jobs.ts")>();
    expect(await jobs.thenable(7)).toBe(7);
    expect(await rejectionOf(jobs.failingThenable())).toBeInstanceOf(TypeError);
  });

  test("python_is_called_with_json_in_order_and_by_name", async () => {
    writeFileSync(join(folder, "bun_jobs.py"), "def between(low, high=9): return [low, high]\ndef fail(): raise KeyError('k')\n");
    await using pool = new ProcessPool({ kind: "python", max: 1, path: [folder] });
    expect(await pool.call("math:sqrt", [16])).toBe(4);
    expect(await pool.call("bun_jobs:between", [1])).toEqual([1, 9]);
    expect(await pool.call("bun_jobs:between", { high: 3, low: 2 })).toEqual([2, 3]);
    const error = (await rejectionOf(pool.call("bun_jobs:fail"))) as JobFailedError;
    expect(error).toBeInstanceOf(JobFailedError);
    expect([error.type, error.message]).toEqual(["KeyError", "KeyError: 'k'"]);
    expect(error.traceback).toContain("in fail");
  });
});

describe("what has no result", () => {
  test("rejects_with_what_the_function_threw", async () => {
    await using pool = open({ max: 1 });
    const range = await rejectionOf(pool.call("fails"));
    expect(range).toBeInstanceOf(RangeError);
    expect(range.message).toBe("for this reason");
    expect(range.stack).toContain("process_jobs.ts");
    expect((await rejectionOf(pool.call("failsOnItsOwn"))).name).toBe("OwnError");
    expect(await rejectionOf(pool.call("failsLater"))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(pool.call("failsWithWhatCannotBeCloned"))).toBeInstanceOf(JobFailedError);
    expect((await rejectionOf(pool.call("givesWhatCannotBeCloned"))).name).toBe("DataCloneError");
    expect(pool.snapshot().statistics.total_errors).toBe(5);
  });

  test("is_told_without_the_middle_where_it_is_long", async () => {
    await using pool = open({ max: 1 });
    const error = (await rejectionOf(pool.call("failsAtLengthWithWhatCannotBeCloned", [1 << 20]))) as JobFailedError;
    expect(error).toBeInstanceOf(JobFailedError);
    expect(error.message).toStartWith("Error: first xxx");
    expect(error.message).toContain(`\n... ${(1 << 20) + 11 - (1 << 16)} of ${(1 << 20) + 11} characters are left out here ...\n`);
    expect(error.message).toEndWith("xxx last");
    expect(error.message.length).toBeLessThan((1 << 16) + 100);
    expect(error.traceback.length).toBeLessThan((1 << 16) + 100);
  });

  test("says_how_its_worker_died", async () => {
    await using pool = open({ max: 1, output: "drop" });
    const error = (await rejectionOf(pool.call("dies"))) as WorkerDiedError;
    expect(error).toBeInstanceOf(WorkerDiedError);
    expect([error.signal, error.exitCode, error.kills]).toEqual([9, null, 1]);
    expect(error.stderr).toBe("last words\n");
    expect(await pool.call("diesOnce", [newFile()], { idempotent: true })).toBe("alive");
  });

  test("gives_in_to_its_signal_or_is_killed_after_the_grace", async () => {
    await using pool = open({ max: 1, graceMs: 200 });
    for (const name of ["givesIn", "hangs"]) {
      const [file, stop, waits] = [newFile(), new AbortController(), new AbortController()];
      const runs = pool.call(name, [file], { signal: stop.signal });
      await until(() => existsSync(file));
      const waiting = pool.call("echo", [1], { signal: waits.signal });
      waits.abort();
      expect(await rejectionOf(waiting)).toBeInstanceOf(AbortedError);
      stop.abort();
      expect(await rejectionOf(runs)).toBeInstanceOf(AbortedError);
    }
    expect(await rejectionOf(pool.call("echo", [1], { signal: AbortSignal.abort() }))).toBeInstanceOf(AbortedError);
    const [given, file] = [new AbortController(), newFile()];
    const gives = rejectionOf(pool.call("givesIn", [file], { signal: given.signal }));
    await until(() => existsSync(file));
    const reason = new RangeError("too late");
    given.abort(reason);
    expect(await gives).toBe(reason);
    expect(await rejectionOf(pool.call("hangs", [newFile()], { deadlineMs: 20 }))).toBeInstanceOf(TimedOutError);
    expect(await pool.call("area", [2, 3])).toBe(6);
  });

  test("never_begins_once_it_was_aborted_or_its_deadline_has_passed", async () => {
    await using pool = open({ max: 1, graceMs: STARTING_MS });
    const pid = await pool.call("pid");
    const isProcessing = () => Object.values(pool.snapshot().registry).some(({ state }) => state === "processing");
    // The worker takes far longer to read it than anything here takes.
    const long = new Set(numbers(1_000_000));
    for (const isSent of [false, true]) {
      const [file, stop] = [newFile(), new AbortController()];
      const call = pool.call("begins", [file, long], { signal: stop.signal });
      if (isSent) await until(isProcessing);
      stop.abort();
      expect(await rejectionOf(call)).toBeInstanceOf(AbortedError);
      expect(existsSync(file)).toBe(false);
    }
    const file = newFile();
    expect(await rejectionOf(pool.call("begins", [file, long], { deadlineMs: 20 }))).toBeInstanceOf(TimedOutError);
    expect(existsSync(file)).toBe(false);
    expect(await pool.call("pid")).toBe(pid);
  });

  test("leaves_nothing_behind_with_a_signal_that_outlives_the_calls", async () => {
    await using pool = open({ min: 2 });
    const [{ signal }, aborts] = [new AbortController(), new AbortController()];
    for (let round = 0; round < 40; round++) {
      const calls = numbers(500).map((number) => pool.call("echo", [number], { signal }));
      expect(getEventListeners(signal, "abort").length).toBe(1);
      expect(await Promise.all(calls)).toEqual(numbers(500));
      expect(getEventListeners(signal, "abort").length).toBe(0);
    }
    const calls = numbers(500).map((number) => pool.call("echo", [number], { signal: aborts.signal }));
    aborts.abort();
    await Promise.allSettled(calls);
    expect(getEventListeners(aborts.signal, "abort").length).toBe(0);
  });

  test("found_no_room_or_no_worker", async () => {
    await using full = open({ max: 1, queue: 1, overflow: "fail" });
    const calls = numbers(300).map((number) => full.call("echo", [number]));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    for (const outcome of outcomes) if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(FullError);
    await using none = open({ program: "/nowhere/bun" });
    const error = await rejectionOf(none.call("echo", [1]));
    expect(error).toBeInstanceOf(NoWorkerError);
    expect(error.message).toContain("Bun did not start: /nowhere/bun");
  });

  test("was_refused_before_it_was_sent", async () => {
    await using pool = open();
    expect(() => pool.call("echo", [() => 7])).toThrow(InvalidError);
    expect(() => pool.call("")).toThrow('name is "": give what the script exports, or of Python "module:name"');
    expect(() => pool.call("echo", [1], { idempotent: "no" as never })).toThrow('idempotent is "no": give true or false');
    expect(() => pool.call("echo", [1], { deadlineMs: 0 })).toThrow("deadlineMs is 0: give milliseconds above 0");
    expect(() => pool.call("echo", [1], { retries: 2 } as never)).toThrow('"retries" is no option here: give priority');
    expect(() => pool.call("echo", [1], { signal: 5 as never })).toThrow("signal is 5: give an AbortSignal");
    expect(() => pool.call("echo", [1], { signal: {} as never })).toThrow("signal is {}: give an AbortSignal");
    expect(() => pool.call("echo", [1], null as never)).toThrow("options is null: give an object of options");
    expect(() => pool.call("echo", [1], 5 as never)).toThrow("options is 5: give an object of options");
    expect(pool.snapshot().statistics.total_messages_sent).toBe(0);
    await using python = new ProcessPool({ kind: "python", max: 1 });
    expect(() => python.call("builtins:abs", [7n])).toThrow("cannot go to another process");
    expect(() => new ProcessPool({ max: 1 } as never)).toThrow("script is undefined");
    for (const wrong of ["", 5, null, ["a.ts"], new URL("https://example.com/a.ts"), new URL("file://host/a.ts")]) {
      expect(() => open({ script: wrong as never })).toThrow(": give the path of the script whose exports the workers call");
    }
    for (const options of [null, undefined, 5, "a.ts"]) {
      expect(() => new ProcessPool(options as never)).toThrow(`options is ${Bun.inspect(options)}: give an object of options`);
    }
    expect(() => new ProcessPool({ kind: "threads" } as never)).toThrow('give "bun" or "python"');
    expect(() => open({ min: 3, max: 2 })).toThrow(InvalidError);
    expect(() => open({ memory: 0.5 })).toThrow(InvalidError);
    expect(() => open({ graceMs: 0 })).toThrow("graceMs is 0: give milliseconds above 0");
    expect(() => open({ maxWorkers: 2 } as never)).toThrow('"maxWorkers" is no option here: give min, max');
    expect(() => open({ path: ["."] } as never)).toThrow('"path" is no option here');
    expect(() => new ProcessPool({ kind: "python", path: "abc" as never })).toThrow('path is "abc": give an array of folders');
    expect(() => new ProcessPool({ kind: "python", path: ["a\0b"] })).toThrow("path has a NUL");
    expect(() => new ProcessPool({ kind: "python", script } as never)).toThrow('"script" is no option here');
  });
});

describe("workers", () => {
  test("are_recycled_at_their_limit_with_no_call_lost", async () => {
    await using pool = open({ max: 1, memory: 400 << 20 });
    const pids = new Set<unknown>();
    for (let call = 0; call < 60; call++) pids.add(await pool.call("leaks", [20 << 20]));
    expect(pids.size).toBeGreaterThan(1);
    expect(pool.snapshot().statistics.total_errors).toBe(0);
  });

  test("have_what_they_print_kept_where_that_is_asked_for", async () => {
    const pool = open({ max: 1, output: "keep" });
    await pool.call("prints", ["words"]);
    const said: string[] = [];
    await until(() => {
      said.push(...pool.output().parts.map(({ stream, text }) => `${stream}: ${text}`));
      return said.length === 2;
    });
    expect(said.toSorted()).toEqual(["stderr: and words\n", "stdout: words\n"]);
    await pool.close();
    await using other = open();
    expect(() => other.output()).toThrow(InvalidError);
  });

  test("say_what_is_on_their_heaps_while_the_event_loop_goes_on", async () => {
    await using pool = open({ max: 1 });
    expect(await pool.call("echo", [1])).toBe(1);
    const worker = Object.keys(pool.snapshot().registry)[0]!;
    const first = await pool.heapSnapshot(worker, { top: 1000 });
    expect(first).toMatchObject({ source: "jsc", is_first: true, lines: [] });
    expect(first.bytes).toBeGreaterThan(0);
    await pool.call("keeps", [1100]);
    const file = newFile();
    const second = await pool.heapSnapshot(worker, { top: 1000, file });
    expect(second.types.find(({ name }) => name === "Map")!.count_change).toBeGreaterThanOrEqual(1000);
    expect(second.file).toBe(file);
    expect(existsSync(file)).toBe(true);
    expect(pool.snapshot().registry[worker]!.heap_snapshot_count).toBe(2);

    const [runs, stop] = [newFile(), new AbortController()];
    const call = pool.call("givesIn", [runs], { signal: stop.signal });
    await until(() => existsSync(runs));
    expect(await rejectionOf(pool.heapSnapshot(worker, { timeoutMs: 1 }))).toBeInstanceOf(TimedOutError);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const waits = pool.heapSnapshot(worker, { stop: true });
    await until(() => turns > 3);
    clearInterval(turning);
    stop.abort();
    expect(await rejectionOf(call)).toBeInstanceOf(AbortedError);
    expect((await waits).is_first).toBe(false);

    expect(await rejectionOf(pool.heapSnapshot("w_fffe"))).toBeInstanceOf(NotFoundError);
    expect(() => pool.heapSnapshot("p_1")).toThrow("names no worker");
    expect(() => pool.heapSnapshot(worker, { top: 0 })).toThrow(InvalidError);
    for (const timeoutMs of [0, -1, NaN, Infinity, "5" as never]) {
      expect(() => pool.heapSnapshot(worker, { timeoutMs })).toThrow("give milliseconds above 0");
    }
    expect(() => pool.heapSnapshot(worker, { timeout: 5 } as never)).toThrow('"timeout" is no option here: give top, file');
    expect(() => pool.heapSnapshot(worker, { stop: "no" as never })).toThrow('stop is "no": give true or false');
    expect(() => pool.heapSnapshot(worker, { file: 5 as never })).toThrow("file is 5: give a path");
    const failed = (await rejectionOf(pool.heapSnapshot(worker, { file: "/nowhere/heap" }))) as JobFailedError;
    expect(failed).toBeInstanceOf(JobFailedError);
    expect(failed.message).toContain("/nowhere/heap");
    const later = pool.heapSnapshot(worker);
    await pool.close();
    expect((await later).source).toBe("jsc");
    expect(() => pool.heapSnapshot(worker)).toThrow(ClosedError);
  });

  test("that_a_pool_ends_at_once_leave_no_heap_snapshot_open", async () => {
    const pool = open({ max: 1, graceMs: 20 });
    await pool.call("echo", [1]);
    const runs = newFile();
    const call = rejectionOf(pool.call("hangs", [runs]));
    await until(() => existsSync(runs));
    const waits = rejectionOf(pool.heapSnapshot(Object.keys(pool.snapshot().registry)[0]!));
    pool[Symbol.dispose]();
    expect(await call).toBeInstanceOf(CircletError);
    expect(await waits).toBeInstanceOf(CircletError);
  });

  test("are_gone_once_the_pool_is_closed_or_disposed_of", async () => {
    const pool = open({ min: 2 });
    const pids = await Promise.all(numbers(50).map(() => pool.call<number>("pid")));
    await pool.close();
    expect(pids.some(isAlive)).toBe(false);
    expect(pool.snapshot().pool.terminated).toBe(2);
    expect(() => pool.call("pid")).toThrow(ClosedError);
    const ended = open({ max: 1, graceMs: 50 });
    const [file, pid] = [newFile(), await ended.call<number>("pid")];
    const hangs = rejectionOf(ended.call("hangs", [file]));
    await until(() => existsSync(file));
    ended[Symbol.dispose]();
    expect(await hangs).toBeInstanceOf(CircletError);
    expect(isAlive(pid)).toBe(false);
  });

  test("have_their_calls_waited_for_until_a_deadline", async () => {
    await using pool = open({ max: 1 });
    const [file, stop] = [newFile(), new AbortController()];
    const runs = pool.call("givesIn", [file], { signal: stop.signal });
    expect(await rejectionOf(pool.drain(1))).toBeInstanceOf(TimedOutError);
    const drained = pool.drain(STARTING_MS);
    stop.abort();
    expect(await rejectionOf(runs)).toBeInstanceOf(AbortedError);
    await drained;
  });

  test("are_gone_with_a_process_that_closes_nothing", async () => {
    const source = `import { ProcessPool } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
      const pool = new ProcessPool({ script: ${JSON.stringify(script.pathname)}, max: 1 });
      console.log(await pool.call("pid"));
      process.exit(0);`;
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", source]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    const pid = Number(stdout.toString());
    expect(pid).toBeGreaterThan(0);
    await until(() => !isAlive(pid));
  });

  test("take_what_their_calls_have_started_along_with_a_process_that_closes_nothing", async () => {
    const ways = { ends: "pool.call; 0", exits: "process.exit(3)", throws: "throw new RangeError('for this reason')" };
    for (const [way, source] of Object.entries(ways)) {
      const [file, reached] = [newFile(), newFile()];
      const hangs = `
        void pool.call("startsAndHangs", [${JSON.stringify(file)}]).catch(() => undefined);
        while (!existsSync(${JSON.stringify(file)})) await new Promise((next) => setImmediate(next));`;
      const program = `import { existsSync, writeFileSync } from "node:fs";
        import { ProcessPool } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
        const pool = new ProcessPool({ script: ${JSON.stringify(script.pathname)}, max: 1, graceMs: 50 });
        console.log((await pool.call("starts")).join());
        ${way === "ends" ? "" : hangs}
        writeFileSync(${JSON.stringify(reached)}, "");
        ${source};`;
      const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", program]);
      expect(exitCode).toBe({ ends: 0, exits: 3, throws: 1 }[way]!);
      // What it printed says why, where it got no further than that.
      expect(existsSync(reached) ? "" : stderr.toString()).toBe("");
      const hung = way === "ends" ? [] : readFileSync(file, "utf8").split(",");
      const started = [...stdout.toString().split(","), ...hung].map(Number);
      expect(started.length).toBe(way === "ends" ? 2 : 4);
      await until(() => !started.some(isRunning));
    }
  });
});
