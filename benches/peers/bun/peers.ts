/**
 * circlet's Bun package beside Bun's own ways between two processes, and a ring written in TypeScript.
 *
 * Two processes, the threads that run the script pinned. A frame of 64 bytes has its number in each of its 8 words, and
 * the reader sums them. The peers take turns within a run. Needs the C library (`cargo clib`).
 */

import { dlopen, FFIType } from "bun:ffi";
import { rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CONSUMER, PRODUCER, SharedRingBuffer } from "../../../bun/src/index.ts";

const SIDE = "CIRCLET_PEERS_SIDE";
const CAPACITY_BYTES = 4 << 20;
const FRAME_BYTES = 64;
const WORDS = FRAME_BYTES / 8;
const BATCH = 256;
const WARM_UP = 500;
/** How long the other side may take for an answer before its peer counts as stuck. */
const PATIENCE_MS = 60_000;

/** One side's end of a peer. */
interface End {
  /** Sends `count` frames, one by one or many at a time. */
  produce(count: number, batches: boolean): void | Promise<void>;
  /** Reads `count` frames; returns the sum of their words. */
  consume(count: number, batches: boolean): number | Promise<number>;
  /** Sends a number and waits for it to come back. */
  ask(number: number): number | Promise<number>;
  /** Sends back `count` numbers. */
  echo(count: number): void | Promise<void>;
  close(): void;
}

/** How a side opens its end: the one that asks first, and in the parent. */
type Open = (place: string, asks: boolean, child: Child | null) => End | Promise<End>;

const words = new Float64Array(WORDS);
const frame = new Uint8Array(words.buffer);

function write(number: number): Uint8Array {
  words.fill(number);
  return frame;
}

let lookedAt: ArrayBufferLike | null = null;
let look: DataView = new DataView(new ArrayBuffer(0));

/** Sums the words of a frame, which need not be aligned. */
function sum(view: Uint8Array): number {
  if (view.buffer !== lookedAt) {
    lookedAt = view.buffer;
    look = new DataView(lookedAt);
  }
  let result = 0;
  for (let word = 0; word < WORDS; word++) result += look.getFloat64(view.byteOffset + word * 8, true);
  return result;
}

function circlet(spinUs: number): Open {
  return (place, asks) => {
    const names = [`${place}-to`, `${place}-from`] as const;
    // The side that asks made them before the other began.
    const [to, from] = names.map((name) =>
      asks ? SharedRingBuffer.create(name, { capacity: CAPACITY_BYTES }) : SharedRingBuffer.open(name),
    ) as [SharedRingBuffer, SharedRingBuffer];
    const [out, back] = asks ? [to, from] : [from, to];
    out.setSpin(PRODUCER, spinUs);
    back.setSpin(CONSUMER, spinUs);
    const number = (view: Uint8Array) => new DataView(view.buffer, view.byteOffset).getFloat64(0, true);
    const one = new Float64Array(1);
    const batch = new Float64Array(BATCH * WORDS);
    const frames = Array.from({ length: BATCH }, (_, index) => new Uint8Array(batch.buffer, index * FRAME_BYTES, FRAME_BYTES));
    return {
      produce(count, batches) {
        if (!batches) {
          for (let number = 0; number < count; number++) out.send(write(number));
          return;
        }
        for (let start = 0; start < count; start += BATCH) {
          const size = Math.min(BATCH, count - start);
          for (let index = 0; index < size; index++) batch.fill(start + index, index * WORDS, (index + 1) * WORDS);
          out.sendMany(size === BATCH ? frames : frames.slice(0, size));
        }
      },
      consume(count, batches) {
        let result = 0;
        if (!batches) {
          for (let left = count; left > 0; left--) result += sum(back.recv());
          return result;
        }
        for (let left = count; left > 0; ) {
          const views = back.recvMany(BATCH);
          for (const view of views) result += sum(view);
          left -= views.length;
        }
        return result;
      },
      ask(value) {
        one[0] = value;
        out.send(one);
        return number(back.recv());
      },
      echo(count) {
        for (let left = count; left > 0; left--) {
          one[0] = number(back.recv());
          out.send(one);
        }
      },
      close() {
        out.close();
        back.close();
      },
    };
  };
}

