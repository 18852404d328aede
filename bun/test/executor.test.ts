/** Executors: what comes of code, how it is read and stopped, with real sessions. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { getEventListeners } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import {
  AbortedError,
  ClosedError,
  CircletError,
  Executor,
  InvalidError,
  SharedRingBuffer,
  TimedOutError,
  WorkerDiedError,
  type Chunk,
  type ExecutorOptions,
  type RunOptions,
} from "../src/index.ts";
import { descriptors, errorOf, rejectionOf, STARTING_MS, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const ENDLESS = "while True: pass";
const shared = new Executor();
afterAll(() => shared.close());
beforeEach(async () => {
  await shared.run("globals().clear(); __name__ = '__main__'");
});
/** Tells whether a process has not ended, whether or not anybody has waited for it. */
const isRunning = (pid: number) => existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** Reads a stream to its end: the texts that follow each other in one stream as one. */
async function read(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of stream) {
    const last = chunks.at(-1);
    if (last !== undefined && "text" in last && "text" in chunk && last.stream === chunk.stream) last.text += chunk.text;
    else chunks.push(chunk);
  }
  return chunks;
}

/** Awaits that code runs which does not end by itself. */
async function begun(python: Executor, code: string, options: RunOptions = {}) {
  const stream = python.stream(`print('begun')\n${code}`, options);
  const reader = stream[Symbol.asyncIterator]();
  expect((await reader.next()).value).toMatchObject({ stream: "stdout" });
  return stream;
}

describe("outcomes", () => {
  test("a_run_gives_its_value_its_output_and_what_it_used", async () => {
    const outcome = await shared.run("import sys; print('out'); print('err', file=sys.stderr); {'a': [1, 2.5, None, 'ü']}");
    expect(outcome.value).toEqual({ a: [1, 2.5, null, "ü"] });
    expect([outcome.stdout, outcome.stderr]).toEqual(["out\n", "err\n"]);
    expect(outcome.error).toBeUndefined();
    expect(outcome.usage.memory_peak_bytes).toBeGreaterThan(1 << 20);
    expect((await shared.run("")).value).toBeNull();
  });

  test("an_exception_is_a_value_with_its_traceback", async () => {
    const { error } = await shared.run("def f(): return 1 / 0\nf()");
    expect(error).toMatchObject({ type: "ZeroDivisionError", message: "division by zero" });
    expect(error?.traceback).toContain("return 1 / 0");
  });

  test("buffers_are_arrays_of_their_numbers", async () => {
    const outcome = await shared.run("import array; array.array('d', [1.5, 2.5])");
    expect(outcome).toMatchObject({ value: new Float64Array([1.5, 2.5]), format: "d", shape: [2] });
    const bytes = await shared.run("memoryview(bytes(range(6))).cast('B', (2, 3))");
    expect(bytes).toMatchObject({ value: new Uint8Array([0, 1, 2, 3, 4, 5]), format: "B", shape: [2, 3] });
    expect((await shared.run("b''")).value).toEqual(new Uint8Array());
    expect((await shared.run("import array; array.array('q', [-1])")).value).toEqual(new BigInt64Array([-1n]));
    expect((await shared.run("b'x' * 3_000_000")).value as Uint8Array).toHaveLength(3_000_000);
  });

  test("what_is_shown_and_sent_is_part_of_the_outcome", async () => {
    const outcome = await shared.run("from circlet.session import display, send\ndisplay('x'); send(b'123')");
    expect(outcome.shown).toEqual([{ "text/plain": "'x'" }]);
    expect(outcome.sent).toEqual([new Uint8Array([49, 50, 51])]);
  });

  test("bytes_go_to_the_code_also_more_than_there_is_room_for", async () => {
    shared.send(new Float64Array([1, 2]));
    const run = shared.run("import time; time.sleep(0.02)\nfrom circlet.session import receive\n[len(receive()) for _ in range(4)]");
    shared.send("ü");
    shared.send(new Uint8Array());
    shared.send(new DataView(new ArrayBuffer(8_000_000)));
    expect((await run).value).toEqual([16, 2, 0, 8_000_000]);
  });

  test("a_thousand_runs_lose_no_wake", async () => {
    for (let number = 0; number < 1000; number++) {
      const code = number % 2 ? "import time; time.sleep(0.0003)" : "print('x')";
      expect((await shared.run(`${code}\n${number}`)).value).toBe(number);
    }
  });

  test("runs_come_one_after_the_other", async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, number) => shared.run(`print(${number}); ${number}`)));
    expect(outcomes.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(outcomes[7]!.stdout).toBe("7\n");
  });

  test("the_event_loop_goes_on_while_code_runs", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    // The code waits for the loop.
    const ask = () => until(() => turns > 10).then(() => "7");
    expect((await shared.run("input()", { ask })).value).toBe("7");
    clearInterval(timer);
  });
});

