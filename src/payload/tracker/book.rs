//! What is known of a session: what guests said, what the host measured, and both as one payload. It starts nothing and measures nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::error::TrackerError;
use super::options::TrackerOptions;
use super::owned::Owned;
use crate::payload::{self, Process, Redactor, SessionPayload, merge_diff, merge_patch};

/// The longest name of an interface, and how many of them are kept.
const API_BYTES: usize = 256;
const APIS: usize = 2_000;

#[derive(Debug)]
pub(super) struct Book {
    runtime: String,
    max_bytes: u32,
    owned: Owned,
    redactor: Option<Redactor>,
    /// What guests said, without what should not leave.
    guest: Value,
    /// What was measured, likewise. It goes over what guests said.
    host: Value,
    /// Both together.
    payload: SessionPayload,
    /// When each section was last told.
    told: BTreeMap<String, Instant>,
    /// What was taken out where.
    redacted: BTreeMap<String, &'static str>,
    history: VecDeque<(u64, Arc<str>)>,
    remembered: usize,
}

/// The times of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Since 1970.
    pub(super) unix: Duration,
    /// How long the process has been there.
    pub(super) uptime: Option<Duration>,
}

impl Book {
    pub(super) fn new(options: &TrackerOptions, owned: Owned, redactor: Option<Redactor>) -> Self {
        Self {
            runtime: options.runtime.clone(),
            max_bytes: options.max_bytes,
            owned,
            redactor,
            guest: Value::Object(Map::new()),
            host: Value::Object(Map::new()),
            payload: SessionPayload::default(),
            told: BTreeMap::new(),
            redacted: BTreeMap::new(),
            history: VecDeque::new(),
            remembered: options.history.max(1),
        }
    }

    /// Takes what a guest says; returns the paths of what it may not say, which is left out.
    pub(super) fn patch(&mut self, mut patch: Value, now: Instant) -> Result<Vec<String>, TrackerError> {
        if !patch.is_object() {
            let cause =
                serde::de::Error::custom("a patch of a session is an object with the members to change");
            return Err(payload::Error::WrongShape { path: String::new(), cause }.into());
        }
        let refused = self.owned.strip(&mut patch);
        let redacted = self.redact(&mut patch);
        let mut guest = self.guest.clone();
        merge_patch(&mut guest, &patch);
        let payload = self.composed(&guest, &self.host)?;
        let len = payload.to_json().len();
        if len > self.max_bytes as usize {
            return Err(TrackerError::TooLarge { len, max: self.max_bytes });
        }
        self.guest = guest;
        self.took(payload, &patch, redacted, now);
        Ok(refused)
    }

    /// Takes what was measured of a section, or why it could not be.
    pub(super) fn measured(&mut self, path: &str, value: Result<Value, String>, now: Instant) {
        let mut patch = json!({});
        let (value, reason) = match value {
            Ok(value) => (value, Value::Null),
            Err(reason) => (Value::Null, Value::String(self.harmless(reason))),
        };
        put(&mut patch, path, value);
        let redacted = self.redact(&mut patch);
        let mut host = self.host.clone();
        // What was measured before goes whole.
        let mut gone = json!({});
        put(&mut gone, path, Value::Null);
        merge_patch(&mut host, &gone);
        merge_patch(&mut host, &patch);
        merge_patch(&mut host, &json!({ "unavailable": { path: reason } }));
        // What does not fit is this crate's own mistake; what was known stays.
        let Ok(payload) = self.composed(&self.guest, &host) else { return };
        self.host = host;
        self.took(payload, &patch, redacted, now);
    }

    fn composed(&self, guest: &Value, host: &Value) -> Result<SessionPayload, payload::Error> {
        let mut both = guest.clone();
        merge_patch(&mut both, host);
        merge_patch(&mut both, &json!({ "schema": payload::SCHEMA }));
        let mut payload = SessionPayload::from_value(&both)?;
        payload.seq = self.payload.seq;
        Ok(payload)
    }

