// Bun's own publish and subscribe without Socket.IO: `join` is answered with `joined`, `start {...}` with `done` and the number of frames.
import { publishFrames } from "./frames.mjs";

const ROOM = "g";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    async message(socket, message) {
      if (message === "join") {
        socket.subscribe(ROOM);
        socket.send("joined");
      } else if (message.startsWith("start ")) {
        const order = JSON.parse(message.slice("start ".length));
        const publish = (frame) => server.publish(ROOM, JSON.stringify(["state", frame]));
        socket.send(`done ${await publishFrames(order, publish)}`);
      }
    },
  },
});
console.log(server.port);
