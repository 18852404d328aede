/** Rings in the event loop. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  BusyError,
  ClosedError,
  EmptyError,
  FullError,
  PeerDiedError,
  SharedRingBuffer,
  TimedOutError,
} from "../src/index.ts";
import {
  bells,
  newName,
  payloadOf,
  peer,
  rejectionOf,
  run,
  runWithDescriptors,
  start,
  STARTING_MS,
  text,
  until,
} from "./support.ts";

setDefaultTimeout(STARTING_MS);

/** Counts the turns of a timer while something is awaited. */
async function turnsDuring(awaited: Promise<unknown>): Promise<number> {
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  await awaited.finally(() => clearInterval(ticking));
  return turns;
}

describe("between processes", () => {
  test("ten_thousand_messages_go_there_and_back_one_by_one", async () => {
    const [name, backName, count] = [newName(), newName(), 10_000];
    using ring = SharedRingBuffer.create(name, { capacity: 4096 });
    using back = SharedRingBuffer.create(backName, { capacity: 4096 });
    const child = start("child.ts", ["echo", name, backName]);
    for (let index = 0; index < count; index++) {
      await ring.sendAsync(`${index}`);
      // Each is awaited from when nothing is there: a lost ring of the bell would cost a second.
      expect(text(await back.recvAsync(30_000))).toBe(`${index}`);
    }
    ring.close();
    expect((await rejectionOf(back.recvAsync(30_000))).status).toBe("CIRCLET_CLOSED");
    expect(await child.exited).toBe(0);
  });

  test("a_burst_of_a_hundred_thousand_messages_arrives_in_order", async () => {
    const [name, count] = [newName(), 100_000];
    using ring = SharedRingBuffer.create(name, { capacity: 64 << 10 });
    const child = start("child.ts", ["sendNumberedAsync", name, "3", `${count}`]);
    let index = 0;
    for await (const view of ring) {
      if (Buffer.compare(view, payloadOf(3, index)) !== 0) throw new Error(`frame ${index} is not what was sent`);
      index++;
    }
    expect(index).toBe(count);
    expect(await child.exited).toBe(0);
  });

  test("a_writers_death_ends_a_wait_and_the_event_loop_turns_until_then", async () => {
    const name = newName();
    using ring = SharedRingBuffer.create(name);
    const child = start("child.ts", ["sendAndHang", name]);
    expect(text(await ring.recvAsync(30_000))).toBe("the last words");
    const waiting = rejectionOf(ring.recvAsync());
    let isOver = false;
    void waiting.then(() => (isOver = true));
    await turnsDuring(Bun.sleep(20)).then((turns) => expect(turns).toBeGreaterThan(2));
    expect(isOver).toBe(false);
    const killed = performance.now();
    child.kill("SIGKILL");
    expect(await waiting).toBeInstanceOf(PeerDiedError);
    // At once if the lock has gone by the time of the notice, and at the next look otherwise, a second later.
    expect(performance.now() - killed).toBeLessThan(5000);
  });

  test("a_readers_death_ends_a_wait_for_room", async () => {
    const name = newName();
    using ring = SharedRingBuffer.create(name, { capacity: 4096 });
    const child = start("child.ts", ["recvAndHang", name]);
    await child.stdout.getReader().read();
    const payload = new Uint8Array(1000);
    const waiting = rejectionOf(Promise.all(Array.from({ length: 10 }, () => ring.sendAsync(payload))));
    await Bun.sleep(1);
    child.kill("SIGKILL");
    expect(await waiting).toBeInstanceOf(PeerDiedError);
  });

  test("two_rings_are_awaited_at_a_time", async () => {
    const names = [newName(), newName()];
    const rings = names.map((name) => SharedRingBuffer.create(name, { capacity: 4096 }));
    const children = names.map((name, index) => start("child.ts", ["sendNumberedAsync", name, `${index}`, "1000"]));
    const counts = rings.map(async (ring, writer) => {
      let index = 0;
      for await (const view of ring) expect(Buffer.compare(view, payloadOf(writer, index++))).toBe(0);
      return index;
    });
    expect(await Promise.all(counts)).toEqual([1000, 1000]);
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
    rings.forEach((ring) => ring.close());
  });

  test("a_ring_that_is_not_awaited_lets_its_process_end", async () => {
    const name = newName();
    using ring = SharedRingBuffer.create(name);
    const child = start("child.ts", ["awaitAndLeave", name]);
    ring.send("first");
    expect(await new Response(child.stdout).json()).toEqual({ first: "first", second: "TimedOutError" });
    expect(await child.exited).toBe(0);
  });

  test("awaiting_leaves_no_descriptor_behind", async () => {
    expect(await run("awaitOften", "100")).toEqual(["TimedOutError,ClosedError"]);
  });
});

test("a_wait_that_cannot_listen_fails_at_once_and_the_next_one_works", async () => {
  expect(await runWithDescriptors(64, "awaitWithoutDescriptors")).toEqual(["came", "too many", "too many", "came"]);
});

