/** What a test does in a process of its own: `bun child.ts TASK ARGUMENT...`. It prints what the test expects. */
import { closeSync, openSync } from "node:fs";
import { gzip } from "node:zlib";
import { Curve, PRODUCER, SharedPage, SharedRingBuffer } from "../src/index.ts";
import { bells, descriptors, exists, mapped, payloadOf, text, until } from "./support.ts";

const tasks: Record<string, (...args: string[]) => unknown> = {
  /** Sends each argument into the ring at descriptor 3. */
  sendToFd3(...texts) {
    using ring = SharedRingBuffer.fromFd(3);
    ring.sendMany(texts);
  },

  /** Sends one frame to a ring, says so, and stays until it is killed. */
  sendAndHang(name) {
    const ring = SharedRingBuffer.open(name!);
    ring.send("the last words");
    console.log("sent");
    setInterval(() => ring, 1000);
  },

  /** Takes the reading side, says so, and stays until it is killed. */
  recvAndHang(name) {
    const ring = SharedRingBuffer.open(name!, { readFrom: "next" });
    console.log("reads");
    setInterval(() => ring, 1000);
  },

  /** Sends `count` frames as the writer of this number, blocking. */
  async sendNumbered(name, writer, count, goName) {
    using ring = SharedRingBuffer.open(name!);
    await attached(ring, goName);
    for (let index = 0; index < Number(count); index++) ring.send(payloadOf(Number(writer), index), 30_000);
  },

  /** The same without blocking. */
  async sendNumberedAsync(name, writer, count, goName) {
    using ring = SharedRingBuffer.open(name!);
    await attached(ring, goName);
    for (let index = 0; index < Number(count); index++) await ring.sendAsync(payloadOf(Number(writer), index), 30_000);
  },

  /** Sends every message back until the writer closes. */
  async echo(name, backName) {
    using ring = SharedRingBuffer.open(name!);
    using back = SharedRingBuffer.open(backName!);
    for await (const view of ring) await back.sendAsync(view);
  },

  /** Sends one message of so many bytes, each of which follows from its place. */
  sendLong(name, bytes) {
    using ring = SharedRingBuffer.open(name!);
    ring.send(new Uint8Array(Number(bytes)).map((_, at) => at * 31 + (at >> 8)), 30_000);
  },

  /** Writes values into a page as fast as it can, each of one byte all over, and stays until it is killed. */
  writeForEver(name, bytes) {
    const page = SharedPage.open(name!);
    const value = new Uint8Array(Number(bytes));
    for (let version = 1; ; version++) page.write(value.fill(version));
  },

  /** Awaits a frame, then leaves the ring open without awaiting it, which must not keep the process. */
  async awaitAndLeave(name) {
    const ring = SharedRingBuffer.open(name!);
    const first = text(await ring.recvAsync());
    const second = await ring.recvAsync(1).catch((error: Error) => error.name);
    console.log(JSON.stringify({ first, second }));
  },

  /** Awaits rings again and again, in ways that end well and badly. */
  async awaitOften(rounds) {
    const round = async () => {
      const ring = SharedRingBuffer.anonymous();
      const writer = SharedRingBuffer.fromFd(ring.exportFd());
      setImmediate(() => writer.send("x"));
      for await (const _view of ring) break;
      const timedOut = await ring.recvAsync(0.1).catch((error: Error) => error.name);
      const waiting = ring.recvAsync().catch((error: Error) => error.name);
      await new Promise((next) => setImmediate(next));
      ring.close();
      writer.close();
      return [timedOut, await waiting].join();
    };
    const ends = new Set<string>();
    let before = 0;
    for (let count = 0; count < Number(rounds); count++) {
      ends.add(await round());
      // Bun closes its own descriptors on another thread.
      await until(() => bells() === 0);
      if (count === 0) before = descriptors();
    }
    await until(() => descriptors() <= before);
    console.log(JSON.stringify([...ends]));
  },

  /** Awaits a ring when there is no descriptor left for that, and when there is again. */
  async awaitWithoutDescriptors() {
    using ring = SharedRingBuffer.anonymous();
    using writer = SharedRingBuffer.fromFd(ring.exportFd());
    const came = async () => {
      const failed = (error: Error) => (/too many open files/i.test(error.message) ? "too many" : error.message);
      const waiting = ring.recvAsync(20_000).then(text, failed);
      await new Promise((next) => setImmediate(next));
      writer.send("came");
      return waiting;
    };
    // The ring keeps its own bell from here on.
    const outcomes = [await came()];
    await until(() => bells() === 1);
    const before = descriptors();
    const taken: number[] = [];
    const take = () => {
      try {
        for (;;) taken.push(openSync("/dev/null", "r"));
      } catch {
        // All of them are taken.
      }
    };
    for (const free of [0, 1]) {
      take();
      for (let count = 0; count < free; count++) closeSync(taken.pop()!);
      outcomes.push(await came());
      ring.recv();
    }
    while (taken.length > 0) closeSync(taken.pop()!);
    outcomes.push(await came());
    await until(() => descriptors() <= before);
    console.log(JSON.stringify(outcomes));
  },

  /** Leaves a page open at the end of its process. */
  leavePageOpen(name) {
    SharedPage.create(name!).write("left");
  },

  /** Leaves a ring open at each way to the end that runs JavaScript. */
  leaveOpen(name, how) {
    const ring = SharedRingBuffer.create(name!);
    ring.send("left");
    if (how === "process.exit") process.exit(0);
    if (how === "throw") throw new Error("thrown on purpose");
    console.log("ends");
  },

  /** Reads and writes through views of every kind after the ring that they were of was closed. */
  async viewsAfterClose() {
    const ring = SharedRingBuffer.anonymous({ capacity: 1 << 20 });
    ring.sendMany([new Uint8Array(64).fill(1), new Uint8Array(64).fill(2)]);
    const [first, second] = ring.recvMany();
    const doubles = new Float64Array(second!.buffer, second!.byteOffset, 8);
    const tail = second!.subarray(8);
    const claim = ring.claim(64);
    const data = new DataView(claim.bytes.buffer, claim.bytes.byteOffset, 64);
    ring.close();
    const overwritten = new Array(100).fill(0).map(() => SharedRingBuffer.anonymous({ capacity: 1 << 20 }));
    await collect();
    first![0] = 9;
    claim.bytes[0] = 9;
    doubles[0] = 9;
    const reads = [first![0], second![0], doubles[0], tail[0], claim.bytes[0], first!.length];
    const methods = [() => data.getUint8(0), () => first!.slice(), () => tail.set([1]), () => claim.bytes.fill(9)];
    const refused = methods.map(outcome);
    overwritten.forEach((other) => other.close());
    console.log(JSON.stringify({ reads: reads.map(String), refused }));
  },

  /** Closes a ring while a thread of the runtime reads a view of it. */
  async closeDuringNativeRead(name) {
    const ring = SharedRingBuffer.create(name!, { capacity: 1 << 26 });
    const claim = ring.claim(1 << 24);
    claim.bytes.fill(7);
    claim.commit();
    const zipped = new Promise<Uint8Array>((done, fail) => {
      gzip(ring.recv(), (error, bytes) => (error ? fail(error) : done(bytes)));
    });
    ring.close();
    const named = exists(name!);
    const whileRead = mapped();
    const sound = Bun.gunzipSync((await zipped) as Uint8Array<ArrayBuffer>).every((byte) => byte === 7);
    await collect(() => !mapped());
    console.log(JSON.stringify({ sound, named, whileRead, afterwards: mapped() }));
  },

  /** Drops a ring without closing it, and keeps a view for a while. */
  async dropRing(name) {
    const kept: { view?: Uint8Array } = {};
    (() => {
      const ring = SharedRingBuffer.create(name!);
      ring.send("kept");
      kept.view = ring.recv();
    })();
    await collect();
    const whileKept = [exists(name!), new TextDecoder().decode(kept.view)];
    delete kept.view;
    await collect(() => !exists(name!));
    console.log(JSON.stringify({ whileKept, dropped: exists(name!) }));
  },

  /** Makes far more curves than memory holds, and leaves them to the collector. */
  async dropCurves() {
    const points = new Float64Array(20_000).map((_, index) => index);
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 50; round++) {
      for (let made = 0; made < 20; made++) Curve.make("linear", points);
      await collect(() => true);
    }
    // 1000 curves of 10,000 segments of 64 bytes are 640 MB.
    console.log(JSON.stringify({ grown: process.memoryUsage.rss() - before }));
  },

  /** Moves a view to another thread, which would outlive the ring. */
  transfer() {
    using ring = SharedRingBuffer.anonymous();
    ring.send("here");
    const view = ring.recv();
    const refused = outcome(() => structuredClone(view, { transfer: [view.buffer] }));
    console.log(JSON.stringify({ refused, still: new TextDecoder().decode(view) }));
  },
};

/** Takes the writing side and waits until the page of this name says go, if there is one. */
async function attached(ring: SharedRingBuffer, goName?: string): Promise<void> {
  if (goName === undefined) return;
  using go = SharedPage.open(goName);
  ring.setSpin(PRODUCER, 0);
  await go.waitAsync(30_000);
}

function outcome(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    return (error as Error).name;
  }
}

/** Collects until `done`, or often enough that what can be collected has been. */
async function collect(done?: () => boolean): Promise<void> {
  for (let round = 0; round < (done ? 200 : 20) && !(round > 0 && done?.()); round++) {
    Bun.gc(true);
    await new Promise((next) => setTimeout(next, 1));
  }
}

const [task, ...args] = process.argv.slice(2);
await tasks[task!]!(...args);
