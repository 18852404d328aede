import { describe, expect, test } from "bun:test";
import {
  BusyError,
  ClosedError,
  CONSUMER,
  EmptyError,
  FullError,
  InvalidError,
  PRODUCER,
  SharedRingBuffer,
  TimedOutError,
  TooLargeError,
  type Payload,
} from "../src/index.ts";
import { errorOf, peer, text } from "./support.ts";

describe("send and receive", () => {
  test("a_frame_arrives_as_it_was_sent", () => {
    using ring = SharedRingBuffer.anonymous();
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const sent: [Payload, number[]][] = [
      [bytes, [1, 2, 3, 4, 5, 6, 7, 8]],
      [bytes.subarray(3, 5), [4, 5]],
      [new DataView(bytes.buffer, 5, 2), [6, 7]],
      [Uint16Array.of(0x0102), [2, 1]],
      [new Uint8Array(0), []],
      ["", []],
      ["hé€😀", [0x68, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]],
      ["a\0b", [0x61, 0, 0x62]],
    ];
    for (const [payload, expected] of sent) {
      ring.send(payload);
      expect([...ring.recv()]).toEqual(expected);
    }
    expect(ring.sendMany(sent.map(([payload]) => payload))).toBe(sent.length);
    expect(ring.recvMany().map((view) => [...view])).toEqual(sent.map(([, expected]) => expected));
  });

  test("a_batch_larger_than_all_before_it_arrives_whole", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 1 << 22 });
    const payloads = Array.from({ length: 1000 }, (_, index) => new Uint8Array(index).fill(index));
    expect(ring.sendMany(payloads)).toBe(1000);
    expect(ring.recvMany(1000).map((view) => [...view])).toEqual(payloads.map((payload) => [...payload]));
  });

  test("an_empty_batch_sends_nothing", () => {
    using ring = SharedRingBuffer.anonymous();
    expect(ring.sendMany([])).toBe(0);
    expect(ring.stats().framesSent).toBe(0);
  });

  test("a_batch_stops_at_its_limit_and_the_rest_stays", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.sendMany(["1", "2", "3", "4", "5"]);
    expect(ring.recvMany(2).map(text)).toEqual(["1", "2"]);
    expect(ring.recvMany(2).map(text)).toEqual(["3", "4"]);
    expect(text(ring.recv())).toBe("5");
  });

  test("a_batch_that_does_not_fit_is_sent_as_far_as_it_fits", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    const payload = new Uint8Array(1000);
    const sent = ring.sendMany(new Array(10).fill(payload), 0);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(10);
    expect(ring.recvMany()).toHaveLength(sent);
    ring.release();
    expect(ring.sendMany([payload], 0)).toBe(1);
  });

  test("views_lie_in_one_buffer_aligned_to_8", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.sendMany(Array.from({ length: 20 }, (_, index) => new Uint8Array(index)));
    const views = ring.recvMany();
    expect(new Set(views.map((view) => view.buffer)).size).toBe(1);
    expect(views.map((view) => view.byteOffset % 8)).toEqual(new Array(20).fill(0));
  });

  test("doubles_arrive_in_place", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.send("x");
    ring.send(Float64Array.of(Math.PI, -0, Infinity));
    ring.recv();
    const view = ring.recv();
    const doubles = new Float64Array(view.buffer, view.byteOffset, view.byteLength / 8);
    expect([...doubles]).toEqual([Math.PI, -0, Infinity]);
  });

  test("a_view_shows_memory_that_both_sides_share", () => {
    using ring = SharedRingBuffer.anonymous();
    using other = peer(ring);
    ring.send("shared");
    const view = other.recv();
    view[0] = 0x53;
    const [sent, seen] = [new Uint8Array(ring.claim(8).bytes.buffer), view];
    expect(text(sent.subarray(seen.byteOffset, seen.byteOffset + 6))).toBe("Shared");
  });

  test("a_copy_stays_when_its_frame_is_overwritten", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    ring.send("kept");
    const copy = ring.recvCopy();
    expect(ring.stats().usedBytes).toBe(0);
    for (let round = 0; round < 10; round++) {
      ring.send(new Uint8Array(1000));
      ring.recv();
    }
    expect(text(copy)).toBe("kept");
  });

  test("a_release_gives_room_back", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    ring.send(new Uint8Array(2000));
    ring.recv();
    expect(ring.stats()).toMatchObject({ framesReceived: 0 });
    ring.release();
    expect(ring.stats()).toMatchObject({ framesReceived: 1, usedBytes: 0 });
  });
});

