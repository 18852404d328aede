//! What circlet itself knows of: policies and what they decided, executors, rings, the hub, and what could not be had.

use super::super::escape::{name, quoted};
use super::super::{AuditEntry, ExecutorState, PolicyState, RingState, SessionPayload};
use super::line::Level::{Full, Least, Usual};
use super::line::{Line, counted, few, nouns, plural, size, some, some_nouns};
use super::purpose::named;

pub(super) fn policies(payload: &SessionPayload) -> Option<Line> {
    let policies = payload.policies.as_ref()?;
    let mut line = Line::new("Policies", 95);
    line.add_each(|level| few(policies.iter().map(policy), level.of([2, 4, 12])));
    line.done()
}

fn policy((id, state): (&String, &PolicyState)) -> Option<String> {
    let rules = state.rules.map(|rules| plural(rules, "rule"));
    let of = |what: &str, word: Option<&str>| word.and_then(name).map(|word| format!("{what} {word}"));
    let (files, network) = (of("files", state.files.as_deref()), of("network", state.network.as_deref()));
    Some(joined([name(id), files, network, rules]))
}

pub(super) fn audit(payload: &SessionPayload) -> Option<Line> {
    let audit = payload.audit.as_ref()?;
    let has_denied = audit.denied.is_some_and(|denied| denied > 0);
    let mut line = Line::new("Audit", if has_denied { 175 } else { 75 });
    line.add(Least, counted(audit.denied, "denied"));
    line.add(Least, counted(audit.warned, "warned of"));
    line.add(Full, some(audit.omitted, "not told"));
    let newest = || audit.last.iter().flatten().rev();
    line.add_each(|level| few(newest().map(decision), level.of([1, 2, 6])).filter(|_| level >= Usual));
    line.done()
}

fn decision(entry: &AuditEntry) -> Option<String> {
    let action = entry.action.as_ref().and_then(|action| name(action.as_str()));
    let said =
        joined([action, Some(quoted(entry.request.as_deref()?, 120)?), named("by", entry.rule.as_deref())]);
    Some(said)
}

pub(super) fn executors(payload: &SessionPayload) -> Option<Line> {
    let executors = payload.executors.as_ref()?;
    let mut line = Line::new("Executors", 115);
    line.add_each(|level| few(executors.iter().map(executor), level.of([1, 4, 12])));
    line.done()
}

fn executor((id, state): (&String, &ExecutorState)) -> Option<String> {
    Some(joined([
        name(id),
        state.language.as_deref().and_then(name),
        state.state.as_deref().and_then(name),
        named("under policy", state.policy.as_deref()),
        state.calls.map(|calls| plural(calls, "call")),
        state.errors.filter(|&errors| errors > 0).map(|errors| plural(errors, "error")),
    ]))
}

pub(super) fn rings(payload: &SessionPayload) -> Option<Line> {
    let rings = payload.rings.as_ref()?;
    let mut line = Line::new("Rings", 105);
    line.add_each(|level| few(rings.iter().map(ring), level.of([1, 4, 12])));
    line.done()
}

fn ring((id, state): (&String, &RingState)) -> Option<String> {
    let used = match (state.used_bytes, state.capacity_bytes) {
        (Some(used), Some(capacity)) => Some(format!("{} of {}", size(used), size(capacity))),
        (Some(used), None) => Some(format!("{} used", size(used))),
        (None, capacity) => capacity.map(size),
    };
    Some(joined([
        name(id),
        state.mode.as_deref().and_then(name),
        used,
        counted(state.frames_sent, "sent"),
        counted(state.frames_received, "received"),
        some(state.dropped, "dropped"),
        some_nouns(state.full_events, "time").map(|times| format!("{times} full")),
    ]))
}

pub(super) fn hub(payload: &SessionPayload) -> Option<Line> {
    let hub = payload.hub.as_ref()?;
    let mut line = Line::new("Hub", 65);
    line.add(Least, hub.viewers.map(|viewers| plural(viewers, "viewer")));
    line.add(Usual, named("at", hub.address.as_deref()));
    line.add(Usual, hub.rooms.map(|rooms| plural(rooms, "room")));
    line.add(Full, nouns(hub.updates_sent, "update").map(|updates| format!("{updates} sent")));
    line.done()
}

pub(super) fn unavailable(payload: &SessionPayload) -> Option<Line> {
    let unavailable = payload.unavailable.as_ref()?;
    let mut line = Line::new("Unavailable", 85);
    line.add_each(|level| {
        let said = unavailable.iter().map(|(path, why)| {
            let why = quoted(why, level.of([30, 60, 120])).filter(|_| level >= Usual);
            Some(joined([Some(name(path)?), why]))
        });
        few(said, level.of([2, 4, 16]))
    });
    line.done()
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
