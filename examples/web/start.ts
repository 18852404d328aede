/** Starts all of it: the hub, the game engine and the page. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { demonstrate, ROOM } from "./engine/demo.ts";
import { Engine } from "./engine/engine.ts";
import { serve } from "./server.ts";

const HELP = `Show agents at work, live, as a game.

Usage: bun start [OPTIONS]

Options:
      --port <PORT>          Where the page is, on this machine [default: 3000]
      --hub-port <PORT>      Where the hub is that is started [default: 3010]
      --hub <ADDRESS>        Use a hub that runs already, such as http://127.0.0.1:3010; it has to be
                             started with the page's address as its --origin
      --circlet <PROGRAM>    The program that serves the hub [default: CIRCLET_PROGRAM, this
                             repository's target/release/circlet, or circlet of the PATH]
      --demo                 Have some agents act that do not exist
      --viewer-only          No engine: show what others publish
  -h, --help                 Print this

Hooks say the token of CIRCLET_EMIT_TOKEN, and so does the engine. Without one a token is made up
that no hook knows.
`;

function arguments_() {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: "3000" },
        "hub-port": { type: "string", default: "3010" },
        hub: { type: "string" },
        circlet: { type: "string" },
        demo: { type: "boolean", default: false },
        "viewer-only": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(why: string): never {
  console.error(`${why}; --help says what there is`);
  process.exit(2);
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`--${name} takes a port, not ${text}`);
  return port;
}

/** Starts the hub, and returns it with its address once it listens. */
async function startHub(program: string, port: number, origins: string[], token: string) {
  const words = ["serve", "--addr", `127.0.0.1:${port}`, ...origins.flatMap((origin) => ["--origin", origin])];
  if (!Bun.which(program)) fail(`there is no program ${program}`);
  const hub = Bun.spawn([program, ...words], { env: { ...process.env, CIRCLET_EMIT_TOKEN: token }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const text of hub.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    const address = /http:\S+(?=\s)/.exec(said)?.[0];
    if (address) return { hub, address };
  }
  fail(`the hub did not start (${await hub.exited})`);
}

const given = arguments_();
if (given.help) {
  console.log(HELP);
  process.exit(0);
}
const built = join(import.meta.dir, "../../target/release/circlet");
const program = given.circlet ?? process.env.CIRCLET_PROGRAM ?? (existsSync(built) ? built : Bun.which("circlet"));
const token = process.env.CIRCLET_EMIT_TOKEN || crypto.randomUUID();
// The hub is told of the page before it is there: its port is to be known by then.
const port = portOf("port", given.port) || freePort();
let address = given.hub;
let child: Bun.Subprocess | undefined;
if (address === undefined) {
  if (!program) fail("there is no program circlet: build it with `cargo build --release --features cli`, or name it with --circlet");
  const origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
  ({ hub: child, address } = await startHub(program, portOf("hub-port", given["hub-port"]), origins, token));
} else if (!URL.canParse(address)) fail(`--hub takes an address such as http://127.0.0.1:3010, not ${address}`);
const page = await serve({ port, hub: address }).catch((error: Error) => {
  child?.kill();
  fail(`the page is not served: ${error.message}`);
});
const engine = given["viewer-only"] ? undefined : new Engine({ hub: address, token });
const stop = engine && given.demo ? demonstrate(engine) : undefined;
console.log(`[page] http://127.0.0.1:${page.port}/${given.demo ? `#${ROOM}` : ""} shows the games of ${address}; Ctrl-C ends it`);
if (!process.env.CIRCLET_EMIT_TOKEN && !given.demo) console.log("[page] CIRCLET_EMIT_TOKEN is not set: no hook can tell of anything");

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

let isEnding = false;
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  stop?.();
  engine?.end();
  await page.stop(true);
  child?.kill("SIGTERM");
  await child?.exited;
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end(0));
void child?.exited.then((code) => {
  if (!isEnding) console.error(`[page] the hub has ended (${code})`);
  void end(1);
});