describe("claims", () => {
  test("a_committed_claim_is_a_frame", () => {
    using ring = SharedRingBuffer.anonymous();
    const claim = ring.claim(5);
    expect(claim.bytes).toHaveLength(5);
    expect(claim.bytes.byteOffset % 8).toBe(0);
    claim.bytes.set([1, 2, 3, 4, 5]);
    claim.commit();
    expect([...ring.recv()]).toEqual([1, 2, 3, 4, 5]);
  });

  test("a_claim_can_be_committed_shorter", () => {
    using ring = SharedRingBuffer.anonymous();
    const claim = ring.claim(100);
    claim.bytes.fill(7);
    claim.commit(2);
    expect([...ring.recv()]).toEqual([7, 7]);
  });

  test("a_claim_that_is_not_committed_sends_nothing", () => {
    using ring = SharedRingBuffer.anonymous();
    {
      using _claim = ring.claim(10);
    }
    ring.claim(10).abort();
    ring.claim(10);
    ring.send("after");
    expect(text(ring.recv())).toBe("after");
    expect(ring.stats().framesSent).toBe(1);
  });

  test("a_commit_inside_using_is_not_taken_back", () => {
    using ring = SharedRingBuffer.anonymous();
    {
      using claim = ring.claim(1);
      claim.bytes[0] = 42;
      claim.commit();
    }
    expect([...ring.recv()]).toEqual([42]);
  });

  test("a_claim_that_is_over_cannot_be_committed_as_another_one", () => {
    using ring = SharedRingBuffer.anonymous();
    const endings = [
      (first: { abort(): void }) => first.abort(),
      () => ring.send("x"),
      () => ring.sendMany(["x"]),
      () => ring.claim(64),
    ];
    for (const end of endings) {
      const first = ring.claim(8);
      end(first);
      const { message } = errorOf(() => first.commit());
      expect(message).toStartWith("this claim is over");
    }
    const committed = ring.claim(8);
    committed.commit();
    expect(errorOf(() => committed.commit())).toBeInstanceOf(InvalidError);
    expect(ring.stats().framesSent).toBe(3);
  });

  test("a_commit_of_more_than_was_claimed_is_refused_and_leaves_it_open", () => {
    using ring = SharedRingBuffer.anonymous();
    const claim = ring.claim(8);
    expect(errorOf(() => claim.commit(9))).toBeInstanceOf(TooLargeError);
    claim.commit(8);
    expect(ring.recv()).toHaveLength(8);
  });

  test("a_claim_of_nothing_is_an_empty_frame", () => {
    using ring = SharedRingBuffer.anonymous();
    ring.claim(0).commit();
    expect(ring.recv()).toHaveLength(0);
  });
});

