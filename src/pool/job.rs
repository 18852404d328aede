//! What is to be done, and what it knows while it is being done.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::{Serialize, Serializer};

use super::{Aborted, JobError, WorkerId};

pub(super) type Work<T> = Box<dyn FnOnce(&JobContext) -> Result<T, JobError> + Send>;

/// A piece of work: a closure, the type of job it is, and its size.
///
/// `Send` whatever it gives. What the closure captured is dropped before its handle learns the result.
pub struct Job<T> {
    pub(super) kind: Cow<'static, str>,
    pub(super) nodes: Option<u64>,
    pub(super) work: Work<T>,
}

impl<T> Job<T> {
    /// Makes a job of the type `kind` (as in `bezier_batch`) from a closure that will run once, on a worker's thread.
    pub fn new<F>(kind: impl Into<Cow<'static, str>>, work: F) -> Self
    where
        F: FnOnce(&JobContext) -> Result<T, JobError> + Send + 'static,
    {
        Self { kind: kind.into(), nodes: None, work: Box::new(work) }
    }

    /// Sets the size, in the units that this type of job counts. A job without one has no `nodes` in a snapshot.
    #[must_use]
    pub fn nodes(self, nodes: u64) -> Self {
        Self { nodes: Some(nodes), ..self }
    }

    /// Returns the type of job.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("kind", &self.kind).field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

/// Names one job of one pool. Displays as `job-789`; the first is `job-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

impl JobId {
    /// The job that takes this turn, turns counting from 0.
    pub(super) fn of_turn(turn: u64) -> Self {
        Self(turn + 1)
    }

    /// Returns the number alone.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What the handle, the queue, the worker and the registry share of a job.
pub(super) struct Ticket {
    pub(super) id: JobId,
    pub(super) kind: Cow<'static, str>,
    pub(super) nodes: Option<u64>,
    /// A wish that guards no other data, hence relaxed.
    abort: AtomicBool,
}

impl Ticket {
    pub(super) fn new(id: JobId, kind: Cow<'static, str>, nodes: Option<u64>) -> Arc<Self> {
        Arc::new(Self { id, kind, nodes, abort: AtomicBool::new(false) })
    }

    pub(super) fn abort(&self) {
        self.abort.store(true, Relaxed);
    }

    pub(super) fn aborted(&self) -> bool {
        self.abort.load(Relaxed)
    }
}

/// What a running job can ask about itself.
pub struct JobContext {
    ticket: Arc<Ticket>,
    worker: WorkerId,
}

impl JobContext {
    pub(super) fn new(ticket: Arc<Ticket>, worker: WorkerId) -> Self {
        Self { ticket, worker }
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.ticket.id
    }

    /// Returns the worker that runs the job.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Tells whether the job was asked to stop. It costs one load from memory.
    pub fn aborted(&self) -> bool {
        self.ticket.aborted()
    }

    /// Gives in to an abort by way of `?`.
    ///
    /// # Errors
    /// [`Aborted`] once the job was asked to stop.
    pub fn check(&self) -> Result<(), Aborted> {
        if self.aborted() { Err(Aborted) } else { Ok(()) }
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("id", &self.ticket.id)
            .field("worker", &self.worker)
            .field("aborted", &self.aborted())
            .finish()
    }
}
