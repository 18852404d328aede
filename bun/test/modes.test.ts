/** Rings with many writers, with many readers, with long messages, without room. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import {
  BusyError,
  EmptyError,
  FullError,
  InvalidError,
  LaggedError,
  SchemaError,
  SharedPage,
  SharedRingBuffer,
  TimedOutError,
  TooLargeError,
} from "../src/index.ts";
import { errorOf, newName, payloadOf, peer, rejectionOf, start, STARTING_MS, text, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

/** The payloads of a broadcast ring's frames, each of which takes 64 bytes with its word. */
const numbered = (count: number) => Array.from({ length: count }, (_, index) => new Uint32Array(15).fill(index));
const numberOf = (view: Uint8Array) => new Uint32Array(view.buffer, view.byteOffset, 15)[14];

describe("mpsc", () => {
  test.each(["sendNumbered", "sendNumberedAsync"])("every_frame_of_four_processes_arrives_by_%s", async (task) => {
    const [name, writers, count] = [newName(), 4, 2000];
    using ring = SharedRingBuffer.create(name, { mode: "mpsc", capacity: 16 << 10 });
    using go = SharedPage.create(`${name}-go`);
    const argsOf = (writer: number) => [task, name, `${writer}`, `${count}`, `${name}-go`];
    const children = Array.from({ length: writers }, (_, writer) => start("child.ts", argsOf(writer)));
    // A ring is at its end when all who ever wrote have closed: nobody begins before all are there.
    await until(() => ring.stats().producers === writers);
    go.write("go");
    const next = new Array<number>(writers).fill(0);
    for (let frames = 0; frames < writers * count; frames++) {
      const view = await ring.recvAsync(50_000);
      const [writer, index] = new Uint32Array(view.buffer, view.byteOffset, 2);
      expect(index).toBe(next[writer!]!);
      if (Buffer.compare(view, payloadOf(writer!, index!)) !== 0) throw new Error(`${writer} ${index} differs`);
      next[writer!]!++;
    }
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0]);
    expect(ring.stats()).toMatchObject({ mode: "mpsc", framesSent: writers * count, producers: 0, producer: "closed" });
  });

  test("a_claim_that_is_given_up_keeps_no_reader_waiting", () => {
    using ring = SharedRingBuffer.anonymous({ mode: "mpsc" });
    using other = peer(ring);
    const claim = ring.claim(10);
    other.send("behind the claim");
    expect(errorOf(() => other.recv(0))).toBeInstanceOf(EmptyError);
    claim.abort();
    expect(text(other.recv(0))).toBe("behind the claim");
    claim.abort();
  });

  test("a_ring_counts_its_living_writers", () => {
    using ring = SharedRingBuffer.anonymous({ mode: "mpsc" });
    using other = peer(ring);
    ring.send("one");
    other.send("two");
    expect(ring.stats().producers).toBe(2);
    expect(ring.recvMany().map(text)).toEqual(["one", "two"]);
  });
});

describe("broadcast", () => {
  test("a_reader_that_lags_learns_exactly_what_it_missed", () => {
    using ring = SharedRingBuffer.anonymous({ mode: "broadcast", capacity: 4096 });
    using reader = SharedRingBuffer.fromFd(ring.exportFd(), { readFrom: "next" });
    ring.sendMany(numbered(1000));
    const error = errorOf(() => reader.recv()) as LaggedError;
    expect(error).toBeInstanceOf(LaggedError);
    expect(error.status).toBe("CIRCLET_LAGGED");
    expect(error.frames).toBeGreaterThan(1000 - 4096 / 64);
    expect(error.frames).toBeLessThan(1000);
    expect(error.bytes).toBe(error.frames * 64);
    const seen = reader.recvMany(2000).map(numberOf);
    expect(seen).toEqual(Array.from({ length: 1000 - error.frames }, (_, index) => error.frames + index));
  });

  test("missed_and_received_frames_add_up_to_those_that_a_process_sent", async () => {
    const [name, count] = [newName(), 20_000];
    using ring = SharedRingBuffer.create(name, { mode: "broadcast", capacity: 16 << 10, readFrom: "next" });
    const child = start("child.ts", ["sendNumbered", name, "0", `${count}`]);
    let expected = 0;
    for (;;) {
      try {
        for await (const view of ring) {
          const index = new Uint32Array(view.buffer, view.byteOffset, 2)[1]!;
          expect(index).toBe(expected);
          if (Buffer.compare(view, payloadOf(0, index)) !== 0) throw new Error(`frame ${index} differs`);
          expected++;
        }
        break;
      } catch (error) {
        if (!(error instanceof LaggedError)) throw error;
        expected += error.frames;
      }
    }
    expect(expected).toBe(count);
    expect(await child.exited).toBe(0);
  });

  test("every_reader_gets_every_frame_from_where_it_begins", () => {
    using ring = SharedRingBuffer.anonymous({ mode: "broadcast" });
    ring.send("before");
    using next = SharedRingBuffer.fromFd(ring.exportFd(), { readFrom: "next" });
    using oldest = SharedRingBuffer.fromFd(ring.exportFd(), { readFrom: "oldest" });
    ring.send("after");
    expect(next.recvMany().map(text)).toEqual(["after"]);
    expect(oldest.recvMany().map(text)).toEqual(["before", "after"]);
  });

  test("a_frame_is_a_copy_that_stays", () => {
    using ring = SharedRingBuffer.anonymous({ mode: "broadcast", capacity: 4096, readFrom: "next" });
    ring.sendMany(["first", "", "third"]);
    const views = ring.recvMany();
    const copy = (ring.send("fourth"), ring.recvCopy());
    for (let round = 0; round < 100; round++) ring.send(new Uint8Array(60));
    errorOf(() => ring.recv());
    ring.close();
    expect([...views, copy].map(text)).toEqual(["first", "", "third", "fourth"]);
  });
});

