/** Ports of pools: of threads, and of processes that hand them to each other. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  BusyError,
  ClosedError,
  CONSUMER,
  InvalidError,
  jobPort,
  NotFoundError,
  Pool,
  ProcessPool,
  PRODUCER,
  SharedRingBuffer,
} from "../src/index.ts";
import { STARTING_MS, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

test("a port is opened, handed to a worker, listed and closed, and what is queued stays", async () => {
  await using pool = new Pool({ min: 1, max: 1 });
  using ring = SharedRingBuffer.anonymous();
  const port = pool.openPort(ring, CONSUMER);
  ring.sendMany(["a", "b"]);
  expect(pool.ports()).toEqual([{ id: port, owner: null, state: "open", side: CONSUMER, messagesQueued: 2 }]);
  const worker = Object.keys(pool.snapshot().registry)[0]!;
  pool.transferPort(port, worker);
  expect(pool.ports()[0]).toMatchObject({ owner: worker, state: "transferred" });
  pool.transferPort(port, null);
  pool.closePort(port);
  expect(pool.ports()[0]).toMatchObject({ owner: null, state: "closed", messagesQueued: 2 });
  expect(String.fromCharCode(ring.recv()[0]!)).toBe("a");
});

test("what is no port is refused", async () => {
  await using pool = new Pool({ max: 1 });
  using ring = SharedRingBuffer.anonymous({ mode: "broadcast" });
  expect(() => pool.openPort(ring, CONSUMER)).toThrow(InvalidError);
  const port = pool.openPort(ring, PRODUCER);
  expect(pool.ports()[0]!.messagesQueued).toBeNull();
  expect(() => pool.openPort(ring, PRODUCER)).toThrow(BusyError);
  expect(() => pool.transferPort(port, "w_fffe")).toThrow(NotFoundError);
  expect(() => pool.closePort("p_ffffff")).toThrow(NotFoundError);
  expect(() => pool.closePort("w_1")).toThrow("names no port");
  await expect(jobPort(port)).rejects.toThrow(ClosedError);
});

test("a receiver goes to and fro between two worker processes, and nothing is lost", async () => {
  const script = new URL("./process_jobs.ts", import.meta.url);
  await using pool = new ProcessPool({ script, min: 2, max: 2 });
  using ring = SharedRingBuffer.anonymous();
  await until(() => Object.values(pool.snapshot().registry).filter(({ state }) => state === "idle").length === 2);
  const [one, two] = Object.entries(pool.snapshot().registry);
  const other = { [one![1].pid!]: two![0], [two![1].pid!]: one![0] };
  const port = pool.openPort(ring, CONSUMER);
  expect(pool.ports()).toEqual([{ id: port, owner: null, state: "open", side: CONSUMER, messagesQueued: 0 }]);
  pool.transferPort(port, one![0]);
  expect(pool.ports()[0]).toMatchObject({ owner: one![0], state: "transferred" });

  const count = 2000;
  const parts = [0, 1].map(() => pool.call<number[]>("goesRound", [port, other]));
  for (let number = 0; number < count; number++) await ring.sendAsync(new Uint8Array([number % 256, number >> 8]));
  ring.close();
  const received = await Promise.all(parts);
  expect(received.every((part) => part.length > 0)).toBe(true);
  // Each worker has its own in their order, and together they have all.
  for (const part of received) expect(part).toEqual(part.toSorted((a, b) => a - b));
  expect(received.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, number) => number));
  expect(pool.ports()[0]).toMatchObject({ owner: null, state: "open", messagesQueued: 0 });
  pool.closePort(port);
  expect(pool.ports()[0]).toMatchObject({ owner: null, state: "closed" });
});
