/** A program that a test looks at from outside: it says what it holds, and ends with its input. */
import { SessionTracker } from "../src/index.ts";

const [page] = process.argv.slice(2);
const kept = Array.from({ length: 200_000 }, (_, index) => ({ index }));
using tracker = SessionTracker.start({ project: false, page: page!, intervalMs: 20, sampleEveryMs: 20 });
tracker.logApiUsage("Bun.stdin");
tracker.patch({ goal: "be seen" });
console.log(process.memoryUsage().heapUsed);
await Bun.stdin.text();
if (kept.length === 0) throw new Error("they are kept");
