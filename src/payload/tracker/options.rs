//! What a tracker is started with.

use std::path::PathBuf;

use serde::Deserialize;

/// What a [`SessionTracker`](super::SessionTracker) is started with. In JSON, as C gives it, every field may be left out.
///
/// ```
/// use circlet::payload::TrackerOptions;
///
/// let options: TrackerOptions = serde_json::from_str(r#"{"runtime": "python", "interval_ms": 100}"#)?;
/// assert_eq!((options.runtime.as_str(), options.history), ("python", 16));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerOptions {
    /// The id of the session; made where it is not given ([`new_session_id`](crate::payload::new_session_id)).
    pub session: Option<String>,
    /// The section of the runtime that `log_api_usage` is for: `bun`, `node`, `python` or `native`, which is the default.
    pub runtime: String,
    /// The process that is looked at; this one where it is not given.
    pub pid: Option<u32>,
    /// The folder of the project: its git state, lockfile and dependencies. The current one by default.
    pub folder: PathBuf,
    /// Whether to look at the project at all.
    pub project: bool,
    /// A file of test results (JUnit XML) to follow.
    pub junit: Option<PathBuf>,
    /// A file of coverage (lcov) to follow.
    pub lcov: Option<PathBuf>,
    /// The name of a page in shared memory to publish snapshots to.
    pub page: Option<String>,
    /// How often a snapshot is published there, in milliseconds.
    pub interval_ms: u64,
    /// How often the project is looked at again at the least, in milliseconds; sooner where files that say so have changed.
    pub project_interval_ms: u64,
    /// How many snapshots are remembered.
    pub history: usize,
    /// The longest snapshot in bytes: a patch that would make it longer is refused.
    pub max_bytes: u32,
    /// Whether what should not leave the machine's user is taken out ([`Redactor`](crate::payload::Redactor)).
    pub redact: bool,
}

impl TrackerOptions {
    /// Has its paths lead to the same place wherever the process goes.
    pub(super) fn absolute(&mut self) {
        for path in [Some(&mut self.folder), self.junit.as_mut(), self.lcov.as_mut()].into_iter().flatten() {
            if let Ok(whole) = std::path::absolute(&*path) {
                *path = whole;
            }
        }
    }
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            session: None,
            runtime: "native".to_owned(),
            pid: None,
            folder: PathBuf::from("."),
            project: true,
            junit: None,
            lcov: None,
            page: None,
            interval_ms: 250,
            project_interval_ms: 5_000,
            history: 16,
            max_bytes: 256 << 10,
            redact: true,
        }
    }
}
