/** Whole segments, byte for byte: what the package makes of the dumps in tests/data/ring. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, readFileSync, realpathSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClosedError, SharedPage, SharedRingBuffer, type Mode } from "../src/index.ts";
import { errorOf, newName, STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

// The tests may run in a copy of the package, beside which there are links into the checkout.
const data = join(realpathSync(join(import.meta.dir, "../../include")), "../tests/data/ring");
// From docs/layout.md: where and how many bytes differ from one machine, process and moment to another.
const seats = Array.from({ length: 32 }, (_, seat) => [0x1104 + 8 * seat, 4] as const);
const machine = [[0x30, 4], [0x38, 8], [0x2104, 4], ...seats] as const;

/** What one dump is made by: tests/data/ring/README.md says what each step means. */
interface Recipe {
  name: string;
  mode: Mode | "page";
  maxMessage: number;
  steps: { step: string; numbers: number[] }[];
  messages: Uint8Array[];
  unread: Uint8Array[];
}

const recipes = readFileSync(join(data, "recipes.txt"), "utf8").split("dump ").slice(1).map(recipeOf);

function recipeOf(text: string): Recipe {
  const [first, ...lines] = text.trim().split("\n").map((line) => line.split(" "));
  const [name, mode, maxMessage] = first!;
  const steps = lines.map(([step, ...numbers]) => ({ step: step!, numbers: numbers.map(Number) }));
  const messages = steps
    .filter(({ step }) => step === "send")
    .map(({ numbers }, number) => Uint8Array.from({ length: numbers[1]! }, (_, at) => number * 31 + at * 7));
  const unread = messages.slice(-steps.at(-1)!.numbers[0]!);
  return { name: name!, mode: mode as Recipe["mode"], maxMessage: Number(maxMessage), steps, messages, unread };
}

function writeRing(name: string, { mode, maxMessage, steps, messages }: Recipe): number {
  const options = { mode: mode as Mode, capacity: 4096, ...(maxMessage > 0 && { maxMessage }) };
  using stack = new DisposableStack();
  const rings = [stack.use(SharedRingBuffer.create(name, options))];
  const fd = openSync(`/dev/shm/${name}`, "r");
  const left = messages.values();
  for (const { step, numbers } of steps) {
    const [producer, length] = numbers as [number, number];
    if (step === "recv") {
      expect(rings[0]!.recvMany(producer, 0)).toHaveLength(producer);
      rings[0]!.release();
    } else if (step !== "left") {
      const ring = (rings[producer] ??= stack.use(SharedRingBuffer.open(name)));
      if (step === "send") ring.send(left.next().value!, 0);
      else ring.claim(length, 0).abort();
    }
  }
  return fd;
}

function writePage(name: string, { maxMessage, messages }: Recipe): number {
  using page = SharedPage.create(name, { maxBytes: maxMessage });
  const fd = openSync(`/dev/shm/${name}`, "r");
  for (const message of messages) page.write(message);
  return fd;
}

function dumpOf({ name }: Recipe): Buffer {
  return readFileSync(join(data, `${name}.bin`));
}

describe.each(recipes.map((recipe) => [recipe.name, recipe] as const))("%s", (_name, recipe) => {
  test("the_same_steps_write_the_committed_bytes", () => {
    const fd = recipe.mode === "page" ? writePage(newName(), recipe) : writeRing(newName(), recipe);
    const written = readFileSync(fd);
    closeSync(fd);
    for (const [at, bytes] of machine) written.fill(0, at, at + bytes);
    const committed = dumpOf(recipe);
    expect(written).toHaveLength(committed.length);
    expect([...written.keys()].filter((at) => written[at] !== committed[at])).toEqual([]);
  });

  test("the_committed_bytes_are_read_as_what_was_written", () => {
    const name = newName();
    writeFileSync(`/dev/shm/${name}`, dumpOf(recipe));
    try {
      if (recipe.mode === "page") {
        using page = SharedPage.open(name);
        const { version, bytes } = page.wait(60_000);
        expect([version, Buffer.compare(bytes, recipe.unread[0]!)]).toEqual([recipe.messages.length, 0]);
        expect(errorOf(() => page.wait(60_000))).toBeInstanceOf(ClosedError);
        return;
      }
      using ring = SharedRingBuffer.open(name, { readFrom: "oldest" });
      const found = Array.from(ring, (view) => Buffer.from(view));
      expect(found.map((bytes) => bytes.length)).toEqual(recipe.unread.map((bytes) => bytes.length));
      for (const [index, bytes] of found.entries()) expect(Buffer.compare(bytes, recipe.unread[index]!)).toBe(0);
    } finally {
      unlinkSync(`/dev/shm/${name}`);
    }
  });
});
