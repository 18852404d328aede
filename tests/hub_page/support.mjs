/** What the tests of the hub's page need: hubs and sessions as programs, a browser, and pages that complain of nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const PROGRAM = process.env.CIRCLET_PROGRAM;
export const SCRATCH = process.env.CIRCLET_SCRATCH;
export const TOKEN = "an emitter's token";
const SOON_MS = 20_000;

const { chromium } = createRequire(join(process.env.CIRCLET_NPM, "package.json"))("playwright-core");
const ending = [];

/** Waits until something holds, and fails with what was found last. */
export async function until(what, look, within = SOON_MS) {
  const limit = Date.now() + within;
  let found;
  for (;;) {
    found = await look();
    if (found) return found;
    if (Date.now() > limit) assert.fail(`not so within ${within} ms: ${typeof what === "function" ? what() : what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts `circlet serve`, by a shell if one is given; returns its address, and what kills it and what stops it in order. */
export async function hub(args = [], { port = 0, env = {}, command = "serve", shell } = {}) {
  const line = [PROGRAM, command, "--addr", `127.0.0.1:${port}`, ...args];
  const [program, ...rest] = shell ? ["sh", ...shell, ...line] : line;
  const child = spawn(program, rest, {
    env: { ...process.env, CIRCLET_EMIT_TOKEN: TOKEN, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = new Promise((done) => child.once("exit", done));
  const end = async (signal) => {
    child.kill(signal);
    await gone;
  };
  const [kill, stop] = [() => end("SIGKILL"), () => end("SIGTERM")];
  ending.push(kill);
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise((done, failed) => {
    lines.once("line", (line) => done(/http:\S+/.exec(line)[0]));
    child.once("exit", (code) => failed(new Error(`the hub ended with ${code}`)));
  });
  return { address, kill, stop };
}

/** Starts a tracker with a page; returns what asks it something. */
export async function tracker(page) {
  const child = spawn(PROGRAM, ["session", "track", "--page", page, "--pid", String(process.pid), "--interval", "100", "--session", "sess-page"], {
    cwd: process.env.CIRCLET_ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise((done) => child.once("exit", done));
  // It removes its page as it ends with its input. One that was killed has left it.
  ending.push(async () => {
    child.stdin.end();
    await gone;
    rmSync(join("/dev/shm", page), { force: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = JSON.parse((await lines.next()).value);
    assert.equal(answer.error, undefined);
    return answer;
  };
  return { ask, kill: () => child.kill("SIGKILL") };
}

/** Emits something to a hub's room. */
export async function emit(address, event, room, rest) {
  const answer = await fetch(`${address}/emit`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ event, room, ...rest }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

export const set = (address, room, values) => emit(address, "game-state-update", room, { set: values });

let started;

export async function browser() {
  started ??= chromium.launch({
    executablePath: process.env.CIRCLET_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc"],
  });
  return started;
}

/** Opens a page of a hub; what it complains of, and what it asks of others, is kept in `complaints`. */
export async function open(address, hash = "", options = {}) {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  const complain = (what) => page.complaints.push(what);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
  page.on("pageerror", (error) => complain(String(error)));
  page.on("request", (request) => new URL(request.url()).host === new URL(address).host || complain(`asked ${request.url()}`));
  page.on("websocket", (socket) => new URL(socket.url()).host === new URL(address).host || complain(`asked ${socket.url()}`));
  page.on("response", (response) => response.status() >= 400 && complain(`${response.status()} of ${response.url()}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(`${address}/${hash}`);
  return page;
}

/** Waits until the panel says something. */
export async function says(page, ...texts) {
  for (const text of texts) {
    let shown;
    await until(
      () => `${text} in:\n${shown}\nand it complains: ${page.complaints}`,
      async () => {
        shown = await page.innerText("#panel");
        return text instanceof RegExp ? text.test(shown) : shown.includes(text);
      },
    );
  }
}

export const linkIs = (page, state) => page.locator(`#link[data-is=${state}]`).waitFor({ timeout: SOON_MS });

/** Says that a page was hidden or is shown, as a browser does; a page of this test's browser is never hidden by itself. */
export async function hide(page, isHidden) {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, value: isHidden ? "hidden" : "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Texts whose contrast is less than WCAG asks for at level AA, with what it is. */
export const faint = (page) =>
  page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (colours) => {
      context.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
      }
      return context.getImageData(0, 0, 1, 1).data;
    };
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const says = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (!says || element.getClientRects().length === 0) continue;
      const style = getComputedStyle(element);
      const grounds = [];
      for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
      const [a, b] = [light(over(grounds)), light(over([...grounds, style.color]))].sort((x, y) => y - x);
      const contrast = (a + 0.05) / (b + 0.05);
      const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
      if (contrast < (isLarge ? 3 : 4.5)) found.push(`${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}: ${contrast.toFixed(2)}`);
    }
    return found;
  });

export async function end() {
  await (await started)?.close();
  for (const stop of ending) await stop();
}
