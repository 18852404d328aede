/** Native jobs on a pool of threads, awaited one by one and many at once, and curves that it samples. */
import { dlopen, suffix } from "bun:ffi";
import { Curve, Pool } from "circlet";

const libc = process.platform === "linux" ? "libc.so.6" : `libc.${suffix}`;
const { abs } = dlopen(libc, { abs: { args: ["i32"], returns: "i32" } }).symbols;
await using pool = new Pool();
const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);
const numbers = Array.from({ length: 1001 }, (_, number) => number);
console.log(sum(await Promise.all(numbers.map((number) => pool.submit(abs, number)))));
console.log(sum(await pool.submitMany(abs, numbers)));
const lines = numbers.slice(0, 100).map((y) => Curve.make("linear", [[0, y], [4, y]]));
console.log((await pool.sampleBatch(lines, 50)).length / 100, "curves sampled");