describe("long messages", () => {
  test("a_message_of_10_megabytes_crosses_a_ring_of_64_kilobytes", async () => {
    const [name, bytes] = [newName(), 10e6];
    using ring = SharedRingBuffer.create(name, { capacity: 64 << 10, maxMessage: bytes });
    expect(ring.stats()).toMatchObject({ maxFrame: 32764, maxMessage: bytes });
    const child = start("child.ts", ["sendLong", name, `${bytes}`]);
    const message = await ring.recvAsync(50_000);
    const expected = new Uint8Array(bytes).map((_, at) => at * 31 + (at >> 8));
    expect(Buffer.compare(message, expected)).toBe(0);
    expect(await child.exited).toBe(0);
    expect(ring.stats().framesSent).toBeGreaterThan(bytes / 32764);
  });

  test("a_message_stays_when_the_ring_goes_on", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 64 << 10, maxMessage: 60_000 });
    ring.sendMany([new Uint8Array(40_000).fill(7), "short"]);
    const [long, short] = ring.recvMany(2);
    expect(text(short!)).toBe("short");
    ring.release();
    ring.send(new Uint8Array(40_000).fill(9));
    ring.recv();
    expect(long!.every((byte) => byte === 7)).toBe(true);
  });

  test("a_message_above_the_limit_is_refused_by_every_call", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 3000 });
    const tooLong = new Uint8Array(3001);
    for (const call of [() => ring.send(tooLong), () => ring.sendMany([tooLong]), () => ring.claim(2045)]) {
      expect(errorOf(call)).toBeInstanceOf(TooLargeError);
    }
    for (const timeoutMs of [undefined, 0, 5]) {
      const error = await rejectionOf(ring.sendAsync(tooLong, timeoutMs));
      expect(error).toBeInstanceOf(TooLargeError);
      expect(error.message).toContain("3001 bytes");
    }
    expect(ring.stats().framesSent).toBe(0);
  });

  test("long_and_short_messages_are_awaited_in_the_order_of_the_calls", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 1 << 20 });
    using reader = peer(ring);
    const lengths = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 20_000 + index : index));
    const sent = Promise.all(
      lengths.map((length, index) => {
        return ring.sendAsync(index % 2 === 0 ? new Uint8Array(length).fill(index) : "é".repeat(length));
      }),
    );
    for (const [index, length] of lengths.entries()) {
      const expected = index % 2 === 0 ? Buffer.alloc(length, index) : Buffer.from("é".repeat(length));
      expect(Buffer.compare(await reader.recvAsync(), expected)).toBe(0);
    }
    await sent;
    // No fragment went twice: each holds 488 bytes of its message.
    const pieces = lengths.map((length, index) => (index % 2 === 0 ? length : 2 * length));
    const frames = pieces.map((bytes) => (bytes > 2044 ? Math.ceil(bytes / 488) : 1));
    expect(ring.stats().framesSent).toBe(frames.reduce((sum, count) => sum + count));
  });

  test("nothing_else_is_sent_while_a_part_of_a_message_is", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 1 << 20 });
    using reader = peer(ring);
    const sent = ring.sendAsync(new Uint8Array(50_000).fill(1));
    const behind = ring.sendAsync("behind it");
    for (const call of [() => ring.send("x"), () => ring.sendMany(["x"]), () => ring.claim(1)]) {
      expect(errorOf(call)).toBeInstanceOf(BusyError);
    }
    expect(await reader.recvAsync()).toHaveLength(50_000);
    await sent;
    await behind;
    ring.send("free again");
    expect([text(reader.recv()), text(reader.recv())]).toEqual(["behind it", "free again"]);
  });

  test("a_message_whose_deadline_passes_is_forgotten_with_the_next", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 1 << 20 });
    using reader = peer(ring);
    expect(await rejectionOf(ring.sendAsync(new Uint8Array(50_000).fill(1), 10))).toBeInstanceOf(TimedOutError);
    const sent = ring.sendAsync(new Uint8Array(50_000).fill(2));
    expect((await reader.recvAsync()).every((byte) => byte === 2)).toBe(true);
    await sent;
  });

  test("a_message_that_may_not_wait_goes_whole_or_leaves_nothing", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 1 << 20 });
    const long = new Uint8Array(5000);
    expect(await rejectionOf(ring.sendAsync(long, 0))).toBeInstanceOf(FullError);
    ring.setOverflow("fail");
    expect(await rejectionOf(ring.sendAsync(long))).toBeInstanceOf(FullError);
    ring.setOverflow("dropNewest");
    await ring.sendAsync(long);
    expect(ring.stats()).toMatchObject({ framesSent: 0, dropped: 1 });
    await ring.sendAsync(long.subarray(2000), 0);
    expect(ring.recv()).toHaveLength(3000);
  });

  test("a_payload_that_shrinks_while_it_waits_is_not_read_beyond_its_end", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, maxMessage: 1 << 20 });
    const buffer = new ArrayBuffer(50_000, { maxByteLength: 50_000 });
    const sent = rejectionOf(ring.sendAsync(new Uint8Array(buffer)));
    buffer.resize(100);
    expect(errorOf(() => ring.recv(5))).toBeInstanceOf(TimedOutError);
    expect((await sent).message).toBe("the payload had 50000 bytes and has 100: leave it until it is sent");
  });
});

