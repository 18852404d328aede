//! What the rule sees of a pool.

use std::time::Duration;

/// What a pool is doing at one moment, and what it has done so far.
///
/// Counts and sums are totals since the pool began: a look that never comes loses nothing. Totals or a clock that go
/// backwards count as standing still. Every value is taken, also one that no pool can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The time since a moment that stays the same for all samples of a pool, of a clock that never goes back.
    pub now: Duration,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// How long the first of these has waited; zero if there is none.
    pub oldest_age: Duration,
    /// Workers that run a job.
    pub running: usize,
    /// Workers that wait for a job.
    pub idle: usize,
    /// Workers that were started and cannot take a job yet.
    pub booting: usize,
    /// Jobs that were ever taken in.
    pub arrived: u64,
    /// Jobs that ever ran to their end.
    pub finished: u64,
    /// The times that these ran for, added up.
    pub service: Duration,
    /// Workers that were ever ready for their first job.
    pub booted: u64,
    /// The times from the start of these until they were ready, added up.
    pub boot: Duration,
    /// How many processors the process may use at a time, a part of one counting as a whole one; `None` if unlimited.
    pub quota: Option<usize>,
}

impl Sample {
    /// Returns the workers that there are or will be.
    pub fn workers(&self) -> usize {
        self.running.saturating_add(self.idle).saturating_add(self.booting)
    }
}
