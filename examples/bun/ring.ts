/**
 * A ring between two processes.
 *
 *   bun ring.ts                    sends 1000 frames from this process to a child, which reads them in place
 *   bun ring.ts send NAME COUNT    creates the ring NAME, and sends COUNT frames to whoever opens it
 *   bun ring.ts recv NAME          opens the ring NAME and reads until it is closed
 */
import { ClosedError, NotFoundError, SharedRingBuffer } from "circlet";

const TIMEOUT_MS = 20_000;

// The payload of a frame follows from its number: every language's example makes and checks the same.
const payloadLength = (number: number) => (Math.imul(number, 37) >>> 0) % 1500;
const payloadByte = (number: number, at: number) => (number * 31 + at * 7) & 0xff;

function sendAll(name: string, count: number): void {
  using ring = SharedRingBuffer.create(name, { capacity: 64 * 1024 });
  for (let number = 0; number < count; number++) {
    const claim = ring.claim(payloadLength(number), TIMEOUT_MS);
    for (let at = 0; at < claim.bytes.length; at++) claim.bytes[at] = payloadByte(number, at);
    claim.commit();
  }
  // The name ends with the ring: wait until the reader has drained it.
  for (;;) {
    const { framesReceived, consumer } = ring.stats();
    if (framesReceived >= count || consumer === "closed" || consumer === "died") break;
    Bun.sleepSync(1);
  }
}

function recvAll(name: string): void {
  using ring = opened(name);
  let number = 0;
  try {
    for (;;) {
      for (const bytes of ring.recvMany(64, TIMEOUT_MS)) {
        const expected = Uint8Array.from({ length: payloadLength(number) }, (_, at) => payloadByte(number, at));
        if (Buffer.compare(bytes, expected) !== 0) throw new Error(`frame ${number} is not what was sent`);
        number++;
      }
    }
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
  }
  console.log(`${number} frames received`);
}

function opened(name: string): SharedRingBuffer {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return SharedRingBuffer.open(name);
    } catch (error) {
      if (!(error instanceof NotFoundError) || Date.now() > deadline) throw error;
      Bun.sleepSync(1);
    }
  }
}

const [role, name, count, ...rest] = process.argv.slice(2);
if (role === "send" && name !== undefined && count !== undefined && rest.length === 0) {
  sendAll(name, Number(count));
} else if (role === "recv" && name !== undefined && count === undefined) {
  recvAll(name);
} else if (role === undefined) {
  const name = `circlet-example-${process.pid}`;
  const child = Bun.spawn([process.execPath, import.meta.path, "recv", name], { stdout: "inherit", stderr: "inherit" });
  sendAll(name, 1000);
  process.exitCode = await child.exited;
} else {
  console.error("usage: ring.ts | ring.ts send NAME COUNT | ring.ts recv NAME");
  process.exitCode = 2;
}
