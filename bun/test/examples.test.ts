/** The examples of the comments and of the README. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const folder = mkdtempSync(join(tmpdir(), "circlet-bun-"));
afterAll(() => rmSync(folder, { recursive: true }));

const root = join(import.meta.dir, "..");
const sources = readdirSync(join(root, "src")).map((name) => join("src", name));

/** Finds the TypeScript in a file, without the stars of its comments. */
function examplesIn(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8").replaceAll(/^ *\* ?/gm, "");
  return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, example]) => example!);
}

const examples = [...sources, "README.md"].flatMap((path) =>
  examplesIn(path).map((example, index) => [`${path} ${index + 1}`, example] as const),
);

test("there_are_examples", () => expect(examples.length).toBeGreaterThan(8));

test.each(examples)("the_example_of_%s_runs", async (_name, example) => {
  const path = join(folder, `${crypto.randomUUID()}.ts`);
  const entry = JSON.stringify(join(root, "src/index.ts"));
  // Somebody else may run the same examples at this moment.
  const ownNames = example.replaceAll(/(create|open)\("(\w+)"/g, `$1("circlet-bun-test-${process.pid}-$2"`);
  writeFileSync(path, ownNames.replace('"circlet"', entry));
  const child = Bun.spawn([process.execPath, path], { stdio: ["ignore", "ignore", "pipe"] });
  expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
});