describe("streams", () => {
  test("a_stream_comes_in_order_as_the_code_runs", async () => {
    const code = `
import sys, os
from circlet.session import display, send
print('one'); print('two', file=sys.stderr); os.write(1, 'drü'.encode()[:3]); os.write(1, 'drü'.encode()[3:])
display(3); send(b'4'); 5`;
    const stream = shared.stream(code);
    expect(await read(stream)).toEqual([
      { stream: "stdout", text: "one\n" },
      { stream: "stderr", text: "two\n" },
      { stream: "stdout", text: "drü" },
      { stream: "display", text: "3", data: { "text/plain": "3" } },
      { stream: "data", data: new Uint8Array([52]) },
    ]);
    expect(await stream.outcome).toMatchObject({ value: 5, stdout: "", sent: [] });
  });

  test("a_long_output_comes_whole_and_the_first_of_it_before_the_end", async () => {
    const stream = shared.stream("for i in range(100_000): print('x' * 63)\ninput()", { ask: () => "" });
    const chunks = await read(stream);
    expect(chunks.map((chunk) => ("text" in chunk ? chunk.text.length : 0))).toEqual([6_400_000]);
  });

  test("leaving_the_loop_interrupts_the_run", async () => {
    const stream = shared.stream(`print('begun')\n${ENDLESS}`);
    for await (const chunk of stream) {
      expect(chunk).toMatchObject({ stream: "stdout" });
      break;
    }
    expect(await stream.outcome).toMatchObject({ stopped: "interrupted", error: { type: "KeyboardInterrupt" } });
  });
});

