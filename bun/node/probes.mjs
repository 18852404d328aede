/** What Node alone knows of itself, for session payloads. */

import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { EventLoop, microseconds } from "../src/session_guest.mjs";

/** All of what is said at `node`, but for the interfaces in use. */
export class Probes {
  #loop = new EventLoop();
  #garbage = { collections: 0, total_us: 0, longest_us: 0 };
  #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collected(microseconds(duration));
  });
  #constant = {
    version: process.versions.node,
    implementation: "node",
    executable: process.execPath,
    features: Object.fromEntries(Object.entries(process.features).filter(([, value]) => typeof value === "boolean")),
  };

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  #collected(us) {
    const garbage = this.#garbage;
    garbage.collections += 1;
    garbage.total_us += us;
    garbage.longest_us = Math.max(garbage.longest_us, us);
  }

  /** Returns the section as it is now; what is not known is absent. */
  look() {
    const heap = getHeapStatistics();
    return {
      ...this.#constant,
      heap: {
        used_bytes: heap.used_heap_size,
        total_bytes: heap.total_heap_size,
        limit_bytes: heap.heap_size_limit,
        external_bytes: heap.external_memory,
      },
      gc: { ...this.#garbage },
      event_loop: this.#loop.look(),
    };
  }

  /** Looks no more. */
  end() {
    this.#loop.end();
    this.#observer.disconnect();
  }
}
