// socket.io on Node, as its documentation has it.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { serveViewers } from "./viewers.mjs";

const http = createServer();
serveViewers(new Server(http));
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
