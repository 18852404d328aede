/**
 * One side of a ring in tests/languages.rs, which says what it does in CIRCLET_PEER.
 *
 *   send NAME ID COUNT    sends COUNT messages
 *   recv NAME             reads from the oldest to the end, checks everything, and tells how many came and were missed
 */
import { LaggedError, SharedRingBuffer } from "../src/index.ts";

/** The message follows from its producer and its number: every language's peer makes the same. */
function message(producer: number, number: number): Uint8Array {
  let length = (number * 37 + producer * 11) % 500;
  // It goes in fragments.
  if (producer >= 10 && number % 100 === 99) length += 20_000;
  const bytes = new Uint8Array(8 + length);
  new Uint32Array(bytes.buffer, 0, 2).set([producer, number]);
  for (let at = 0; at < length; at++) bytes[8 + at] = number * 31 + at * 7 + producer;
  return bytes;
}

function sendAll(name: string, producer: number, count: number): void {
  using ring = SharedRingBuffer.open(name);
  for (let number = 0; number < count; number++) ring.send(message(producer, number), 60_000);
}

function recvAll(name: string): void {
  using ring = SharedRingBuffer.open(name, { readFrom: "oldest" });
  const following = new Map<number, number>();
  let [received, missed] = [0, 0];
  for (let over = false; !over; ) {
    try {
      for (const view of ring) {
        const [producer, number] = new Uint32Array(view.buffer, view.byteOffset, 2) as unknown as [number, number];
        // Before the first there may be some that nobody can read any more.
        if (!following.has(producer)) missed += number;
        const isNext = number === (following.get(producer) ?? number);
        if (!isNext || Buffer.compare(view, message(producer, number)) !== 0) throw new Error(`${producer} ${number}`);
        following.set(producer, number + 1);
        received++;
      }
      over = true;
    } catch (error) {
      if (!(error instanceof LaggedError)) throw error;
      const next = following.get(1);
      if (next === undefined) continue;
      following.set(1, next + error.frames);
      missed += error.frames;
    }
  }
  console.log(`${received} received, ${missed} missed`);
}

const [role, name, producer, count] = (process.env["CIRCLET_PEER"] ?? "").split(" ");
if (role === "send") sendAll(name!, Number(producer), Number(count));
else if (role === "recv") recvAll(name!);
else throw new Error("CIRCLET_PEER says what to do");
