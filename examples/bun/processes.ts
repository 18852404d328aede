/** Functions of a script in worker processes, awaited, and called as if they were here. */
import { ProcessPool, WorkerDiedError } from "circlet";

await using pool = new ProcessPool({ script: new URL("./jobs.ts", import.meta.url), max: 2 });
const jobs = pool.remote<typeof import("./jobs.ts")>();
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const numbers = Array.from({ length: 100 }, (_, number) => BigInt(number));
console.log(sum(await Promise.all(numbers.map((number) => jobs.digits(number)))));
console.log(sum(await Promise.all(numbers.map((number) => pool.call<number>("digits", [number], { priority: 1 })))));
await jobs.refuse("for this reason").catch((error: unknown) => {
  if (error instanceof RangeError) console.log(error.name, error.message);
});
await pool.call("exit", [3]).catch((error: unknown) => {
  if (error instanceof WorkerDiedError) console.log("exit code", error.exitCode);
});
