//! The submitter's end of a job.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::job::Ticket;
use super::lane::Lane;
use super::{Failure, JobId, lock};

/// The place where a worker leaves a result for a handle.
pub(super) struct Promise<T> {
    slot: Mutex<Slot<T>>,
    kept: Condvar,
}

struct Slot<T> {
    result: Option<Result<T, Failure>>,
    /// Spares the worker a system call where nobody waits.
    awaited: bool,
}

impl<T> Promise<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { slot: Mutex::new(Slot { result: None, awaited: false }), kept: Condvar::new() })
    }

    pub(super) fn keep(&self, result: Result<T, Failure>) {
        let mut slot = lock(&self.slot);
        slot.result = Some(result);
        if slot.awaited {
            self.kept.notify_one();
        }
    }

    fn is_kept(&self) -> bool {
        lock(&self.slot).result.is_some()
    }

    fn wait(&self, timeout: Duration) -> Option<Result<T, Failure>> {
        let mut slot = lock(&self.slot);
        slot.awaited = true;
        let (mut slot, _) = self
            .kept
            .wait_timeout_while(slot, timeout, |slot| slot.result.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        slot.awaited = false;
        slot.result.take()
    }
}

/// Waits for one submitted job, or aborts it.
///
/// Dropping it changes nothing for the job, whose result is then dropped. It outlives the pool, and `Send` and `Sync`
/// follow from `T: Send`.
pub struct Handle<T> {
    ticket: Arc<Ticket>,
    promise: Arc<Promise<T>>,
    lane: Weak<Lane>,
}

impl<T> Handle<T> {
    pub(super) fn new(ticket: Arc<Ticket>, promise: Arc<Promise<T>>, lane: &Arc<Lane>) -> Self {
        Self { ticket, promise, lane: Arc::downgrade(lane) }
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.ticket.id
    }

    /// Tells whether the job is over, so that [`Handle::wait`] will not block.
    pub fn is_done(&self) -> bool {
        self.promise.is_kept()
    }

    /// Waits for the job's result without a deadline.
    ///
    /// A job that waits for another of its own pool may wait forever: the other can stand in the queue behind it.
    ///
    /// # Errors
    /// The [`Failure`] that the job ended with.
    pub fn wait(self) -> Result<T, Failure> {
        loop {
            if let Some(result) = self.promise.wait(Duration::MAX) {
                return result;
            }
        }
    }

    /// Waits for the job's result for at most `timeout`; the inner result is that of [`Handle::wait`].
    ///
    /// # Errors
    /// The handle itself when the timeout passed before the job was over.
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, Failure>, Self> {
        self.promise.wait(timeout).ok_or(self)
    }

    /// Asks for the job not to be done. It does not wait.
    ///
    /// A job that is still queued never starts: it leaves the queue at once and ends as [`Failure::Aborted`]. A running
    /// one finds the signal in [`JobContext::aborted`](super::JobContext::aborted) and may obey it or not. Nothing
    /// happens to a job that is over.
    pub fn abort(&self) {
        self.ticket.abort();
        if let Some(lane) = self.lane.upgrade() {
            lane.withdraw(&self.ticket);
        }
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id()).field("is_done", &self.is_done()).finish()
    }
}
