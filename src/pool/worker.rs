//! The thread of one worker.

use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use serde::{Serialize, Serializer};

use super::JobContext;
use super::failure::drop_quietly;
use super::lane::Lane;

/// Names one worker. Displays as `w_3a7f`; no two of the process's last 65536 workers have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(u16);

impl WorkerId {
    /// Takes the next id of the process, so that the workers of several pools fit into one registry.
    pub(super) fn next() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }

    /// Returns the number alone.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w_{:04x}", self.0)
    }
}

impl Serialize for WorkerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Runs the jobs of a lane until it is closed and empty.
pub(super) fn run(lane: &Lane) {
    while let Some((mut task, since)) = lane.next() {
        let context = JobContext::new(task.ticket.clone(), lane.worker());
        let error = task.body.run(&context);
        lane.finish(&mut task, since.elapsed(), error);
        drop_quietly(task); // a result that nobody waits for goes with it
    }
}
