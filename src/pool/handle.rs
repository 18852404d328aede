//! The submitter's end of a job.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::dispatch::Dispatch;
use super::pending::Submitted;
use super::task::{Closure, Task};
use super::{Failure, JobId};

/// Waits for one submitted job, or aborts it.
///
/// Dropping it changes nothing for the job, whose result is then dropped. It outlives the pool, and `Send` and `Sync`
/// follow from `T: Send`.
pub struct Handle<T> {
    job: Submitted<T>,
    dispatch: Arc<Dispatch<dyn Closure>>,
    /// Whether it has given the result.
    is_taken: bool,
}

impl<T: Send + 'static> Handle<T> {
    pub(super) fn new(job: Submitted<T>, dispatch: &Arc<Dispatch<dyn Closure>>) -> Self {
        Self { job, dispatch: dispatch.clone(), is_taken: false }
    }

    /// Returns what a queue holds of it.
    pub(super) fn task(&self) -> Task<dyn Closure> {
        Task::new(self.job.share())
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.job.ticket().id()
    }

    /// Tells whether the job is over, so that [`Handle::wait`] will not block.
    pub fn is_done(&self) -> bool {
        self.job.is_over()
    }

    /// Waits for the job's result without a deadline.
    ///
    /// A job that waits for another of its own pool may wait forever: the other can stand in the queue behind it.
    ///
    /// # Errors
    /// The [`Failure`] that the job ended with.
    pub fn wait(mut self) -> Result<T, Failure> {
        loop {
            if let Some(result) = self.take(Duration::MAX) {
                return result;
            }
        }
    }

    /// Waits for the job's result for at most `timeout`; the inner result is that of [`Handle::wait`].
    ///
    /// # Errors
    /// The handle itself when the timeout passed before the job was over.
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Result<T, Failure>, Self> {
        self.take(timeout).ok_or(self)
    }

    fn take(&mut self, timeout: Duration) -> Option<Result<T, Failure>> {
        let result = self.job.wait(timeout);
        self.is_taken = result.is_some();
        result
    }

    /// Asks for the job not to be done. It does not wait.
    ///
    /// A job that is still queued never starts: it leaves the queue at once and ends as [`Failure::Aborted`]. A running
    /// one finds the signal in [`JobContext::aborted`](super::JobContext::aborted) and may obey it or not. Nothing
    /// happens to a job that is over.
    pub fn abort(&self) {
        self.job.ticket().abort();
        self.dispatch.withdraw(&self.job.share(), Failure::Aborted);
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.job.forget();
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id()).field("is_done", &self.is_done()).finish()
    }
}
