// Workers as lanes: what each did in the last minute, and does now.

import { momentOf, now } from "../clock.js";
import { Bar, el, Keyed, setHidden, setText } from "../dom.js";
import { age, bytes, count, duration, isNumber, percent, plainly, rate } from "../format.js";
import { Rate } from "../history.js";
import { Badge, card, cell, Empty, membersOf, Since, Tile } from "../parts.js";
import { Picker, sessionName, sessions } from "../picker.js";
import { fit } from "../spark.js";
import { colours } from "../theme.js";
import { Tree, without } from "../tree.js";
import { emptyText, watched } from "./sessions.js";

const MINUTE = 60_000;
const COLOURS = { processing: "accent", idle: "good", booting: "soft", draining: "warn", terminated: "line" };

/** What a worker did in the last minute. */
class Lane {
  constructor() {
    this.node = el("canvas", { class: "lane", "aria-hidden": "true" });
    /** Stretches of one state and job each: `{state, job, from}`. */
    this.stretches = [];
  }

  add(state, job) {
    const last = this.stretches.at(-1);
    if (last?.state !== state || last?.job !== job) this.stretches.push({ state, job, from: now() });
    while (this.stretches.length > 1 && this.stretches[1].from < now() - MINUTE) this.stretches.shift();
  }

  draw() {
    const { context, width, height } = fit(this.node);
    const palette = colours();
    const at = (moment) => Math.max(0, width - ((now() - moment) / MINUTE) * width);
    context.fillStyle = palette.line;
    context.fillRect(0, height / 2 - 0.5, width, 1);
    this.stretches.forEach(({ state, from }, index) => {
      const to = this.stretches[index + 1]?.from ?? now();
      context.fillStyle = palette[COLOURS[state] ?? "series-4"];
      const inset = state === "processing" ? 0 : 5;
      context.fillRect(at(from), inset, Math.max(1, at(to) - at(from) - 0.5), height - 2 * inset);
    });
  }
}

class Worker {
  constructor(id) {
    this.state = new Badge();
    this.job = el("span", { class: "job" });
    this.lane = new Lane();
    this.memory = new Bar();
    this.memoryText = cell();
    this.messages = cell();
    this.errors = cell();
    this.more = el("span", { class: "note" });
    this.error = el("p", { class: "error-text" });
    this.processed = new Rate(5000);
    this.node = el(
      "li",
      { class: "worker" },
      el("div", { class: "line" }, el("h3", {}, id), this.state.node, this.job),
      this.lane.node,
      el("div", { class: "line numbers" }, this.messages, this.errors, el("span", { class: "gauge" }, this.memory.node, this.memoryText), this.more),
      this.error,
    );
  }

  update({ worker, most }) {
    const { state, current_job: job, messages_processed: messages, errors, last_error: error, resource_usage: used } = worker ?? {};
    this.state.update(plainly(state));
    this.lane.add(state, job?.id);
    if (worker !== this.shown) {
      this.shown = worker;
      this.came = now();
      if (isNumber(messages)) this.processed.add(messages, now());
    }
    const elapsed = isNumber(job?.elapsed_us) ? job.elapsed_us / 1000 + (now() - this.came) : undefined;
    const about = job && [plainly(job.id), job.type && plainly(job.type), isNumber(job.nodes) && `${count(job.nodes)} nodes`, elapsed && `for ${age(elapsed)}`];
    setText(this.job, about ? about.filter(Boolean).join(", ") : "no job");
    const perSecond = this.processed.perSecond(now());
    setText(this.messages, `${count(messages)} messages${perSecond ? `, ${rate(perSecond)}` : ""}`);
    setText(this.errors, errors === 1 ? "1 error" : `${count(errors)} errors`);
    this.errors.className = errors > 0 ? "is-bad" : "";
    setText(this.memoryText, used?.rss_absent ? "memory unknown" : bytes(used?.rss_bytes));
    setHidden(this.memory.node, !isNumber(used?.rss_bytes));
    this.memory.update((used?.rss_bytes ?? 0) / most);
    const created = worker?.created_at_ms;
    setText(
      this.more,
      [
        isNumber(worker?.pid) && `process ${worker.pid}`,
        isNumber(created) && `made ${age(now() - momentOf(created))} ago`,
        worker?.end && plainly(worker.end),
      ]
        .filter(Boolean)
        .join(", "),
    );
    setHidden(this.error, typeof error !== "string");
    setText(this.error, plainly(error));
    this.lane.draw();
  }
}

