//! What the session is for, what it is, and where it runs.

use super::super::SessionPayload;
use super::super::escape::{name, quoted};
use super::line::Level::{Full, Least, Usual};
use super::line::{Line, few, plural, size};

pub(super) fn goal(payload: &SessionPayload) -> Option<Line> {
    sentence("Goal", 250, payload.goal.as_deref())
}

pub(super) fn last(payload: &SessionPayload) -> Option<Line> {
    sentence("Last", 150, payload.last.as_deref())
}

fn sentence(label: &'static str, weight: u8, text: Option<&str>) -> Option<Line> {
    let mut line = Line::new(label, weight);
    line.add_each(|level| quoted(text?, level.chars([120, 240, 480])));
    line.done()
}

pub(super) fn critical(payload: &SessionPayload) -> Option<Line> {
    let mut line = Line::new("Critical", 240);
    line.add_each(|level| {
        let items = payload.critical.iter().flatten().map(|item| quoted(item, level.chars([80, 120, 240])));
        few(items, level.of([1, 3, 12]))
    });
    line.done()
}

pub(super) fn context(payload: &SessionPayload) -> Option<Line> {
    let mut line = Line::new("Context", 120);
    line.add_each(|level| {
        few(payload.context.iter().flatten().map(|place| name(place)), level.of([2, 6, 24]))
    });
    line.done()
}

pub(super) fn session(payload: &SessionPayload) -> Option<Line> {
    let metadata = payload.metadata.as_ref()?;
    let env = metadata.env.as_ref();
    let mut line = Line::new("Session", 140);
    line.add(Least, env.and_then(|env| name(env.session.as_deref()?)));
    line.add(Usual, named("domain", metadata.domain.as_deref()));
    line.add(Usual, named("scope", metadata.scope.as_deref()));
    // The state of the repository says it otherwise.
    let has_head = payload.git.as_ref().is_some_and(|git| git.head.is_some());
    line.add(Usual, named("at commit", env.and_then(|env| env.head.as_deref()).filter(|_| !has_head)));
    line.add(Full, env.and_then(|env| env.process_id).map(|id| format!("process {id}")));
    line.add(Full, named("thread", env.and_then(|env| env.thread_id.as_deref())));
    line.done()
}

pub(super) fn host(payload: &SessionPayload) -> Option<Line> {
    let platform = payload.metadata.as_ref()?.platform.as_ref()?;
    let mut line = Line::new("Host", 100);
    line.add(Least, platform.os.as_deref().and_then(name));
    line.add(Usual, platform.cpu.as_deref().and_then(name));
    line.add(Usual, platform.cpu_count.map(|cpus| plural(cpus, "CPU")));
    line.add(Usual, platform.memory_bytes.map(|bytes| format!("{} memory", size(bytes))));
    line.add(Full, platform.useragent.as_deref().and_then(name));
    line.done()
}

/// Writes what a name is the name of, and the name.
pub(super) fn named(what: &str, text: Option<&str>) -> Option<String> {
    name(text?).map(|name| format!("{what} {name}"))
}
