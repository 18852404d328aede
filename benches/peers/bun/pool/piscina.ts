/** A worker of Piscina: its tasks are what it exports. */

export { empty, nap } from "./tasks.ts";
