// What a Socket.IO server does here, whichever engine is under it.
import { publishFrames } from "./frames.mjs";

export function serveViewers(io) {
  io.on("connection", (socket) => {
    socket.on("join-game", (room, acknowledge) => {
      socket.join(room);
      acknowledge("joined");
    });
    socket.on("start", async (order, acknowledge) => {
      acknowledge(await publishFrames(order, (frame) => io.to(order.room).emit("state", frame)));
    });
  });
}
