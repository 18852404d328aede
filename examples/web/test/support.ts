/** What the tests need: the hub, the engine and the page as programs, the hook as an agent starts it, and a browser. */

import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";

export const TOKEN = "an emitter's token";
/** Starting a browser beside everything else takes a while on a machine that is busy. */
export const STARTING_MS = 60_000;
const SOON_MS = 20_000;
const folder = join(import.meta.dir, "..");
const program = process.env.CIRCLET_PROGRAM ?? Bun.which("circlet") ?? "circlet";
const executablePath = process.env.CIRCLET_CHROMIUM ?? Bun.which("chromium") ?? Bun.which("chromium-browser") ?? Bun.which("google-chrome") ?? "chromium";

/** Waits until something holds. */
export async function until<Found>(what: string, look: () => Found | Promise<Found>, within = SOON_MS): Promise<NonNullable<Found>> {
  const limit = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > limit) throw new Error(`not so within ${within} ms: ${what}`);
    await Bun.sleep(25);
  }
}

export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

type Child = Bun.Subprocess<"ignore", "pipe", "inherit">;

/** Starts a program, and waits for the address that it says. */
async function start(words: string[], env: Record<string, string> = {}): Promise<{ child: Child; address: string }> {
  const child = Bun.spawn(words, { cwd: folder, env: { ...process.env, CIRCLET_EMIT_TOKEN: TOKEN, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) return { child, address: /http:\/\/[^\s/]+/.exec(text)![0] };
  throw new Error(`${words.join(" ")} said nothing`);
}

/** A hub, and beside it the engine and the page's server, as they are started by hand. */
export class Office {
  readonly hubPort = freePort();
  readonly pagePort = freePort();
  readonly hub = `http://127.0.0.1:${this.hubPort}`;
  readonly page = `http://127.0.0.1:${this.pagePort}`;
  #hub: Child | undefined;
  #rest: Child | undefined;

  async openHub(): Promise<void> {
    ({ child: this.#hub } = await start([program, "serve", "--addr", `127.0.0.1:${this.hubPort}`, "--origin", this.page]));
  }

  async closeHub(): Promise<void> {
    this.#hub?.kill("SIGKILL");
    await this.#hub?.exited;
  }

  async open(): Promise<void> {
    await this.openHub();
    ({ child: this.#rest } = await start([process.execPath, "start.ts", "--hub", this.hub, "--port", String(this.pagePort)]));
  }

  async close(): Promise<void> {
    this.#rest?.kill();
    await this.#rest?.exited;
    await this.closeHub();
  }
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
  ms: number;
}

/** Starts the hook as an agent does; returns how it ended. */
export async function hook(input: unknown, env: Record<string, string | undefined>): Promise<Ended> {
  const begun = performance.now();
  const text = typeof input === "string" ? input : JSON.stringify(input);
  const child = Bun.spawn([join(folder, "hook")], { env: { PATH: process.env.PATH, ...env }, stdin: new Blob([text]), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, stdout, stderr, ms: performance.now() - begun };
}

/** What an agent in a project says to hooks. */
export const said = (hook_event_name: string, rest: object = {}, session_id = "0b6c3c1e-5a0f-4b52-9f3e-2f1f0c3f7a11") => ({
  session_id,
  transcript_path: `/home/somebody/.claude/projects/-home-somebody-atlas/${session_id}.jsonl`,
  cwd: "/home/somebody/atlas",
  permission_mode: "default",
  hook_event_name,
  ...rest,
});

/** A client of the hub that may emit. */
export async function client(hub: string): Promise<Socket> {
  const socket = io(hub, { transports: ["websocket"], auth: { token: TOKEN } });
  await new Promise((done) => socket.once("connect", () => done(null)));
  return socket;
}

/** Counts who is in a room, over and over. */
export async function viewers(socket: Socket): Promise<(room: string) => number> {
  let rooms: Record<string, { viewers: number }> = {};
  for (const event of ["gameState", "game-state-update"]) {
    socket.on(event, (state, about) => about.room === "hub" && state.rooms && (rooms = state.rooms));
  }
  socket.emit("join-game", "hub");
  return (room) => rooms[room]?.viewers ?? 0;
}

let started: Promise<Browser> | undefined;

/** Opens the page; what its console complains of is kept. */
export async function open(address: string, options: BrowserContextOptions = {}): Promise<Page & { complaints: string[] }> {
  started ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc"] });
  const context = await (await started).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = (await context.newPage()) as Page & { complaints: string[] };
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(address);
  return page;
}

export const closeBrowser = async (): Promise<void> => void (await (await started)?.close());

/** Says that a page was hidden or is shown, as a browser does; a page of this browser is never hidden by itself. */
export async function hide(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

interface Seen {
  stage: { renderer: string; objects: { figures: number; marks: number; all: number }; frames: number; where(id: number): { x: number; y: number } | null };
  agents(): { id: number; name: string; doing: string }[];
  room(): { state: Record<string, any> } | null;
}

/** Asks the page's own handle for something. */
export const ask = <Answer>(page: Page, look: (game: Seen) => Answer): Promise<Answer> =>
  page.evaluate(`(${look.toString()})(globalThis.game)`) as Promise<Answer>;