/** A ring of slots with a shared head and tail in each half of a mapped file, as one would write it in TypeScript. */
const mapped: Open = (place, asks) => {
  const slots = CAPACITY_BYTES / FRAME_BYTES;
  const header = 4096;
  const paths = [`/dev/shm/${place}-to`, `/dev/shm/${place}-from`] as const;
  const [to, from] = paths.map((path) => {
    if (asks) writeFileSync(path, new Uint8Array(header + CAPACITY_BYTES));
    const memory = Bun.mmap(path, { shared: true });
    return {
      // The tail's and the head's lines lie apart.
      indices: new Int32Array(memory.buffer, memory.byteOffset, 128),
      words: new Float64Array(memory.buffer, memory.byteOffset + header, CAPACITY_BYTES / 8),
    };
  }) as [Way, Way];
  interface Way {
    indices: Int32Array;
    words: Float64Array;
  }
  const [TAIL, HEAD] = [0, 64];
  const [out, back] = asks ? [to, from] : [from, to];
  let [tail, headSeen, head, tailSeen] = [0, 0, 0, 0];
  const put = (number: number) => {
    while (((tail - headSeen) | 0) >= slots) headSeen = Atomics.load(out.indices, HEAD);
    const start = (tail & (slots - 1)) * WORDS;
    for (let word = 0; word < WORDS; word++) out.words[start + word] = number;
    tail = (tail + 1) | 0;
  };
  const publish = () => Atomics.store(out.indices, TAIL, tail);
  const wait = () => {
    while (tailSeen === head) tailSeen = Atomics.load(back.indices, TAIL);
  };
  const take = () => {
    const start = (head & (slots - 1)) * WORDS;
    let result = 0;
    for (let word = 0; word < WORDS; word++) result += back.words[start + word]!;
    head = (head + 1) | 0;
    return result;
  };
  const release = () => Atomics.store(back.indices, HEAD, head);
  const receive = () => {
    wait();
    const result = take();
    release();
    return result;
  };
  return {
    produce(count, batches) {
      for (let number = 0; number < count; number++) {
        put(number);
        if (!batches || number % BATCH === BATCH - 1) publish();
      }
      publish();
    },
    consume(count, batches) {
      let result = 0;
      for (let left = count; left > 0; ) {
        wait();
        const found = batches ? Math.min((tailSeen - head) | 0, left) : 1;
        for (let index = 0; index < found; index++) result += take();
        release();
        left -= found;
      }
      return result;
    },
    ask(value) {
      put(value);
      publish();
      return receive() / WORDS;
    },
    echo(count) {
      for (let left = count; left > 0; left--) {
        put(receive() / WORDS);
        publish();
      }
    },
    close() {
      if (asks) for (const path of paths) rmSync(path, { force: true });
    },
  };
};

/** What came and was not waited for yet, and who waits for more. */
class Inbox {
  #frames: Uint8Array[] = [];
  #wake: (() => void) | null = null;

  put(view: Uint8Array): void {
    this.#frames.push(view);
    this.#wake?.();
    this.#wake = null;
  }

