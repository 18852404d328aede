//! What is known of a session: what guests said, what the host measured, and both as one payload. It starts nothing and measures nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::error::TrackerError;
use super::options::TrackerOptions;
use super::owned::{Owned, UNAVAILABLE};
use super::paths::{has, is_deeper, put, remove};
use super::side::{Sections, Side, read};
use super::watch::Seen;
use crate::payload::redact::Marks;
use crate::payload::section::Unknown;
use crate::payload::{self, Process, Redactor, SessionPayload, merge_diff, merge_patch};

/// The section that is looked at with each snapshot.
const PROCESS: &str = "process";

/// The longest name of an interface or a worker, and how many interfaces are kept.
const NAME_BYTES: usize = 256;
const APIS: usize = 2_000;
/// How deep what is said may be: readers of JSON stop at 128 levels, and the payload has some of its own.
const LEVELS: usize = 64;

#[derive(Debug)]
pub(super) struct Book {
    runtime: String,
    max_bytes: u32,
    owned: Owned,
    redactor: Option<Redactor>,
    guest: Side,
    /// It goes over what guests said.
    host: Side,
    /// What circlet itself knows of what it watches, over both.
    watched: Side,
    /// Why something is absent, by its path.
    unavailable: BTreeMap<String, String>,
    /// Both together, as they were last shown.
    payload: SessionPayload,
    ages: Vec<Instant>,
    apis: HashSet<String>,
    history: VecDeque<(u64, Arc<str>)>,
    remembered: usize,
}

/// The times of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Since 1970.
    pub(super) unix: Duration,
    /// When the process was started, likewise.
    pub(super) started: Option<Duration>,
}

impl Book {
    pub(super) fn new(options: &TrackerOptions, owned: Owned, redactor: Option<Redactor>) -> Self {
        Self {
            runtime: options.runtime.clone(),
            max_bytes: options.max_bytes,
            owned,
            redactor,
            guest: Side::new(),
            host: Side::new(),
            watched: Side::new(),
            unavailable: BTreeMap::new(),
            payload: SessionPayload::default(),
            ages: Vec::new(),
            apis: HashSet::new(),
            history: VecDeque::new(),
            remembered: options.history.max(1),
        }
    }

    /// Takes what a guest says; returns the paths of what it may not say, which is left out.
    pub(super) fn patch(&mut self, mut patch: Value, now: Instant) -> Result<Vec<String>, TrackerError> {
        fits(&patch, "a patch of a session is an object with the members to change")?;
        let refused = self.owned.strip(&mut patch);
        let redactions = self.redact(&mut patch);
        let sections = self.guest.patched(&patch);
        // By itself, so that nothing in it can be in the way of what is measured later.
        read(sections.clone())?;
        let len = self.guest.bytes_with(&sections);
        if len > self.max_bytes as usize && len > self.guest.bytes() {
            return Err(TrackerError::TooLarge { len, max: self.max_bytes });
        }
        let shown = layered([&sections, &self.host.sections(&sections), &self.watched.sections(&sections)])?;
        let names: Vec<_> = sections.keys().cloned().collect();
        self.guest.take(sections, &patch, redactions, now);
        self.shows(shown, &names);
        let runtime = patch.get(&self.runtime);
        if runtime.is_some_and(|runtime| !runtime.is_object() || runtime.get("apis").is_some()) {
            self.apis = self.known_apis().iter().filter_map(|api| api.as_str().map(str::to_owned)).collect();
        }
        Ok(refused)
    }