    fn took(
        &mut self,
        payload: SessionPayload,
        patch: &Value,
        redacted: Vec<payload::Redaction>,
        now: Instant,
    ) {
        self.payload = payload;
        self.payload.unavailable.take_if(|reasons| reasons.is_empty());
        self.redacted.retain(|path, _| !sets(patch, path));
        self.redacted.extend(redacted.into_iter().map(|one| (one.path, one.kind)));
        self.payload.redacted = (!self.redacted.is_empty())
            .then(|| self.redacted.iter().map(|(path, kind)| (path.clone(), (*kind).to_owned())).collect());
        for (section, value) in patch.as_object().into_iter().flatten() {
            if value.is_null() {
                self.told.remove(section);
            } else if section != "unavailable" {
                self.told.insert(section.clone(), now);
            }
        }
        let sections = self.told.keys().map(|section| (section.clone(), 0)).collect();
        self.payload.ages_ms = Some(sections);
    }

    /// Takes out of a reason what should not leave.
    fn harmless(&self, reason: String) -> String {
        self.redactor.as_ref().map_or(reason.clone(), |redactor| redactor.text(&reason).into_owned())
    }

    fn redact(&self, value: &mut Value) -> Vec<payload::Redaction> {
        self.redactor.as_ref().map(|redactor| redactor.value(value)).unwrap_or_default()
    }

    /// Notes that an interface is used.
    pub(super) fn log_api_usage(&mut self, name: &str, now: Instant) -> Result<(), TrackerError> {
        let known =
            self.guest.get(&self.runtime).and_then(|runtime| runtime.get("apis")).and_then(Value::as_array);
        let known = known.map(Vec::as_slice).unwrap_or_default();
        let is_new = !known.iter().any(|api| api.as_str() == Some(name));
        if name.is_empty() || name.len() > API_BYTES {
            return Err(TrackerError::Option {
                option: "name",
                given: format!("of {} bytes", name.len()),
                allowed: "the name of an interface has 1 to 256 bytes",
            });
        }
        if !is_new || known.len() >= APIS {
            return Ok(());
        }
        let apis: Vec<Value> = known.iter().cloned().chain([name.into()]).collect();
        self.patch(json!({ self.runtime.as_str(): { "apis": apis } }), now).map(drop)
    }

    /// Adds a worker.
    pub(super) fn register_worker(
        &mut self,
        id: &str,
        unix: Duration,
        now: Instant,
    ) -> Result<(), TrackerError> {
        if self.has_worker(id) {
            return Err(TrackerError::KnownWorker(id.to_owned()));
        }
        let created_at_ms = unix.as_millis() as u64;
        let worker = json!({ "state": "booting", "created_at_ms": created_at_ms, "messages_processed": 0, "errors": 0 });
        self.patch(json!({ "worker_threads": { "registry": { id: worker } } }), now).map(drop)
    }

    /// Changes what is said of a worker; `null` forgets it.
    pub(super) fn update_worker(&mut self, id: &str, patch: Value, now: Instant) -> Result<(), TrackerError> {
        if !self.has_worker(id) {
            return Err(TrackerError::UnknownWorker(id.to_owned()));
        }
        if !patch.is_object() && !patch.is_null() {
            let cause = serde::de::Error::custom("what changes of a worker is an object");
            return Err(payload::Error::WrongShape { path: id.to_owned(), cause }.into());
        }
        self.patch(json!({ "worker_threads": { "registry": { id: patch } } }), now).map(drop)
    }

    fn has_worker(&self, id: &str) -> bool {
        let registry = self.payload.worker_threads.as_ref().and_then(|workers| workers.registry.as_ref());
        registry.is_some_and(|registry| registry.contains_key(id))
    }

