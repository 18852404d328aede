/** Heap snapshots of worker processes: one file of each of their shells. */

import { heapStats } from "bun:jsc";
import { writeFileSync } from "node:fs";

/** The objects that there were at the last look, by type. */
let lastTypes: Record<string, number> | undefined;

/** Says what is on the heap. */
export function heapSnapshot(top: number, file: string | null, stop: boolean): unknown {
  if (file !== null) writeFileSync(file, Bun.generateHeapSnapshot("v8"));
  const { heapSize, objectTypeCounts } = heapStats();
  const last = lastTypes;
  lastTypes = stop ? undefined : objectTypeCounts;
  const most = Object.entries(objectTypeCounts).sort(([, a], [, b]) => b - a);
  const types = most
    .slice(0, top)
    .map(([name, count]) => ({ name, count, ...(last && { count_change: count - (last[name] ?? 0) }) }));
  return { source: "jsc", is_first: last === undefined, bytes: heapSize, lines: [], grown: [], types, file };
}