    /// Takes what was measured at a path, or why it could not be. What was measured there before goes whole.
    pub(super) fn measured(
        &mut self,
        path: &str,
        value: Result<Value, String>,
        now: Instant,
    ) -> Result<(), TrackerError> {
        let name = path.split('.').next().unwrap_or(path).to_owned();
        // Without what was measured there before.
        let mut before = json!({ name.as_str(): self.host.document.get(&name) });
        remove(&mut before, path);
        let mut patch = json!({});
        let mut redactions = Marks::default();
        let reason = match value {
            Ok(value) => {
                put(&mut patch, path, value);
                fits(&patch, "what was measured is at a path of the payload")?;
                redactions = self.redact(&mut patch);
                merge_patch(&mut before, &patch);
                None
            }
            Err(reason) => Some(self.harmless(&reason)),
        };
        let section = before
            .as_object_mut()
            .and_then(|members| members.remove(&name))
            .filter(|section| !section.is_null());
        let sections = Sections::from([(name.clone(), section)]);
        read(sections.clone())?;
        let shown = layered([&self.guest.sections(&sections), &sections, &self.watched.sections(&sections)])?;
        // Why something is absent does not make the rest of its section younger.
        let told = self.host.told.get(name.as_str()).copied();
        self.host.take(
            sections,
            &patch,
            redactions,
            if reason.is_some() { told.unwrap_or(now) } else { now },
        );
        match reason {
            Some(reason) => drop(self.unavailable.insert(path.to_owned(), reason)),
            None => drop(self.unavailable.remove(path)),
        }
        self.shows(shown, &[name]);
        Ok(())
    }

    /// As [`Book::measured`], of what guests may say nothing of from now on.
    pub(super) fn owns(&mut self, path: &str, value: Value, now: Instant) -> Result<(), TrackerError> {
        if !self.owned.is_free(path) {
            return Err(TrackerError::NoSection {
                given: path.to_owned(),
                allowed: self.owned.free_sections(),
            });
        }
        if has(&self.guest.document, path, false) {
            let mut gone = json!({});
            put(&mut gone, path, Value::Null);
            self.patch(gone, now)?;
        }
        self.owned.add(path);
        self.measured(path, Ok(value), now)
    }

