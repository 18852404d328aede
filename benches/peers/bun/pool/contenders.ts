/** The pools, each by the same few calls. circlet's comes first: the others are compared to it. */

import { dlopen } from "bun:ffi";
import Piscina from "piscina";
import { DynamicThreadPool, FixedThreadPool } from "poolifier";
import workerpool from "workerpool";
import { Pool as CircletPool, ProcessPool } from "../../../../bun/src/index.ts";

/** A task of `tasks.ts`. */
export type Task = "empty" | "nap";

export interface Pool {
  /** Has a worker do the task, and resolves to what it gave. */
  run(task: Task, number: number): Promise<number>;
  /** Has workers do the empty task with each of the numbers, in one call, where the pool has one for that. */
  runMany?(numbers: number[]): Promise<Iterable<number>>;
  /** Ends the workers. */
  close(): Promise<unknown>;
}

export interface Contender {
  name: string;
  /** Builds a pool that has `least` workers at once and `most` of them under load. */
  open(least: number, most: number): Pool;
}

const script = (name: string) => new URL(`./${name}.ts`, import.meta.url).pathname;

/** The tasks of circlet's workers, which run native functions. */
const { abs, usleep } = dlopen("libc.so.6", {
  abs: { args: ["i32"], returns: "i32" },
  usleep: { args: ["u32"], returns: "i32" },
}).symbols;

export const CONTENDERS: readonly Contender[] = [
  {
    name: "circlet, native functions",
    open(least, most) {
      const pool = new CircletPool({ min: least, max: most });
      return {
        run: (task, number) =>
          task === "empty" ? pool.submit(abs, number) : pool.submit(usleep, number * 1000).then(() => number),
        runMany: (numbers) => pool.submitMany(abs, numbers),
        close: () => pool.close(),
      };
    },
  },
  {
    name: "circlet, processes of Bun",
    open(least, most) {
      const pool = new ProcessPool({ script: script("tasks"), min: least, max: most });
      return { run: (task, number) => pool.call<number>(task, [number]), close: () => pool.close() };
    },
  },
  {
    name: "Piscina",
    open(least, most) {
      const pool = new Piscina({ filename: script("piscina"), minThreads: least, maxThreads: most });
      return { run: (task, number) => pool.run(number, { name: task }), close: () => pool.destroy() };
    },
  },
  {
    name: "poolifier",
    open(least, most) {
      const file = script("poolifier");
      const pool = least === most ? new FixedThreadPool<number, number>(most, file) : new DynamicThreadPool<number, number>(least, most, file);
      return {
        run: (task, number) => pool.execute(number, task),
        runMany: (numbers) => pool.mapExecute(numbers, "empty"),
        close: () => pool.destroy(),
      };
    },
  },
  {
    name: "workerpool",
    open(least, most) {
      // Its workers take Bun for a browser, so that only as those they answer.
      const pool = workerpool.pool(script("workerpool"), { minWorkers: least, maxWorkers: most, workerType: "web" });
      return { run: async (task, number) => await pool.exec(task, [number]), close: async () => await pool.terminate() };
    },
  },
];