    /// Brings the payload up to a moment, with what the process holds now or why that is not known, and returns it.
    pub(super) fn at(&mut self, moment: Moment, process: Result<Process, String>) -> &SessionPayload {
        let payload = &mut self.payload;
        payload.seq = Some(payload.seq.unwrap_or(0) + 1);
        payload.captured_at_ms = Some(moment.unix.as_millis() as u64);
        match process {
            Ok(process) => {
                payload.process = Some(process);
                if let Some(unavailable) = &mut payload.unavailable {
                    unavailable.remove("process");
                }
                if let Some(env) = payload.metadata.as_mut().and_then(|metadata| metadata.env.as_mut()) {
                    env.uptime_ms = moment.uptime.map(|uptime| uptime.as_millis() as u64);
                }
            }
            Err(reason) => {
                payload.process = None;
                payload.unavailable.get_or_insert_default().insert("process".to_owned(), reason);
            }
        }
        let ages = payload.ages_ms.get_or_insert_default();
        // Both are in the order of the sections' names.
        for (age, told) in ages.values_mut().zip(self.told.values()) {
            *age = moment.now.saturating_duration_since(*told).as_millis() as u64;
        }
        payload
    }

    /// Writes a snapshot as JSON, and remembers it.
    pub(super) fn snapshot_json(&mut self, moment: Moment, process: Result<Process, String>) -> Arc<str> {
        let payload = self.at(moment, process);
        let seq = payload.seq.unwrap_or_default();
        let json: Arc<str> = payload.to_json().into();
        if self.history.len() == self.remembered {
            self.history.pop_front();
        }
        self.history.push_back((seq, json.clone()));
        json
    }

    /// Returns the snapshots that are remembered, the newest at the end.
    pub(super) fn history(&self) -> Vec<Arc<str>> {
        self.history.iter().map(|(_, json)| json.clone()).collect()
    }

    /// Returns the patch that leads from one snapshot to another, the newest where none is given.
    pub(super) fn diff(&self, from: u64, to: Option<u64>) -> Result<Value, TrackerError> {
        let first = self.history.front().map_or(0, |(seq, _)| *seq);
        let last = self.history.back().map_or(0, |(seq, _)| *seq);
        let find = |wanted: u64| {
            let found = self.history.iter().find(|(seq, _)| *seq == wanted);
            let (_, json) = found.ok_or(TrackerError::Forgotten { seq: wanted, first, last })?;
            Ok::<Value, TrackerError>(serde_json::from_str(json).expect("it was written here"))
        };
        Ok(merge_diff(&find(from)?, &find(to.unwrap_or(last))?))
    }
}

/// Puts a value to a path of names.
fn put(document: &mut Value, path: &str, value: Value) {
    let mut here = document;
    for name in path.split('.') {
        if !here.is_object() {
            *here = json!({});
        }
        here = &mut here[name];
    }
    *here = value;
}

