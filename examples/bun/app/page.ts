/** The page: a cell for each run, below them what is to be run next. */

import type { FromPage, Shown, ToPage } from "./messages.ts";

/** Characters of a stream that a cell keeps: what came before them is cut. */
const KEPT = 200_000;

function find<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const [state, cells, editor] = [find("state"), find("cells"), find<HTMLFormElement>("editor")];
const code = find<HTMLTextAreaElement>("code");
const buttons = ["run", "interrupt", "restart"].map((id) => find<HTMLButtonElement>(id));
const [runs, interrupts, restarts] = buttons as [HTMLButtonElement, HTMLButtonElement, HTMLButtonElement];

let socket: WebSocket;
/** The cell of the run that is under way. */
let cell: HTMLElement | null = null;

function say(is: "ready" | "running" | "away", words: string): void {
  state.textContent = words;
  state.dataset.is = is;
  runs.disabled = is !== "ready";
  interrupts.disabled = is !== "running";
  restarts.disabled = is === "away";
}

function send(message: FromPage): void {
  socket.send(JSON.stringify(message));
}

/** Adds an element to the cell, and shows it. */
function add<Kind extends HTMLElement>(element: Kind, name: string, text = ""): Kind {
  const isAtEnd = cells.scrollHeight - cells.scrollTop - cells.clientHeight < 40;
  element.className = name;
  if (text !== "") element.textContent = text;
  (cell ?? cells).append(element);
  if (isAtEnd) cells.scrollTop = cells.scrollHeight;
  return element;
}

const pre = () => document.createElement("pre");

/** Adds what was printed to what was printed before. */
function print(stream: "stdout" | "stderr", text: string): void {
  const last = cell?.lastElementChild;
  const element = last?.className === stream ? last : add(pre(), stream);
  element.append(text);
  const whole = element.textContent ?? "";
  if (whole.length > 2 * KEPT) element.textContent = `[the first part is cut]\n${whole.slice(-KEPT)}`;
  cells.scrollTop = cells.scrollHeight;
}

/** Shows something by the richest of its MIME types that a page can. */
function show(data: Shown): boolean {
  for (const type of ["image/png", "image/jpeg"]) {
    if (typeof data[type] === "string") {
      const image = add(new Image(), "picture");
      image.alt = String(data["text/plain"] ?? "a picture");
      image.src = `data:${type};base64,${data[type]}`;
      return true;
    }
  }
  const svg = data["image/svg+xml"];
  if (typeof svg === "string") {
    const image = add(new Image(), "picture");
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    return true;
  }
  if (typeof data["text/html"] === "string") {
    // What the code says is no part of this page: it has no scripts, and no way to it.
    const frame = add(document.createElement("iframe"), "html");
    frame.setAttribute("sandbox", "");
    frame.srcdoc = data["text/html"];
    return true;
  }
  if (typeof data["text/plain"] === "string") add(pre(), "value", data["text/plain"]);
  return "text/plain" in data;
}

function ask(prompt: string, isSecret: boolean): void {
  const form = add(document.createElement("form"), "question");
  const label = form.appendChild(document.createElement("label"));
  label.textContent = prompt;
  const input = form.appendChild(document.createElement("input"));
  input.setAttribute("aria-label", prompt || "What the code asks for");
  input.type = isSecret ? "password" : "text";
  input.focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({ kind: "answer", line: input.value });
    form.remove();
    print("stdout", `${prompt}${isSecret ? "" : input.value}\n`);
  });
}

function end(): void {
  cell?.querySelector(".question")?.remove();
  cell?.classList.remove("running");
  cell = null;
  code.focus();
}

function finish(message: ToPage & { kind: "outcome" }): void {
  const { value, repr, data, error, stopped, elapsed_ms } = message;
  if (error !== undefined && error !== null) add(pre(), "error", error.traceback);
  else if (!(data !== undefined && data !== null && show(data))) {
    const text = repr ?? (value === null || value === undefined ? undefined : JSON.stringify(value));
    if (text !== undefined) add(pre(), "value", text);
  }
  add(document.createElement("div"), "note", `${elapsed_ms.toFixed(1)} ms${stopped ? `, ${stopped}` : ""}`);
  end();
}

function take(message: ToPage): void {
  switch (message.kind) {
    case "ready":
      say("ready", `ready, process ${message.process}`);
      break;
    case "begins":
      say("running", `running, process ${message.process}`);
      break;
    case "stdout":
    case "stderr":
      print(message.kind, message.text);
      break;
    case "shown":
      show(message.data);
      break;
    case "question":
      ask(message.prompt, message.isSecret);
      break;
    case "outcome":
      finish(message);
      say("ready", state.textContent.replace("running", "ready"));
      break;
    case "ended":
      add(pre(), "error", message.reason);
      end();
      say("ready", "ready, with a new session at the next run");
  }
}

function connect(): void {
  socket = new WebSocket(`ws://${location.host}/session`);
  socket.addEventListener("message", ({ data }) => take(JSON.parse(String(data)) as ToPage));
  socket.addEventListener("close", () => {
    end();
    say("away", "not connected: trying again");
    setTimeout(connect, 1000);
  });
}

editor.addEventListener("submit", (event) => {
  event.preventDefault();
  if (runs.disabled || code.value.trim() === "") return;
  const next = document.createElement("section");
  next.className = "cell running";
  cells.append(next);
  cell = next;
  add(pre(), "code", code.value);
  say("running", "running");
  send({ kind: "run", code: code.value });
});
interrupts.addEventListener("click", () => send({ kind: "interrupt" }));
restarts.addEventListener("click", () => send({ kind: "restart" }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.ctrlKey) editor.requestSubmit();
  if (event.key === "Escape" && !interrupts.disabled) send({ kind: "interrupt" });
});
say("away", "connecting");
connect();
