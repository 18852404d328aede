/** The example application in a real browser: code runs, streams, asks, shows and stops. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { STARTING_MS } from "./support.ts";

setDefaultTimeout(STARTING_MS);

const program = join(import.meta.dir, "../../examples/bun/app/index.ts");
const executablePath = Bun.which("chromium") ?? Bun.which("chromium-browser") ?? Bun.which("google-chrome") ?? "chromium";

let server: Bun.Subprocess<"ignore", "pipe", "inherit">;
let browser: Browser;
let address: string;

beforeAll(async () => {
  server = Bun.spawn([process.execPath, program], { env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
  // It says where it is.
  for await (const line of server.stdout.pipeThrough(new TextDecoderStream())) {
    address = /http:\S+/.exec(line)![0];
    break;
  }
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
});

afterAll(async () => {
  await browser?.close();
  server.kill();
  await server.exited;
});

/** Opens a tab; what its console complains of fails the test. */
async function open(): Promise<Page & { complaints: string[] }> {
  const page = (await browser.newPage()) as Page & { complaints: string[] };
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(address);
  await page.locator("#state[data-is=ready]").waitFor();
  return page;
}

async function run(page: Page, code: string): Promise<void> {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Run" }).click();
}

test("what_is_printed_is_seen_while_the_code_runs_and_its_value_at_the_end", async () => {
  const page = await open();
  await run(page, "print('first', flush=True)\ninput('go on? ')\n6 * 7");
  await page.locator(".stdout", { hasText: "first" }).waitFor();
  expect(await page.locator("#state").textContent()).toStartWith("running");
  expect(await page.locator(".value").count()).toBe(0);
  await page.getByLabel("go on?").fill("yes");
  await page.getByLabel("go on?").press("Enter");
  await page.locator(".value", { hasText: "42" }).waitFor();
  expect(await page.locator(".stdout").allTextContents()).toEqual(["first\ngo on? yes\n"]);
  expect(page.complaints).toEqual([]);
  await page.close();
});

test("a_button_interrupts_what_runs_and_the_names_stay", async () => {
  const page = await open();
  await run(page, "count = 0\nprint('on its way', flush=True)\nwhile True: count += 1");
  await page.locator(".stdout", { hasText: "on its way" }).waitFor();
  await page.getByRole("button", { name: "Interrupt" }).click();
  await page.locator(".error", { hasText: "KeyboardInterrupt" }).waitFor();
  await page.locator(".note", { hasText: "interrupted" }).waitFor();
  await run(page, "count > 0");
  await page.locator(".value", { hasText: "true" }).waitFor();
  expect(page.complaints).toEqual([]);
  await page.close();
});

test("tabs_have_sessions_of_their_own_which_end_with_them", async () => {
  const [one, other] = [await open(), await open()];
  await run(one, "import os; x = os.getpid(); x");
  const id = Number(await one.locator(".value").textContent());
  await run(other, "x");
  await other.locator(".error", { hasText: "NameError" }).waitFor();
  await one.close();
  const isThere = () => Bun.file(`/proc/${id}/status`).exists();
  while (await isThere()) await Bun.sleep(5);
  await run(other, "1 + 1");
  await other.locator(".value", { hasText: "2" }).waitFor();
  await other.close();
});

test("a_session_that_dies_is_told_of_and_another_takes_its_place", async () => {
  const page = await open();
  await run(page, "import os; os.kill(os.getpid(), 9)");
  await page.locator(".error", { hasText: "killed by signal 9" }).waitFor();
  await run(page, "'back'");
  await page.locator(".value", { hasText: "back" }).waitFor();
  await page.getByRole("button", { name: "Restart" }).click();
  await page.locator("#state[data-is=ready]", { hasText: "process" }).waitFor();
  expect(page.complaints).toEqual([]);
  await page.close();
});

test("what_shows_itself_is_a_picture_or_html_that_reaches_nothing", async () => {
  const page = await open();
  await run(
    page,
    `class Red:
    def _repr_svg_(self): return '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
Red()`,
  );
  const image = page.locator(".picture");
  await image.waitFor();
  expect(await image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth)).toBe(9);
  await run(page, "class Page:\n    def _repr_html_(self): return '<b>bold</b><script>parent.hacked = 1</script>'\nPage()");
  await page.frameLocator("iframe.html").locator("b").waitFor();
  expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
  await page.close();
});

test("megabytes_of_output_reach_the_page_and_leave_it_usable", async () => {
  const page = await open();
  await run(page, "for number in range(300_000): print(number)\n'over'");
  await page.locator(".value", { hasText: "over" }).waitFor();
  expect(await page.locator(".stdout").textContent()).toEndWith("299999\n");
  expect(page.complaints).toEqual([]);
  await page.close();
});

test("a_message_that_is_none_costs_its_sender_the_connection_and_nobody_else", async () => {
  const page = await open();
  for (const message of ["not json", "null", '{"kind":"run"}']) {
    const socket = new WebSocket(`${address.replace("http", "ws")}session`, { headers: { origin: address.slice(0, -1) } } as never);
    const closed = new Promise<number>((tell) => socket.addEventListener("close", ({ code }) => tell(code)));
    socket.addEventListener("open", () => socket.send(message));
    expect(await closed).toBe(1008);
  }
  await run(page, "6 * 7");
  await page.locator(".value", { hasText: "42" }).waitFor();
  await page.close();
});

test("pages_of_other_sites_run_nothing", async () => {
  const response = await fetch(`${address}session`, { headers: { origin: "http://elsewhere.example" } });
  expect([response.status, await response.text()]).toEqual([403, "pages of http://elsewhere.example run nothing here"]);
});
