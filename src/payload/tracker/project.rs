//! What is slow to look at: the project, by a thread in the background.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Shared;
use super::options::TrackerOptions;

/// How often files are looked at whose change says that something else has changed.
const LOOK: Duration = Duration::from_millis(500);
/// At the most one part in so many of the time goes into looking.
const SHARE: u32 = 20;

pub(super) struct Project {
    folder: PathBuf,
    at_least: Duration,
}

impl Project {
    pub(super) fn new(options: &TrackerOptions) -> Self {
        Self {
            folder: options.folder.clone(),
            at_least: Duration::from_millis(options.project_interval_ms.max(1)),
        }
    }

    pub(super) fn sections(&self) -> Vec<&'static str> {
        Vec::new()
    }

    pub(super) fn run(self, shared: &Shared) {
        let _ = (&self.folder, self.at_least, LOOK, SHARE, Instant::now());
        let _ = shared;
    }
}
