//! The payload as a whole.

use serde_json::Value;

use super::error::{read_text, read_value};
use super::section::{Unknown, section};
use super::{Audit, Bun, Cache, Dependencies, Error, Files, Git, Metadata, NodeCompat, Test, WorkerThreads};

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
    /// assert_eq!(payload.to_json(), r#"{"test":{"tests":{"passed":19}},"goal":"draw a curve"}"#);
    /// ```
    pub struct SessionPayload {
        /// Says where and in what the session runs.
        pub metadata: Option<Metadata>,
        /// Says which of the runtime's own interfaces are in use, and what they cost.
        pub bun: Option<Bun>,
        /// Says how far the runtime stands in for Node.
        pub node_compat: Option<NodeCompat>,
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
    }
}

impl SessionPayload {
    /// Reads a payload from JSON text.
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
    /// [`Error::NotJson`] when the text is no JSON, [`Error::WrongShape`] when a field of the schema has another type. Both say
    /// the line and the column, and what was expected there.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        read_text(text)
    }

    /// Reads a payload from a JSON value.
    ///
    /// # Errors
    ///
    /// [`Error::WrongShape`] when a field of the schema has another type; it says what was expected.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        read_value(value)
    }

    /// Writes the payload as JSON text, on one line. What is absent is left out.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a payload has string keys and finite numbers alone")
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
