import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CircletError, CONSUMER, PRODUCER } from "../src/index.ts";
import { FITS } from "../src/curve_drawing.ts";
import { COLUMNS, columnsOf } from "../src/hub_options.ts";
import { ABI_MAJOR, check, LAYOUT_VERSION, SIGNATURES } from "../src/native.ts";
import { FLAGS, MODES, OVERFLOWS, READ_FROM, ringOptions } from "../src/options.ts";
import {
  FLAGS as POOL_FLAGS,
  JOB_FLAGS,
  jobOptions,
  KINDS,
  OVERFLOWS as POOL_OVERFLOWS,
  poolOptions,
  STRATEGIES,
} from "../src/pool_options.ts";
import { CODECS, OUTPUTS, processOptions } from "../src/process_options.ts";
import { NO_OFFSET } from "../src/ring.ts";
import { STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const folder = mkdtempSync(join(tmpdir(), "circlet-bun-"));
afterAll(() => rmSync(folder, { recursive: true }));

const source = join(import.meta.dir, "../src");
const header = readFileSync(join(import.meta.dir, "../../include/circlet.h"), "utf8");

/** Loads the package in a process of its own; returns what it said. */
function load(environment: Record<string, string>, from = source) {
  const program = `import { SharedRingBuffer } from ${JSON.stringify(join(from, "index.ts"))};
    console.log(SharedRingBuffer.anonymous().stats().producer);`;
  const env = { PATH: process.env["PATH"], ...environment };
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", program], { env });
  return { stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Compiles a library that has the given functions, all of which return 0 but those with a number. */
function compile(name: string, functions: readonly string[], numbers: Record<string, number>): string {
  const path = join(folder, name);
  const text = functions.map((symbol) => `unsigned ${symbol}(void) { return ${numbers[symbol] ?? 0}u; }`).join("\n");
  const compiler = process.env["CC"] ?? "cc";
  const { stderr, success } = Bun.spawnSync([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", path], {
    stdin: Buffer.from(text),
  });
  if (!success) throw new Error(`${compiler} failed: ${stderr}`);
  return path;
}

test("every_declaration_agrees_with_the_header", () => {
  const types: Record<string, string> = { int32_t: "i32", uint32_t: "u32", uint64_t: "u64", double: "f64", void: "void" };
  const typeOf = (declared: string) => {
    if (/^const char \*$/.test(declared)) return "cstring";
    return declared.includes("*") || declared.trim() === "circlet_job" ? "ptr" : types[declared.trim()];
  };
  for (const [name, { args, returns }] of Object.entries(SIGNATURES)) {
    const [, result, list] = header.match(new RegExp(`^(\\w[\\w ]*[ *])${name}\\(([^)]*)\\);`, "m")) ?? [];
    const parameters = list === "void" ? [] : list?.split(",").map((parameter) => parameter.trim().replace(/\w+$/, ""));
    const types = parameters?.map((type) => typeOf(type)?.replace("cstring", "ptr"));
    expect({ name, args: types, returns: typeOf(result!) }).toEqual({ name, args: [...args], returns });
  }
});

test("structs_are_as_long_as_those_of_the_header", () => {
  const bytes = (name: string) => header.match(new RegExp(`sizeof\\(${name}\\) == ([^,]+),`))?.[1];
  expect(bytes("circlet_ring_options")).toBe("32 + sizeof(void *)");
  expect(ringOptions({})).toHaveLength(40);
  expect(bytes("circlet_pool_options")).toBe("64 + 2 * sizeof(void *)");
  expect(poolOptions({})).toHaveLength(80);
  expect(bytes("circlet_process_options")).toBe("64 + 5 * sizeof(void *)");
  expect(processOptions({ kind: "python", program: "p" }, null)).toHaveLength(104 + "p\0".length);
  expect(bytes("circlet_answer")).toBe("24 + sizeof(void *)");
  expect(bytes("circlet_job_options")).toBe("40 + sizeof(void *)");
  expect(jobOptions({})).toHaveLength(48);
  expect(bytes("circlet_column")).toBe("16 + 2 * sizeof(void *)");
  expect(columnsOf({ x: new Float32Array(1) }).bytes).toHaveLength(32 + 1);
  expect(bytes("circlet_completion")).toBe("16");
  expect(bytes("circlet_ring_stats")).toBe("112");
  expect(bytes("circlet_frame")).toBe("8 + sizeof(void *)");
});

test("constants_are_those_of_the_header", () => {
  const constant = (name: string) => Number(header.match(new RegExp(`^#define ${name} (\\d+)$`, "m"))?.[1]);
  expect(ABI_MAJOR).toBe(constant("CIRCLET_ABI_VERSION") >>> 16);
  expect(LAYOUT_VERSION).toBe(constant("CIRCLET_LAYOUT_VERSION"));
  expect(PRODUCER as number).toBe(constant("CIRCLET_PRODUCER"));
  expect(CONSUMER as number).toBe(constant("CIRCLET_CONSUMER"));
  expect(NO_OFFSET).toBe(constant("CIRCLET_NO_OFFSET"));
  expect(READ_FROM).toEqual({
    next: constant("CIRCLET_CONSUMER"),
    oldest: constant("CIRCLET_CONSUMER_FROM_OLDEST"),
  } as never);
  const words = { ...MODES, ...OVERFLOWS, ...POOL_OVERFLOWS, ...STRATEGIES, ...KINDS };
  const tables = {
    CIRCLET_FIT_: FITS,
    CIRCLET_: { ...words, ...CODECS },
    CIRCLET_RING_: FLAGS,
    CIRCLET_POOL_: POOL_FLAGS,
    CIRCLET_JOB_: JOB_FLAGS,
    CIRCLET_OUTPUT_: OUTPUTS,
    CIRCLET_COLUMN_: COLUMNS,
  };
  for (const [prefix, table] of Object.entries(tables)) {
    for (const [word, number] of Object.entries(table)) {
      const name = prefix + word.replace(/[A-Z]/g, "_$&").toUpperCase();
      expect(`${name} ${number}`).toBe(`${name} ${constant(name)}`);
    }
  }
});

test("a_status_without_a_class_is_a_plain_error_with_its_name", () => {
  const status = Number(header.match(/CIRCLET_PANIC = (-\d+)/)![1]);
  const caught = (() => {
    try {
      check(status);
    } catch (error) {
      return error as CircletError;
    }
  })();
  expect(caught?.constructor).toBe(CircletError);
  expect(caught?.status).toBe("CIRCLET_PANIC");
});

test("a_library_of_another_abi_is_refused_with_both_numbers", () => {
  const versions = { circlet_abi_version: (ABI_MAJOR + 1) << 16, circlet_layout_version: LAYOUT_VERSION };
  const path = compile("abi.so", Object.keys(versions), versions);
  const { stderr } = load({ CIRCLET_LIBRARY: path });
  const [found, needed] = [`ABI ${ABI_MAJOR + 1} and layout ${LAYOUT_VERSION}`, `${ABI_MAJOR} and ${LAYOUT_VERSION}`];
  expect(stderr).toContain(`${path} has ${found}; this package needs ${needed}`);
});

test("a_library_of_another_layout_is_refused", () => {
  const versions = { circlet_abi_version: ABI_MAJOR << 16, circlet_layout_version: LAYOUT_VERSION + 1 };
  const path = compile("layout.so", Object.keys(SIGNATURES), versions);
  expect(load({ CIRCLET_LIBRARY: path }).stderr).toContain(`layout ${LAYOUT_VERSION + 1}; this package needs`);
});

test("a_library_that_lacks_a_function_is_refused_by_its_name", () => {
  const versions = { circlet_abi_version: ABI_MAJOR << 16, circlet_layout_version: LAYOUT_VERSION };
  const functions = Object.keys(SIGNATURES).filter((name) => name !== "circlet_ring_recv");
  const path = compile("old.so", functions, versions);
  const { stderr } = load({ CIRCLET_LIBRARY: path });
  expect(stderr).toContain("older than this package");
  expect(stderr).toContain("circlet_ring_recv");
});

test("a_file_that_is_no_library_is_refused", () => {
  const { stderr } = load({ CIRCLET_LIBRARY: join(source, "index.ts") });
  expect(stderr).toContain(`${join(source, "index.ts")} is no circlet library`);
});

test("a_set_variable_is_the_only_place_that_counts", () => {
  const missing = join(folder, "missing.so");
  const { stderr } = load({ CIRCLET_LIBRARY: missing });
  expect(stderr).toContain(`none of these places:\n  ${missing}\nbuild it with`);
});

test("a_missing_library_names_every_place_and_what_to_do", () => {
  const copy = join(folder, "copy", "src");
  cpSync(source, copy, { recursive: true, filter: (path) => !path.endsWith(".so") });
  const target = join(folder, "target");
  const { stderr } = load({ CARGO_TARGET_DIR: target }, copy);
  for (const place of [copy, join(target, "release"), join(target, "debug")]) {
    expect(stderr).toContain(`\n  ${join(place, "libcirclet.so")}\n`);
  }
  expect(stderr).toContain("build it with `cargo clib`, or set CIRCLET_LIBRARY to its path");
});

test("the_library_beside_the_package_comes_before_the_target_folder", () => {
  const copy = join(folder, "beside", "src");
  mkdirSync(copy, { recursive: true });
  cpSync(source, copy, { recursive: true });
  const library = compile("beside.so", ["circlet_abi_version", "circlet_layout_version"], {
    circlet_abi_version: 77 << 16,
  });
  cpSync(library, join(copy, "libcirclet.so"));
  expect(load({}, copy).stderr).toContain(`${join(copy, "libcirclet.so")} has ABI 77`);
});
