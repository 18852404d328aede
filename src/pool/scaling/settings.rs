//! What a pool's owner may ask of the rule.

use std::time::Duration;

use super::Sample;

/// How a pool is to size itself. Only the bounds have to be given; the rest serves nearly everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Scaling {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) target_wait: Duration,
    pub(super) keep: Duration,
    pub(super) cpu_bound: bool,
}

impl Scaling {
    /// A backlog is to be gone so soon after the workers for it have booted, when [`Scaling::target_wait`] is not set.
    pub const TARGET_WAIT: Duration = Duration::from_millis(5);

    /// What was needed within this time is kept, when [`Scaling::keep`] is not set.
    pub const KEEP: Duration = Duration::from_millis(400);

    /// Lets a pool have from `min` to `max` workers, both included. The minimum may be 0: the first job then waits for
    /// a worker to boot. A maximum of 0 counts as 1, and a minimum above the maximum as the maximum.
    pub const fn new(min: usize, max: usize) -> Self {
        let max = if max == 0 { 1 } else { max };
        let min = if min > max { max } else { min };
        Self { min, max, target_wait: Self::TARGET_WAIT, keep: Self::KEEP, cpu_bound: true }
    }

    /// Sets how soon a backlog is to be gone once the workers that are started for it have booted. Shorter starts more
    /// workers for the same backlog. At most one is started for each waiting job, so that zero means just that.
    pub const fn target_wait(self, target_wait: Duration) -> Self {
        Self { target_wait, ..self }
    }

    /// Sets for how long the pool keeps what it needed. Longer saves starts, shorter saves workers. Four times the time
    /// that a worker boots for is the least.
    pub const fn keep(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }

    /// Says whether jobs use their processor all the while, as they do without it. Workers beyond the processors that
    /// the process may use ([`Sample::quota`](super::Sample::quota)) are then never started.
    pub const fn cpu_bound(self, cpu_bound: bool) -> Self {
        Self { cpu_bound, ..self }
    }

    /// Returns the fewest workers.
    pub const fn min(&self) -> usize {
        self.min
    }

    /// Returns the most workers.
    pub const fn max(&self) -> usize {
        self.max
    }

    /// Tells whether the quota bounds the workers too.
    pub const fn is_cpu_bound(&self) -> bool {
        self.cpu_bound
    }

    /// Returns the most workers now: the maximum, and for jobs that are bound by their processors the quota.
    pub(crate) fn most(&self, sample: &Sample) -> usize {
        sample.quota.filter(|_| self.cpu_bound).map_or(self.max, |quota| self.max.min(quota.max(1)))
    }
}