describe("overflow", () => {
  test("dropped_frames_are_counted_and_the_others_arrive", async () => {
    const [name, count] = [newName(), 5000];
    using ring = SharedRingBuffer.create(name, { capacity: 4096, overflow: "dropNewest" });
    const child = start("child.ts", ["sendNumbered", name, "0", `${count}`]);
    expect(await child.exited).toBe(0);
    let received = 0;
    for (const view of ring) {
      const index = new Uint32Array(view.buffer, view.byteOffset, 2)[1]!;
      expect(Buffer.compare(view, payloadOf(0, index))).toBe(0);
      received++;
    }
    expect(received).toBeGreaterThan(0);
    const { dropped, framesSent, fullEvents } = ring.stats();
    expect([dropped, framesSent]).toEqual([count - received, received]);
    expect(fullEvents).toBe(dropped);
  });

  test("a_ring_that_fails_when_it_is_full_does_so_in_every_call", async () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096, overflow: "fail" });
    const payload = new Uint8Array(2000);
    ring.sendMany([payload, payload]);
    expect(errorOf(() => ring.send(payload))).toBeInstanceOf(FullError);
    expect(errorOf(() => ring.claim(2000))).toBeInstanceOf(FullError);
    expect(await ring.sendAsync(payload).catch((error: unknown) => error)).toBeInstanceOf(FullError);
  });

  test("a_writer_chooses_for_itself", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    ring.setOverflow("dropNewest");
    for (let round = 0; round < 10; round++) ring.send(new Uint8Array(1000));
    const { overflow, dropped, framesSent } = ring.stats();
    expect([overflow, dropped + framesSent]).toEqual(["block", 10]);
    ring.setOverflow("fail");
    expect(errorOf(() => ring.send(new Uint8Array(1000)))).toBeInstanceOf(FullError);
  });
});

