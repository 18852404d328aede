// Executors, the policies that they run under, and what those have denied.

import { now } from "../clock.js";
import { el, Keyed, setData, setHidden, setText } from "../dom.js";
import { count, isNumber, plainly, rate, time } from "../format.js";
import { Rate } from "../history.js";
import { Badge, card, cell, Empty, Facts, listOf, membersOf, Since, Table, Tile } from "../parts.js";
import { Picker, sessionName, sessions } from "../picker.js";
import { Tree, without } from "../tree.js";
import { emptyText, watched } from "./sessions.js";

/** How many decisions are shown. */
const LINES = 100;

class Executor {
  constructor(name) {
    this.state = new Badge();
    this.about = el("span", { class: "note" });
    this.calls = new Tile("Calls");
    this.errors = new Tile("Errors");
    this.rate = new Rate(5000);
    this.policy = new Facts();
    this.rest = new Tree();
    this.node = el(
      "section",
      { class: "card" },
      el("div", { class: "line" }, el("h2", {}, name), this.state.node, this.about),
      el("div", { class: "tiles" }, this.calls.node, this.errors.node),
      this.policy.node,
      this.rest.node,
    );
  }

  update({ executor, policies }) {
    const { state, language, pid, policy, calls, errors } = executor ?? {};
    if (executor !== this.shown) {
      this.shown = executor;
      if (isNumber(calls)) this.rate.add(calls, now());
      const rest = without(executor, ["state", "language", "pid", "policy", "calls", "errors"]);
      setHidden(this.rest.node, rest === undefined);
      this.rest.update(rest ?? {});
    }
    this.state.update(plainly(state));
    setText(this.about, [language && plainly(language), isNumber(pid) && `process ${pid}`].filter(Boolean).join(", "));
    const perSecond = this.rate.perSecond(now());
    this.calls.update(count(calls), perSecond ? rate(perSecond) : "");
    this.errors.update(count(errors));
    setData(this.errors.node, "tone", errors > 0 ? "warn" : "plain");
    const rules = policy !== undefined && Object.hasOwn(policies ?? {}, policy) ? policies[policy] : undefined;
    this.policy.update([
      ["Policy", policy === undefined ? "none is told" : plainly(policy)],
      ["Rules", rules && count(rules.rules)],
      ["Other files", rules && plainly(rules.files)],
      ["Other connections", rules && plainly(rules.network)],
    ]);
  }
}

/** Decisions, the newest first. */
function decisions() {
  return new Table(["Time", "Decision", "Request", "Rule", "By", "In"], () => {
    const [when, request, rule, by, where] = [cell(), cell({ class: "path" }), cell({ class: "path" }), cell(), cell()];
    const action = new Badge();
    return {
      cells: [when, action.node, request, rule, by, where],
      update(entry) {
        const { unix_ms, action: word, request: asked, rule: decided, mechanism, session, run, omitted, self_reported: code } = entry ?? {};
        setText(when, time(unix_ms));
        action.update(plainly(word));
        setText(request, plainly(asked) + (omitted > 0 ? ` (${count(omitted)} before it left out)` : ""));
        setText(rule, plainly(decided));
        setText(by, plainly(mechanism));
        const said = code && [code.file, code.line].filter((part) => part !== undefined).join(":");
        setText(where, [isNumber(session) && `process ${session}`, isNumber(run) && `run ${run}`, said].filter(Boolean).join(", "));
      },
    };
  });
}

/** Says why there are no decisions. */
function whyNoAudit(executors, policies) {
  const hasPolicy = Boolean(policies) || membersOf(executors).some(([, executor]) => executor?.policy !== undefined);
  return hasPolicy
    ? "What policies denied and warned of is not told: a tracker tells it of executors that it watches and whose policy has `audit.payload` or `audit.file`, and a program by its section `audit`."
    : "No policy holds for these executors, so that nothing is denied or warned of.";
}

export class Executors {
  constructor(name) {
    this.name = name;
    this.picker = new Picker("Sessions", (room) => `#/${name}/${encodeURIComponent(room)}`);
    this.empty = new Empty();
    this.title = el("h2");
    this.since = new Since();
    this.list = el("div", { class: "cards" });
    this.executors = new Keyed(this.list, (id) => new Executor(id));
    this.policies = new Table(["Policy", "#Rules", "Other files", "Other connections", "#Format"], (id) => {
      const cells = [cell(), cell(), cell(), cell()];
      return {
        cells: [el("span", {}, id), ...cells],
        update: (policy) => ["rules", "files", "network", "version"].forEach((key, index) => setText(cells[index], plainly(policy?.[key]))),
      };
    });
    this.policyCard = card("Policies", this.policies.node);
    this.counts = { denied: new Tile("Denied"), warned: new Tile("Warned"), omitted: new Tile("Not told") };
    this.table = decisions();
    this.nothing = el("p", { class: "note" }, "Nothing was denied or warned of.");
    this.auditRest = new Tree();
    this.auditCard = card(
      "Audit",
      el("div", { class: "tiles" }, ...Object.values(this.counts).map((tile) => tile.node)),
      this.nothing,
      this.table.node,
      this.auditRest.node,
    );
    this.why = el("p", { class: "note" });
    this.head = el("div", { class: "line title" }, this.title, this.since.node);
    this.node = el("div", {}, this.picker.node, this.empty.node, this.head, this.list, this.policyCard, this.auditCard, this.why);
  }

  rooms(hub, asked) {
    const { chosen } = sessions(hub, asked);
    return chosen ? [chosen] : [];
  }

  update(wire, asked) {
    const { names, chosen } = sessions(wire.rooms.get("hub"), asked);
    this.picker.update(names.map((name) => [name, sessionName(name)]), chosen);
    const room = chosen && wire.rooms.get(chosen);
    const [executors, policies, audit] = ["executors", "policies", "audit"].map((key) => room?.get(key));
    const isThere = Boolean(executors || policies || audit);
    this.empty.update(isThere ? undefined : room?.state.size ? `${sessionName(chosen)} tells of no executors. ${watched("one", "executor")}` : emptyText(chosen));
    setHidden(this.head, !isThere);
    setText(this.title, chosen ? sessionName(chosen) : "");
    this.since.update(room);
    if (room !== this.shown) this.executors.update([]);
    this.shown = room;
    this.executors.update(membersOf(executors).map(([id, executor]) => [id, { executor, policies }]));
    setHidden(this.policyCard, !policies);
    this.policies.update(membersOf(policies));
    setHidden(this.auditCard, !audit);
    setText(this.why, isThere && !audit ? whyNoAudit(executors, policies) : "");
    setHidden(this.why, !isThere || Boolean(audit));
    if (audit && audit !== this.audit) this.decided(audit);
    this.audit = audit;
  }

  decided(audit) {
    for (const [kind, tile] of Object.entries(this.counts)) tile.update(count(audit[kind]));
    setData(this.counts.denied.node, "tone", audit.denied > 0 ? "bad" : "plain");
    setData(this.counts.warned.node, "tone", audit.warned > 0 ? "warn" : "plain");
    const last = listOf(audit.last);
    this.table.update(last.slice(-LINES).reverse().map((entry, index) => [index, entry]));
    setHidden(this.table.node, last.length === 0);
    setHidden(this.nothing, last.length > 0);
    const rest = without(audit, ["denied", "warned", "omitted", "last"]);
    setHidden(this.auditRest.node, rest === undefined);
    this.auditRest.update(rest ?? {});
  }
}