describe("stops", () => {
  test("a_run_is_interrupted_by_its_timeout_and_by_the_executor", async () => {
    expect(await shared.run(ENDLESS, { timeoutMs: 10 })).toMatchObject({ stopped: "interrupted" });
    const stream = await begun(shared, ENDLESS);
    expect(shared.interrupt()).toBe(true);
    expect(await stream.outcome).toMatchObject({ stopped: "interrupted" });
    expect([shared.interrupt(), stream.interrupt()]).toEqual([false, false]);
    expect((await shared.run("1")).stopped).toBeUndefined();
  });

  test("a_signal_interrupts_its_run_alone_and_is_let_go_of", async () => {
    const [controller, other] = [new AbortController(), new AbortController()];
    const first = shared.run(ENDLESS, { signal: controller.signal });
    const second = shared.run("x = 1", { signal: other.signal });
    const third = shared.run("'x' in globals()", { signal: new AbortController().signal });
    const told = Promise.allSettled([first, second]);
    other.abort("unwanted");
    controller.abort(new RangeError("enough"));
    expect((await told).map((end) => end.status === "rejected" && end.reason)).toEqual([expect.any(RangeError), "unwanted"]);
    expect((await third).value).toBe(false);
    expect(await shared.run("1", { signal: controller.signal }).catch((error: unknown) => error)).toBeInstanceOf(RangeError);
    const long = new AbortController();
    for (let number = 0; number < 100; number++) await shared.run("1", { signal: long.signal });
    expect(getEventListeners(long.signal, "abort")).toHaveLength(0);
  });

  test("the_end_of_a_session_is_told_with_its_last_words", async () => {
    using python = new Executor();
    const first = python.processId;
    const error = (await rejectionOf(python.run("import os; x = 1; os.write(2, b'last words'); os._exit(3)"))) as WorkerDiedError;
    expect(error).toBeInstanceOf(WorkerDiedError);
    expect([error.exitCode, error.signal, error.stderr]).toEqual([3, null, "last words"]);
    expect((await python.run("import time; time.sleep(0.01); 'x' in globals()")).value).toBe(false);
    expect(python.processId).not.toBe(first);
    const killed = (await rejectionOf(python.run("import os; os.kill(os.getpid(), 9)"))) as WorkerDiedError;
    expect([killed.exitCode, killed.signal]).toEqual([null, 9]);
  });

  test("code_that_does_not_stop_loses_its_session", async () => {
    using python = new Executor({ graceMs: 20, killAfterMs: 20 });
    const code = `import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n${ENDLESS}`;
    expect(await rejectionOf(python.run(code, { timeoutMs: 50 }))).toBeInstanceOf(TimedOutError);
    expect((await python.run("1")).value).toBe(1);
  });

  test("a_restart_forgets_the_names_and_ends_what_runs", async () => {
    await shared.run("x = 1");
    const first = shared.processId;
    const stream = await begun(shared, ENDLESS);
    const waiting = shared.run("'x' in globals()");
    shared.restart();
    expect(await rejectionOf(stream.outcome)).toBeInstanceOf(AbortedError);
    expect((await waiting).value).toBe(false);
    await until(() => !isRunning(first));
  });

  test("a_closed_executor_refuses_and_leaves_nothing", async () => {
    const python = new Executor();
    const pid = python.processId;
    const [running, waiting] = [await begun(python, ENDLESS), python.run("1")];
    python.close();
    expect(isRunning(pid)).toBe(false);
    expect(await rejectionOf(running.outcome)).toBeInstanceOf(ClosedError);
    expect(await rejectionOf(waiting)).toBeInstanceOf(ClosedError);
    python.close();
    expect(python.interrupt()).toBe(false);
    for (const call of [() => python.run("1"), () => python.send(""), () => python.restart(), () => python.processId]) {
      expect(errorOf(call)).toBeInstanceOf(ClosedError);
    }
  });

  test("nothing_is_left_of_many_executors", async () => {
    const once = async () => {
      await using python = new Executor();
      expect((await python.run("import time; time.sleep(0.001); 1")).value).toBe(1);
    };
    await once();
    await until(() => true);
    const before = descriptors();
    for (let count = 0; count < 30; count++) await once();
    await until(() => descriptors() <= before);
  });

  test("a_session_ends_with_its_owner", async () => {
    const entry = JSON.stringify(new URL("../src/index.ts", import.meta.url).pathname);
    const program = `import { Executor } from ${entry};
      const python = new Executor();
      python.run("while True: pass").catch(() => {});
      console.log(python.processId);
      setTimeout(() => process.exit(), 20);`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const pid = Number(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    expect(pid).toBeGreaterThan(0);
    await until(() => !isRunning(pid));
  });
});

describe("questions", () => {
  test("input_is_answered_by_whoever_is_asked", async () => {
    const asked: string[] = [];
    const ask: RunOptions["ask"] = async ({ prompt, isSecret }) => {
      asked.push(`${prompt}${isSecret}`);
      await Bun.sleep(1);
      return prompt === "last" ? null : prompt.toUpperCase();
    };
    expect((await shared.run("[input('a'), input('')]", { ask })).value).toEqual(["A", ""]);
    expect(asked).toEqual(["afalse", "false"]);
    expect((await shared.run("input('last')", { ask })).error?.type).toBe("EOFError");
    expect((await shared.run("input()")).error?.type).toBe("EOFError");
  });

  test("what_ask_throws_ends_the_input_and_is_told", async () => {
    const ask = () => {
      throw new RangeError("no answer");
    };
    const told = shared.run("try: input()\nexcept EOFError: x = 'ended'", { ask }).catch((error: unknown) => error);
    expect(await told).toBeInstanceOf(RangeError);
    expect((await shared.run("x")).value).toBe("ended");
    const wrong = { ask: () => 5 } as unknown as RunOptions;
    expect((await rejectionOf(shared.run("input()", wrong))).message).toContain("ask gave 5");
  });
});

describe("options", () => {
  test("rings_are_there_under_their_names", async () => {
    using ring = SharedRingBuffer.anonymous();
    using python = new Executor({ rings: { points: ring } });
    ring.send("frame");
    expect((await python.run("bytes(rings['points'].recv()).decode()")).value).toBe("frame");
  });

  test("sessions_are_kept_ready_with_modules_loaded_and_replaced_when_worn", async () => {
    using python = new Executor({ ready: 2, preload: ["decimal"], recycleAfter: 2, spinUs: 0, outputMax: 100 });
    const first = python.processId;
    expect((await python.run("import sys; x = 1; 'decimal' in sys.modules")).value).toBe(true);
    expect((await python.run("print('y' * 1000); x")).stdout.length).toBeLessThan(300);
    expect((await python.run("import time; time.sleep(0.01); 'x' in globals()")).value).toBe(false);
    expect(python.processId).not.toBe(first);
  });

  test("options_that_are_none_are_refused", () => {
    const refused: [object, string][] = [
      [{ python: "/no/such/python" }, "/no/such/python"],
      [{ pyton: "python3" }, '"pyton" is no option'],
      [{ rings: { a: 5 } }, "a ring is 5"],
      [{ ready: -1 }, "ready is -1"],
      [{ preload: "json" }, 'preload is "json"'],
      [{ outputMax: 0 }, "outputMax is 0"],
      [{ graceMs: -1 }, "graceMs is -1"],
      [{ spinUs: NaN }, "spinUs is NaN"],
      [{ recycleAfter: 0 }, "recycleAfter is 0"],
    ];
    for (const [options, words] of refused) {
      expect(errorOf(() => new Executor(options as ExecutorOptions)).message).toContain(words);
    }
  });

  test("runs_that_are_none_are_refused", () => {
    const refused: [unknown, object, string][] = [
      [5, {}, "code is 5"],
      ["'\ud800'", {}, "surrogate"],
      ["1", { timeoutMs: 0 }, "timeoutMs is 0"],
      ["1", { signal: 5 }, "signal is 5"],
      ["1", { ask: 5 }, "ask is 5"],
      ["1", { timeout: 5 }, '"timeout" is no option'],
    ];
    for (const [code, options, words] of refused) {
      const error = errorOf(() => void shared.run(code as string, options));
      expect(error).toBeInstanceOf(InvalidError);
      expect(error.message).toContain(words);
    }
    expect(errorOf(() => shared.send(5 as unknown as string))).toBeInstanceOf(CircletError);
  });
});

test("a_log_has_what_became_of_a_run", async () => {
  using python = new Executor();
  const { states } = await python.run("raise ValueError('no')", { states: true });
  expect(states.map(({ state }) => state)).toEqual(["code_received", "exec_start", "exception", "exec_end"]);
  expect(states[2]).toMatchObject({ type: "ValueError", message: "no" });
  const chunks = await Array.fromAsync(python.stream("print('said')", { states: true }));
  expect(chunks.map((chunk) => (chunk.stream === "state" ? chunk.data.state : chunk.stream))).toEqual([
    "code_received",
    "exec_start",
    "stdout",
    "exec_end",
  ]);
});

test("a_heap_snapshot_takes_its_turn_among_the_runs", async () => {
  using python = new Executor();
  expect((await python.heapSnapshot()).is_first).toBeTrue();
  void python.run("kept = [bytes(1000) for _ in range(1000)]");
  const { lines } = await python.heapSnapshot({ top: 1, stop: true });
  expect(lines[0]!.bytes).toBeGreaterThan(1_000_000);
  expect(python.heapSnapshot({ file: "/nowhere/heap" })).rejects.toThrow("FileNotFoundError");
});

test("typescript_runs_as_python_does", async () => {
  using bun = new Executor({ bun: process.execPath });
  const outcome = await bun.run("const x: number = await Promise.resolve(6 * 7); console.log('hello'); x");
  expect([outcome.value, outcome.stdout]).toEqual([42, "hello\n"]);
  const stopped = await bun.run("while (true) {}", { timeoutMs: 100 });
  expect([stopped.error?.type, stopped.stopped]).toEqual(["AbortError", "interrupted"]);
  expect((await bun.run("x")).value).toBe(42);
  expect(() => new Executor({ bun: "bun", python: "python3" })).toThrow("both given");
});
