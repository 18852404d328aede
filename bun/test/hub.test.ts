/** Hubs, as the client of Socket.IO sees them. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io, type Socket } from "socket.io-client";
import {
  BusyError,
  ClosedError,
  FullError,
  Hub,
  type HubColumn,
  type HubOptions,
  InvalidError,
  SessionTracker,
  SharedRingBuffer,
} from "../src/index.ts";
import { hubOptions } from "../src/hub_options.ts";
import { check, symbols } from "../src/native.ts";
import { errorOf, newName, STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const sockets: Socket[] = [];
afterEach(() => sockets.splice(0).forEach((socket) => socket.close()));

/** A viewer, and what it was told. */
class Viewer {
  readonly told: [event: string, ...args: any[]][] = [];
  readonly socket: Socket;
  /** The code that its websocket was closed with. */
  readonly closed = Promise.withResolvers<number | undefined>();

  private constructor(url: string, transports: string[], auth: object) {
    this.socket = io(url, { transports, auth, reconnection: false, forceNew: true });
    sockets.push(this.socket);
    this.socket.onAny((event: string, ...args: unknown[]) => this.told.push([event, ...args]));
    this.socket.on("disconnect", (_reason, details) => {
      const event = (details as { context?: { code?: number } } | undefined)?.context;
      this.closed.resolve(event?.code);
    });
  }

  static async connect(hub: Hub, transports = ["websocket"], auth = {}): Promise<Viewer> {
    const viewer = new Viewer(hub.url, transports, auth);
    await new Promise<void>((connected, refused) => {
      viewer.socket.on("connect", connected);
      viewer.socket.on("connect_error", refused);
    });
    return viewer;
  }

  /** Joins a room, and returns its state. */
  async join(room: string): Promise<any> {
    const answer = await this.socket.emitWithAck("join-game", room);
    expect(answer).toMatchObject({ ok: true, room });
    return (await this.next("gameState"))[1];
  }

  /** Waits for an event, and returns it; those before it are gone. */
  async next(event: string): Promise<[string, ...any[]]> {
    for (;;) {
      const at = this.told.findIndex(([name]) => name === event);
      if (at >= 0) return this.told.splice(0, at + 1)[at]!;
      await Bun.sleep(1);
    }
  }
}

async function until(holds: () => unknown): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}

describe("what viewers get", () => {
  test.each([["websocket"], ["polling"]])("the_state_what_changes_and_what_happens_over_%s", async (transport) => {
    using hub = new Hub({ port: 0 });
    hub.set("game", "player", { x: 1, y: [2.5, null, "ä"] });
    const viewer = await Viewer.connect(hub, [transport]);
    expect(await viewer.join("game")).toEqual({ player: { x: 1, y: [2.5, null, "ä"] } });
    if (transport === "polling") {
      hub.set("game", "score", 7);
      // It may be told the whole state, as it polls.
      await until(() => viewer.told.some(([, state]) => state.score === 7));
      return;
    }
    hub.update("game", { score: 7, level: "a" }, ["player"]);
    const [, changed, about] = await viewer.next("game-state-update");
    expect([changed, about.removed]).toEqual([{ score: 7, level: "a" }, ["player"]]);
    expect(hub.emit("game", "agent-action", { action: "edit" })).toBe(1);
    expect(hub.emit("game", "agent-action", { action: "run" })).toBe(2);
    expect(await viewer.next("agent-action")).toEqual(["agent-action", { action: "edit" }, { room: "game", n: 1 }]);
    expect(await viewer.next("agent-action")).toEqual(["agent-action", { action: "run" }, { room: "game", n: 2 }]);
    expect([hub.remove("game", "level"), hub.remove("game", "level")]).toEqual([true, false]);
    expect((await viewer.next("game-state-update"))[2].removed).toEqual(["level"]);
  });

  test("columns_as_the_bytes_of_their_numbers", async () => {
    using hub = new Hub({ port: 0 });
    const columns = {
      f32: Float32Array.of(1, -2),
      f64: Float64Array.of(0.1),
      i32: Int32Array.of(-1, 7),
      u8: Uint8Array.of(0, 255),
    };
    const part = new Float64Array([0, 1, 2, 3]).subarray(1, 3);
    hub.setColumns("curves", "path", { ...columns, part, none: new Float32Array(0), [""]: Buffer.from("hi") });
    hub.setColumns("curves", "empty", {});
    const expected = { ...columns };
    columns.f32[0] = 9;
    const { path, empty } = await (await Viewer.connect(hub)).join("curves");
    expect(empty).toEqual({});
    const floats = (bytes: Uint8Array) => bytes.slice().buffer;
    expect([...new Float32Array(floats(path.f32.f32))]).toEqual([1, -2]);
    expect([...new Float64Array(floats(path.f64.f64))]).toEqual([...expected.f64]);
    expect([...new Int32Array(floats(path.i32.i32))]).toEqual([...expected.i32]);
    expect([...new Uint8Array(floats(path.u8.u8))]).toEqual([...expected.u8]);
    expect([...new Float64Array(floats(path.part.f64))]).toEqual([1, 2]);
    expect(path.none.f32.length).toBe(0);
    expect(Buffer.from(path[""].u8).toString()).toBe("hi");
  });

  test("rings_and_sessions", async () => {
    using hub = new Hub({ port: 0 });
    const [name, page] = [newName(), newName()];
    using ring = SharedRingBuffer.create(name);
    using tracker = SessionTracker.start({ project: false, page, intervalMs: 10 });
    tracker.patch({ goal: "draw a curve" });
    hub.followRing(name);
    hub.followSession(page, "app");
    ring.send(JSON.stringify({ x: 1 }));
    const viewer = await Viewer.connect(hub);
    const all: Record<string, any> = {};
    viewer.socket.onAny((event, state, about) => {
      if (event === "gameState" || event === "game-state-update") Object.assign((all[about.room] ??= {}), state);
    });
    viewer.socket.emit("join-game", `ring:${name}`);
    viewer.socket.emit("join-game", "app");
    await until(() => all[`ring:${name}`]?.x === 1 && all["app"]?.goal === "draw a curve");
  });

  test("the_code_1013_when_it_stops", async () => {
    const hub = new Hub({ port: 0 });
    const viewer = await Viewer.connect(hub);
    await viewer.join("game");
    hub.set("game", "last", 1);
    hub.stop(5000);
    expect(await viewer.closed.promise).toBe(1013);
    expect(viewer.told).toMatchObject([["game-state-update", { last: 1 }, {}]]);
  });
});

