/** The pools, each by the same few calls. circlet's comes first: the others are compared to it. */

import Piscina from "piscina";
import { DynamicThreadPool, FixedThreadPool } from "poolifier";
import workerpool from "workerpool";

/** A task of `tasks.ts`. */
export type Task = "empty" | "nap";

export interface Pool {
  /** Has a worker do the task, and resolves to what it gave. */
  run(task: Task, number: number): Promise<number>;
  /** Ends the workers. */
  close(): Promise<unknown>;
}

export interface Contender {
  name: string;
  /** Builds a pool that has `least` workers at once and `most` of them under load. */
  open(least: number, most: number): Pool;
}

const script = (name: string) => new URL(`./${name}.ts`, import.meta.url).pathname;

export const CONTENDERS: readonly Contender[] = [
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
      return { run: (task, number) => pool.execute(number, task), close: () => pool.destroy() };
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
