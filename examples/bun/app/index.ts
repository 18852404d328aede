/**
 * A program that runs Python for whoever opens its page: each tab has a session of its own, sees what its code prints while it
 * runs, answers what it asks for, and stops it.
 *
 *     bun examples/bun/app/index.ts            # then http://localhost:3000
 *     bun --hot examples/bun/app/index.ts      # and see changes to it at once
 *     PORT=8080 PYTHON=/usr/bin/python3 bun examples/bun/app/index.ts
 *
 * It listens on loopback alone: whoever reaches the port runs code with the rights of this program.
 */

import { CircletError, SessionPool, type Executor, type Stream } from "circlet";
import page from "./index.html";
import type { FromPage, ToPage } from "./messages.ts";

/** So much that a tab has not taken yet is not followed by more: its code waits, and nothing piles up here. */
const BEHIND_MAX = 1 << 20;

/** For how long what is printed is joined. */
const MOMENT_MS = 16;

/** What belongs to one tab. */
interface Tab {
  python: Executor;
  /** The run that is under way. */
  stream: Stream | null;
  /** Takes the answer to a question of its code. */
  answer: ((line: string | null) => void) | null;
  /** Goes on once the tab has taken what was sent. */
  drained: (() => void) | null;
}

const sessions = new SessionPool({ ready: 2, ...(process.env.PYTHON && { python: process.env.PYTHON }) });

type Socket = Bun.ServerWebSocket<Tab>;

function tell(socket: Socket, message: ToPage): void {
  socket.send(JSON.stringify(message));
}

/** Joins what is printed within a moment: a page has no use for more messages than pictures. */
class Printer {
  #stream: "stdout" | "stderr" = "stdout";
  #text = "";
  #timer: Timer | undefined;

  constructor(readonly socket: Socket) {}

  print(stream: "stdout" | "stderr", text: string): void {
    if (stream !== this.#stream) this.flush();
    this.#stream = stream;
    this.#text += text;
    this.#timer ??= setTimeout(() => this.flush(), MOMENT_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text !== "") tell(this.socket, { kind: this.#stream, text: this.#text });
    this.#text = "";
  }
}

/** Runs code and tells the page what comes of it, as it comes. */
async function run(socket: Socket, code: string): Promise<void> {
  const tab = socket.data;
  const printer = new Printer(socket);
  const ask = (question: { prompt: string; isSecret: boolean }) => {
    printer.flush();
    tell(socket, { kind: "question", ...question });
    return new Promise<string | null>((resolve) => (tab.answer = resolve));
  };
  const stream = tab.python.stream(code, { ask });
  tab.stream = stream;
  tell(socket, { kind: "begins", process: tab.python.processId });
  try {
    for await (const chunk of stream) {
      if (chunk.stream === "stdout" || chunk.stream === "stderr") {
        printer.print(chunk.stream, chunk.text);
      } else if (chunk.stream === "display") {
        printer.flush();
        tell(socket, { kind: "shown", data: chunk.data });
      }
      if (socket.getBufferedAmount() > BEHIND_MAX) await new Promise<void>((resolve) => (tab.drained = resolve));
    }
    printer.flush();
    const { value, repr, data, error, stopped, elapsed_ms } = await stream.outcome;
    tell(socket, { kind: "outcome", value, repr, data, error, stopped, elapsed_ms });
  } catch (error) {
    if (!(error instanceof CircletError)) throw error;
    printer.flush();
    // The session has ended: the next run has another one.
    tell(socket, { kind: "ended", reason: error.message });
  } finally {
    tab.stream = tab.answer = null;
  }
}

function take(socket: Socket, message: FromPage): void {
  const tab = socket.data;
  switch (message.kind) {
    case "run":
      if (typeof message.code !== "string") throw new TypeError("there is no code to be run");
      if (tab.stream === null) void run(socket, message.code);
      break;
    case "interrupt":
      tab.python.interrupt();
      break;
    case "answer":
      tab.answer?.(message.line);
      break;
    case "restart":
      tab.python.restart();
      tell(socket, { kind: "ready", process: tab.python.processId });
  }
}

const server = Bun.serve<Tab>({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 3000),
  routes: {
    "/": page,
    "/session": (request: Request, server: Bun.Server<Tab>) => {
      // A page of another site could open a socket as well, and run code here.
      const [origin, host] = [request.headers.get("origin"), request.headers.get("host")];
      if (origin !== `http://${host}`) return new Response(`pages of ${origin} run nothing here`, { status: 403 });
      const tab: Tab = { python: sessions.open(), stream: null, answer: null, drained: null };
      if (server.upgrade(request, { data: tab })) return undefined;
      tab.python.close();
      return new Response("this is for the page's web socket", { status: 426 });
    },
  },
  websocket: {
    open: (socket) => tell(socket, { kind: "ready", process: socket.data.python.processId }),
    message: (socket, text) => {
      try {
        take(socket, JSON.parse(String(text)) as FromPage);
      } catch (error) {
        // No page of ours has sent that, and its tab alone is to suffer for it.
        console.error("[Bun] a message that is none:", error instanceof Error ? error.message : error);
        socket.close(1008, "not a message of this page's");
      }
    },
    drain: (socket) => socket.data.drained?.(),
    close: (socket) => {
      socket.data.python.close();
      socket.data.drained?.();
    },
  },
});
console.log(`[Bun] ${server.url} runs Python; Ctrl-C ends it`);
