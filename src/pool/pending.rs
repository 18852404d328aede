//! A submitted job with its closure and then its result: the part that its handle shares.

use std::mem;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::completion::{Completer, Completion};
use super::failure::{Aborted, Failure, drop_quietly, guarded};
use super::job::Work;
use super::sync::{AtomicBool, Condvar, Mutex, Ordering, lock, look_out, wait_for};
use super::task::{Body, Closure, Share};
use super::ticket::Ticket;
use super::{Job, JobContext};

/// The most jobs of a pack.
const PACK: usize = 32;

/// Whom the result is for.
pub(super) enum Recipient<T> {
    Handle,
    Line(Completer<T>),
    /// Nobody wants it any more.
    Nobody,
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
    content: Content<T>,
    recipient: Recipient<T>,
    /// Spares the worker a system call where nobody waits.
    is_awaited: bool,
}

/// What there is of a job, one after the other.
enum Content<T> {
    Work(Work<T>),
    /// It runs, or its result was taken.
    Nothing,
    Result(Result<T, Failure>),
}

impl<T> Slot<T> {
    fn take_work(&mut self) -> Option<Work<T>> {
        match mem::replace(&mut self.content, Content::Nothing) {
            Content::Work(work) => Some(work),
            other => {
                self.content = other;
                None
            }
        }
    }

    fn take_result(&mut self) -> Option<Result<T, Failure>> {
        match mem::replace(&mut self.content, Content::Nothing) {
            Content::Result(result) => Some(result),
            other => {
                self.content = other;
                None
            }
        }
    }
}

impl<T> Pending<T> {
    fn new(job: Job<T>, recipient: Recipient<T>, now: Instant) -> Self {
        let slot = Slot { content: Content::Work(job.work), recipient, is_awaited: false };
        let (is_over, kept) = (AtomicBool::new(false), Condvar::new());
        Self { ticket: Ticket::new(job.wishes, now), is_over, slot: Mutex::new(slot), kept }
    }

    pub(super) fn ticket(&self) -> &Ticket {
        &self.ticket
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
        slot.take_result()
    }

    /// Drops the result, or has whoever ends the job drop it.
    pub(super) fn forget(&self) {
        let mut slot = lock(&self.slot);
        let result = slot.take_result();
        if !self.is_over() {
            slot.recipient = Recipient::Nobody;
        }
        drop(slot);
        if result.is_some() {
            drop_quietly(result);
        }
    }

    /// Gives back the job that never was in a queue.
    fn into_job(self) -> Option<Job<T>> {
        let work = lock(&self.slot).take_work()?;
        Some(Job { wishes: self.ticket.into_wishes(), work })
    }

    /// Ends the job with a result, unless it has ended.
    fn hand_over(&self, result: Result<T, Failure>) {
        let mut slot = lock(&self.slot);
        if self.is_over() {
            return;
        }
        // The line is let go of here, and not when the last has forgotten the job: it may end with this job.
        let recipient = mem::replace(&mut slot.recipient, Recipient::Nobody);
        let undelivered = match &recipient {
            Recipient::Handle => {
                slot.content = Content::Result(result);
                None
            }
            Recipient::Line(completer) => {
                let undelivered = completer.send(Completion { id: self.ticket.id(), result });
                undelivered.map(|completion| completion.result)
            }
            Recipient::Nobody => Some(result),
        };
        self.is_over.store(true, Ordering::Release);
        let is_awaited = slot.is_awaited;
        drop(slot);
        drop(recipient);
        if is_awaited {
            self.kept.notify_all();
        }
        if undelivered.is_some() {
            drop_quietly(undelivered);
        }
    }
}

impl<T: Send> Pending<T> {
    fn fail(&self, failure: Failure) {
        if self.is_over() {
            return;
        }
        // What the closure captured goes before anybody learns of the end.
        let work = lock(&self.slot).take_work();
        drop_quietly(work);
        self.hand_over(Err(failure));
    }

    fn run(&self, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>)) {
        let Some(mut work) = lock(&self.slot).take_work() else { return ended(None) };
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
        self.hand_over(result);
    }

    fn clear(&mut self) {
        let result = lock(&self.slot).take_result();
        if result.is_some() {
            drop_quietly(result);
        }
    }
}

impl<T: Send> Body for Pending<T> {
    fn ticket(&self, _: usize) -> &Ticket {
        &self.ticket
    }

    fn fail(&self, _: usize, failure: Failure) {
        self.fail(failure);
    }
}

impl<T: Send> Closure for Pending<T> {
    fn run(&self, _: usize, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>)) {
        self.run(context, ended);
    }

    fn clear(&mut self) {
        self.clear();
    }
}

/// Jobs that were submitted together: an allocation for each would be most of what they cost. They go when the last of
/// them is over and nobody has a handle, so that a pack is small.
pub(super) struct Pack<T> {
    jobs: Box<[Pending<T>]>,
}

impl<T: Send> Body for Pack<T> {
    fn ticket(&self, index: usize) -> &Ticket {
        &self.jobs[index].ticket
    }

    fn fail(&self, index: usize, failure: Failure) {
        self.jobs[index].fail(failure);
    }
}

impl<T: Send> Closure for Pack<T> {
    fn run(&self, index: usize, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>)) {
        self.jobs[index].run(context, ended);
    }

    fn clear(&mut self) {
        self.jobs.iter_mut().for_each(Pending::clear);
    }
}

/// A submitted job with the type of its result: one by itself, or one of a pack.
pub(super) enum Submitted<T> {
    Single(Arc<Pending<T>>),
    Packed(Arc<Pack<T>>, u32),
}

impl<T: Send + 'static> Submitted<T> {
    pub(super) fn new(job: Job<T>, recipient: Recipient<T>) -> Self {
        Self::Single(Arc::new(Pending::new(job, recipient, Instant::now())))
    }

    /// Puts jobs into packs.
    pub(super) fn many(
        jobs: impl Iterator<Item = Job<T>>,
        recipient: impl Fn() -> Recipient<T>,
    ) -> Vec<Self> {
        let now = Instant::now();
        let mut submitted = Vec::with_capacity(jobs.size_hint().0);
        let mut jobs = jobs.map(|job| Pending::new(job, recipient(), now));
        loop {
            let pack: Box<[_]> = jobs.by_ref().take(PACK).collect();
            let count = pack.len();
            let pack = Arc::new(Pack { jobs: pack });
            submitted.extend((0..count).map(|index| Self::Packed(pack.clone(), index as u32)));
            if count < PACK {
                return submitted;
            }
        }
    }

    /// Returns what a queue holds of it.
    pub(super) fn share(&self) -> Share<dyn Closure> {
        match self {
            Self::Single(job) => Share::new(job.clone(), 0),
            Self::Packed(pack, index) => Share::new(pack.clone(), *index),
        }
    }

    /// Gives back the job that never was in a queue, if nobody else has any of it.
    pub(super) fn into_job(self) -> Option<Job<T>> {
        match self {
            Self::Single(job) => Arc::into_inner(job)?.into_job(),
            Self::Packed(..) => None,
        }
    }
}

impl<T> Deref for Submitted<T> {
    type Target = Pending<T>;

    fn deref(&self) -> &Pending<T> {
        match self {
            Self::Single(job) => job,
            Self::Packed(pack, index) => &pack.jobs[*index as usize],
        }
    }
}