describe("what is refused", () => {
  test.each<[HubOptions, string]>([
    [{ hz: 61 }, "`hz` is 61; allowed is 1 to 60"],
    [{ hz: "often" as never }, "hz: invalid type"],
    [{ threads: 0 }, "allowed is 1 to 64"],
    [{ port: 65536 }, "give an integer from 0 to 65535"],
    [{ addr: "nowhere" }, "invalid socket address"],
    [{ addr: "127.0.0.1:0", port: 0 }, "both given"],
    [{ idleRoomMs: -1 }, "give milliseconds"],
    [{ pingIntervalMs: 1 }, "10 ms to a day"],
    [{ origins: "https://a" as never }, "origins: invalid type"],
    [{ allow: ["10.0.0.0/33"] }, "10.0.0.0/8"],
    [{ emitToken: "" }, "a secret, or none at all"],
    [{ viewerLimits: { rooms: 0 } }, "1 or more of each"],
    [{ log: 0 }, "`log` is 0; allowed is 1 or more"],
    [{ maxConnectionsPerAddress: 0 }, "allowed is 1 or more"],
    [{ viewerLimits: { room: 1 } as never }, "give messagesPerS, bytesPerS, rooms, messageBytes"],
    [{ colour: 1 } as never, '"colour" is no option here: give addr, port, hz'],
  ])("the_option_%p", (options, says) => {
    const error = errorOf(() => new Hub(options));
    expect(error).toBeInstanceOf(InvalidError);
    expect(error.message).toContain(says);
  });

  test("options_are_those_of_the_library", () => {
    const unknown = new TextEncoder().encode('{"colour": 1}\0');
    const theirs = errorOf(() => check(symbols.circlet_hub_start(unknown, new BigUint64Array(1)))).message;
    const [, listed] = theirs.match(/expected one of (.*) at line/)!;
    const names = listed!.replaceAll("`", "").split(", ").map((name) => name.replaceAll(/_(.)/g, (_, c: string) => c.toUpperCase()));
    const ours = errorOf(() => hubOptions({ colour: 1 } as HubOptions)).message.split("give ")[1]!.split(", ");
    expect(new Set(ours)).toEqual(new Set([...names, "port"]));
  });

  test("what_is_beyond_its_options", () => {
    using hub = new Hub({
      addr: "127.0.0.1:0",
      stalledAfterMs: 500.5,
      maxRooms: 1,
      maxKeys: 1,
      websocketOnly: true,
      origins: ["https://a.example"],
      allow: ["127.0.0.0/8"],
      viewerLimits: { messagesPerS: 50, messageBytes: 100 },
      emitterLimits: {},
    });
    hub.set("game", "a", 1);
    expect(errorOf(() => hub.set("game", "b", 1))).toBeInstanceOf(FullError);
    expect(errorOf(() => hub.set("other", "b", 1)).message).toContain("there are 1 rooms");
  });

  test("a_viewer_without_the_token", async () => {
    using hub = new Hub({ port: 0, viewToken: "seen" });
    expect(await Viewer.connect(hub).catch(String)).toContain("Error");
    await (await Viewer.connect(hub, ["websocket"], { token: "seen" })).join("game");
  });

  test("a_port_that_is_taken", () => {
    using hub = new Hub({ port: 0 });
    expect(errorOf(() => new Hub({ addr: hub.addr }))).toBeInstanceOf(BusyError);
  });

  test("names_and_values_that_cannot_be", () => {
    using hub = new Hub({ port: 0 });
    for (const [room, key] of [["", "k"], ["r".repeat(201), "k"], ["r", ""], ["r", "k".repeat(201)]] as const) {
      expect(errorOf(() => hub.set(room, key, 1)).message).toContain("a name has 1 to 200");
    }
    expect(() => hub.set("r", "k", { deep: [NaN] })).toThrow("value.deep[0] is NaN");
    expect(errorOf(() => hub.set("r", "k", undefined)).message).toContain("JSON cannot hold");
    expect(errorOf(() => hub.update("r", [1] as never))).toBeInstanceOf(InvalidError);
    expect(errorOf(() => hub.update("r", {}, "key" as never)).message).toContain("in an array");
    expect(errorOf(() => hub.update("r", {}, [1] as never)).message).toContain("removed is not an array of keys");
    for (const numbers of [[1, 2], new Float16Array(1), new BigInt64Array(1), null, new ArrayBuffer(8)]) {
      const error = errorOf(() => hub.setColumns("r", "k", { x: numbers as unknown as HubColumn }));
      expect(error.message).toContain("give a Float32Array");
    }
    expect(hub.stats()["state_bytes"]).toBe(0);
  });

  test("whatever_it_is_once_it_is_stopped", () => {
    const hub = new Hub({ port: 0 });
    hub.stop();
    hub.stop();
    hub.close();
    const uses = [
      () => hub.set("r", "k", 1),
      () => hub.setColumns("r", "k", {}),
      () => hub.update("r", {}),
      () => hub.remove("r", "k"),
      () => hub.emit("r", "agent-action", 1),
      () => hub.followRing("r"),
      () => hub.followSession("p"),
      () => hub.stats(),
      () => hub.troubles(),
    ];
    for (const use of uses) expect(errorOf(use)).toBeInstanceOf(ClosedError);
    using again = new Hub({ addr: hub.addr });
    expect(again.url).toBe(hub.url);
  });
});

