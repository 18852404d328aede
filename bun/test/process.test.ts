import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync } from "node:fs";
import { PeerDiedError, SharedRingBuffer } from "../src/index.ts";
import { exists, newName, run, start, STARTING_MS, text } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const EXAMPLE = "../../examples/bun/ring.ts";

test("frames_cross_between_two_processes_in_order", async () => {
  const name = newName();
  const receiver = start(EXAMPLE, ["recv", name]);
  const sender = start(EXAMPLE, ["send", name, "5000"]);
  const [received, sent] = await Promise.all([new Response(receiver.stdout).text(), sender.exited]);
  expect(received).toBe("5000 frames received\n");
  expect([await receiver.exited, sent]).toEqual([0, 0]);
  expect(exists(name)).toBe(false);
});

test("the_example_without_arguments_runs_both_sides", async () => {
  const example = start(EXAMPLE);
  expect(await new Response(example.stdout).text()).toBe("1000 frames received\n");
  expect(await example.exited).toBe(0);
});

test("the_curve_example_runs", async () => {
  const example = start("../../examples/bun/curve.ts");
  expect(await new Response(example.stdout).text()).toContain("16000 bytes of points in shared memory");
  expect(await example.exited).toBe(0);
});

test("the_example_of_two_event_loops_runs", async () => {
  const example = start("../../examples/bun/events.ts");
  const sum = (999 * 1000 * 1999) / 6;
  const told = `the squares below 1000 add up to ${sum}; progress 1\n`;
  expect(await new Response(example.stdout).text()).toBe(told);
  expect(await example.exited).toBe(0);
});

test("a_child_opens_an_anonymous_ring_from_its_stdio", async () => {
  using ring = SharedRingBuffer.anonymous();
  const fd = ring.exportFd();
  const child = start("child.ts", ["sendToFd3", "one", "two"], fd);
  closeSync(fd);
  const seen: string[] = [];
  for await (const view of ring) seen.push(text(view));
  expect(seen).toEqual(["one", "two"]);
  expect(await child.exited).toBe(0);
});

test("a_killed_writer_is_told_after_its_last_frame", async () => {
  const name = newName();
  using ring = SharedRingBuffer.create(name);
  const child = start("child.ts", ["sendAndHang", name]);
  await child.stdout.getReader().read();
  child.kill("SIGKILL");
  await child.exited;
  expect(text(ring.recv())).toBe("the last words");
  expect(() => ring.recv()).toThrow(PeerDiedError);
  expect(ring.stats().producer).toBe("died");
});

test.each(["end", "process.exit", "throw"])("a_ring_left_open_ends_with_its_process_by_%s", async (how) => {
  const name = newName();
  const child = start("child.ts", ["leaveOpen", name, how]);
  await child.exited;
  expect(child.exitCode).toBe(how === "throw" ? 1 : 0);
  expect(exists(name)).toBe(false);
});

test("views_after_close_have_no_bytes_and_crash_nothing", async () => {
  expect(await run("viewsAfterClose")).toEqual({
    reads: ["undefined", "undefined", "undefined", "undefined", "undefined", "0"],
    refused: ["TypeError", "TypeError", "TypeError", "TypeError"],
  });
});

test("a_native_read_of_a_view_is_not_cut_off_by_close", async () => {
  expect(await run("closeDuringNativeRead", newName())).toEqual({
    sound: true,
    named: false,
    whileRead: true,
    afterwards: false,
  });
});

test("a_view_keeps_a_dropped_ring_and_the_last_view_ends_it", async () => {
  expect(await run("dropRing", newName())).toEqual({ whileKept: [true, "kept"], dropped: false });
});

test("a_view_cannot_be_moved_to_another_thread", async () => {
  expect(await run("transfer")).toEqual({ refused: "DataCloneError", still: "here" });
});

test("dropped_curves_are_freed", async () => {
  const { grown } = (await run("dropCurves")) as { grown: number };
  // Kept, they would take 640 MB.
  expect(grown).toBeLessThan(200e6);
});
