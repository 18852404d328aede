/**
 * Pools of workers in Bun: the same tasks, in turns within each run.
 *
 * An empty task gets a number and gives it back; the numbers are summed. Needs `npm ci` beside this file.
 */

import { parseArgs } from "node:util";
import { CONTENDERS, type Contender, type Pool } from "./pool/contenders.ts";

/** Tasks that are awaited together. */
const TOGETHER = 1000;
const ROUNDS = 20;
/** Tasks that are awaited one after the other. */
const ALONE = 20_000;
const BURST = 1000;
const BURST_WORKERS = 16;
const BURST_TASK_MS = 5;

interface Row {
  /** Names the figures of a run, with their units. */
  titles: string[];
  measure: (contender: Contender, workers: number) => Promise<number[]>;
}

const ROWS: Record<string, Row> = {
  together: {
    titles: [`empty tasks, Promise.all of ${TOGETHER}, tasks/s`],
    measure: (contender, workers) => rate(contender, workers, ROUNDS * TOGETHER, together),
  },
  batch: {
    titles: [`empty tasks, a call for ${TOGETHER}, tasks/s`],
    measure: (contender, workers) => rate(contender, workers, ROUNDS * TOGETHER, batches),
  },
  alone: {
    titles: ["empty tasks, each awaited, tasks/s"],
    measure: (contender, workers) => rate(contender, workers, ALONE, alone),
  },
  burst: {
    titles: ["first", "last"].map((result) => `burst from no workers to ${BURST_WORKERS} at most, ${result} result, ms`),
    measure: burst,
  },
};

/** Does `count` tasks, and returns the sum of what they gave. */
type Work = (pool: Pool, count: number) => Promise<number>;

const together: Work = async (pool, count) => {
  let sum = 0;
  for (let first = 0; first < count; first += TOGETHER) {
    const tasks = Array.from({ length: TOGETHER }, (_, index) => pool.run("empty", first + index));
    for (const number of await Promise.all(tasks)) sum += number;
  }
  return sum;
};

const batches: Work = async (pool, count) => {
  let sum = 0;
  for (let first = 0; first < count; first += TOGETHER) {
    const numbers = Array.from({ length: TOGETHER }, (_, index) => first + index);
    for (const number of await pool.runMany!(numbers)) sum += number;
  }
  return sum;
};

const alone: Work = async (pool, count) => {
  let sum = 0;
  for (let number = 0; number < count; number++) sum += await pool.run("empty", number);
  return sum;
};

/** Returns tasks in a second, of a pool that has run some before. */
async function rate(contender: Contender, workers: number, count: number, work: Work): Promise<number[]> {
  const pool = contender.open(workers, workers);
  try {
    if (work === batches && pool.runMany === undefined) return [];
    await together(pool, 2 * TOGETHER);
    await work(pool, count / 4);
    const begin = performance.now();
    const sum = await work(pool, count);
    const took = performance.now() - begin;
    if (sum !== (count * (count - 1)) / 2) throw new Error(`${contender.name}: the sum of what the tasks gave is wrong`);
    return [(count / took) * 1000];
  } finally {
    await pool.close();
  }
}

/** Returns when the first and the last result were there, in milliseconds since the pool was asked for. */
async function burst(contender: Contender): Promise<number[]> {
  const begin = performance.now();
  const pool = contender.open(0, BURST_WORKERS);
  try {
    const tasks = Array.from({ length: BURST }, () => pool.run("nap", BURST_TASK_MS));
    await Promise.race(tasks);
    const first = performance.now() - begin;
    await Promise.all(tasks);
    return [first, performance.now() - begin];
  } finally {
    await pool.close();
  }
}

/** Shows about three digits. */
function significant(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** Returns a line of the table for each contender, with the figures of one title. */
function lines(title: string, figures: Map<string, number[]>): string[][] {
  const sorted = new Map([...figures].map(([name, values]) => [name, values.toSorted((a, b) => a - b)]));
  const median = (values: number[]) => values[values.length >> 1]!;
  const own = [...sorted].find(([name]) => name.startsWith("circlet"))?.[1];
  return [...sorted].map(([name, values]) => {
    const range = `${significant(values[0]!)} to ${significant(values.at(-1)!)}`;
    const ratio = own === undefined ? "-" : (median(values) / median(own)).toFixed(2);
    return [title, name, significant(median(values)), range, ratio];
  });
}

function show(workers: number, runs: number, table: string[][]): void {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  console.log(`\nBun: pools of ${workers} workers: medians of ${runs} runs\n`);
  table.forEach((line, index) => {
    const cells = line.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)));
    console.log(`| ${cells.join(" | ")} |`);
    if (index === 0) console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  });
}

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: Object.keys(ROWS).join(",") },
    runs: { type: "string", default: "5" },
    workers: { type: "string", default: "2" },
  },
});
const [runs, workers] = [Number(values.runs), Number(values.workers)];
const table = [["", "pool", "median", "range", "times circlet's"]];
for (const name of values.rows.split(",")) {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`there is no row ${name}: give some of ${Object.keys(ROWS)}`);
  const measured = new Map(CONTENDERS.map((contender) => [contender.name, [] as number[][]]));
  for (let run = 0; run < runs; run++) {
    for (const contender of CONTENDERS) measured.get(contender.name)!.push(await row.measure(contender, workers));
  }
  // Not every pool has every row.
  for (const [contender, runs] of measured) if (runs[0]!.length === 0) measured.delete(contender);
  row.titles.forEach((title, index) => {
    table.push(...lines(title, new Map([...measured].map(([name, all]) => [name, all.map((figures) => figures[index]!)]))));
  });
}
show(workers, runs, table);
