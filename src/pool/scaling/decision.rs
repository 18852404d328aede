//! What the rule answers.

use std::fmt;
use std::time::Duration;

/// What to do, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// Why. Its text is for people.
    pub reason: Reason,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start so many workers, at least 1.
    Start(usize),
    /// Stop so many of the workers that are idle now, at least 1, those first that have been idle for longest.
    Stop(usize),
    /// Leave it.
    None,
}

impl Action {
    /// Returns the change of the number of workers.
    pub fn change(self) -> isize {
        match self {
            Self::Start(workers) => isize::try_from(workers).unwrap_or(isize::MAX),
            Self::Stop(workers) => isize::try_from(workers).map_or(isize::MIN, isize::wrapping_neg),
            Self::None => 0,
        }
    }
}

/// Why the rule wants what it wants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// There are fewer workers than the minimum.
    BelowMinimum {
        /// The minimum.
        min: usize,
    },
    /// There are more workers than the maximum, or than the quota lets run.
    AboveMaximum {
        /// The lower of the two.
        max: usize,
    },
    /// Jobs wait, and there is nobody to do them.
    NoWorker {
        /// The jobs that wait.
        queued: usize,
    },
    /// What waits would not be done in time by the workers that there are.
    Backlog {
        /// The jobs that wait.
        queued: usize,
        /// The workers that are enough.
        needed: usize,
    },
    /// A job has waited for longer than it takes to boot a worker for it: the running ones do not end as expected.
    Stuck {
        /// How long it has waited.
        waited: Duration,
    },
    /// The load alone, without a queue, needs more workers.
    Load {
        /// Workers that are busy on average, in tenths.
        busy_tenths: u64,
        /// The workers that are enough.
        needed: usize,
    },
    /// For as long as the pool keeps what it needed, it has needed fewer workers.
    Unneeded {
        /// The workers that are enough.
        needed: usize,
    },
    /// There are as many as may be, and jobs wait.
    AtMaximum {
        /// The jobs that wait.
        queued: usize,
    },
    /// The workers that run will take what waits before another could have booted.
    SoonDone {
        /// The jobs that wait.
        queued: usize,
    },
    /// There are enough workers, on the way or here, and not too many.
    Enough,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BelowMinimum { min } => write!(f, "the minimum is {min} workers"),
            Self::AboveMaximum { max } => write!(f, "at most {max} workers may run"),
            Self::NoWorker { queued } => write!(f, "{queued} jobs wait and no worker runs"),
            Self::Backlog { queued, needed } => {
                write!(f, "{queued} jobs wait, which {needed} workers do in time")
            }
            Self::Stuck { waited } => {
                write!(f, "a job has waited for {waited:.1?} behind jobs that do not end")
            }
            Self::Load { busy_tenths, needed } => {
                write!(
                    f,
                    "{}.{} workers are busy on average, which takes {needed}",
                    busy_tenths / 10,
                    busy_tenths % 10
                )
            }
            Self::Unneeded { needed } => write!(f, "{needed} workers have been enough for a while"),
            Self::AtMaximum { queued } => write!(f, "{queued} jobs wait, and no more workers are allowed"),
            Self::SoonDone { queued } => write!(f, "{queued} jobs wait for less than a worker takes to boot"),
            Self::Enough => f.write_str("there are enough workers"),
        }
    }
}
