// Sections of a payload that are drawn in a way of their own. What one does not know of its section, it shows as it is.

import { now } from "./clock.js";
import { Bar, el, setHidden, setText } from "./dom.js";
import { bytes, count, duration, isNumber, percent, plainly } from "./format.js";
import { Rate } from "./history.js";
import { Badge, card, cell, Facts, listOf, Table, Tile } from "./parts.js";
import { at, Tree, without } from "./tree.js";

const us = (value) => duration(value * 1e3);
const ms = (value) => duration(value * 1e6);

/** A card of a section: what it knows by name, and the rest. */
export class Section {
  /**
   * @param known `[path, name, format]` for each value that has a name here
   * @param parts nodes above them, which `draw(section)` keeps up to date and whose paths `drawn` names
   */
  constructor(title, { known = [], parts = [], drawn = [], draw } = {}) {
    this.known = known;
    this.draw = draw;
    this.paths = [...known.map(([path]) => path), ...drawn];
    this.facts = new Facts();
    this.tree = new Tree();
    this.node = card(title, ...parts, this.facts.node, this.tree.node);
  }

  update(section) {
    this.draw?.(section);
    if (section === this.shown) return;
    this.shown = section;
    this.facts.update(
      this.known.map(([path, name, format = plainly]) => {
        const value = at(section, path);
        return [name, value === undefined ? undefined : format(value)];
      }),
    );
    const rest = typeof section === "object" && section !== null ? without(section, this.paths) : { value: section };
    setHidden(this.tree.node, rest === undefined);
    this.tree.update(rest ?? {});
  }
}

export function process() {
  const memory = new Tile("Resident memory", { spark: true });
  const processor = new Tile("Processor", { spark: true, tone: "good" });
  const peak = new Bar();
  const used = new Rate();
  let shown;
  return new Section("Process", {
    parts: [el("div", { class: "tiles" }, memory.node, processor.node), peak.node],
    drawn: ["rss_bytes", "peak_rss_bytes"],
    known: [
      ["threads", "Threads", count],
      ["fd_count", "Descriptors", count],
      ["user_cpu_us", "Time in the program", us],
      ["system_cpu_us", "Time in the system", us],
      ["major_faults", "Major page faults", count],
    ],
    draw(section) {
      const { rss_bytes: rss, peak_rss_bytes: most, user_cpu_us: user, system_cpu_us: system } = section ?? {};
      if (section !== shown) {
        shown = section;
        if (isNumber(user) && isNumber(system)) used.add((user + system) / 1e6, now());
      }
      memory.update(bytes(rss), isNumber(most) ? `peak ${bytes(most)}` : "", isNumber(rss) ? rss : undefined);
      setHidden(peak.node, !isNumber(most));
      peak.update(rss / most);
      const part = used.perSecond(now());
      processor.update(percent(part), "of one core", part);
      memory.draw();
      processor.draw();
    },
  });
}

const isClean = (git) => isNumber(git?.uncommitted_files) && git.uncommitted_files === 0;

export function git() {
  const head = el("p", { class: "head" });
  const badge = new Badge();
  return new Section("Git", {
    parts: [el("div", { class: "line" }, head, badge.node)],
    drawn: ["branch", "head", "uncommitted_files", "detached"],
    known: [
      ["staged_changes", "Staged", count],
      ["unstaged_changes", "Unstaged", count],
      ["untracked", "Untracked", count],
      ["conflicts", "Conflicts", count],
      ["ahead", "Ahead", count],
      ["behind", "Behind", count],
      ["stashes", "Stashes", count],
      ["operation", "In the middle of"],
      ["submodules_changed", "Changed submodules", count],
      ["worktree", "A linked worktree"],
    ],
    draw(section) {
      const { branch, head: commit, detached, uncommitted_files: files } = section ?? {};
      setText(head, [detached ? "detached" : (branch ?? "no branch"), commit && plainly(commit).slice(0, 10)].filter(Boolean).join(" at "));
      setHidden(badge.node, !isNumber(files));
      badge.update(isClean(section) ? "clean" : `${count(files)} uncommitted`, isClean(section) ? "good" : "warn");
    },
  });
}

