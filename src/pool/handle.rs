//! The submitter's end of a job.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::dispatch::Dispatch;
use super::task::{Body, Closure, Pending, Task};
use super::{Failure, Job, JobId};

/// Waits for one submitted job, or aborts it.
///
/// Dropping it changes nothing for the job, whose result is then dropped. It outlives the pool, and `Send` and `Sync`
/// follow from `T: Send`.
pub struct Handle<T> {
    pending: Arc<Pending<T>>,
    dispatch: Arc<Dispatch<dyn Closure>>,
}

impl<T: Send + 'static> Handle<T> {
    pub(super) fn new(pending: Arc<Pending<T>>, dispatch: &Arc<Dispatch<dyn Closure>>) -> Self {
        Self { pending, dispatch: dispatch.clone() }
    }

    /// Returns what a queue holds of it.
    pub(super) fn task(&self) -> Task<dyn Closure> {
        Task::new(self.pending.clone())
    }

    /// Gives back a job that was refused.
    pub(super) fn into_job(self) -> Job<T> {
        let pending = Arc::into_inner(self.pending).expect("nobody else has a job that was refused");
        pending.into_job().expect("it has not run")
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.pending.ticket().id()
    }

    /// Tells whether the job is over, so that [`Handle::wait`] will not block.
    pub fn is_done(&self) -> bool {
        self.pending.is_over()
    }

    /// Waits for the job's result without a deadline.
    ///
    /// A job that waits for another of its own pool may wait forever: the other can stand in the queue behind it.
    ///
    /// # Errors
    /// The [`Failure`] that the job ended with.
    pub fn wait(self) -> Result<T, Failure> {
        loop {
            if let Some(result) = self.pending.wait(Duration::MAX) {
                return result;
            }
        }
    }

    /// Waits for the job's result for at most `timeout`; the inner result is that of [`Handle::wait`].
    ///
    /// # Errors
    /// The handle itself when the timeout passed before the job was over.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, Failure>, Self> {
        self.pending.wait(timeout).ok_or(self)
    }

    /// Asks for the job not to be done. It does not wait.
    ///
    /// A job that is still queued never starts: it leaves the queue at once and ends as [`Failure::Aborted`]. A running
    /// one finds the signal in [`JobContext::aborted`](super::JobContext::aborted) and may obey it or not. Nothing
    /// happens to a job that is over.
    pub fn abort(&self) {
        self.pending.ticket().abort();
        let body: Arc<dyn Closure> = self.pending.clone();
        self.dispatch.withdraw(&body, Failure::Aborted);
    }
}

impl<T: Send + 'static> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id()).field("is_done", &self.is_done()).finish()
    }
}
