//! What a pool refuses, and why.

use std::{fmt, io};

use super::{Job, MAX_WORKERS};

/// What the pool could not do, with the numbers to act on. What happens inside a job is a [`Failure`](super::Failure).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No pool has that many workers.
    #[error("a pool cannot have {given} workers: 1 to {MAX_WORKERS} are allowed")]
    Workers {
        /// The number as given.
        given: usize,
    },
    /// The fewest workers are more than the most.
    #[error("a pool cannot have at least {min} and at most {max} workers: give a minimum up to the maximum")]
    Bounds {
        /// The minimum as given.
        min: usize,
        /// The maximum.
        max: usize,
    },
    /// There is no such strategy.
    #[error("there is no strategy {given:?}: round-robin, least-busy and affinity are allowed")]
    NoStrategy {
        /// The name as given.
        given: String,
    },
    /// No job could ever wait in that queue.
    #[error("a queue cannot hold {given} jobs: at least 1 is needed")]
    Queue {
        /// The number as given.
        given: usize,
    },
    /// No thread can have that name.
    #[error("a pool cannot be named {given:?}: a name has at least one byte, and none of them is 0")]
    Name {
        /// The name as given.
        given: String,
    },
    /// The operating system gave no thread. The threads that it had given are gone again.
    #[error("worker {worker} of {workers} did not start: fewer workers may, or a higher limit on threads")]
    Spawn {
        /// The number of the worker, from 0.
        worker: usize,
        /// The number of workers wanted.
        workers: usize,
        /// What the operating system said.
        source: io::Error,
    },
    /// As many jobs wait as may.
    #[error("the queue is full: {capacity} jobs wait, which is all that may")]
    Full {
        /// Jobs that may wait.
        capacity: usize,
    },
    /// The pool takes no more jobs.
    #[error("the pool is closed")]
    Closed,
    /// The timeout passed while jobs were queued or running.
    #[error("the timeout passed with {jobs} jobs unfinished")]
    Unfinished {
        /// Jobs queued or running just after. Where others submit all the while, it may be 0 again.
        jobs: u64,
    },
    /// A job asked its own pool to wait for all jobs, and so for the job itself.
    #[error("a job cannot drain or close the pool that it runs in: it would wait for itself")]
    WithinJob,
    /// The timeout passed before there was a completion.
    #[error("the timeout passed without a completion")]
    TimedOut,
    /// Every completion was received, and no [`Completer`](super::Completer) is left to submit with.
    #[error("there are no more completions")]
    Finished,
}

/// A job that [`Pool::try_submit`](super::Pool::try_submit) gives back, and the reason.
pub struct Refused<T> {
    /// The job, as it was.
    pub job: Job<T>,
    /// [`Error::Full`] or [`Error::Closed`].
    pub reason: Error,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("job", &self.job).field("reason", &self.reason).finish()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job was refused: {}", self.reason)
    }
}

impl<T> std::error::Error for Refused<T> {}

impl<T> From<Refused<T>> for Error {
    fn from(refused: Refused<T>) -> Self {
        refused.reason
    }
}
