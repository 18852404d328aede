//! Which idle worker a job goes to.

use std::fmt;

use serde::{Serialize, Serializer};

/// The rule that chooses among the workers that are idle.
///
/// A job that finds none waits for whoever is free first, so that no job waits while a worker is idle. Only a job with a
/// key, under [`Strategy::Affinity`], waits for a worker of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The next idle worker in turn, after the one that was chosen last.
    #[default]
    RoundRobin,
    /// The idle worker that has run jobs for the least time so far.
    LeastBusy,
    /// Jobs of one [key](super::Job::key) go to one worker, one after the other and in the order of their submission
    /// within a priority: what the worker has learned of the key serves again. While none of a key's jobs is left, another
    /// worker may get it when workers come or go, by rendezvous hashing. A job without a key goes to the worker that
    /// became idle last.
    Affinity,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::RoundRobin, Self::LeastBusy, Self::Affinity];

    /// Returns its name, as in the session payload.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastBusy => "least-busy",
            Self::Affinity => "affinity",
        }
    }

    /// Returns the index in `idle`, which has places of workers, the longest idle first, and is not empty. `last` is the
    /// place that was chosen last.
    pub(super) fn choose(self, idle: &[usize], last: usize, busy: impl Fn(usize) -> u64) -> usize {
        let indexes = 0..idle.len();
        match self {
            // Places after the last one come first, and those are the ones whose distance does not wrap.
            Self::RoundRobin => {
                indexes.min_by_key(|index| idle[*index].wrapping_sub(last).wrapping_sub(1)).unwrap_or(0)
            }
            Self::LeastBusy => indexes.min_by_key(|index| busy(idle[*index])).unwrap_or(0),
            Self::Affinity => idle.len() - 1,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Strategy {
    type Err = super::Error;

    fn from_str(name: &str) -> Result<Self, super::Error> {
        let found = Self::ALL.into_iter().find(|strategy| strategy.name() == name);
        found.ok_or_else(|| super::Error::NoStrategy { given: name.to_owned() })
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What [`Pool::submit`](super::Pool::submit) does when as many jobs wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It waits for room, for at most so long; [`Duration::MAX`](std::time::Duration::MAX) without end. Then it refuses.
    Wait(std::time::Duration),
    /// It refuses.
    Reject,
    /// It takes the job in, and gives up the one of the lowest priority that has waited for longest: that one ends as
    /// [`Failure::Dropped`](super::Failure::Dropped).
    DropOldest,
}

impl Default for Overflow {
    fn default() -> Self {
        Self::Wait(std::time::Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round_those_that_are_idle() {
        let choose = |idle: &[usize], last| idle[Strategy::RoundRobin.choose(idle, last, |_| 0)];
        assert_eq!(choose(&[2, 0, 1], usize::MAX), 0);
        assert_eq!(choose(&[2, 0, 1], 0), 1);
        assert_eq!(choose(&[2, 0, 1], 2), 0);
        assert_eq!(choose(&[5, 0], 3), 5);
        assert_eq!(choose(&[5, 0], 5), 0);
    }

    #[test]
    fn the_least_busy_is_the_one_with_the_least_time() {
        let busy = [30, 10, 20];
        assert_eq!(Strategy::LeastBusy.choose(&[0, 2, 1], 0, |place| busy[place]), 2);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.to_string().parse::<Strategy>().unwrap(), strategy);
        }
        let refusal = "random".parse::<Strategy>().unwrap_err().to_string();
        assert_eq!(
            refusal,
            "there is no strategy \"random\": round-robin, least-busy and affinity are allowed"
        );
    }
}
