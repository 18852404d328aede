//! What an editor asks a session between runs: completions, and whether code is complete.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use circlet::exec::{Error, Event, Executor, RunOptions};
use circlet::ring::Deadline;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How long somebody who writes is kept waiting, where the session's code has a say (`__dir__`).
const PATIENCE: Duration = Duration::from_secs(2);
/// The functions of `python/circlet/_session_look.py`.
const MODULE: &str = "__import__('circlet_look')";

/// The executor, which the editor asks while nothing runs.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Executor>>);

/// What a name may become.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Completions {
    pub(super) matches: Vec<String>,
    /// Where what they are for begins, in characters.
    pub(super) start: usize,
}

/// Whether code can be run.
#[derive(Debug, Deserialize)]
pub(super) struct Completeness {
    status: String,
    /// What the next line begins with.
    pub(super) indent: String,
}

impl Completeness {
    pub(super) fn is_incomplete(&self) -> bool {
        self.status == "incomplete"
    }
}

impl Shared {
    pub(super) fn new(executor: Executor) -> Self {
        Self(Arc::new(Mutex::new(executor)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Executor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the name before a position, in bytes, may become.
    pub(super) fn complete(&self, code: &str, position: usize) -> Option<Completions> {
        let position = code.get(..position)?.chars().count();
        ask(&mut self.lock(), "complete", &json!([code, position]))
    }

    /// Tells whether code is complete; nothing where the session cannot say.
    pub(super) fn is_complete(&self, code: &str) -> Option<Completeness> {
        ask(&mut self.lock(), "is_complete", &json!([code]))
    }
}

/// Has the session tell values as people read them, and returns the version of its language.
pub(super) fn prepare(executor: &mut Executor) -> Result<String, Error> {
    executor.run(&format!("{MODULE}.show_values()"))?;
    Ok(ask(executor, "version", &json!([])).unwrap_or_default())
}

/// Asks a session that runs nothing; nothing comes from one that has ended, or that does not answer.
fn ask<T: DeserializeOwned>(executor: &mut Executor, what: &str, arguments: &Value) -> Option<T> {
    executor.process_id()?;
    let session = executor.session().ok()?;
    // What JSON says of lists, strings and numbers, Python's own notation says as well.
    let code = format!("{MODULE}.answer({}, *{arguments})", json!(what));
    session.begin(&code, RunOptions::new().within(PATIENCE)).ok()?;
    let mut answer = None;
    while let Some(event) = session.next(Deadline::NEVER).ok()? {
        match event {
            Event::Data(bytes) => answer = serde_json::from_slice(&bytes).ok(),
            Event::End(_) => break,
            _ => {}
        }
    }
    answer
}
