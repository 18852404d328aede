// socket.io on Bun with its own engine, as that engine's documentation has it.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { serveViewers } from "./viewers.mjs";

const engine = new Engine({ path: "/socket.io/" });
const io = new Server();
io.bind(engine);
serveViewers(io);
console.log(Bun.serve({ ...engine.handler(), hostname: "127.0.0.1", port: 0 }).port);
