//! A submitted job: one allocation that its handle, its queue and its worker share.

use std::mem;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::{Completer, Completion};
use super::failure::{Aborted, Failure, drop_quietly, guarded};
use super::job::Work;
use super::sync::{AtomicBool, Condvar, Mutex, Ordering, lock, look_out, wait_for};
use super::ticket::Ticket;
use super::{Job, JobContext};

/// What a queue knows of a job, whatever its workers are.
pub(crate) trait Body: Send + Sync {
    /// Returns what everybody shares of it.
    fn ticket(&self) -> &Ticket;

    /// Ends it with a failure, unless it has ended. Code of the caller runs: not under a lock.
    fn fail(&self, failure: Failure);
}

/// A job of worker threads, without the type of its result.
pub(crate) trait Closure: Body {
    /// Runs the job once, calls `ended` with the words of an error or a panic, and then hands over what the job gave: it is
    /// counted before anybody has it.
    fn run(&self, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>));

    /// Drops what it still holds of its caller's, but for memory.
    fn clear(&mut self);
}

/// A job in a queue or on a worker. However it is lost, whoever waits for it learns it; but whoever calls it withdrawn
/// has to end it.
pub(crate) struct Task<B: Body + ?Sized>(Option<Arc<B>>);

impl<B: Body + ?Sized> Task<B> {
    pub(super) fn new(body: Arc<B>) -> Self {
        Self(Some(body))
    }

    fn body(&self) -> &Arc<B> {
        self.0.as_ref().expect("a task has its body until it is dropped")
    }

    /// Returns what a registry or a handle may keep of it.
    pub(crate) fn share(&self) -> Arc<B> {
        self.body().clone()
    }

    /// Lets go of a job that was refused, which then has not ended.
    pub(super) fn let_go(mut self) {
        self.0 = None;
    }

    /// Gives back the memory of a job that has ended, if nobody else has it.
    pub(crate) fn into_spent(mut self) -> Option<Arc<B>> {
        let mut body = self.0.take()?;
        if Arc::get_mut(&mut body).is_none() {
            // Nobody else may have it by now, so that the result goes here.
            drop_quietly(body);
            return None;
        }
        Some(body)
    }

    /// Tells whether it is this job.
    pub(super) fn is(&self, body: &Arc<B>) -> bool {
        Arc::ptr_eq(self.body(), body)
    }
}

impl<B: Body + ?Sized> Deref for Task<B> {
    type Target = B;

    fn deref(&self) -> &B {
        self.body()
    }
}

impl<B: Body + ?Sized> Drop for Task<B> {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.ticket().is_withdrawn()) {
            body.fail(Failure::Closed);
        }
    }
}

/// Whom the result is for.
pub(super) enum Recipient<T> {
    Handle,
    Line(Completer<T>),
}

/// A job that gives a `T`.
pub(super) struct Pending<T> {
    ticket: Ticket,
    /// Spares those who look the lock.
    is_over: AtomicBool,
    slot: Mutex<Slot<T>>,
    kept: Condvar,
}

struct Slot<T> {
    /// What is to be done; while it runs nothing, and then what is left of it.
    work: Option<Work<T>>,
    result: Option<Result<T, Failure>>,
    recipient: Recipient<T>,
    /// Spares the worker a system call where nobody waits.
    is_awaited: bool,
}

