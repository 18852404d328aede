//! What becomes of a run, for whoever keeps a log.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Stopped;
use super::clock::nanoseconds;

/// Something that became of a run, and when.
///
/// Serializes as one object, as in `{"request": 3, "unix_ms": 1767225600000.25, "monotonic_ms": 86400000.5, "state": "exception",
/// "type": "ValueError", "message": "no"}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct State {
    /// The number of the run, from 1 in each session.
    pub request: u32,
    /// When, by the clock on the wall.
    #[serde(flatten)]
    pub moment: Moment,
    /// What.
    #[serde(flatten)]
    pub what: StateKind,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since the beginning of 1970, by a clock that somebody may set.
    pub unix_ms: f64,
    /// Milliseconds of `CLOCK_MONOTONIC`, which all processes of a machine share, and which never goes back.
    pub monotonic_ms: f64,
}

impl Moment {
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: since.as_secs_f64() * 1e3, monotonic_ms: nanoseconds() as f64 / 1e6 }
    }
}

/// What may become of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateKind {
    /// The session has the code.
    CodeReceived,
    /// The code is about to be compiled and run.
    ExecStart,
    /// The code has ended, and its value or its exception is known.
    ExecEnd,
    /// The code was ended by an exception.
    Exception {
        /// Its type's name.
        #[serde(rename = "type")]
        kind: String,
        /// Its message.
        message: String,
    },
    /// A step was taken to stop the run: one of these for each.
    #[serde(skip_deserializing)]
    Interrupted {
        /// Which.
        how: Stopped,
    },
    /// The session is a new one, without the names of the one before. Comes first, in the first run of the new one.
    #[serde(skip_deserializing)]
    Recycled {
        /// Why.
        why: Recycled,
    },
}

/// Why a session took the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recycled {
    /// The one before had ended, by itself or by force.
    Ended,
    /// The one before had run as often, or had grown as much, as it may.
    Worn,
    /// Somebody asked for a new one.
    Restarted,
}

/// A state as a session says it.
#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) moment: Moment,
    #[serde(flatten)]
    pub(super) what: StateKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Option<StateKind> {
        serde_json::from_str::<Said>(json).ok().map(|said| said.what)
    }

    #[test]
    fn a_session_says_what_it_knows_and_nothing_of_what_its_supervisor_does() {
        let at = r#""unix_ms": 1.5, "monotonic_ms": 2"#;
        assert_eq!(said(&format!(r#"{{"state": "exec_end", {at}}}"#)), Some(StateKind::ExecEnd));
        assert_eq!(said(&format!(r#"{{"state": "interrupted", "how": "killed", {at}}}"#)), None);
        assert_eq!(said(r#"{"state": "exec_end"}"#), None);
    }

    #[test]
    fn a_state_is_one_flat_object() {
        let moment = Moment { unix_ms: 1.5, monotonic_ms: 2.0 };
        let state =
            State { request: 3, moment, what: StateKind::Interrupted { how: Stopped::GroupInterrupted } };
        let wanted = serde_json::json!({"request": 3, "unix_ms": 1.5, "monotonic_ms": 2.0, "state": "interrupted", "how": "group_interrupted"});
        assert_eq!(serde_json::to_value(&state).unwrap(), wanted);
    }
}
