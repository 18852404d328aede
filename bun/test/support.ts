/** What several tests need: names, peers, child processes, errors. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { CircletError, SharedRingBuffer } from "../src/index.ts";

/**
 * The limit of a test that starts processes, which takes seconds where the machine has more to do than cores. Each file
 * sets it for itself: Bun goes back to its own 5 s with the next file.
 */
export const STARTING_MS = 60_000;

let names = 0;

/** Returns a segment name that nobody else has. */
export function newName(): string {
  return `circlet-bun-test-${process.pid}-${names++}`;
}

/** Whether this process has any segment of /dev/shm mapped. */
export function mapped(): boolean {
  return readFileSync("/proc/self/maps", "utf8").includes("/dev/shm/");
}

/** Tells whether a segment of this name is there. */
export function exists(name: string): boolean {
  return existsSync(join("/dev/shm", name));
}

/** How many descriptors this process has open. */
export function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** How many doorbells this process has open: each is an inotify instance. */
export function bells(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:inotify";
    } catch {
      // The one that the folder was read with.
      return false;
    }
  }).length;
}

/** Waits until it holds, turn by turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((next) => setImmediate(next));
}

/** Makes the payload that follows from a writer's and a frame's number. */
export function payloadOf(writer: number, index: number): Uint8Array {
  const payload = new Uint8Array(8 + ((index * 37 + writer * 11) % 500)).fill(index + writer, 8);
  new Uint32Array(payload.buffer, 0, 2).set([writer, index]);
  return payload;
}

/** Opens the same ring once more, as another process would. */
export function peer(ring: SharedRingBuffer): SharedRingBuffer {
  return SharedRingBuffer.fromFd(ring.exportFd());
}

/** Reads a frame as text. */
export function text(view: Uint8Array): string {
  return new TextDecoder().decode(view);
}

/** Awaits what must fail, and returns its error. */
export async function rejectionOf(promise: Promise<unknown>): Promise<CircletError> {
  const value = await promise.catch((error: unknown) => error);
  if (value instanceof CircletError) return value;
  throw new Error(`it gave ${Bun.inspect(value)}`);
}

/** Runs what must fail, and returns its error. */
export function errorOf(call: () => unknown): CircletError {
  try {
    call();
  } catch (error) {
    if (error instanceof CircletError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Starts a program of this repository. */
export function start(path: string, args: readonly string[] = [], fd3?: number) {
  const stdio = ["ignore", "pipe", "pipe", ...(fd3 === undefined ? [] : [fd3])] as ["ignore", "pipe", "pipe"];
  return Bun.spawn([process.execPath, join(import.meta.dir, path), ...args], { stdio });
}

/** Runs a task of child.ts to its end; returns the JSON that it printed. */
export function run(task: string, ...args: string[]): Promise<unknown> {
  return resultOf(task, start("child.ts", [task, ...args]));
}

/** Runs a task of child.ts that may have so many descriptors; returns the JSON that it printed. */
export function runWithDescriptors(limit: number, task: string): Promise<unknown> {
  const program = [process.execPath, join(import.meta.dir, "child.ts"), task];
  const shell = ["sh", "-c", `ulimit -n ${limit}; exec "$0" "$@"`, ...program];
  return resultOf(task, Bun.spawn(shell, { stdio: ["ignore", "pipe", "pipe"] }));
}

async function resultOf(task: string, child: ReturnType<typeof start>): Promise<unknown> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0 || stderr !== "") {
    throw new Error(`${task} ended with ${code} ${child.signalCode}: ${stdout}${stderr}`);
  }
  return JSON.parse(stdout);
}
