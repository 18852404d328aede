//! What a worker is, whatever it is made of.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::desk::Desk;
use super::task::{Body, Closure};
use super::{Error, Features, JobContext, Limit};

/// Names one worker. Displays as `w_3a7f`; no two of the process's last 65536 workers have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(u16);

impl WorkerId {
    /// Takes the next id of the process, so that the workers of several pools fit into one registry.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }

    /// Returns the number alone.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl From<u16> for WorkerId {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl FromStr for WorkerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text.strip_prefix("w_").and_then(|digits| u16::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| Error::NoSuchWorker { given: text.to_owned() })
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

/// What the workers of a pool are. Each has a thread of the pool, which runs jobs itself or has a process run them.
pub(crate) trait Kind: Send + Sync + 'static {
    /// How long the jobs that a worker takes at once are to last together.
    const CHUNK: Duration;

    /// What a job is to such a worker.
    type Body: Body + ?Sized + 'static;

    /// Returns what every worker may use, and who sees to it.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    /// Returns what the workers are capable of, where there is a choice.
    fn features(&self) -> Option<Features> {
        None
    }

    /// Boots a worker whose start was asked for at `since`, opens its desk, and works until there is nothing to take.
    ///
    /// # Errors
    /// Why it could not boot, or died. The jobs that it had are given back by then.
    fn work(&self, desk: &Desk<Self::Body>, since: Instant) -> Result<(), String>;
}

/// Workers that are threads, and run closures.
pub(super) struct Threads;

impl Kind for Threads {
    const CHUNK: Duration = Duration::from_micros(50);

    type Body = dyn Closure;

    fn work(&self, desk: &Desk<dyn Closure>, since: Instant) -> Result<(), String> {
        desk.open(since.elapsed());
        while let Some(first) = desk.take() {
            let mut task = Some(first);
            while let Some(present) = task.take() {
                let context = JobContext::new(present.ticket(), desk.lane().worker, desk.ports());
                present.run(&context, &mut |error| task = desk.next(&present, error));
                if let Some(mut spent) = present.into_spent() {
                    // A result that nobody waits for goes here.
                    Arc::get_mut(&mut spent).into_iter().for_each(|body| body.clear());
                    desk.give_back(spent);
                }
            }
        }
        Ok(())
    }
}
