//! What every rule is asked, and what it answers.

use std::time::Duration;

use crate::pool::scaling::{Action, Reason, Sample};

/// Why a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The pool begins. Nothing has come yet.
    Begin,
    /// A job has come, and an idle worker has taken it at once.
    Taken,
    /// A job has come, and waits: no worker is idle.
    Queued,
    /// A job was done, and its worker is idle.
    Idle,
    /// A worker has booted. It is idle, or took a job that waited.
    Booted,
    /// The time has come that the rule wanted to be asked at.
    Timer,
}

/// A rule that sizes a pool.
pub trait Rule {
    /// Decides. What cannot be done (more than the maximum, fewer than the minimum, stopping workers that are not idle)
    /// is not done.
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action;

    /// Returns when it wants to be asked next whatever happens, on the clock of [`Sample::now`]. It is asked for that
    /// after each decision, and the last answer holds.
    fn timer(&self) -> Option<Duration> {
        None
    }

    /// Returns why it decided as it did the last time, if it says so.
    fn reason(&self) -> Option<Reason> {
        None
    }
}
