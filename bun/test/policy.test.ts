/** Sessions that a policy confines, from Bun: what is refused, what goes on working, and what is said of a policy. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Executor, InvalidError, SessionPool } from "../src/index.ts";
import { STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const STRICT = { version: 1, fs: { private_tmp: true } };

/** What is raised for a file in /tmp: a session's own /tmp is in its place, unless something there is allowed. */
const REFUSED = /^(PermissionError|FileNotFoundError)$/;

/** A policy by which a folder may be read. */
function reads(folder: string): Record<string, unknown> {
  return { version: 1, fs: { rules: [{ action: "allow", paths: [folder], access: ["read", "list"] }] } };
}

async function raised(python: Executor, code: string): Promise<string | undefined> {
  return (await python.run(code)).error?.type;
}

test("confined_code_reads_no_files_outside_and_has_no_network_and_no_variables", async () => {
  process.env.SECRET_TOKEN = "hunter2";
  using python = new Executor({ policy: STRICT });
  expect(await raised(python, "open('/etc/passwd')")).toBe("PermissionError");
  expect(await raised(python, "import socket; socket.socket()")).toBe("PermissionError");
  expect((await python.run("import os; os.environ.get('SECRET_TOKEN', 'none')")).value).toBe("none");
  expect((await python.run("import tempfile; tempfile.TemporaryFile().write(b'abc')")).value).toBe(3);
});

test("typescript_is_confined_as_python_is", async () => {
  using bun = new Executor({ bun: process.execPath, policy: "no-network" });
  expect((await bun.run("6 * 7")).value).toBe(42);
  expect((await bun.run("require('fs').readFileSync('/etc/shadow')")).error?.message).toContain("EACCES");
  expect((await bun.run("await fetch('http://127.0.0.1:9/')")).error).not.toBeUndefined();
  const { stopped } = await bun.run("await new Promise(() => {})", { timeoutMs: 100 });
  expect(stopped).toBe("interrupted");
});

test("limits_of_a_policy_hold_for_runs", async () => {
  using python = new Executor({ policy: { ...STRICT, limits: { wall_ms: 300, output_bytes: 1000 } } });
  expect((await python.run("while True: pass")).stopped).toBe("interrupted");
  expect((await python.run("print('x' * 100_000)")).stdout.length).toBeLessThan(2000);
});

test("a_policy_is_an_object_its_json_a_file_or_a_template_and_of_several_all_hold", async () => {
  const folder = mkdtempSync(join(tmpdir(), "circlet-policy-"));
  const file = join(folder, "own.json");
  const own = reads(folder);
  writeFileSync(file, JSON.stringify(own));
  const code = `open(${JSON.stringify(file)}).read(1)`;
  for (const policy of [own, JSON.stringify(own), file, [own, file]]) {
    using python = new Executor({ policy });
    expect((await python.run(code)).value).toBe("{");
    expect(await raised(python, "open('/etc/passwd')")).toBe("PermissionError");
  }
  for (const policy of ["strict", [own, "strict"], JSON.stringify([own, "strict"])]) {
    using python = new Executor({ policy });
    expect(await raised(python, code)).toMatch(REFUSED);
  }
  rmSync(folder, { recursive: true });
});

test("sessions_of_a_pool_are_confined", async () => {
  using pool = new SessionPool({ policy: STRICT, ready: 1 });
  using python = pool.open();
  expect(await raised(python, "open('/etc/passwd')")).toBe("PermissionError");
});

test("a_policy_that_is_none_is_refused_with_the_place_in_it", () => {
  const around: Record<string, unknown> = {};
  around.around = around;
  for (const [policy, words] of [
    [{ version: 1, fs: { default: "permit" } }, "fs.default: unknown variant `permit`"],
    [{ version: 1, limits: { wall_ms: 0 } }, "limits.wall_ms: 0: give a number above 0"],
    [["strict", "strikt"], "[1]: `strikt` is no file and no template"],
    ["none.json", "none.json cannot be read"],
    ["{", "EOF"],
    [[], "give at least one policy"],
    [7, "policy is 7: give an object"],
    [[null], "policy is null: give an object"],
    [[undefined], "policy is undefined: give an object"],
    [[[]], "give an object"],
    [around, "the policy is no JSON"],
  ] as const) {
    for (const make of [Executor, SessionPool]) {
      expect(() => new make({ policy } as never)).toThrow(InvalidError);
      expect(() => new make({ policy } as never)).toThrow(words);
    }
  }
});
