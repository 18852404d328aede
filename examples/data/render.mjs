#!/usr/bin/env node
// Renders a Mermaid source to a standalone SVG file, in the installed Chromium and without a network.

import { access, constants, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: node render.mjs [INPUT.mmd] [OUTPUT.svg]

Renders INPUT (default: flowchart.mmd beside this script) to OUTPUT (default: flowchart.svg beside it).
Run "npm ci" first.

  -h, --help   show this text

environment:
  CHROMIUM     the browser's program (default: /usr/bin/chromium)`;

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

// The same source must give the same bytes. So ids are fixed, and so is the seed: some shapes, such as the stadium, draw
// their outlines with random control points in every look, not only in the hand-drawn one.
const MERMAID_CONFIG = {
  startOnLoad: false,
  securityLevel: "strict",
  deterministicIds: true,
  deterministicIDSeed: "circlet",
  handDrawnSeed: 1,
  fontFamily: "DejaVu Sans, sans-serif",
};
const DIAGRAM_ID = "circlet-flowchart";

// Chromium's sandbox refuses to start as root, as in most containers. The page loads nothing but the Mermaid of this
// folder, so render only sources that you trust. Playwright itself turns off background traffic and updates.
const CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu"];

async function findChromium() {
  const path = process.env.CHROMIUM || "/usr/bin/chromium";
  await access(path, constants.X_OK).catch(() => {
    throw new Error(`no Chromium to run at ${path}: install the package "chromium", or set CHROMIUM to its path`);
  });
  return path;
}

async function render(source) {
  const executablePath = await findChromium();
  const { chromium } = await import("playwright-core");
  const mermaid = createRequire(import.meta.url).resolve("mermaid/dist/mermaid.min.js");
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS });
  try {
    const context = await browser.newContext({ offline: true });
    const page = await context.newPage();
    // The file must not depend on anything from outside, so every request is refused.
    await page.route("**/*", (route) => route.abort());
    await page.setContent("<!doctype html><body></body>");
    await page.addScriptTag({ path: mermaid });
    return await page.evaluate(async ({ source, id, config }) => {
      mermaid.initialize(config);
      const { svg } = await mermaid.render(id, source);
      // Mermaid returns HTML text, with tags that XML would not accept. Serialized from the DOM, it is well formed.
      const host = document.createElement("div");
      host.innerHTML = svg;
      return new XMLSerializer().serializeToString(host.querySelector("svg"));
    }, { source, id: DIAGRAM_ID, config: MERMAID_CONFIG });
  } finally {
    await browser.close();
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help) return console.log(USAGE);
  if (positionals.length > 2) throw new Error(`at most two arguments, got ${positionals.length}\n\n${USAGE}`);
  const [input = beside("flowchart.mmd"), output = beside("flowchart.svg")] = positionals;
  await writeFile(output, `${await render(await readFile(input, "utf8"))}\n`);
  console.log(`wrote ${output}`);
}

main().catch((error) => {
  console.error(`render: ${error.message}`);
  process.exitCode = 1;
});