export function tests() {
  const bar = { passed: el("span", { class: "passed" }), failed: el("span", { class: "failed" }), skipped: el("span", { class: "skipped" }) };
  const verdict = el("p", { class: "head" });
  const badge = new Badge();
  const COVERED = ["lines", "functions", "branches"];
  const covered = COVERED.map((kind) => [`coverage.${kind}_hit`, `coverage.${kind}_found`, kind]);
  const facts = new Facts();
  return new Section("Tests", {
    parts: [
      el("div", { class: "line" }, verdict, badge.node),
      el("div", { class: "parts", "aria-hidden": "true" }, bar.passed, bar.failed, bar.skipped),
      facts.node,
    ],
    drawn: ["tests.passed", "tests.failed", "tests.skipped", ...covered.flatMap(([hit, found]) => [hit, found])],
    known: [
      ["runner", "Runner"],
      ["files", "Files", count],
      ["tests.duration_us", "Took", us],
    ],
    draw(section) {
      const { passed, failed, skipped } = section?.tests ?? {};
      for (const [kind, number] of Object.entries({ passed, failed, skipped })) {
        const grow = String(isNumber(number) ? number : 0);
        if (bar[kind].style.flexGrow !== grow) bar[kind].style.flexGrow = grow;
      }
      const total = [passed, failed, skipped].filter(isNumber).reduce((sum, number) => sum + number, 0);
      setText(verdict, isNumber(passed) ? `${count(passed)} of ${count(total)} passed` : "no results");
      setHidden(badge.node, !isNumber(failed));
      badge.update(failed > 0 ? `${count(failed)} failed` : skipped > 0 ? `${count(skipped)} skipped` : "passed", failed > 0 ? "bad" : "good");
      facts.update(
        covered.map(([hit, found, kind]) => {
          const [part, whole] = [at(section, hit), at(section, found)];
          return [`Covered ${kind}`, whole > 0 ? `${percent(part / whole)} (${count(part)} of ${count(whole)})` : undefined];
        }),
      );
    },
  });
}

export function files() {
  const table = new Table(["File", "Status", "#Lines", "Why"], () => {
    const [path, status, lines, why] = [cell({ class: "path" }), new Badge(), cell(), cell()];
    return {
      cells: [path, status.node, lines, why],
      update(file) {
        setText(path, plainly(file?.path));
        status.update(file?.status);
        setText(lines, file?.lines ?? "");
        setText(why, file?.rationale ?? "");
      },
    };
  });
  const section = new Section("Files", {
    parts: [table.node],
    drawn: ["breakdown"],
    draw: (files) => table.update(listOf(files?.breakdown).slice(0, 200).map((file, index) => [index, file])),
  });
  section.node.classList.add("wide");
  return section;
}

export const machine = () =>
  new Section("Session and machine", {
    known: [
      ["env.session", "Session"],
      ["env.process_id", "Process", String],
      ["env.uptime_ms", "Up for", ms],
      ["domain", "Domain"],
      ["scope", "Scope"],
      ["platform.os", "System"],
      ["platform.kernel", "Kernel"],
      ["platform.cpu", "Processor"],
      ["platform.cpu_count", "Processors", count],
      ["platform.memory_bytes", "Memory", bytes],
    ],
  });

/** A runtime, such as Python's or Node's: its heap, and how late its event loop is. */
export function runtime(title) {
  const heap = new Bar();
  return new Section(title, {
    parts: [heap.node],
    known: [
      ["version", "Version"],
      ["heap.used_bytes", "Heap in use", bytes],
      ["heap.total_bytes", "Heap", bytes],
      ["event_loop.lag_us", "Event loop late by", us],
      ["event_loop.lag_longest_us", "Latest of a minute", us],
      ["resources.event_loop_lag_us", "Event loop late by", us],
      ["gc.collections", "Collections", count],
      ["gc.total_us", "Collecting", us],
    ],
    draw(section) {
      const [used, total] = [at(section, "heap.used_bytes"), at(section, "heap.total_bytes")];
      setHidden(heap.node, !(isNumber(used) && total > 0));
      heap.update(used / total);
    },
  });
}

export const cache = () =>
  new Section("Cache", {
    known: [
      ["dir", "Folder"],
      ["hits", "Hits", count],
      ["misses", "Misses", count],
      ["size_bytes", "Size", bytes],
      ["entries", "Files", count],
    ],
  });

export const dependencies = () =>
  new Section("Dependencies", {
    known: [
      ["lockfile.path", "Lockfile"],
      ["lockfile.total_dependencies", "Locked", count],
      ["tree.direct", "Direct", count],
      ["tree.dev", "For development", count],
    ],
  });