describe("what a ring refuses", () => {
  test("too_large_says_how_large_it_may_be", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    const { maxFrame } = ring.stats();
    expect(maxFrame).toBe(4096 / 2 - 4);
    const refused = [
      () => ring.send(new Uint8Array(maxFrame + 1)),
      () => ring.sendMany(["fits", new Uint8Array(maxFrame + 1)]),
      () => ring.claim(maxFrame + 1),
    ];
    for (const call of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(TooLargeError);
      expect(error.message).toContain(`${maxFrame + 1} bytes is too large: this ring takes at most ${maxFrame}`);
    }
    expect(errorOf(() => ring.claim(0xffff_ffff)).message).toContain("4294967295 bytes");
    expect(ring.stats().framesSent).toBe(0);
    ring.send(new Uint8Array(maxFrame));
  });

  test("a_full_ring_refuses_a_try_and_times_out_a_wait", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    const payload = new Uint8Array(2000);
    ring.send(payload);
    ring.send(payload);
    for (const write of [
      (ms: number) => ring.send(payload, ms),
      (ms: number) => ring.send("x".repeat(2000), ms),
      (ms: number) => ring.sendMany([payload, payload], ms),
      (ms: number) => ring.claim(2000, ms),
    ]) {
      expect(errorOf(() => write(0))).toBeInstanceOf(FullError);
      expect(errorOf(() => write(2))).toBeInstanceOf(TimedOutError);
    }
  });

  test("an_empty_ring_refuses_a_try_and_times_out_a_wait", () => {
    using ring = SharedRingBuffer.anonymous();
    for (const read of [
      (ms: number) => ring.recv(ms),
      (ms: number) => ring.recvCopy(ms),
      (ms: number) => ring.recvMany(3, ms),
    ]) {
      expect(errorOf(() => read(0))).toBeInstanceOf(EmptyError);
      const began = performance.now();
      expect(errorOf(() => read(5))).toBeInstanceOf(TimedOutError);
      expect(performance.now() - began).toBeGreaterThanOrEqual(5);
    }
  });

  test("what_was_sent_is_read_before_the_end_is_told", () => {
    using ring = SharedRingBuffer.anonymous();
    const writer = peer(ring);
    writer.sendMany(["one", "two"]);
    writer.close();
    expect(text(ring.recv())).toBe("one");
    expect(text(ring.recv())).toBe("two");
    const error = errorOf(() => ring.recv());
    expect(error).toBeInstanceOf(ClosedError);
    expect(error.status).toBe("CIRCLET_CLOSED");
  });

  test("a_writer_hears_that_the_reader_closed", () => {
    using ring = SharedRingBuffer.anonymous({ capacity: 4096 });
    const reader = peer(ring);
    ring.send("x");
    reader.recv();
    reader.close();
    const fill = () => {
      for (;;) ring.send(new Uint8Array(1000));
    };
    expect(errorOf(fill)).toBeInstanceOf(ClosedError);
  });

  test("a_side_is_taken_by_one_at_a_time", () => {
    using ring = SharedRingBuffer.anonymous();
    using other = peer(ring);
    ring.send("x");
    ring.recv();
    expect(errorOf(() => other.send("y"))).toBeInstanceOf(BusyError);
    expect(errorOf(() => other.recv(0))).toBeInstanceOf(BusyError);
    expect(errorOf(() => other.send("y")).message).toContain(`(pid ${process.pid})`);
  });

  test("wrong_input_is_told_with_what_is_allowed", () => {
    using ring = SharedRingBuffer.anonymous();
    const any = (value: unknown) => value as never;
    const refused: [() => unknown, string][] = [
      [() => ring.send(any(5)), "the payload is 5: give a typed array, a DataView or a string"],
      [() => ring.send(any(null)), "the payload is null"],
      [() => ring.send(any([1, 2])), "the payload is [ 1, 2 ]"],
      [() => ring.send(any(new ArrayBuffer(2))), "the payload is ArrayBuffer"],
      [() => ring.sendMany(any(["ok", undefined])), "the payload is undefined"],
      [() => ring.send("x", -1), "timeoutMs is -1: give milliseconds, 0 to try, or nothing"],
      [() => ring.send("x", NaN), "timeoutMs is NaN"],
      [() => ring.sendMany(["x"], any("1")), 'timeoutMs is "1"'],
      [() => ring.recv(-0.5), "timeoutMs is -0.5"],
      [() => ring.recvMany(1, -1), "timeoutMs is -1"],
      [() => ring.recvMany(0), "limit is 0: give an integer from 1 to 4294967295"],
      [() => ring.recvMany(1.5), "limit is 1.5"],
      [() => ring.claim(-1), "size is -1: give an integer from 0 to 4294967295"],
      [() => ring.claim(2 ** 32), "size is 4294967296"],
      [() => ring.claim(any("8")), 'size is "8"'],
      [() => ring.claim(8).commit(-1), "length is -1"],
      [() => ring.setSpin(3, 1), "side is 3: give an integer from 1 to 2"],
      [() => ring.setSpin(PRODUCER, -1), "spin_us is -1: give 0 or more microseconds"],
      [() => ring.setSpin(CONSUMER, any("1")), 'microseconds is "1": give a number'],
      [() => SharedRingBuffer.create("a/b"), 'segment name "a/b" is not allowed'],
      [() => SharedRingBuffer.create(""), 'segment name "" is not allowed'],
      [() => SharedRingBuffer.create("a\0b"), "name has a NUL at 1"],
      [() => SharedRingBuffer.open(any(undefined)), "name is undefined: give a string"],
      [() => SharedRingBuffer.anonymous({ capacity: 0 }), "capacity is 0: give an integer from 1"],
      [() => SharedRingBuffer.anonymous({ capacity: 4095.5 }), "capacity is 4095.5"],
      [() => SharedRingBuffer.anonymous({ capacity: 2 ** 31 }), "2147483648 bytes is not allowed: give 4096"],
      [() => SharedRingBuffer.fromFd(-1), "fd is -1: give an integer from 0"],
    ];
    for (const [call, message] of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(InvalidError);
      expect(error.status).toBe("CIRCLET_INVALID");
      expect(error.message).toContain(message);
    }
    expect(ring.stats().framesSent).toBe(0);
  });
});

