// A tracker written as the session payload's first document writes it: everything asked for anew with each snapshot, git as a process.
// Prints the median of the calls in microseconds. Run by `benches/payload.rs`, in Node and in Bun.
import { execSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { version } from "node:os";

const runtime = typeof Bun === "undefined" ? process.version : Bun.version;

function start() {
  return {
    metadata: {
      bun: {
        version: runtime,
        revision: process.env.BUN_REVISION || "unknown",
        fingerprint: `${process.platform}-${process.arch}-${runtime}`.replace(/[^a-zA-Z0-9.-]/g, "-"),
      },
      env: {
        session: `sess-${new Date().toISOString().slice(0, 10)}-${Date.now().toString(36)}`,
        head: execSync("git rev-parse HEAD", { encoding: "utf8" }).trim(),
        uptime_s: process.uptime(),
      },
      platform: { useragent: `Bun/${runtime} (${process.platform}/${process.arch})`, os: version() },
    },
    bun: {
      apis: [],
      performance: { startup_ms: performance.now(), memory_mb: process.memoryUsage() },
      resources: { fd_count: readdirSync("/dev/fd").length },
    },
    worker_threads: { registry: {}, statistics: { total_messages_sent: 0, total_errors: 0 } },
  };
}

const times = [];
let bytes = 0;
for (let call = 0; call < 60; call++) {
  const begin = process.hrtime.bigint();
  bytes = JSON.stringify(start()).length;
  times.push(Number(process.hrtime.bigint() - begin) / 1e3);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ us: times[times.length >> 1], bytes }));
