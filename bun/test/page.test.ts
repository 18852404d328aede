import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync } from "node:fs";
import {
  BusyError,
  ClosedError,
  InvalidError,
  NameTakenError,
  NotFoundError,
  PeerDiedError,
  SchemaError,
  SegmentError,
  SharedPage,
  SharedRingBuffer,
  TimedOutError,
  TooLargeError,
  type PageValue,
} from "../src/index.ts";
import { bells, errorOf, exists, newName, rejectionOf, start, STARTING_MS, text, until } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const again = (page: SharedPage) => SharedPage.fromFd(page.exportFd());
const seen = (value: PageValue | null) => value && [value.version, text(value.bytes)];

describe("values", () => {
  test("the_newest_value_is_read_as_often_as_one_likes", () => {
    using page = SharedPage.anonymous();
    expect(page.read()).toBeNull();
    using reader = again(page);
    const values = ["first", "", Uint16Array.of(0x6261), new DataView(Uint8Array.of(99).buffer)];
    for (const value of values) page.write(value);
    expect([seen(reader.read()), seen(reader.read())]).toEqual([[4, "c"], [4, "c"]]);
    page.write("");
    expect(seen(reader.read())).toEqual([5, ""]);
    page.close();
    expect(seen(reader.read())).toEqual([5, ""]);
  });

  test("a_value_is_a_copy_that_stays", () => {
    const page = SharedPage.anonymous();
    page.write("kept");
    const { bytes } = page.read()!;
    for (let round = 0; round < 10; round++) page.write("over");
    page.read();
    page.close();
    expect(text(bytes)).toBe("kept");
  });

  test("a_wait_gives_newer_values_only", () => {
    using page = SharedPage.anonymous();
    page.write("one");
    expect(seen(page.wait())).toEqual([1, "one"]);
    for (const timeoutMs of [0, 2]) expect(errorOf(() => page.wait(timeoutMs))).toBeInstanceOf(TimedOutError);
    page.write("two");
    expect(seen(page.wait(0))).toEqual([2, "two"]);
  });

  test("a_value_is_never_torn_while_a_process_writes_as_fast_as_it_can", async () => {
    const name = newName();
    using page = SharedPage.create(name, { maxBytes: 4096 });
    const child = start("child.ts", ["writeForEver", name, "4096"]);
    let last = (await page.waitAsync(30_000)).version;
    let newer = 0;
    for (let reads = 0; reads < 20_000 || newer < 100; reads++) {
      const { version, bytes } = page.read()!;
      if (version < last) throw new Error(`version ${version} came after ${last}`);
      if (version > last) newer++;
      last = version;
      if (!bytes.every((byte) => byte === (version & 0xff))) throw new Error(`version ${version} is torn`);
    }
    child.kill("SIGKILL");
    // What was written last is told before the end.
    const rest = async () => {
      for await (const { version } of page) last = version;
    };
    expect(await rejectionOf(rest())).toBeInstanceOf(PeerDiedError);
    expect(page.read()!.version).toBe(last);
  });
});

describe("in the event loop", () => {
  test("iteration_yields_newer_values_until_the_writer_closes", async () => {
    using page = SharedPage.anonymous();
    const writer = again(page);
    writer.write("at once");
    const values: unknown[] = [];
    for await (const value of page) {
      values.push(seen(value));
      if (value.version < 4) setImmediate(() => writer.write(`after ${value.version}`));
      else setTimeout(() => writer.close(), 2);
    }
    expect(values).toEqual([[1, "at once"], [2, "after 1"], [3, "after 2"], [4, "after 3"]]);
  });

  test("a_wait_ends_by_its_deadline_by_close_and_for_one_at_a_time", async () => {
    const page = SharedPage.anonymous();
    expect(await rejectionOf(page.waitAsync(0))).toBeInstanceOf(TimedOutError);
    expect(await rejectionOf(page.waitAsync(2))).toBeInstanceOf(TimedOutError);
    const waiting = rejectionOf(page.waitAsync());
    expect(await rejectionOf(page.waitAsync())).toBeInstanceOf(BusyError);
    page.close();
    expect((await waiting).message).toBe("this page was closed here");
    await until(() => bells() === 0);
  });

  test("iteration_ends_when_the_page_is_closed_here", async () => {
    const page = SharedPage.anonymous();
    setTimeout(() => page.close(), 1);
    for await (const _value of page) throw new Error("nobody wrote this");
  });

  test("an_iteration_without_pause_does_not_starve_the_event_loop", async () => {
    using page = SharedPage.anonymous();
    let fired = false;
    setTimeout(() => (fired = true), 1);
    page.write("again");
    for await (const { version } of page) {
      if (fired) break;
      if (version === 1_000_000) throw new Error("the timer never fired");
      page.write("again");
    }
  });
});