export class Workers {
  constructor(name) {
    this.name = name;
    this.picker = new Picker("Sessions", (room) => `#/${name}/${encodeURIComponent(room)}`);
    this.empty = new Empty();
    this.title = el("h2");
    this.since = new Since();
    this.tiles = Object.fromEntries(["Workers", "Active", "Idle", "Utilization", "Median", "99th percentile"].map((title) => [title, new Tile(title)]));
    this.list = el("ul", { class: "workers" });
    this.legend = el("p", { class: "note" }, "Each lane is a minute of a worker, of which the right end is now. A full bar runs a job; a thin one waits.");
    this.rest = new Tree();
    this.restCard = card("Pool", this.rest.node);
    this.all = el(
      "div",
      {},
      el("div", { class: "line title" }, this.title, this.since.node),
      el("div", { class: "tiles apart" }, ...Object.values(this.tiles).map((tile) => tile.node)),
      this.list,
      this.legend,
      this.restCard,
    );
    this.node = el("div", {}, this.picker.node, this.empty.node, this.all);
  }

  rooms(hub, asked) {
    const { chosen } = sessions(hub, asked);
    return chosen ? [chosen] : [];
  }

  update(wire, asked) {
    const { names, chosen } = sessions(wire.rooms.get("hub"), asked);
    this.picker.update(names.map((name) => [name, sessionName(name)]), chosen);
    const room = chosen && wire.rooms.get(chosen);
    const threads = room?.get("worker_threads");
    setHidden(this.all, !threads);
    this.empty.update(threads ? undefined : room?.state.size ? `${sessionName(chosen)} has no workers. ${watched("a pool", "pool")}` : emptyText(chosen));
    if (!threads) return;
    if (this.shown !== room) {
      this.shown = room;
      this.keyed?.update([]);
      this.keyed = new Keyed(this.list, (id) => new Worker(id));
    }
    setText(this.title, sessionName(chosen));
    this.since.update(room);
    this.pool(threads);
    const registry = membersOf(threads.registry).slice(0, 200);
    const most = Math.max(1, ...registry.map(([, worker]) => worker?.resource_usage?.rss_bytes ?? 0));
    this.keyed.update(registry.map(([id, worker]) => [id, { worker, most }]));
  }

  pool(threads) {
    const { pool, statistics, registry } = threads;
    const states = membersOf(registry).map(([, worker]) => worker?.state);
    const of = (state) => states.filter((other) => other === state).length;
    const active = pool?.active ?? of("processing");
    const idle = pool?.idle ?? of("idle");
    const window = statistics?.window ?? statistics;
    const tiles = this.tiles;
    tiles.Workers.update(count(states.length), isNumber(pool?.max) ? `at most ${count(pool.max)}` : "");
    tiles.Active.update(count(active));
    tiles.Idle.update(count(idle));
    tiles.Utilization.update(percent(active + idle > 0 ? active / (active + idle) : undefined));
    tiles.Median.update(duration(window?.p50_processing_ns));
    tiles["99th percentile"].update(duration(window?.p99_processing_ns));
    if (threads === this.threads) return;
    this.threads = threads;
    const rest = without(threads, ["registry", "pool.active", "pool.idle"]);
    setHidden(this.restCard, rest === undefined);
    this.rest.update(rest ?? {});
  }
}
