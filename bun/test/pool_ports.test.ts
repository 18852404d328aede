/** Ports of a pool of threads. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  BusyError,
  ClosedError,
  CONSUMER,
  InvalidError,
  jobPort,
  NotFoundError,
  Pool,
  PRODUCER,
  SharedRingBuffer,
} from "../src/index.ts";
import { STARTING_MS } from "./support.ts";

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
