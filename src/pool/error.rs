//! What a pool refuses, and why.

use std::time::Duration;
use std::{fmt, io};

use super::{Job, MAX_WORKERS, PortId, WorkerId};
use crate::ring::{self, Role};

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
    /// No job ever ends within that window.
    #[error("the window of the statistics cannot be {given:?}: it must be longer than 0")]
    Window {
        /// The length as given.
        given: Duration,
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
    /// No port has that name, or it is closed.
    #[error("there is no port {given} that is open in this pool")]
    NoPort {
        /// The port as given.
        given: String,
    },
    /// An end of a ring cannot go from one worker to another without loss.
    #[error(
        "this end of the ring cannot be a port: {why}; give the other end, or an spsc or mpsc ring of messages of one frame"
    )]
    PortCannotMove {
        /// What would be lost.
        why: &'static str,
    },
    /// The end of the ring could not be had.
    #[error("the end of the ring cannot be a port: {0}")]
    PortRing(#[source] Box<ring::Error>),
    /// The port was another worker's for all the time that there was.
    #[error("port {port} is with worker {with}: wait until it has given it back, or have it transferred")]
    PortElsewhere {
        /// The port.
        port: PortId,
        /// The worker that it belongs to, or that uses it.
        with: WorkerId,
    },
    /// The worker that asks for the port uses it already.
    #[error("port {port} is in use on this worker: give it back first")]
    PortInUse {
        /// The port.
        port: PortId,
    },
    /// The port is the other end.
    #[error("port {port} is the {role}'s end of its ring: ask for that")]
    PortRole {
        /// The port.
        port: PortId,
        /// Which end it is.
        role: Role,
    },
    /// No worker of the pool has that name.
    #[error("there is no worker {given} in this pool: take one from the registry that has not ended")]
    NoSuchWorker {
        /// The worker as given.
        given: String,
    },
    /// The timeout passed before there was a completion.
    #[error("the timeout passed without a completion")]
    TimedOut,
    /// Every completion was received, and no [`Completer`](super::Completer) is left to submit with.
    #[error("there are no more completions")]
    Finished,
}

impl From<ring::Error> for Error {
    fn from(error: ring::Error) -> Self {
        Self::PortRing(Box::new(error))
    }
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
