//! How a pool is to be.

use std::num::NonZero;
use std::thread;

use super::{Error, Pool, Strategy};

/// The most workers that a pool may have.
pub const MAX_WORKERS: usize = 1024;

/// Jobs that may wait for each worker when the builder is not told.
pub const DEFAULT_QUEUE: usize = 1024;

/// Describes a pool, and builds it. Nothing runs before [`Builder::build`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(super) workers: usize,
    pub(super) queue: usize,
    pub(super) name: String,
    pub(super) strategy: Strategy,
}

impl Builder {
    pub(super) fn new() -> Self {
        let parallelism = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            workers: parallelism.min(MAX_WORKERS),
            queue: DEFAULT_QUEUE,
            name: "circlet".to_owned(),
            strategy: Strategy::default(),
        }
    }

    /// Sets the number of worker threads, 1 to [`MAX_WORKERS`]. Without it, as many as the process may use processors.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Sets how many jobs may wait for each worker, beside the one that it runs: 1 or more. Without it,
    /// [`DEFAULT_QUEUE`]. A queue takes memory for the jobs in it alone.
    pub fn queue(self, jobs: usize) -> Self {
        Self { queue: jobs, ..self }
    }

    /// Sets the name of the pool, `circlet` without it. Its threads are named `<name>-w0` and so on, of which Linux
    /// shows the first 15 bytes.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::Workers`], [`Error::Queue`] or [`Error::Name`] for what no pool can be; [`Error::Spawn`] when the
    /// operating system gives too few threads.
    pub fn build(self) -> Result<Pool, Error> {
        if !(1..=MAX_WORKERS).contains(&self.workers) {
            return Err(Error::Workers { given: self.workers });
        }
        if self.queue == 0 {
            return Err(Error::Queue { given: self.queue });
        }
        if self.name.is_empty() || self.name.contains('\0') {
            return Err(Error::Name { given: self.name });
        }
        Pool::start(&self)
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
        assert_eq!(refusal(Pool::builder().queue(0)), "a queue cannot hold 0 jobs: at least 1 is needed");
        for name in ["", "a\0b"] {
            assert!(
                matches!(Pool::builder().name(name).build(), Err(Error::Name { given }) if given == name)
            );
        }
    }
}