  /** Waits until there is something, and takes all of it. */
  async take(): Promise<Uint8Array[]> {
    if (this.#frames.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }
}

/** An end over messages that are delivered in the event loop: of many frames each, or of bytes in any portions. */
function eventEnd(inbox: Inbox, send: (bytes: Uint8Array) => void | Promise<void>, close: () => void): End {
  const batch = new Float64Array(BATCH * WORDS);
  const one = new Float64Array(1);
  /** Bytes of a frame that has not come whole yet. */
  let rest = new Uint8Array(0);
  const numberOf = async () => {
    const [view] = await inbox.take();
    return new DataView(view!.buffer, view!.byteOffset).getFloat64(0, true);
  };
  return {
    async produce(count, batches) {
      for (let start = 0; start < count; ) {
        if (!batches) {
          const sent = send(write(start++));
          if (sent !== undefined) await sent;
          continue;
        }
        const size = Math.min(BATCH, count - start);
        for (let index = 0; index < size; index++) batch.fill(start + index, index * WORDS, (index + 1) * WORDS);
        const sent = send(new Uint8Array(batch.buffer, 0, size * FRAME_BYTES));
        if (sent !== undefined) await sent;
        start += size;
      }
    },
    async consume(count) {
      let result = 0;
      for (let left = count; left > 0; ) {
        for (let bytes of await inbox.take()) {
          if (rest.length > 0) {
            const joined = new Uint8Array(rest.length + bytes.length);
            joined.set(rest);
            joined.set(bytes, rest.length);
            bytes = joined;
          }
          let start = 0;
          for (; start + FRAME_BYTES <= bytes.length; start += FRAME_BYTES) {
            result += sum(bytes.subarray(start, start + FRAME_BYTES));
            left -= 1;
          }
          rest = bytes.slice(start);
        }
      }
      return result;
    },
    async ask(value) {
      one[0] = value;
      const sent = send(new Uint8Array(one.buffer));
      if (sent !== undefined) await sent;
      return numberOf();
    },
    async echo(count) {
      for (let left = count; left > 0; left--) {
        one[0] = await numberOf();
        const sent = send(new Uint8Array(one.buffer));
        if (sent !== undefined) await sent;
      }
    },
    close,
  };
}

/** Bun.spawn's channel, with structured clones. */
const ipc: Open = (_place, asks, child) => {
  const inbox = new Inbox();
  const receive = (message: unknown) => inbox.put(message as Uint8Array);
  let sent = 0;
  const send = (bytes: Uint8Array) => {
    if (asks) child!.process.send(bytes);
    else process.send!(bytes);
    // It queues without a bound: the event loop must turn for it to write.
    if (++sent % BATCH === 0) return new Promise<void>((resolve) => setImmediate(resolve));
  };
  if (asks) child!.onMessage = receive;
  else process.on("message", receive);
  return eventEnd(inbox, send, () => {});
};

/** A Unix socket of bytes, by Bun.listen and Bun.connect. */
const unixSocket: Open = async (place, asks) => {
  const inbox = new Inbox();
  let drained: (() => void) | null = null;
  const handlers = {
    data: (_socket: unknown, bytes: Uint8Array) => inbox.put(bytes),
    drain: () => {
      drained?.();
      drained = null;
    },
  };
  const unix = `/tmp/${place}.socket`;
  let socket: Bun.Socket | null = null;
  let connected: (() => void) | null = null;
  const open = (opened: Bun.Socket) => {
    socket = opened;
    connected?.();
  };
  const server = asks ? Bun.listen({ unix, socket: { ...handlers, open } }) : null;
  if (!asks) await Bun.connect({ unix, socket: { ...handlers, open } });
  const writeRest = async (bytes: Uint8Array, begin: number) => {
    for (let start = begin; start < bytes.length; ) {
      await new Promise<void>((resolve) => (drained = resolve));
      start += socket!.write(bytes.subarray(start));
    }
  };
  const send = (bytes: Uint8Array): void | Promise<void> => {
    if (socket === null) return new Promise<void>((resolve) => (connected = resolve)).then(() => send(bytes));
    const start = socket.write(bytes);
    if (start < bytes.length) return writeRest(bytes, start);
  };
  return eventEnd(inbox, send, () => {
    socket?.end();
    server?.stop(true);
    if (asks) rmSync(unix, { force: true });
  });
};

const PEERS: Record<string, { open: Open; streams: boolean }> = {
  circlet: { open: circlet(Infinity), streams: true },
  "a ring in TypeScript over Bun.mmap": { open: mapped, streams: true },
  "Bun.spawn's IPC": { open: ipc, streams: true },
  "Unix socket by Bun.connect": { open: unixSocket, streams: true },
  "circlet, sleeping": { open: circlet(0), streams: false },
};

/** The other process, and its lines. */
class Child {
  readonly process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  onMessage: ((message: unknown) => void) | null = null;
  #lines: AsyncIterator<string>;

  constructor(peer: string, place: string, row: string) {
    this.process = Bun.spawn([process.execPath, import.meta.path], {
      env: { ...process.env, [SIDE]: JSON.stringify({ peer, place, row }) },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (message) => this.onMessage?.(message),
    });
    this.#lines = linesOf(this.process.stdout);
  }

  go(count: number): void {
    this.process.stdin.write(`${count}\n`);
    this.process.stdin.flush();
  }

  async line(): Promise<string> {
    const patience = Promise.withResolvers<never>();
    const timer = setTimeout(() => patience.reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    try {
      const { value, done } = await Promise.race([this.#lines.next(), patience.promise]);
      if (done) throw new Error("the other side ended by itself");
      return value;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

/** Keeps the calling thread on a core. */
function pin(core: number): void {
  const libc = dlopen("libc.so.6", {
    sched_setaffinity: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  });
  const set = new Uint8Array(128);
  set[core >> 3] = 1 << (core & 7);
  if (libc.symbols.sched_setaffinity(0, set.length, set) !== 0) throw new Error(`core ${core} cannot be had`);
}

async function serve(task: string): Promise<void> {
  pin(1);
  const { peer, place, row } = JSON.parse(task);
  const end = await PEERS[peer]!.open(place, false, null);
  console.log("ready");
  for await (const line of linesOf(Bun.stdin.stream())) {
    const count = Number(line);
    console.log("go");
    if (row === "round-trip") {
      await end.echo(count + WARM_UP);
      console.log("done");
    } else {
      console.log(String(await end.consume(count, row === "batches")));
    }
  }
  end.close();
  process.exit(0);
}

/** Frames in a second and 0, or the two percentiles of a round trip in nanoseconds. */
type Figures = [number, number];

async function once(peer: string, row: string, counts: Map<string, number>, seconds: number): Promise<Figures> {
  const place = `circlet-peers-${process.pid}-${Math.trunc(performance.now() * 1000)}`;
  // The IPC needs the child to exist; what others share must be there before the child looks for it.
  const isIpc = PEERS[peer]!.open === ipc;
  let end = isIpc ? null : await PEERS[peer]!.open(place, true, null);
  const child = new Child(peer, place, row);
  end ??= await PEERS[peer]!.open(place, true, child);
  try {
    await child.line();
    if (row === "round-trip") {
      if (!counts.has(peer)) {
        const [p50] = await roundTrips(end, child, 500);
        counts.set(peer, Math.max(500, Math.min(200_000, Math.trunc((seconds * 1e9) / p50))));
      }
      return await roundTrips(end, child, counts.get(peer)!);
    }
    if (!counts.has(peer)) {
      let count = 1024;
      let tookMs = await stream(end, child, count, row);
      while (tookMs < 100) {
        count *= 4;
        tookMs = await stream(end, child, count, row);
      }
      counts.set(peer, Math.ceil((count * seconds * 1000) / tookMs));
    } else {
      await stream(end, child, Math.ceil(counts.get(peer)! / 5), row);
    }
    const count = counts.get(peer)!;
    return [(count / (await stream(end, child, count, row))) * 1000, 0];
  } finally {
    child.process.stdin.end();
    end.close();
    const stuck = setTimeout(() => child.process.kill("SIGKILL"), 1000);
    await child.process.exited;
    clearTimeout(stuck);
  }
}

/** Returns the milliseconds until the other side had read all. */
async function stream(end: End, child: Child, count: number, row: string): Promise<number> {
  child.go(count);
  await child.line();
  const begin = performance.now();
  await end.produce(count, row === "batches");
  const result = Number(await child.line());
  const took = performance.now() - begin;
  if (result !== ((count * (count - 1)) / 2) * WORDS) throw new Error("the sum of what was read is wrong");
  return took;
}

async function roundTrips(end: End, child: Child, count: number): Promise<Figures> {
  child.go(count);
  await child.line();
  const times = new Float64Array(count);
  for (let number = 0; number < count + WARM_UP; number++) {
    const begin = Bun.nanoseconds();
    const asked = end.ask(number);
    // Awaiting what is there already would cost a turn of the queue.
    const answer = typeof asked === "number" ? asked : await asked;
    if (number >= WARM_UP) times[number - WARM_UP] = Bun.nanoseconds() - begin;
    if (answer !== number) throw new Error(`${answer} came back for ${number}`);
  }
  await child.line();
  times.sort();
  return [times[count >> 1]!, times[Math.trunc(count * 0.99)]!];
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Shows about three digits. */
function significant(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

function show(row: string, figures: Map<string, Figures[]>, notes: string[]): void {
  const streams = row !== "round-trip";
  const unit = streams ? 1e6 : 1e3;
  const lines = [["", ...(streams ? ["M frames/s", "GB/s", "range, M frames/s"] : ["p50, us", "p99, us", "range of p50"]), "times circlet's"]];
  const reference = figures.get("circlet")?.length ? median(figures.get("circlet")!.map((run) => run[0])) : NaN;
  for (const [name, runs] of figures) {
    if (runs.length === 0) {
      lines.push([name, "-", "-", "-", "-"]);
      continue;
    }
    const mains = runs.map((run) => run[0]);
    const main = median(mains);
    const other = streams ? (main * FRAME_BYTES) / 1e9 : median(runs.map((run) => run[1])) / unit;
    const range = `${significant(Math.min(...mains) / unit)} to ${significant(Math.max(...mains) / unit)}`;
    lines.push([name, significant(main / unit), significant(other), range, significant(main / reference)]);
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const runs = Math.max(...[...figures.values()].map((all) => all.length));
  console.log(`\nBun: ${ROWS[row]}: medians of ${runs} runs\n`);
  lines.forEach((line, index) => {
    const cells = line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)));
    console.log(`| ${cells.join(" | ")} |`);
    if (index === 0) console.log(`|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  });
  for (const note of notes) console.log(`\n${note}`);
}

const ROWS: Record<string, string> = {
  "64": "64 B, one at a time",
  batches: `64 B, ${BATCH} at a time`,
  "round-trip": "round trip of 8 bytes",
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string", default: Object.keys(ROWS).join(",") },
      runs: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
    },
  });
  pin(0);
  const runs = Number(values.runs);
  for (const row of values.rows.split(",")) {
    if (!(row in ROWS)) throw new Error(`there is no row ${row}: give some of ${Object.keys(ROWS)}`);
    const peers = Object.keys(PEERS).filter((name) => row === "round-trip" || PEERS[name]!.streams);
    const figures = new Map<string, Figures[]>(peers.map((name) => [name, []]));
    const failed = new Map<string, string>();
    const counts = new Map<string, number>();
    for (let run = 1; run <= runs; run++) {
      for (const name of peers.filter((name) => !failed.has(name))) {
        console.error(`${row}, run ${run} of ${runs}: ${name}`);
        try {
          figures.get(name)!.push(await once(name, row, counts, Number(values.seconds)));
        } catch (error) {
          failed.set(name, `${name}: run ${run}: ${error}`);
        }
      }
    }
    show(row, figures, [...failed.values()]);
  }
}

const task = process.env[SIDE];
await (task === undefined ? main() : serve(task));