describe("options", () => {
  test("another_schema_is_refused_and_names_both", () => {
    const name = newName();
    using _ring = SharedRingBuffer.create(name, { schema: "prices/2 €" });
    const calls = [
      () => SharedRingBuffer.open(name),
      () => SharedRingBuffer.open(name, { schema: "prices/1" }),
    ];
    for (const call of calls) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(SchemaError);
      expect(error.message).toContain("prices/2 €");
    }
    using other = SharedRingBuffer.open(name, { schema: "prices/2 €" });
    expect(other.stats().schema).toBe("prices/2 €");
    const longest = "x".repeat(56);
    using longer = SharedRingBuffer.anonymous({ schema: longest });
    expect(longer.stats().schema).toBe(longest);
    expect(SharedRingBuffer.fromFd(longer.exportFd(), { schema: longest }).stats().schema).toBe(longest);
  });

  test("a_named_ring_has_the_permissions_that_were_given", () => {
    const [usual, open] = [newName(), newName()];
    using _usual = SharedRingBuffer.create(usual);
    using _open = SharedRingBuffer.create(open, { permissions: 0o660 });
    expect([usual, open].map((name) => statSync(`/dev/shm/${name}`).mode & 0o777)).toEqual([0o600, 0o660]);
  });

  test("a_prefaulted_ring_is_in_memory_at_once", () => {
    const name = newName();
    const resident = () => {
      const [, ...mappings] = readFileSync("/proc/self/smaps", "utf8").split("/dev/shm/");
      return mappings.reduce((sum, mapping) => sum + 1024 * Number(mapping.match(/^Rss: +(\d+) kB/m)![1]), 0);
    };
    SharedRingBuffer.create(name, { capacity: 1 << 22 }).close();
    const before = resident();
    using _usual = SharedRingBuffer.create(name, { capacity: 1 << 22 });
    expect(resident() - before).toBeLessThan(1 << 20);
    using _prefaulted = SharedRingBuffer.open(name, { prefault: true });
    expect(resident() - before).toBeGreaterThanOrEqual(1 << 22);
  });

  test("the_reading_side_is_taken_at_once_where_it_is_asked_for", () => {
    using ring = SharedRingBuffer.anonymous({ readFrom: "next" });
    expect(ring.stats().consumer).toBe("alive");
    expect(errorOf(() => SharedRingBuffer.fromFd(ring.exportFd(), { readFrom: "oldest" }))).toBeInstanceOf(BusyError);
  });

  test("a_new_ring_tells_everything_of_itself", () => {
    using ring = SharedRingBuffer.anonymous();
    expect(ring.stats()).toEqual({
      capacityBytes: 1 << 20,
      usedBytes: 0,
      highWaterBytes: 0,
      framesSent: 0,
      framesReceived: 0,
      payloadBytesSent: 0,
      fullEvents: 0,
      dropped: 0,
      producerWaits: 0,
      consumerWaits: 0,
      maxFrame: (1 << 19) - 4,
      maxMessage: (1 << 19) - 4,
      mode: "spsc",
      overflow: "block",
      schema: "",
      producers: 0,
      producer: "never",
      consumer: "never",
    });
  });

  test("wrong_options_are_told_with_what_is_allowed", () => {
    const any = (value: unknown) => value as never;
    const refused: [() => unknown, string][] = [
      [() => SharedRingBuffer.anonymous({ mode: any("mpmc") }), 'mode is "mpmc": give "spsc", "mpsc" or "broadcast"'],
      [() => SharedRingBuffer.anonymous({ mode: any("toString") }), 'mode is "toString"'],
      [() => SharedRingBuffer.anonymous({ overflow: any(1) }), 'overflow is 1: give "block", "fail" or "dropNewest"'],
      [() => SharedRingBuffer.anonymous({ readFrom: any("first") }), 'readFrom is "first": give "next" or "oldest"'],
      [() => SharedRingBuffer.anonymous({ maxMessage: 0 }), "maxMessage is 0"],
      [() => SharedRingBuffer.anonymous({ maxMessage: 2 ** 31 }), "2147483648"],
      [() => SharedRingBuffer.anonymous({ schema: "x".repeat(57) }), "56"],
      [() => SharedRingBuffer.anonymous({ schema: any(5) }), "schema is 5: give a string"],
      [() => SharedRingBuffer.create(newName(), { permissions: any("660") }), 'permissions is "660"'],
      [() => SharedRingBuffer.create("half\ud800"), "half a surrogate pair"],
      [() => SharedRingBuffer.open("\udc00half"), "half a surrogate pair"],
      [() => SharedRingBuffer.anonymous().setOverflow(any("drop")), 'overflow is "drop"'],
    ];
    for (const [call, message] of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(InvalidError);
      expect(error.message).toContain(message);
    }
  });
});