impl<T> Pending<T> {
    pub(super) fn new(ticket: Ticket, work: Work<T>, recipient: Recipient<T>) -> Arc<Self> {
        let slot = Slot { work: Some(work), result: None, recipient, is_awaited: false };
        let (is_over, kept) = (AtomicBool::new(false), Condvar::new());
        Arc::new(Self { ticket, is_over, slot: Mutex::new(slot), kept })
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Waits for at most `timeout` for the result, which comes once.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Result<T, Failure>> {
        let until = if self.is_over() { None } else { Instant::now().checked_add(timeout) };
        look_out(|| self.is_over());
        let mut slot = lock(&self.slot);
        if !self.is_over() {
            while !self.is_over() {
                let left =
                    until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
                if left.is_zero() {
                    return None;
                }
                slot.is_awaited = true;
                slot = wait_for(&self.kept, slot, left);
            }
        }
        slot.result.take()
    }

    /// Gives back the job that never was in a queue.
    pub(super) fn into_job(self) -> Option<Job<T>> {
        let work = lock(&self.slot).work.take()?;
        Some(Job { wishes: self.ticket.into_wishes(), work })
    }

    /// Ends the job with a result, unless it has ended, and keeps what is left of the closure.
    fn hand_over(&self, result: Result<T, Failure>, left: Option<Work<T>>) {
        let mut slot = lock(&self.slot);
        if self.is_over() {
            return;
        }
        slot.work = left;
        // The line is let go of here, and not when the last has forgotten the job: it may end with this job.
        let line = mem::replace(&mut slot.recipient, Recipient::Handle);
        let mut undelivered = None;
        match &line {
            Recipient::Handle => slot.result = Some(result),
            Recipient::Line(completer) => {
                undelivered = completer.send(Completion { id: self.ticket.id(), result });
            }
        }
        self.is_over.store(true, Ordering::Release);
        let is_awaited = slot.is_awaited;
        drop(slot);
        drop(line);
        if is_awaited {
            self.kept.notify_all();
        }
        if undelivered.is_some() {
            drop_quietly(undelivered);
        }
    }
}

impl<T: Send> Body for Pending<T> {
    fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    fn fail(&self, failure: Failure) {
        if self.is_over() {
            return;
        }
        // What the closure captured goes before anybody learns of the end.
        let work = lock(&self.slot).work.take();
        drop_quietly(work);
        self.hand_over(Err(failure), None);
    }
}

impl<T: Send> Closure for Pending<T> {
    fn run(&self, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>)) {
        let Some(mut work) = lock(&self.slot).work.take() else { return ended(None) };
        let (result, error) = guarded(|| match work(context) {
            Ok(value) => (Ok(value), None),
            Err(error) if error.is::<Aborted>() && self.ticket.is_late() => (Err(Failure::TimedOut), None),
            Err(error) if error.is::<Aborted>() => (Err(Failure::Aborted), None),
            Err(error) => {
                let words = error.to_string();
                (Err(Failure::Error(error)), Some(words))
            }
        })
        .unwrap_or_else(|message| {
            let failure = Failure::Panicked { message };
            let words = failure.to_string();
            (Err(failure), Some(words))
        });
        ended(error);
        self.hand_over(result, Some(work));
    }

    fn clear(&mut self) {
        let result = lock(&self.slot).result.take();
        if result.is_some() {
            drop_quietly(result);
        }
    }
}

#[cfg(test)]
pub(super) mod test {
    //! A job that does nothing, for tests of what only passes jobs on.

    use super::super::ticket::Wishes;
    use super::*;

    /// A job that does nothing, and counts how often it ended.
    pub(in super::super) struct Blank {
        ticket: Ticket,
        pub(in super::super) failures: Mutex<Vec<Failure>>,
    }

    impl Body for Blank {
        fn ticket(&self) -> &Ticket {
            &self.ticket
        }

        fn fail(&self, failure: Failure) {
            lock(&self.failures).push(failure);
        }
    }

    /// Makes a job with a number and a priority.
    pub(in super::super) fn blank(number: u64, priority: i32) -> Task<Blank> {
        let task = with(Wishes { priority, ..Wishes::new("blank".into()) });
        task.ticket().number(number);
        task
    }

    /// Makes a job with a key.
    pub(in super::super) fn keyed(key: u64) -> Task<Blank> {
        let mut wishes = Wishes::new("blank".into());
        wishes.rare().key = Some(key);
        with(wishes)
    }

    fn with(wishes: Wishes) -> Task<Blank> {
        let ticket = Ticket::new(wishes, Instant::now());
        Task::new(Arc::new(Blank { ticket, failures: Mutex::new(Vec::new()) }))
    }
}
