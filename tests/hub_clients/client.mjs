/** Clients of Socket.IO as they are published, told what to do by lines of JSON, and telling what comes by such lines. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.CIRCLET_NPM, "package.json"));
const { io } = require("socket.io-client");
const msgpack = require("socket.io-msgpack-parser");

const VIEWS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array };
const clients = new Map();

/** Bytes as the numbers that they are, by the name of their kind. */
function readable(value) {
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (!(member instanceof ArrayBuffer) && !ArrayBuffer.isView(member)) return [name, readable(member)];
      const bytes = ArrayBuffer.isView(member) ? new Uint8Array(member.buffer, member.byteOffset, member.byteLength).slice().buffer : member;
      return [name, Array.from(new VIEWS[name](bytes))];
    }),
  );
}

/** What has `$bytes` as those bytes, and `$undefined` as that. */
function written(value) {
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== "object") return value;
  if (value.$undefined) return undefined;
  for (const [kind, numbers] of Object.entries(value.$bytes ?? {})) return new VIEWS[kind](numbers).buffer;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]));
}

const say = (id, kind, what) => process.stdout.write(`${JSON.stringify({ id, kind, what: readable(what) })}\n`);

function connect({ id, url, path, transports, auth: given, wait_ms }) {
  // As most have it: none at all.
  const auth = Object.keys(given).length > 0 ? given : undefined;
  const parser = path === "/socket.io-msgpack/" ? msgpack : undefined;
  const delays = { reconnectionDelay: wait_ms, reconnectionDelayMax: wait_ms, randomizationFactor: 0 };
  const socket = io(url, { path, transports, auth, parser, forceNew: true, ...delays });
  clients.set(id, socket);
  socket.on("connect", () => say(id, "connected", null));
  socket.on("disconnect", () => say(id, "disconnected", null));
  socket.on("connect_error", (error) => socket.active || say(id, "refused", error.message));
  socket.onAny((event, ...args) => say(id, event, args));
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  const socket = clients.get(told.id);
  if (told.do === "connect") connect(told);
  else if (told.do === "emit") socket.emit(told.event, ...told.args.map(written));
  else if (told.do === "ask") socket.emit(told.event, ...told.args.map(written), (answer) => say(told.id, "answer", answer));
  else if (told.do === "transport") say(told.id, "transport", socket.io.engine.transport.name);
  else socket.disconnect();
}
process.exit(0);
