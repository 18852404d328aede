//! The payload as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{read_text, read_value};
use super::section::{Unknown, section};
use super::views::{to_canonical, to_view};
use super::{
    Audit, Bun, Cache, Dependencies, Error, ExecutorState, Files, Git, HubState, Metadata, NodeCompat,
    PolicyState, Process, RingState, Runtime, Test, Vm, WorkerThreads,
};

/// The version of the canonical form, and the member that says it.
pub(super) const SCHEMA: u64 = 1;
pub(super) const SCHEMA_KEY: &str = "schema";

section! {
    /// Says what one session is doing, as far as it is known.
    ///
    /// Every section and every field is optional. Absent means unknown; no reader may take it for 0. A `null` is read as absent,
    /// except where the schema gives it a meaning of its own ([`Worker::last_error`](super::Worker::last_error)). Fields that
    /// the schema does not have are kept, at every level, in the `extra` of their section.
    ///
    /// ```
    /// use circlet::payload::{SessionPayload, TestCounts, Test};
    ///
    /// let payload = SessionPayload {
    ///     goal: Some("draw a curve".to_owned()),
    ///     test: Some(Test {
    ///         tests: Some(TestCounts { passed: Some(19), ..TestCounts::default() }),
    ///         ..Test::default()
    ///     }),
    ///     ..SessionPayload::default()
    /// };
    /// assert_eq!(payload.to_json(), r#"{"schema":1,"test":{"tests":{"passed":19}},"goal":"draw a curve"}"#);
    /// ```
    pub struct SessionPayload {
        /// Counts what was written: one more for each payload of a session.
        pub seq: Option<u64>,
        /// Gives the time of it, in milliseconds since 1970-01-01 UTC.
        pub captured_at_ms: Option<u64>,
        /// Gives how old each section was by then, in milliseconds.
        pub ages_ms: Option<BTreeMap<String, u64>>,
        /// Says why something is absent, by its path.
        pub unavailable: Option<BTreeMap<String, String>>,
        /// Says what was taken out as it should not leave, by its path: `home`, `user`, `login`, `token`, `key` or `secret`.
        pub redacted: Option<BTreeMap<String, String>>,
        /// Says where and in what the session runs.
        pub metadata: Option<Metadata>,
        /// Says what its process holds and has used.
        pub process: Option<Process>,
        /// Says which of the runtime's own interfaces are in use, and what they cost.
        pub bun: Option<Bun>,
        /// Says how far the runtime stands in for Node.
        pub node_compat: Option<NodeCompat>,
        /// Describes Node, where the session runs in it.
        pub node: Option<Runtime>,
        /// Describes Python, where the session runs in it.
        pub python: Option<Runtime>,
        /// Describes the native program that is the session, where no other runtime is.
        pub native: Option<Runtime>,
        /// Describes the contexts of code that are kept apart.
        pub vm: Option<Vm>,
        /// Says what the workers do.
        pub worker_threads: Option<WorkerThreads>,
        /// Describes what the project depends on.
        pub dependencies: Option<Dependencies>,
        /// Describes the package cache.
        pub cache: Option<Cache>,
        /// Describes the last test run.
        pub test: Option<Test>,
        /// Describes the state of the git repository.
        pub git: Option<Git>,
        /// Says in a sentence what was done last.
        pub last: Option<String>,
        /// Says in a sentence what the session is for.
        pub goal: Option<String>,
        /// Lists the places to read, each as `path:first-last` in lines.
        pub context: Option<Vec<String>>,
        /// Lists what needs attention, the most urgent first.
        pub critical: Option<Vec<String>>,
        /// Says which files the session touched.
        pub files: Option<Files>,
        /// Says what policies denied the session's code, and warned of.
        pub audit: Option<Audit>,
        /// Describes the rings, each under its name.
        pub rings: Option<BTreeMap<String, RingState>>,
        /// Describes the executors, each under its name.
        pub executors: Option<BTreeMap<String, ExecutorState>>,
        /// Describes the policies that the executors run under, each under its name.
        pub policies: Option<BTreeMap<String, PolicyState>>,
        /// Describes the hub.
        pub hub: Option<HubState>,
        /// Holds what a view said that follows from other fields, by its path there; see [`SessionPayload::from_json`].
        pub stated: Option<Map<String, Value>>,
    }
}

/// The canonical form of a payload.
#[derive(serde::Serialize)]
struct Canonical<'a> {
    schema: u64,
    #[serde(flatten)]
    payload: &'a SessionPayload,
}

impl SessionPayload {
    /// Reads a payload from JSON text: the canonical form, which has `schema`, or the view without it, whose units are `_mb`, `_ms` and
    /// `_s`. What a view says that follows from other fields, as a total or a rate, is kept in `stated`.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let payload = SessionPayload::from_json(r#"{"goal": "draw a curve", "mood": "calm"}"#)?;
    /// assert_eq!(payload.goal.as_deref(), Some("draw a curve"));
    /// assert_eq!(payload.unknown_fields(), ["mood"]);
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotJson`] when the text is no JSON, [`Error::WrongShape`] when a field of the schema has another type; both say
    /// the line and the column, and what was expected there. [`Error::Schema`] when it is of a version that is not known here.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        // As text first, for the line and the column of what does not fit.
        let payload = read_text::<Self>(text)?;
        if payload.extra.contains_key(SCHEMA_KEY) {
            return payload.of_schema();
        }
        Self::from_value(&read_text(text)?)
    }

    /// Reads a payload from a JSON value, as [`SessionPayload::from_json`].
    ///
    /// # Errors
    ///
    /// [`Error::WrongShape`] when a field of the schema has another type; it says what was expected. [`Error::Schema`] when it is of a
    /// version that is not known here.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        match value.get(SCHEMA_KEY) {
            Some(_) => read_value::<Self>(value)?.of_schema(),
            None => read_value(&to_canonical(value.clone())?),
        }
    }

    /// Takes out the version, which is one that is known here.
    fn of_schema(mut self) -> Result<Self, Error> {
        match self.extra.remove(SCHEMA_KEY) {
            Some(version) if version.as_u64() != Some(SCHEMA) => {
                Err(Error::Schema { found: version.to_string(), known: SCHEMA })
            }
            _ => Ok(self),
        }
    }

    /// Writes the payload as JSON text, on one line, in the canonical form. What is absent is left out.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Canonical { schema: SCHEMA, payload: self })
            .expect("a payload has string keys and finite numbers alone")
    }

    /// Returns the payload in the canonical form.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(Canonical { schema: SCHEMA, payload: self })
            .expect("a payload has string keys and finite numbers alone")
    }

    /// Returns the view: units of `_mb`, `_ms` and `_s`, with what follows from other fields, as totals and rates. What was stated when
    /// it was read stands as it was.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let text = r#"{"schema": 1, "process": {"rss_bytes": 3145728}, "cache": {"hits": 3, "misses": 1}}"#;
    /// let view = SessionPayload::from_json(text)?.to_view();
    /// assert_eq!(view["bun"]["performance"]["memory_mb"]["rss"], 3);
    /// assert_eq!(view["cache"]["manifests"]["hit_rate"], 0.75);
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn to_view(&self) -> Value {
        let mut canonical = self.to_value();
        if let Some(members) = canonical.as_object_mut() {
            members.remove(SCHEMA_KEY);
        }
        to_view(canonical, self)
    }

    /// Returns the paths of the fields that the schema does not have, such as `worker_threads.registry.w_1.mood`.
    ///
    /// They are kept, so this is no error; it finds a misspelled name.
    pub fn unknown_fields(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.unknown("", &mut found);
        found
    }
}