describe("names, descriptors and refusals", () => {
  test("a_name_is_taken_until_it_is_closed", () => {
    const name = newName();
    const page = SharedPage.create(name, { schema: "pose/1" });
    expect(errorOf(() => SharedPage.create(name))).toBeInstanceOf(NameTakenError);
    expect(errorOf(() => SharedPage.open(name))).toBeInstanceOf(SchemaError);
    using reader = SharedPage.open(name, { schema: "pose/1" });
    page.write("x");
    expect(seen(reader.wait())).toEqual([1, "x"]);
    expect(errorOf(() => reader.write("y"))).toBeInstanceOf(BusyError);
    page[Symbol.dispose]();
    page.close();
    expect(exists(name)).toBe(false);
    expect(errorOf(() => reader.wait()).message).toBe("the writer closed the page");
    expect(errorOf(() => SharedPage.open(name, { schema: "pose/1" }))).toBeInstanceOf(NotFoundError);
  });

  test("a_page_left_open_ends_with_its_process", async () => {
    const name = newName();
    const child = start("child.ts", ["leavePageOpen", name]);
    expect(await child.exited).toBe(0);
    expect(exists(name)).toBe(false);
  });

  test("a_ring_is_no_page_and_a_page_is_no_ring", () => {
    const [ringName, pageName] = [newName(), newName()];
    using _ring = SharedRingBuffer.create(ringName);
    using page = SharedPage.create(pageName);
    expect(errorOf(() => SharedPage.open(ringName))).toBeInstanceOf(SegmentError);
    expect(errorOf(() => SharedRingBuffer.open(pageName))).toBeInstanceOf(SegmentError);
    closeSync(page.exportFd());
  });

  test("a_value_that_does_not_fit_is_refused_with_what_does", () => {
    using page = SharedPage.anonymous({ maxBytes: 10 });
    page.write(new Uint8Array(10));
    for (const value of [new Uint8Array(11), "eleven char"]) {
      const error = errorOf(() => page.write(value));
      expect(error).toBeInstanceOf(TooLargeError);
      expect(error.message).toContain("11 bytes is too large: this page takes at most 10");
    }
  });

  test("a_closed_page_refuses_everything_but_closing", async () => {
    const page = SharedPage.anonymous();
    page.close();
    page.close();
    const calls = [
      () => page.write("x"),
      () => page.read(),
      () => page.wait(),
      () => page.exportFd(),
      () => page[Symbol.asyncIterator](),
    ];
    for (const call of calls) expect(errorOf(call)).toBeInstanceOf(ClosedError);
    expect(await rejectionOf(page.waitAsync())).toBeInstanceOf(ClosedError);
  });

  test("wrong_input_is_told_with_what_is_allowed", () => {
    using page = SharedPage.anonymous();
    const any = (value: unknown) => value as never;
    const refused: [() => unknown, string][] = [
      [() => page.write(any(5)), "the payload is 5: give a typed array, a DataView or a string"],
      [() => page.wait(-1), "timeoutMs is -1"],
      [() => SharedPage.anonymous({ maxBytes: 0 }), "maxBytes is 0: give an integer from 1"],
      [() => SharedPage.anonymous({ schema: "half\ud800" }), "half a surrogate pair"],
      [() => SharedPage.create("a/b"), 'segment name "a/b" is not allowed'],
      [() => SharedPage.fromFd(-1), "fd is -1"],
    ];
    for (const [call, message] of refused) {
      const error = errorOf(call);
      expect(error).toBeInstanceOf(InvalidError);
      expect(error.message).toContain(message);
    }
  });
});
