/** Pools of native workers in the event loop. */
import { dlopen, JSCallback, type Pointer } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { getEventListeners } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  AbortedError,
  BatchError,
  ClosedError,
  Curve,
  CurveError,
  DroppedError,
  FullError,
  InvalidError,
  JobFailedError,
  Pool,
  TimedOutError,
  type PoolOptions,
} from "../src/index.ts";
import { libraryPath } from "../src/native.ts";
import { descriptors, rejectionOf, STARTING_MS, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const folder = mkdtempSync(join(tmpdir(), "circlet-jobs-"));

/** Compiles the functions of tests/languages/jobs.c. */
function compile() {
  const root = resolve(import.meta.dir, "../..");
  const made = join(folder, "libjobs.so");
  const { exitCode, stderr } = Bun.spawnSync([
    ...["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I", join(root, "include")],
    ...[join(root, "tests/languages/jobs.c"), "-o", made, libraryPath, `-Wl,-rpath,${dirname(libraryPath)}`],
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return dlopen(made, {
    address: { args: ["ptr"], returns: "ptr" },
    jobs_running: { args: [], returns: "i32" },
    open_gate: { args: ["i32"], returns: "void" },
  }).symbols;
}

let native: ReturnType<typeof compile>;
const job = {} as Record<"empty" | "sum" | "fail" | "endless" | "wait_at_gate" | "odd_only", Pointer>;

beforeAll(() => {
  native = compile();
  for (const name of ["empty", "sum", "fail", "endless", "wait_at_gate", "odd_only"] as const) {
    job[name] = Number(native.address(Buffer.from(`${name}\0`))) as Pointer;
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Waits until a job runs that waits for something. */
async function running(): Promise<void> {
  await until(() => native.jobs_running() === 1);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("results", () => {
  test("the_event_loop_learns_of_every_end_at_once_and_of_the_first_one_too", async () => {
    let most = 0;
    const measured = async (pool: Pool) => {
      const begin = performance.now();
      await pool.submit(job.empty);
      most = Math.max(most, performance.now() - begin);
    };
    for (let round = 0; round < 100; round++) {
      await using pool = new Pool({ max: 1 });
      await measured(pool);
      await measured(pool);
    }
    await using pool = new Pool({ max: 2 });
    for (let round = 0; round < 3000; round++) {
      await measured(pool);
      // Now and then the loop turns, once or so often that it stops watching.
      for (let turn = 0; turn < round % 3; turn++) await new Promise((done) => setImmediate(done));
    }
    // One that is lost never comes: nobody looks in between.
    expect(most).toBeLessThan(5000);
  });

  test("each_job_of_thousands_in_flight_gives_its_own", async () => {
    await using pool = new Pool({ min: 2, max: 2 });
    const all = await Promise.all(numbers(5000).map((number) => pool.submit(job.empty, number)));
    expect(all).toEqual(numbers(5000));
    for (const number of numbers(300)) expect(await pool.submit(job.empty, number)).toBe(number);
  });

  test("a_batch_gives_its_results_in_order_whatever_the_queue", async () => {
    await using pool = new Pool({ max: 2, queue: 100 });
    const [first, second, none] = await Promise.all([
      pool.submitMany(job.empty, numbers(20_000)),
      pool.submitMany(job.empty, BigUint64Array.from({ length: 3000 }, (_, index) => BigInt(index + 7))),
      pool.submitMany(job.empty, []),
    ]);
    expect(Array.from(first)).toEqual(numbers(20_000));
    expect(Array.from(second)).toEqual(numbers(3000).map((number) => number + 7));
    expect(none.length).toBe(0);
  });

  test("nothing_overtakes_what_waits_for_room", async () => {
    await using pool = new Pool({ max: 1, queue: 1 });
    const order: number[] = [];
    native.open_gate(0);
    const held = pool.submit(job.wait_at_gate, 99);
    await running();
    const rest = numbers(50).map((number) => pool.submit(job.empty, number).then((result) => order.push(result)));
    native.open_gate(1);
    await Promise.all([held, ...rest]);
    expect(order).toEqual(numbers(50));
  });

  test("memory_lives_until_its_job_is_over", async () => {
    await using pool = new Pool({ max: 2 });
    const texts = numbers(1000).map((number) => pool.submit(job.sum, new Uint8Array(31).fill((number % 200) + 1, 0, 30)));
    Bun.gc(true);
    expect(await Promise.all(texts)).toEqual(numbers(1000).map((number) => 30 * ((number % 200) + 1)));
  });

  test("a_function_of_dlopen_is_a_job", async () => {
    await using pool = new Pool({ max: 1 });
    const { abs } = dlopen("libc.so.6", { abs: { args: ["i32"], returns: "i32" } }).symbols;
    expect(await pool.submit(abs, 12)).toBe(12);
  });

  test("curves_are_sampled_by_a_job", async () => {
    await using pool = new Pool({ max: 2 });
    const curves = numbers(50).map((y) => Curve.make("bezier", [[0, 0], [1, y], [2, -y], [3, 0]]));
    expect(await pool.sampleBatch(curves, 33)).toEqual(Curve.sampleBatch(curves, 33));
    const out = new Float32Array(50 * 3 * 2);
    expect(await pool.sampleBatch(curves, 3, out, { priority: 3 })).toBe(out);
    expect(out).toEqual(Curve.sampleBatch(curves, 3, new Float32Array(50 * 3 * 2)));
    const space = Curve.make("linear", [[0, 0, 0], [1, 1, 1]]);
    expect(await rejectionOf(pool.sampleBatch([curves[0]!, space], 2))).toBeInstanceOf(CurveError);
  });
});

describe("what has no result", () => {
  test("says_why", async () => {
    await using pool = new Pool({ max: 1 });
    const failed = await rejectionOf(pool.submit(job.fail, Buffer.from("for this reason\0")));
    expect(failed).toBeInstanceOf(JobFailedError);
    expect(failed.message).toBe("for this reason");
    const late = await rejectionOf(pool.submit(job.endless, null, { deadlineMs: 10 }));
    expect(late).toBeInstanceOf(TimedOutError);
    expect(pool.snapshot().statistics.total_errors).toBe(1);
  });

  test("leaves_the_others_of_its_batch_theirs", async () => {
    await using pool = new Pool({ max: 2 });
    const error = await rejectionOf(pool.submitMany(job.odd_only, numbers(6)));
    expect(error).toBeInstanceOf(BatchError);
    const { results, errors } = error as BatchError;
    expect(Array.from(results)).toEqual([0, 1, 0, 3, 0, 5]);
    expect([...errors.keys()].toSorted()).toEqual([0, 2, 4]);
    expect(errors.get(2)!.message).toBe("even");
  });

  test("was_aborted_by_its_signal", async () => {
    await using pool = new Pool({ max: 1 });
    const [ends, waits, gone] = [new AbortController(), new AbortController(), AbortSignal.abort()];
    const endless = pool.submit(job.endless, null, { signal: ends.signal });
    await running();
    const waiting = pool.submitMany(job.empty, numbers(3), { signal: waits.signal });
    waits.abort();
    expect(((await rejectionOf(waiting)) as BatchError).status).toBe("CIRCLET_ABORTED");
    expect(await rejectionOf(pool.submit(job.empty, 1, { signal: gone }))).toBeInstanceOf(AbortedError);
    ends.abort();
    expect(await rejectionOf(endless)).toBeInstanceOf(AbortedError);
  });

  test("was_aborted_for_the_reason_that_its_signal_has", async () => {
    await using pool = new Pool({ max: 1 });
    const caught = (promise: Promise<unknown>) => promise.then(() => "a result", (error: unknown) => error);
    for (const reason of [new RangeError("too late"), "words", null, 0, new DOMException("mine", "AbortError")]) {
      const [ends, waits] = [new AbortController(), new AbortController()];
      const endless = caught(pool.submit(job.endless, null, { signal: ends.signal }));
      await running();
      const waiting = caught(pool.submit(job.empty, 1, { signal: waits.signal }));
      const batch = caught(pool.submitMany(job.empty, numbers(3), { signal: waits.signal }));
      waits.abort(reason);
      ends.abort(reason);
      expect(await waiting).toBe(reason);
      const { status, errors } = (await batch) as BatchError;
      expect(status).toBe("CIRCLET_ABORTED");
      for (const error of errors.values()) expect([error instanceof AbortedError, error.cause]).toEqual([true, reason]);
      expect(await endless).toBe(reason);
      expect(await caught(pool.submit(job.empty, 1, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    }
    const endless = caught(pool.submit(job.endless, null, { signal: AbortSignal.timeout(1) }));
    expect(((await endless) as DOMException).name).toBe("TimeoutError");
  });

  test("never_started_where_another_of_its_signal_was_stopped_for_it", async () => {
    await using pool = new Pool({ max: 1 });
    const [stop, started] = [new AbortController(), [] as number[]];
    const { signal } = stop;
    const endless = pool.submit(job.endless, null, { signal });
    await running();
    const rest = numbers(5000).map((number) => pool.submit(job.empty, number, { signal }).then((one) => started.push(one)));
    stop.abort();
    expect(await rejectionOf(endless)).toBeInstanceOf(AbortedError);
    await Promise.allSettled(rest);
    expect(started).toEqual([]);
  });

  test("is_let_go_by_a_signal_that_outlives_it", async () => {
    await using pool = new Pool({ max: 2 });
    const { signal } = new AbortController();
    const refs: WeakRef<Uint8Array>[] = [];
    const submit = (size: number) => {
      const data = new Uint8Array(size).fill(1, 0, size - 1);
      refs.push(new WeakRef(data));
      return data;
    };
    for (let round = 0; round < 20; round++) {
      await Promise.all(numbers(900).map(() => pool.submit(job.sum, submit(100), { signal })));
      await pool.submitMany(job.sum, numbers(100).map(() => submit(100)), { signal });
      expect(getEventListeners(signal, "abort").length).toBe(0);
    }
    await pool.submitMany(job.sum, [], { signal });
    expect(getEventListeners(signal, "abort").length).toBe(0);
    await until(() => {
      Bun.gc(true);
      return refs.filter((ref) => ref.deref() !== undefined).length < 2000;
    });
  });

  test("found_the_queue_full", async () => {
    native.open_gate(0);
    await using fails = new Pool({ max: 1, queue: 1, overflow: "fail" });
    const held = fails.submit(job.wait_at_gate, 1);
    await running();
    const batch = fails.submitMany(job.empty, [1, 2]);
    expect(await rejectionOf(fails.submit(job.empty))).toBeInstanceOf(FullError);
    native.open_gate(1);
    expect(await held).toBe(1);
    expect([...((await rejectionOf(batch)) as BatchError).errors.keys()]).toEqual([1]);

    native.open_gate(0);
    await using drops = new Pool({ max: 1, queue: 1, overflow: "dropOldest" });
    const kept = drops.submit(job.wait_at_gate, 1);
    await running();
    const [oldest, newest] = [drops.submit(job.empty, 2), drops.submit(job.empty, 3)];
    expect(await rejectionOf(oldest)).toBeInstanceOf(DroppedError);
    native.open_gate(1);
    expect([await kept, await newest]).toEqual([1, 3]);
  });
});

describe("refusals", () => {
  test("a_function_of_javascript_cannot_be_a_job", () => {
    using pool = new Pool({ max: 1 });
    const callback = new JSCallback(() => 7, { args: ["ptr"], returns: "i32" });
    for (const run of [() => 7, callback, 0, "abs", null]) {
      expect(() => pool.submit(run as Pointer)).toThrow(InvalidError);
      expect(() => pool.submitMany(run as Pointer, [1])).toThrow(InvalidError);
    }
    callback.close();
    expect(() => pool.submit((() => 7) as never)).toThrow("no other thread can call");
    expect(() => pool.submit(job.empty, "text" as never)).toThrow("give an address, a typed array or null");
  });

  test("what_no_pool_can_be", () => {
    const wrong: PoolOptions[] = [{ max: 0 }, { min: 3, max: 2 }, { overflow: "never" as never }, { keepMs: -1 }, { name: "" }];
    for (const options of wrong) expect(() => new Pool(options)).toThrow(InvalidError);
    using pool = new Pool({ min: 0, max: 1, strategy: "affinity", windowMs: 6000, name: "named" });
    const { pool: counts, statistics } = pool.snapshot();
    expect([counts.size, counts.strategy, statistics.window.length_ms]).toEqual([0, "affinity", 6000]);
    expect(() => new Pool({ maxWorkers: 2 } as never)).toThrow('"maxWorkers" is no option here: give min, max, queue');
    expect(() => new Pool({ keepMs: 0 })).toThrow("keepMs is 0: give milliseconds above 0");
    for (const deadlineMs of [0, -1, NaN, Infinity, "5" as never]) {
      expect(() => pool.submit(job.empty, 1, { deadlineMs })).toThrow("give milliseconds above 0");
    }
    expect(() => pool.submit(job.empty, 1, { deadline: 5 } as never)).toThrow('"deadline" is no option here: give priority');
    expect(() => pool.submitMany(job.empty, [1], { idempotent: true } as never)).toThrow('"idempotent" is no option here');
    expect(() => pool.submit(job.empty, 1, { priority: 0.5 })).toThrow(InvalidError);
    expect(() => pool.submit(job.empty, 1, { type: "a\0b" })).toThrow(InvalidError);
    for (const given of [null, 5, "max", () => 7]) {
      expect(() => new Pool(given as never)).toThrow(": give an object of options");
      expect(() => pool.submit(job.empty, 1, given as never)).toThrow(": give an object of options");
    }
    for (const signal of [{}, 5, null, new AbortController()]) {
      expect(() => pool.submit(job.empty, 1, { signal: signal as never })).toThrow(": give an AbortSignal");
      expect(() => pool.submitMany(job.empty, [1], { signal: signal as never })).toThrow(InvalidError);
    }
    expect(pool.snapshot().statistics.total_messages_sent).toBe(0);
  });
});

describe("the end", () => {
  test("a_close_finishes_what_was_submitted", async () => {
    const pool = new Pool({ max: 1, queue: 1 });
    const all = Promise.all(numbers(100).map((number) => pool.submit(job.empty, number, { key: number, nodes: 3 })));
    const closed = pool.close();
    expect(() => pool.submit(job.empty)).toThrow(ClosedError);
    expect(await all).toEqual(numbers(100));
    await closed;
    await pool.close();
  });

  test("a_closed_pool_still_tells_what_it_did", async () => {
    const pool = new Pool({ max: 1, name: "named" });
    await pool.submitMany(job.empty, numbers(100));
    await pool.close();
    const { pool: counts, registry, statistics } = pool.snapshot();
    expect([counts.size, counts.terminated, statistics.total_messages_received]).toEqual([0, 1, 100]);
    expect(Object.values(registry).map(({ state }) => state)).toEqual(["terminated"]);
    expect(pool.snapshot()).not.toBe(pool.snapshot());
    expect(pool.snapshot()).toEqual(pool.snapshot());
    const ended = new Pool({ max: 1 });
    const endless = ended.submit(job.endless);
    await running();
    ended[Symbol.dispose]();
    ended[Symbol.dispose]();
    expect(await rejectionOf(endless)).toBeInstanceOf(AbortedError);
    expect(ended.snapshot().pool.terminated).toBe(1);
  });

  test("a_drain_waits_for_all_jobs_or_until_its_deadline", async () => {
    await using pool = new Pool({ max: 1, queue: 1 });
    await pool.drain(0);
    native.open_gate(0);
    const all = numbers(3).map((number) => pool.submit(job.wait_at_gate, number));
    await running();
    for (const timeoutMs of [0, 5]) {
      const late = await rejectionOf(pool.drain(timeoutMs));
      expect(late).toBeInstanceOf(TimedOutError);
      expect(late.message).toBe("the timeout passed with 3 jobs unfinished");
    }
    const drains = [pool.drain(), pool.drain(STARTING_MS), pool.drain(1e12), pool.drain(Infinity)];
    native.open_gate(1);
    await Promise.all(drains);
    await pool.drain(0);
    expect(await Promise.all(all)).toEqual(numbers(3));
    for (const timeoutMs of [-1, NaN, "5", null, {}]) {
      expect(() => pool.drain(timeoutMs as never)).toThrow("give milliseconds, 0 to try, or nothing to wait without a deadline");
    }
  });

  test("a_dispose_aborts_what_there_is", async () => {
    const pool = new Pool({ max: 1, queue: 2 });
    const endless = pool.submit(job.endless);
    await running();
    const all = Promise.allSettled([endless, ...numbers(10).map((number) => pool.submit(job.empty, number))]);
    pool[Symbol.dispose]();
    for (const outcome of await all) expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(AbortedError);
  });

  test("no_thread_and_no_descriptor_stays", async () => {
    const threads = () => readdirSync("/proc/self/task").length;
    const round = async (open: () => Pool) => {
      const pool = open();
      await Promise.all(numbers(200).map((number) => pool.submit(job.empty, number)));
      await pool.close();
      using other = open();
      await other.submitMany(job.empty, numbers(10));
    };
    const open = () => new Pool({ min: 0, max: 4 });
    await round(open);
    await until(() => true);
    const before = [threads(), descriptors()];
    for (let rounds = 0; rounds < 10; rounds++) await round(open);
    // The stream of the last one is let go of a turn later.
    await until(() => threads() <= before[0]! && descriptors() <= before[1]!);
  });
});
