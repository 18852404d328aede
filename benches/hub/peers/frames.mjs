// Frames as every peer makes them: numbered, with the time when they were made, and as many bytes of JSON as were ordered.
import { now } from "./clock.mjs";

let made = 0;

function frame(bytes) {
  const state = { n: ++made, t: String(now()), x: "" };
  state.x = "x".repeat(Math.max(0, bytes - JSON.stringify(state).length));
  return state;
}

/** Publishes `hz * seconds` frames, each at its time since the order, or at once where that has passed. Gives how many. */
export async function publishFrames({ hz, bytes, seconds }, publish) {
  const count = Math.max(1, Math.round(hz * seconds));
  const begin = performance.now();
  for (let tick = 0; tick < count; tick++) {
    const early = begin + (tick * 1000) / hz - performance.now();
    await new Promise((resolve) => (early > 0 ? setTimeout(resolve, early) : setImmediate(resolve)));
    publish(frame(bytes));
  }
  return count;
}