/// Tells whether a patch sets what is at a path, or something that it is in.
fn sets(patch: &Value, path: &str) -> bool {
    let mut here = patch;
    for name in path.split('.') {
        let name = name.split('[').next().unwrap_or(name);
        match here.get(name) {
            Some(value) => here = value,
            None => return false,
        }
        if !here.is_object() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Book {
        let redactor = Redactor::new(Some("/home/ada"), Some("ada"));
        Book::new(&TrackerOptions::default(), Owned::with(["git"]), Some(redactor))
    }

    fn moment() -> Moment {
        Moment { now: Instant::now(), unix: Duration::from_secs(1), uptime: Some(Duration::from_secs(2)) }
    }

    fn written(book: &mut Book) -> Value {
        serde_json::from_str(&book.snapshot_json(moment(), Ok(Process::default()))).unwrap()
    }

    #[test]
    fn a_guest_cannot_say_what_the_host_measures() {
        let mut book = book();
        book.measured("git", Ok(json!({"head": "abc"})), Instant::now());
        let refused = book
            .patch(json!({"git": {"branch": "x"}, "process": {"rss_bytes": 1}, "goal": "y"}), Instant::now());
        assert_eq!(refused.unwrap(), ["git", "process"]);
        let said = written(&mut book);
        assert_eq!((&said["git"], &said["goal"]), (&json!({"head": "abc"}), &json!("y")));
        // Nor take it away.
        book.patch(json!({"metadata": null, "git": null}), Instant::now()).unwrap();
        assert_eq!(written(&mut book)["git"]["head"], "abc");
    }

    #[test]
    fn what_is_measured_again_takes_the_place_of_what_was_and_a_reason_that_of_both() {
        let mut book = book();
        book.measured("git", Ok(json!({"head": "abc", "branch": "x"})), Instant::now());
        book.measured("git", Ok(json!({"head": "def"})), Instant::now());
        assert_eq!(written(&mut book)["git"], json!({"head": "def"}));
        book.measured("git", Err("no repository".to_owned()), Instant::now());
        let said = written(&mut book);
        assert_eq!((said.get("git"), &said["unavailable"]["git"]), (None, &json!("no repository")));
        book.measured("git", Ok(json!({"head": "def"})), Instant::now());
        assert!(written(&mut book)["unavailable"].get("git").is_none());
    }

    #[test]
    fn a_patch_that_does_not_fit_changes_nothing() {
        let mut book = book();
        book.patch(json!({"goal": "a"}), Instant::now()).unwrap();
        for wrong in [
            json!({"goal": "b", "critical": 5}),
            json!(["goal"]),
            json!(5),
            json!({"context": ["x".repeat(1 << 20)]}),
        ] {
            book.patch(wrong, Instant::now()).unwrap_err();
            assert_eq!(written(&mut book)["goal"], "a");
        }
    }

    #[test]
    fn what_should_not_leave_is_taken_out_and_said() {
        let mut book = book();
        book.patch(json!({"last": "cd /home/ada/x", "context": ["a", "https://a:b@h/x"]}), Instant::now())
            .unwrap();
        let said = written(&mut book);
        assert_eq!((&said["last"], &said["context"][1]), (&json!("cd ~/x"), &json!("https://[login]@h/x")));
        assert_eq!(said["redacted"], json!({"last": "home", "context[1]": "login"}));
        book.patch(json!({"last": "done", "context": null}), Instant::now()).unwrap();
        assert!(written(&mut book).get("redacted").is_none());
    }

    #[test]
    fn snapshots_are_numbered_and_so_many_remembered() {
        let mut book = book();
        let numbers: Vec<u64> = (0..20).map(|_| written(&mut book)["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
        assert_eq!(book.history().len(), 16);
        book.patch(json!({"goal": "z"}), Instant::now()).unwrap();
        written(&mut book);
        assert_eq!(book.diff(20, None).unwrap()["goal"], "z");
        assert!(matches!(book.diff(2, None), Err(TrackerError::Forgotten { seq: 2, first: 6, last: 21 })));
    }

    #[test]
    fn each_section_has_its_age() {
        let mut book = book();
        let now = Instant::now();
        book.patch(json!({"goal": "z"}), now).unwrap();
        book.measured("git", Ok(json!({})), now + Duration::from_millis(400));
        let moment = Moment { now: now + Duration::from_secs(1), ..moment() };
        assert_eq!(
            book.at(moment, Ok(Process::default())).ages_ms,
            Some([("git".to_owned(), 600), ("goal".to_owned(), 1000)].into())
        );
    }

    #[test]
    fn workers_are_registered_updated_and_forgotten() {
        let mut book = book();
        let now = Instant::now();
        book.register_worker("w_1", Duration::from_millis(5), now).unwrap();
        assert!(matches!(
            book.register_worker("w_1", Duration::ZERO, now),
            Err(TrackerError::KnownWorker(_))
        ));
        book.update_worker("w_1", json!({"state": "idle", "errors": 1}), now).unwrap();
        let worker = written(&mut book)["worker_threads"]["registry"]["w_1"].clone();
        assert_eq!(
            worker,
            json!({"state": "idle", "created_at_ms": 5, "messages_processed": 0, "errors": 1})
        );
        book.update_worker("w_1", Value::Null, now).unwrap();
        assert!(matches!(book.update_worker("w_1", json!({}), now), Err(TrackerError::UnknownWorker(_))));
    }

    #[test]
    fn an_interface_is_noted_once() {
        let mut book = book();
        for name in ["Bun.gc", "Bun.gc", "Bun.file"] {
            book.log_api_usage(name, Instant::now()).unwrap();
        }
        assert_eq!(written(&mut book)["native"]["apis"], json!(["Bun.gc", "Bun.file"]));
        assert!(book.log_api_usage("", Instant::now()).is_err());
    }
}
