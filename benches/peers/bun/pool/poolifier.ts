/** A worker of poolifier. */

import { ThreadWorker } from "poolifier";
import { empty, nap } from "./tasks.ts";

const known = (data?: number): number => {
  if (data === undefined) throw new Error("a task comes with its number");
  return data;
};

export default new ThreadWorker({
  empty: (data?: number) => empty(known(data)),
  nap: (data?: number) => nap(known(data)),
});
