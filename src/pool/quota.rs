//! How many processors the process may use, looked at from time to time.

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

/// A quota is looked at so far apart: it takes some files of the kernel to tell, and is changed by people.
const LOOK: Duration = Duration::from_secs(1);

/// The quota as it was told last.
pub(super) struct Quota {
    processors: usize,
    due: Option<Instant>,
}

impl Quota {
    pub(super) fn new() -> Self {
        Self { processors: 1, due: None }
    }

    /// Returns how many processors the process may use: those of its CPU set, within the quota of its control group, a
    /// part of one counting as a whole one.
    pub(super) fn at(&mut self, now: Instant) -> usize {
        if self.due.is_none_or(|due| due <= now) {
            self.processors = thread::available_parallelism().map_or(1, NonZero::get);
            self.due = now.checked_add(LOOK);
        }
        self.processors
    }

    /// Returns when it is to be looked at again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}
