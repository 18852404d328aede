import { describe, expect, test } from "bun:test";
import { closeSync, fstatSync } from "node:fs";
import {
  ClosedError,
  CONSUMER,
  InvalidError,
  NameTakenError,
  NotFoundError,
  PRODUCER,
  SegmentError,
  SharedPage,
  SharedRingBuffer,
} from "../src/index.ts";
import { errorOf, exists, newName, peer, text } from "./support.ts";

describe("names and descriptors", () => {
  test("a_name_is_taken_until_it_is_closed", () => {
    const name = newName();
    const ring = SharedRingBuffer.create(name, { capacity: 4096 });
    const error = errorOf(() => SharedRingBuffer.create(name));
    expect(error).toBeInstanceOf(NameTakenError);
    expect(error.status).toBe("CIRCLET_NAME_TAKEN");
    ring.send("x");
    const view = ring.recv();
    ring.close();
    expect(exists(name)).toBe(false);
    expect(view).toHaveLength(0);
    SharedRingBuffer.create(name).close();
  });

  test("the_one_who_opened_a_ring_does_not_end_its_name", () => {
    const name = newName();
    using ring = SharedRingBuffer.create(name);
    SharedRingBuffer.open(name).close();
    expect(exists(name)).toBe(true);
    ring.send("still");
  });

  test("a_name_that_nobody_made_is_not_found", () => {
    const error = errorOf(() => SharedRingBuffer.open("circlet-bun-test-nobody"));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.message).toContain("circlet-bun-test-nobody");
  });

  test("a_file_that_is_no_ring_is_refused", async () => {
    const name = newName();
    const file = Bun.file(`/dev/shm/${name}`);
    await file.write("no ring".repeat(10_000));
    try {
      expect(errorOf(() => SharedRingBuffer.open(name))).toBeInstanceOf(SegmentError);
    } finally {
      await file.delete();
    }
  });

  test("a_refused_descriptor_is_closed", () => {
    using ring = SharedRingBuffer.create(newName());
    const calls: [(fd: number) => unknown, new (...args: never[]) => Error][] = [
      [(fd) => SharedRingBuffer.fromFd(fd), SegmentError],
      [(fd) => SharedRingBuffer.fromFd(fd, { schema: "half\ud800" }), InvalidError],
      [(fd) => SharedPage.fromFd(fd), SegmentError],
      [(fd) => SharedPage.fromFd(fd, { schema: "half\ud800" }), InvalidError],
    ];
    for (const [call, refused] of calls) {
      const fd = ring.exportFd();
      expect(errorOf(() => call(fd))).toBeInstanceOf(refused);
      expect(() => fstatSync(fd)).toThrow("EBADF");
    }
  });

  test("an_exported_descriptor_is_the_callers", () => {
    using ring = SharedRingBuffer.anonymous();
    const fd = ring.exportFd();
    expect(fstatSync(fd).size).toBeGreaterThan(1 << 20);
    closeSync(fd);
  });

  test("capacity_is_rounded_up_to_a_power_of_two", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 5000 });
    expect(ring.stats().capacityBytes).toBe(8192);
    using usual = SharedRingBuffer.anonymous();
    expect(usual.stats().capacityBytes).toBe(1 << 20);
  });
});

describe("closing", () => {
  test("a_closed_ring_refuses_everything_but_closing", () => {
    const ring = SharedRingBuffer.anonymous();
    const claim = ring.claim(8);
    ring.close();
    ring.close();
    const calls = [
      () => ring.send("x"),
      () => ring.send(new Uint8Array(1)),
      () => ring.sendMany(["x"]),
      () => ring.claim(1),
      () => ring.recv(),
      () => ring.recvCopy(),
      () => ring.recvMany(),
      () => ring.release(),
      () => ring.stats(),
      () => ring.exportFd(),
      () => ring.setSpin(PRODUCER, 1),
      () => ring.setOverflow("fail"),
      () => ring[Symbol.iterator](),
      () => ring[Symbol.asyncIterator](),
    ];
    for (const call of calls) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(ClosedError);
      expect(error.message).toBe("this ring was closed here");
    }
    expect(errorOf(() => claim.commit())).toBeInstanceOf(InvalidError);
  });

  test("a_view_has_no_bytes_after_close", () => {
    const ring = SharedRingBuffer.anonymous();
    ring.send("gone");
    const view = ring.recv();
    ring.close();
    expect(view).toHaveLength(0);
    expect(view[0]).toBeUndefined();
  });

  test("stats_tell_who_is_there", () => {
    using ring = SharedRingBuffer.anonymous();
    expect(ring.stats()).toMatchObject({ producer: "never", consumer: "never" });
    const reader = peer(ring);
    ring.send("four");
    reader.recvCopy();
    expect(ring.stats()).toMatchObject({ producer: "alive", consumer: "alive", framesSent: 1, payloadBytesSent: 4 });
    reader.close();
    expect(ring.stats()).toMatchObject({ consumer: "closed", framesReceived: 1 });
  });

  test("a_frame_that_was_not_released_is_the_next_readers", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.send("twice");
    const reader = peer(ring);
    expect(text(reader.recv())).toBe("twice");
    reader.close();
    expect(text(ring.recv())).toBe("twice");
  });

  test("a_side_may_be_told_not_to_spin", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.setSpin(PRODUCER, 0);
    ring.setSpin(CONSUMER, Infinity);
    ring.send("x");
    expect(text(ring.recv())).toBe("x");
  });
});
