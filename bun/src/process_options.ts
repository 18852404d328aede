/** What a pool of worker processes and its calls are given. */

import { ptr } from "bun:ffi";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { checkNames, integer, milliseconds, oneOf, shown, text, U32_MAX } from "./arguments.ts";
import { InvalidError } from "./errors.ts";
import { POOL_NAMES, type JobOptions, type PoolOptions } from "./pool_options.ts";

/** CIRCLET_OUTPUT_PASS_ON, CIRCLET_OUTPUT_DROP and CIRCLET_OUTPUT_KEEP. */
export const OUTPUTS = { passOn: 0, drop: 1, keep: 2 } as const;
/** CIRCLET_JSON and CIRCLET_STRUCTURED_CLONE. */
export const CODECS = { json: 1, structuredClone: 3 } as const;

/** What a pool of processes is made with, whatever its workers are. */
interface AnyWorkers extends PoolOptions {
  /** The interpreter: a path, or a program on `PATH`; this Bun, or `python3`, by default. */
  program?: string;
  /** Bytes of anonymous memory that a worker may have before another takes its place between two calls. */
  memory?: number;
  /** Bytes that the kernel lets a worker have (`RLIMIT_DATA`); too much of a limit for Bun, which reserves more than it uses. */
  hardMemory?: number;
  /** How many calls a worker may run before another takes its place. */
  tasks?: number;
  /** For how long a worker may exist, in milliseconds. */
  lifetimeMs?: number;
  /** How long a worker has to become ready, in milliseconds; 10 s by default. */
  readyWithinMs?: number;
  /** How long an aborted call that runs has to give in before its worker is killed, in milliseconds; 1 s by default. */
  graceMs?: number;
  /**
   * What becomes of what workers print: it goes on to this process's own outputs (the default), is dropped, or its last
   * `outputBytes` are kept for `output`.
   */
  output?: keyof typeof OUTPUTS;
  /** How many bytes `"keep"` keeps; 1 MiB by default. */
  outputBytes?: number;
}

/** Workers that are processes of Bun: arguments and results are structured clones. */
export interface BunWorkers extends AnyWorkers {
  kind?: "bun";
  /** The script whose exports are called: a path, or a URL of a file. */
  script: string | URL;
}

/** Workers that are processes of Python: arguments and results are JSON. */
export interface PythonWorkers extends AnyWorkers {
  kind: "python";
  /** The folders that modules are looked for in before all others. */
  path?: readonly string[];
}

/** What a pool of processes is made with. */
export type ProcessOptions = BunWorkers | PythonWorkers;

/** What is wished for a call. */
export interface CallOptions extends JobOptions {
  /** Whether the call may run again from its beginning where its worker died; it fails with the second. */
  idempotent?: boolean;
}

/** What workers have printed. */
export interface WorkerOutput {
  /** In the order in which they came; what is no UTF-8 is replaced. */
  parts: { worker: string; stream: "stdout" | "stderr"; text: string }[];
  /** How many bytes there was no more room for. */
  lost_bytes: number;
}

const NAMES = [
  ...POOL_NAMES,
  "kind",
  "program",
  "memory",
  "hardMemory",
  "tasks",
  "lifetimeMs",
  "readyWithinMs",
  "graceMs",
  "output",
  "outputBytes",
];
const BUN_NAMES = new Set([...NAMES, "script"]);
const PYTHON_NAMES = new Set([...NAMES, "path"]);

/** Bytes of circlet_process_options, and where its addresses are. */
const BYTES = 104;
const AT = { program: 8, library: 16, script: 24, paths: 40, pathCount: 48 } as const;

/** Returns the path of a script. */
function pathOf(script: string | URL): string {
  if (typeof script === "string" && script !== "") return resolve(script);
  if (script instanceof URL && script.protocol === "file:" && script.host === "") return fileURLToPath(script);
  const given = script instanceof URL ? script.href : shown(script);
  throw new InvalidError(
    `script is ${given}: give the path of the script whose exports the workers call, a URL of its file, or the kind "python"`,
  );
}

/** Returns circlet_process_options, with all that it leads to behind it in the same memory, which stays where it is. */
export function processOptions(options: ProcessOptions, library: string | null): Uint8Array {
  const isBun = options.kind !== "python";
  checkNames(options, isBun ? BUN_NAMES : PYTHON_NAMES);
  const strings: [number, Uint8Array][] = [
    [AT.program, text("program", options.program ?? (isBun ? process.execPath : "python3"))],
  ];
  if (library !== null) strings.push([AT.library, text("library", library)]);
  if (isBun) strings.push([AT.script, text("script", pathOf(options.script))]);
  const { path: folders = [] } = isBun ? {} : options;
  if (!Array.isArray(folders)) throw new InvalidError(`path is ${shown(folders)}: give an array of folders`);
  const paths = folders.map((folder: string) => text("path", typeof folder === "string" ? resolve(folder) : folder));
  const lengths = [...strings.map(([, string]) => string), ...paths].map((string) => string.length);
  const bytes = new Uint8Array(new ArrayBuffer(BYTES + 8 * paths.length + lengths.reduce((sum, length) => sum + length, 0)));
  const fields = new DataView(bytes.buffer);
  const base = ptr(bytes);
  let end = BYTES + 8 * paths.length;
  const lay = (at: number, string: Uint8Array) => {
    bytes.set(string, end);
    fields.setBigUint64(at, BigInt(base + end), true);
    end += string.length;
  };
  for (const [at, string] of strings) lay(at, string);
  paths.forEach((path, index) => lay(BYTES + 8 * index, path));
  if (paths.length > 0) fields.setBigUint64(AT.paths, BigInt(base + BYTES), true);
  fields.setUint32(0, BYTES, true);
  fields.setUint32(4, oneOf("output", options.output ?? "passOn", OUTPUTS), true);
  fields.setUint32(AT.pathCount, paths.length, true);
  const bytesOf = (name: string, value: number | undefined, most: number) =>
    value === undefined ? 0 : integer(name, value, 1, most);
  const { memory, hardMemory, tasks, outputBytes, readyWithinMs, graceMs, lifetimeMs } = options;
  fields.setUint32(52, bytesOf("outputBytes", outputBytes, U32_MAX), true);
  fields.setFloat64(56, readyWithinMs === undefined ? 0 : milliseconds("readyWithinMs", readyWithinMs), true);
  fields.setFloat64(64, graceMs === undefined ? 0 : milliseconds("graceMs", graceMs), true);
  fields.setBigUint64(72, BigInt(bytesOf("memory", memory, Number.MAX_SAFE_INTEGER)), true);
  fields.setBigUint64(80, BigInt(bytesOf("hardMemory", hardMemory, Number.MAX_SAFE_INTEGER)), true);
  fields.setBigUint64(88, BigInt(bytesOf("tasks", tasks, Number.MAX_SAFE_INTEGER)), true);
  fields.setFloat64(96, lifetimeMs === undefined ? 0 : milliseconds("lifetimeMs", lifetimeMs), true);
  return bytes;
}
