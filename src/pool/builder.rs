//! How a pool is to be.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use super::dispatch::Rules;
use super::scaling::Scaling;
use super::task::Closure;
use super::worker::{Kind, Threads};
use super::{Error, Overflow, Pool, Strategy};

/// The most workers that a pool may have.
pub const MAX_WORKERS: usize = 1024;

/// Jobs that may wait when the builder is not told.
pub const DEFAULT_QUEUE: usize = 16_384;

/// The window of the statistics when the builder is not told.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

/// Describes a pool, and builds it. Nothing runs before [`Builder::build`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    min: usize,
    max: usize,
    /// Nobody set the maximum, so that it follows what the process may use.
    follows_quota: bool,
    queue: usize,
    overflow: Overflow,
    strategy: Strategy,
    target_wait: Duration,
    keep: Duration,
    pub(super) window: Duration,
    pub(super) name: String,
}

impl Builder {
    pub(super) fn new() -> Self {
        let parallelism = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            min: 1,
            max: parallelism.min(MAX_WORKERS),
            follows_quota: true,
            queue: DEFAULT_QUEUE,
            overflow: Overflow::default(),
            strategy: Strategy::default(),
            target_wait: Scaling::TARGET_WAIT,
            keep: Scaling::KEEP,
            window: DEFAULT_WINDOW,
            name: "circlet".to_owned(),
        }
    }

    /// Sets a fixed number of workers, 1 to [`MAX_WORKERS`]: the minimum and the maximum at once.
    pub fn workers(self, workers: usize) -> Self {
        Self { min: workers, ..self }.max(workers)
    }

    /// Sets the fewest workers, 1 without it. 0 is allowed: the first job then waits for a worker to start.
    pub fn min(self, min: usize) -> Self {
        Self { min, ..self }
    }

    /// Sets the most workers, 1 to [`MAX_WORKERS`]. Without it, as many as the process may use processors, its CPU quota
    /// included; where the quota is lowered later, the pool follows it within a second or so of its next job. Jobs that
    /// wait for others, for disks or for sleep gain from more.
    pub fn max(self, max: usize) -> Self {
        Self { max, follows_quota: false, ..self }
    }

    /// Sets how soon a backlog is to be gone once the workers that are started for it are there,
    /// [`Scaling::TARGET_WAIT`] without it. Shorter starts more workers for the same backlog.
    pub fn target_wait(self, target_wait: Duration) -> Self {
        Self { target_wait, ..self }
    }

    /// Sets for how long the pool keeps workers that it needed, [`Scaling::KEEP`] without it. Four times the time that a
    /// worker boots for is the least, which zero means.
    pub fn keep(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }

    /// Sets how many jobs may wait, beside those that run: 1 or more. Without it, [`DEFAULT_QUEUE`]. A queue takes memory
    /// for the jobs in it alone.
    pub fn queue(self, jobs: usize) -> Self {
        Self { queue: jobs, ..self }
    }

    /// Sets what happens to a job that finds no room. Without it, the submitter waits.
    pub fn overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// Sets how jobs are dealt out, [`Strategy::RoundRobin`] without it.
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }

    /// Sets the length of the sliding window of the statistics, [`DEFAULT_WINDOW`] without it. It must be longer than 0.
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Sets the name of the pool, `circlet` without it. Its threads are named `<name>-w0` and so on, of which Linux
    /// shows the first 15 bytes.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::Workers`], [`Error::Bounds`], [`Error::Queue`], [`Error::Window`] or [`Error::Name`] for what no pool can be; [`Error::Spawn`]
    /// when the operating system gives too few threads.
    pub fn build(self) -> Result<Pool, Error> {
        self.build_of(Threads)
    }

    /// As [`Builder::build`], with workers of another kind.
    pub(crate) fn build_of<K: Kind<Body = dyn Closure>>(self, kind: K) -> Result<Pool, Error> {
        if !(1..=MAX_WORKERS).contains(&self.max) {
            return Err(Error::Workers { given: self.max });
        }
        if self.min > self.max {
            return Err(Error::Bounds { min: self.min, max: self.max });
        }
        if self.queue == 0 {
            return Err(Error::Queue { given: self.queue });
        }
        if self.window.is_zero() {
            return Err(Error::Window { given: self.window });
        }
        if self.name.is_empty() || self.name.contains('\0') {
            return Err(Error::Name { given: self.name });
        }
        Pool::start(&self, kind)
    }

    pub(super) fn scaling(&self) -> Scaling {
        let scaling = Scaling::new(self.min, self.max).cpu_bound(self.follows_quota);
        scaling.target_wait(self.target_wait).keep(self.keep)
    }

    pub(super) fn rules(&self, chunk: Duration) -> Rules {
        Rules { capacity: self.queue, overflow: self.overflow, strategy: self.strategy, chunk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_pool_can_be_is_refused_with_what_is_allowed() {
        let refusal = |builder: Builder| builder.build().unwrap_err().to_string();
        assert_eq!(
            refusal(Pool::builder().workers(0)),
            "a pool cannot have 0 workers: 1 to 1024 are allowed"
        );
        assert_eq!(
            refusal(Pool::builder().workers(1025)),
            "a pool cannot have 1025 workers: 1 to 1024 are allowed"
        );
        assert_eq!(
            refusal(Pool::builder().min(3).max(2)),
            "a pool cannot have at least 3 and at most 2 workers: give a minimum up to the maximum"
        );
        assert_eq!(refusal(Pool::builder().queue(0)), "a queue cannot hold 0 jobs: at least 1 is needed");
        assert_eq!(
            refusal(Pool::builder().window(Duration::ZERO)),
            "the window of the statistics cannot be 0ns: it must be longer than 0"
        );
        for name in ["", "a\0b"] {
            assert!(
                matches!(Pool::builder().name(name).build(), Err(Error::Name { given }) if given == name)
            );
        }
    }
}