describe("in one process", () => {
  test("a_wait_ends_with_the_frame_that_comes", async () => {
    using ring = SharedRingBuffer.anonymous();
    using writer = peer(ring);
    const waiting = ring.recvAsync();
    setTimeout(() => writer.send("came"), 5);
    expect(text(await waiting)).toBe("came");
  });

  test("a_wait_without_end_or_with_0_is_as_that_of_the_blocking_calls", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    expect(await rejectionOf(ring.recvAsync(0))).toBeInstanceOf(EmptyError);
    const began = performance.now();
    expect(await rejectionOf(ring.recvAsync(5))).toBeInstanceOf(TimedOutError);
    expect(performance.now() - began).toBeGreaterThanOrEqual(5);
    const payload = new Uint8Array(2000);
    await ring.sendAsync(payload);
    await ring.sendAsync(payload, 0);
    expect(await rejectionOf(ring.sendAsync(payload, 0))).toBeInstanceOf(FullError);
    expect((await rejectionOf(ring.sendAsync(payload, 5))).message).toContain("made no room");
    expect((await rejectionOf(ring.sendAsync("x", -1))).message).toContain("timeoutMs is -1");
    expect((await rejectionOf(ring.sendAsync(5 as never))).message).toContain("the payload is 5");
    expect((await rejectionOf(ring.recvAsync(NaN))).message).toContain("timeoutMs is NaN");
  });

  test("payloads_that_wait_for_room_are_sent_in_the_order_of_the_calls", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    using reader = peer(ring);
    const sent = Array.from({ length: 5000 }, (_, index) => ring.sendAsync(`number ${index}`));
    for (let index = 0; index < 5000; index++) expect(text(await reader.recvAsync())).toBe(`number ${index}`);
    await Promise.all(sent);
  });

  test("each_payload_that_waits_has_a_deadline_of_its_own", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    const payload = new Uint8Array(2000);
    ring.sendMany([payload, payload]);
    const order: string[] = [];
    const wait = (name: string, timeoutMs?: number) =>
      ring.sendAsync(payload, timeoutMs).then(
        () => order.push(name),
        (error: Error) => order.push(`${name} ${error.name}`),
      );
    const waits = [wait("patient"), wait("hasty", 5), wait("later", 20)];
    expect(await rejectionOf(ring.sendAsync("no room behind others", 0))).toBeInstanceOf(FullError);
    await Promise.all(waits.slice(1));
    expect(order).toEqual(["hasty TimedOutError", "later TimedOutError"]);
    ring.recvMany();
    ring.release();
    await waits[0];
    expect(order[2]).toBe("patient");
    expect(ring.stats().framesSent).toBe(3);
  });

  test("close_ends_what_is_awaited", async () => {
    const [ring, empty] = [SharedRingBuffer.anonymous({ capacity: 4096 }), SharedRingBuffer.anonymous()];
    const payload = new Uint8Array(2000);
    ring.sendMany([payload, payload]);
    const waiting = [ring.sendAsync(payload), ring.sendAsync("behind it"), empty.recvAsync()].map(rejectionOf);
    // Time enough to listen.
    await Bun.sleep(1);
    ring.close();
    empty.close();
    for (const error of await Promise.all(waiting)) expect(error.message).toBe("this ring was closed here");
  });

  test("one_reader_awaits_a_ring_at_a_time", async () => {
    using ring = SharedRingBuffer.anonymous();
    const first = ring.recvAsync();
    expect(await rejectionOf(ring.recvAsync())).toBeInstanceOf(BusyError);
    expect(await rejectionOf(ring[Symbol.asyncIterator]().next())).toBeInstanceOf(BusyError);
    ring.send("for the first");
    expect(text(await first)).toBe("for the first");
  });

  test("awaiting_a_ring_that_is_never_empty_or_full_does_not_starve_the_event_loop", async () => {
    using ring = SharedRingBuffer.anonymous();
    let fired = false;
    setTimeout(() => (fired = true), 1);
    for (let frames = 0; !fired; frames++) {
      if (frames === 1_000_000) throw new Error("the timer never fired");
      await ring.sendAsync("again");
      await ring.recvAsync();
    }
  });

  test("a_broken_off_or_failed_iteration_leaves_only_the_rings_own_bell", async () => {
    // Bun closes its own descriptors on another thread, those of the tests before too.
    await until(() => bells() === 0);
    {
      using ring = SharedRingBuffer.anonymous();
      using writer = peer(ring);
      setTimeout(() => writer.sendMany(["1", "2"]), 2);
      for await (const _view of ring) break;
      await until(() => bells() === 1);
      const failed = (async () => {
        for await (const _view of ring) throw new Error("on purpose");
      })();
      await expect(failed).rejects.toThrow("on purpose");
      await until(() => bells() === 1);
    }
    expect(bells()).toBe(0);
  });

  test("an_iteration_goes_on_after_it_was_broken_off_while_frames_came", async () => {
    using ring = SharedRingBuffer.anonymous();
    using writer = peer(ring);
    const seen: string[] = [];
    const sending = (async () => {
      for (let index = 0; index < 300; index++) {
        await writer.sendAsync(`${index}`);
        if (index % 3 === 0) await Bun.sleep(0);
      }
    })();
    while (seen.length < 300) {
      for await (const view of ring) {
        seen.push(text(view));
        break;
      }
    }
    await sending;
    expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => `${index}`));
  });

  test("what_is_awaited_on_a_closed_ring_is_refused", async () => {
    const ring = SharedRingBuffer.anonymous();
    ring.close();
    for (const waiting of [ring.recvAsync(), ring.recvAsync(0), ring.sendAsync("x"), ring.sendAsync("x", 0)]) {
      const error = await rejectionOf(waiting);
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.message).toBe("this ring was closed here");
    }
  });
});