test("what_viewers_are_told_is_recorded", async () => {
  const path = join(tmpdir(), `${newName()}.jsonl`);
  const hub = new Hub({ port: 0, record: path });
  hub.set("game", "a", 1);
  expect([hub.emit("game", "agent-action", "edit"), hub.troubles()]).toEqual([1, []]);
  hub.stop();
  const [head, ...lines] = (await Bun.file(path).text()).trim().split("\n").map((line) => JSON.parse(line));
  unlinkSync(path);
  expect(head.recording).toBe(1);
  expect(Object.assign({}, ...lines.map((line) => line.set))).toEqual({ a: 1 });
  expect(errorOf(() => new Hub({ port: 0, record: "/nowhere/at/all" })).message).toContain("/nowhere/at/all");
  expect(errorOf(() => new Hub({ port: 0, redis: "nowhere" })).message).toContain("redis://127.0.0.1:6379/0");
  // One that does not answer is tried again.
  using waits = new Hub({ port: 0, redis: "redis://127.0.0.1:1" });
  expect(waits.troubles()[0]).toContain("127.0.0.1:1: ");
});

test("a_tracker_watches_it_until_it_is_stopped", async () => {
  using tracker = SessionTracker.start({ project: false });
  const hub = new Hub({ port: 0 });
  tracker.watch("live", hub);
  const viewer = await Viewer.connect(hub);
  await viewer.join("game");
  hub.set("game", "a", 1);
  await viewer.next("game-state-update");
  await until(() => hub.stats()["told"] === 1);
  expect(tracker.snapshot().hub).toEqual({ address: hub.addr, viewers: 1, rooms: 1, updates_sent: 1 });
  expect(tracker.patch({ hub: { viewers: 7 } })).toEqual(["hub.viewers"]);
  hub.stop();
  expect(tracker.snapshot().hub).toBeUndefined();
});

test("a_process_that_ends_with_an_open_hub_tells_its_viewers", async () => {
  const source = `import { Hub } from ${JSON.stringify(join(import.meta.dir, "../src/index.ts"))};
    const hub = new Hub({ port: 0 });
    hub.followRing(${JSON.stringify(newName())});
    console.log(hub.addr);
    for await (const _ of console) process.exit(0);`;
  const child = Bun.spawn([process.execPath, "-e", source], { stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const addr = new TextDecoder().decode(value).trim();
  const viewer = await Viewer.connect({ url: `http://${addr}` } as Hub);
  await viewer.join("game");
  child.stdin.write("go\n");
  child.stdin.end();
  expect(await viewer.closed.promise).toBe(1013);
  expect(await child.exited).toBe(0);
});
