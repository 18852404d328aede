/** What Node alone knows of itself, for session payloads. */

import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { EventLoop, microseconds } from "../src/session_guest.mjs";

/** All of what is said at `node`, but for the interfaces in use. */
export class Probes {
  #loop = new EventLoop();
  #garbage = { collections: 0, total_us: 0, longest_us: 0 };
  #observer = new PerformanceObserver((list) => this.#take(list.getEntries()));
  #constant = {
    version: process.versions.node,
    implementation: "node",
    executable: process.execPath,
    features: Object.fromEntries(Object.entries(process.features).filter(([, value]) => typeof value === "boolean")),
  };

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  #take(collections) {
    const garbage = this.#garbage;
    for (const { duration } of collections) {
      const us = microseconds(duration);
      garbage.collections += 1;
      garbage.total_us += us;
      garbage.longest_us = Math.max(garbage.longest_us, us);
    }
  }

  /** Returns the section as it is now; what is not known is absent. */
  look() {
    const heap = getHeapStatistics();
    // Those that the observer has not been told of yet.
    this.#take(this.#observer.takeRecords());
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
