/** Pools of sessions. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { ClosedError, SessionPool } from "../src/index.ts";
import { STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

test("sessions_of_a_pool_are_apart_and_their_processes_end_with_them", async () => {
  using pool = new SessionPool({ ready: 2 });
  pool.waitReady();
  const [one, other] = [pool.open(), pool.open()];
  await one.run("x = 1");
  expect((await other.run("x")).error?.type).toBe("NameError");
  const processes = [one.processId, other.processId];
  expect(new Set(processes).size).toBe(2);
  one.close();
  other.close();
  expect(processes.map((process) => existsSync(`/proc/${process}`))).toEqual([false, false]);
});

test("a_snapshot_names_every_session_and_what_it_has_run", async () => {
  using pool = new SessionPool({ ready: 1 });
  using python = pool.open();
  await python.run("1 / 0");
  pool.waitReady();
  const { pool: counts, registry } = pool.snapshot();
  const entry = Object.values(registry).find(({ pid }) => pid === python.processId);
  expect(entry).toMatchObject({ messages_processed: 1, errors: 1, last_error: "ZeroDivisionError: division by zero" });
  expect([counts.size, counts.active + counts.idle + counts.ready + counts.draining]).toEqual([2, 2]);
});

test("an_executor_outlives_its_pool", async () => {
  const pool = new SessionPool();
  using python = pool.open();
  pool.close();
  pool.close();
  expect(() => pool.open()).toThrow(ClosedError);
  expect((await python.run("6 * 7")).value).toBe(42);
});

test("options_that_are_none_are_refused", () => {
  expect(() => new SessionPool({ redy: 1 } as never)).toThrow("redy");
  expect(() => new SessionPool({ ready: -1 })).toThrow("ready");
});