    /// Takes how what is watched is now, in the place of all that was known of it.
    pub(super) fn watch(&mut self, seen: Seen, now: Instant) -> Result<(), TrackerError> {
        let before = self.watched.document.as_object().map_or(0, Map::len);
        if seen.is_empty() && before == 0 {
            return Ok(());
        }
        let mut document = Value::Object(seen);
        let redactions = self.redact(&mut document);
        let mut watched = Side::new();
        let sections: Sections = document
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, section)| (name.clone(), Some(section.clone())))
            .collect();
        watched.take(sections, &document, redactions, now);
        // What has changed, what is new and what has gone.
        let old = self.watched.document.as_object().into_iter().flatten();
        let new = watched.document.as_object().into_iter().flatten();
        let has_changed = |name: &&String| self.watched.document.get(*name) != watched.document.get(*name);
        let names: BTreeSet<String> =
            old.chain(new).map(|(name, _)| name).filter(has_changed).cloned().collect();
        let changed: Sections = names.iter().map(|name| (name.clone(), None)).collect();
        let layers = [&self.guest, &self.host, &watched].map(|side| side.sections(&changed));
        let shown = layered(layers.each_ref())?;
        if let Value::Object(sections) = &watched.document {
            self.owned.watch(sections);
        }
        self.watched = watched;
        self.shows(shown, &names.into_iter().collect::<Vec<_>>());
        Ok(())
    }

    /// Shows these sections as they are now, which were read from all sides.
    fn shows(&mut self, mut sections: SessionPayload, names: &[String]) {
        for name in names {
            self.payload.replace(name, &mut sections);
        }
        let payload = &mut self.payload;
        payload.redacted = Side::redacted([&self.guest, &self.host, &self.watched]);
        payload.unavailable = reasons(&self.guest, &self.unavailable);
        let told: BTreeMap<_, _> =
            [&self.guest, &self.host, &self.watched].into_iter().flat_map(|side| &side.told).collect();
        let told: BTreeMap<_, _> = told.into_iter().filter(|(section, _)| **section != UNAVAILABLE).collect();
        payload.ages_ms = Some(told.keys().map(|section| ((**section).to_owned(), 0)).collect());
        self.ages = told.into_values().copied().collect();
    }

    fn redact(&self, value: &mut Value) -> Marks {
        self.redactor.as_ref().map(|redactor| redactor.payload(value)).unwrap_or_default()
    }

    /// Takes out of a text what should not leave.
    fn harmless(&self, text: &str) -> String {
        self.redactor.as_ref().map_or(text.to_owned(), |redactor| redactor.text(text).into_owned())
    }

    /// Notes that an interface is used.
    pub(super) fn log_api_usage(&mut self, name: &str, now: Instant) -> Result<(), TrackerError> {
        let name = self.harmless(name_of("name", name)?);
        if self.apis.contains(&name) {
            return Ok(());
        }
        let known = self.known_apis();
        if known.len() >= APIS && !known.iter().any(|api| api.as_str() == Some(&name)) {
            let given = format!("the {}th interface", APIS + 1);
            return Err(TrackerError::Option { option: "name", given, allowed: "2000 interfaces are kept" });
        }
        if !known.iter().any(|api| api.as_str() == Some(&name)) {
            let apis: Vec<Value> = known.iter().cloned().chain([name.clone().into()]).collect();
            self.accepted(json!({ self.runtime.as_str(): { "apis": apis } }), now)?;
        }
        self.apis.insert(name);
        Ok(())
    }

    fn known_apis(&self) -> &[Value] {
        let known = self.guest.document.get(&self.runtime);
        known.and_then(|runtime| runtime.get("apis")?.as_array()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes a patch of one thing, which is refused as a whole where that is measured.
    fn accepted(&mut self, patch: Value, now: Instant) -> Result<(), TrackerError> {
        match self.patch(patch, now)?.into_iter().next() {
            Some(path) => Err(TrackerError::Measured(path)),
            None => Ok(()),
        }
    }

    /// Adds a worker.
    pub(super) fn register_worker(
        &mut self,
        id: &str,
        unix: Duration,
        now: Instant,
    ) -> Result<(), TrackerError> {
        let id = self.harmless(name_of("id", id)?);
        if self.has_worker(&id) {
            return Err(TrackerError::KnownWorker(id));
        }
        let created_at_ms = unix.as_millis() as u64;
        let worker = json!({ "state": "booting", "created_at_ms": created_at_ms, "messages_processed": 0, "errors": 0 });
        self.accepted(json!({ "worker_threads": { "registry": { id: worker } } }), now)
    }

    /// Changes what is said of a worker; `null` forgets it.
    pub(super) fn update_worker(&mut self, id: &str, patch: Value, now: Instant) -> Result<(), TrackerError> {
        let id = self.harmless(id);
        if !self.has_worker(&id) {
            return Err(TrackerError::UnknownWorker(id));
        }
        if !patch.is_null() {
            fits(&patch, "what changes of a worker is an object, or null to forget it")?;
        }
        self.accepted(json!({ "worker_threads": { "registry": { id: patch } } }), now)
    }

    fn has_worker(&self, id: &str) -> bool {
        let registry = self.payload.worker_threads.as_ref().and_then(|workers| workers.registry.as_ref());
        registry.is_some_and(|registry| registry.contains_key(id))
    }

    /// Brings the payload up to a moment, with what the process holds now or why that is not known, and returns it.
    pub(super) fn at(&mut self, moment: Moment, process: Result<Process, String>) -> &SessionPayload {
        let payload = &mut self.payload;
        payload.seq = Some(payload.seq.unwrap_or(0) + 1);
        let captured_at_ms = moment.unix.as_millis() as u64;
        payload.captured_at_ms = Some(captured_at_ms);
        // The start of the process is the same in each snapshot, to the millisecond.
        let started = moment.started.filter(|_| process.is_ok()).map(|started| started.as_millis() as u64);
        if let Some(env) = payload.metadata.as_mut().and_then(|metadata| metadata.env.as_mut()) {
            env.uptime_ms = started.and_then(|started| captured_at_ms.checked_sub(started));
        }
        match process {
            Ok(process) => {
                payload.process = Some(process);
                if self.unavailable.remove(PROCESS).is_some() {
                    payload.unavailable = reasons(&self.guest, &self.unavailable);
                }
            }
            Err(reason) => {
                payload.process = None;
                self.unavailable.insert(PROCESS.to_owned(), reason.clone());
                payload.unavailable.get_or_insert_default().insert(PROCESS.to_owned(), reason);
            }
        }
        let ages = payload.ages_ms.get_or_insert_default();
        // It is looked at with each snapshot, and the others are in the order of their names.
        ages.remove(PROCESS);
        for (age, told) in ages.values_mut().zip(&self.ages) {
            *age = moment.now.saturating_duration_since(*told).as_millis() as u64;
        }
        if payload.process.is_some() {
            ages.insert(PROCESS.to_owned(), 0);
        }
        payload
    }

    /// Returns what the host alone says, where all of it is too long.
    pub(super) fn of_the_host(&self, reason: &str) -> SessionPayload {
        let mut payload = self.host.payload().unwrap_or_default();
        if let (Ok(mut watched), Some(sections)) = (self.watched.payload(), self.watched.document.as_object())
        {
            sections.keys().for_each(|name| payload.replace(name, &mut watched));
        }
        payload.seq = self.payload.seq;
        payload.captured_at_ms = self.payload.captured_at_ms;
        payload.process.clone_from(&self.payload.process);
        payload.unavailable = Some([("*".to_owned(), reason.to_owned())].into());
        payload
    }

    /// Remembers a snapshot, and writes it as JSON.
    pub(super) fn remember(&mut self, moment: Moment, process: Result<Process, String>) -> Arc<str> {
        let payload = self.at(moment, process);
        let seq = payload.seq.unwrap_or_default();
        let json: Arc<str> = payload.to_json().into();
        if self.history.len() == self.remembered {
            self.history.pop_front();
        }
        self.history.push_back((seq, json.clone()));
        json
    }

    /// Returns what was shown last.
    pub(super) fn payload(&self) -> &SessionPayload {
        &self.payload
    }

    /// Returns the snapshots that are remembered, the newest at the end.
    pub(super) fn history(&self) -> Vec<Arc<str>> {
        self.history.iter().map(|(_, json)| json.clone()).collect()
    }

    /// Returns a snapshot that is remembered.
    pub(super) fn remembered(&self, seq: u64) -> Result<Arc<str>, TrackerError> {
        let found = self.history.iter().find(|(number, _)| *number == seq);
        found.map(|(_, json)| json.clone()).ok_or_else(|| TrackerError::Forgotten {
            seq,
            known: self.history.iter().map(|(number, _)| *number).collect(),
        })
    }
}

/// Reads sections that lie one over the other, the last on top: those that the first layer names.
fn layered(layers: [&Sections; 3]) -> Result<SessionPayload, payload::Error> {
    let [under, over @ ..] = layers;
    let merged = under.iter().map(|(name, section)| {
        let mut section = section.clone().unwrap_or(Value::Null);
        for over in over.iter().filter_map(|layer| layer.get(name)?.as_ref()) {
            merge_patch(&mut section, over);
        }
        (name.clone(), (!section.is_null()).then_some(section))
    });
    read(merged.collect())
}

/// Returns the patch that leads from one snapshot to another.
pub(super) fn difference(from: &str, to: &str) -> Result<Value, TrackerError> {
    let value = |json: &str| serde_json::from_str::<Value>(json).map_err(payload::Error::NotJson);
    Ok(merge_diff(&value(from)?, &value(to)?))
}

/// What is said is an object, and not deeper than readers go.
fn fits(value: &Value, is: &str) -> Result<(), TrackerError> {
    let wrong = |what: &str| {
        let cause = serde::de::Error::custom(what);
        TrackerError::Patch(payload::Error::WrongShape { path: String::new(), cause })
    };
    if is_deeper(value, LEVELS) {
        return Err(wrong(&format!("it is nested deeper than {LEVELS} levels")));
    }
    if value.is_object() { Ok(()) } else { Err(wrong(is)) }
}

pub(super) fn name_of<'a>(option: &'static str, name: &'a str) -> Result<&'a str, TrackerError> {
    if (1..=NAME_BYTES).contains(&name.len()) {
        return Ok(name);
    }
    let given = format!("of {} bytes", name.len());
    Err(TrackerError::Option { option, given, allowed: "a name has 1 to 256 bytes" })
}

/// Returns why what is not there: as the guest says, and as the host says over that.
fn reasons(guest: &Side, host: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let said = guest.document.get(UNAVAILABLE).and_then(Value::as_object).into_iter().flatten();
    let said = said.filter_map(|(path, reason)| Some((path.clone(), reason.as_str()?.to_owned())));
    let mut all: BTreeMap<_, _> = said.collect();
    all.extend(host.clone());
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests;
