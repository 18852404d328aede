/** A session that says what it does: how late its event loop is, what interfaces it uses, what a worker of it does. */
import { SessionTracker } from "circlet";

// `circlet session watch NAME` shows the page, and so does any other process.
using tracker = SessionTracker.start({ page: `session-example-${process.pid}`, project: false });
tracker.logApiUsage("Bun.sleep");
const worker = new Worker(URL.createObjectURL(new Blob(["onmessage = ({ data }) => postMessage(data)"])));
const id = tracker.watchWorker(worker);
const answered = new Promise((done) => worker.addEventListener("message", done));
worker.postMessage("hello");
await answered;
console.log("measured:", ...tracker.patch({ goal: "draw a curve", process: { rss_bytes: 1 } }));
await Bun.sleep(50);
Bun.sleepSync(120); // in an event loop, by mistake
const before = tracker.snapshot();
console.log("used:", ...(before.bun?.apis ?? []));
console.log("late by 0.1 s:", before.bun!.resources!.event_loop_lag_longest_us! >= 100_000);
const ended = new Promise((done) => worker.addEventListener("close", done));
worker.terminate();
await ended;
console.log("changed:", tracker.snapshot().worker_threads?.registry?.[id]?.state);
console.log("said:", tracker.summary().includes("draw a curve"));