describe("iteration", () => {
  test("iteration_ends_when_the_writer_closes", () => {
    using ring = SharedRingBuffer.anonymous();
    const writer = peer(ring);
    writer.sendMany(Array.from({ length: 200 }, (_, index) => `${index}`));
    writer.close();
    const seen: number[] = [];
    for (const view of ring) seen.push(Number(text(view)));
    expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  test("a_broken_off_iteration_loses_no_frame", async () => {
    using ring = SharedRingBuffer.anonymous();
    ring.sendMany(["1", "2", "3", "4"]);
    for (const view of ring) {
      expect(text(view)).toBe("1");
      break;
    }
    for await (const view of ring) {
      expect(text(view)).toBe("2");
      break;
    }
    expect(ring.recvMany().map(text)).toEqual(["3", "4"]);
  });

  test("asynchronous_iteration_leaves_the_event_loop_running", async () => {
    using ring = SharedRingBuffer.anonymous();
    const writer = peer(ring);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks++;
      if (ticks <= 5) writer.send(`${ticks}`);
      else {
        clearInterval(ticking);
        writer.close();
      }
    }, 1);
    const seen: [string, number][] = [];
    for await (const view of ring) seen.push([text(view), ticks]);
    expect(seen.map(([frame]) => frame)).toEqual(["1", "2", "3", "4", "5"]);
    expect(ticks).toBe(6);
  });

  test("a_ring_that_is_never_empty_does_not_starve_the_event_loop", async () => {
    using ring = SharedRingBuffer.anonymous();
    let fired = false;
    setTimeout(() => (fired = true), 1);
    ring.send("again");
    let frames = 0;
    for await (const view of ring) {
      frames++;
      ring.send(view);
      // Starved, no timer would end the loop, that of the test runner included.
      if (fired || frames === 1_000_000) break;
    }
    expect(fired).toBe(true);
  });

  test("asynchronous_iteration_ends_when_the_ring_is_closed_here", async () => {
    const ring = SharedRingBuffer.anonymous();
    setTimeout(() => ring.close(), 1);
    for await (const _view of ring) throw new Error("nobody sent this");
    expect(errorOf(() => ring.stats())).toBeInstanceOf(ClosedError);
  });
});
