//! A submitted job as its queue, its worker and its registry share it.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use super::JobContext;
use super::failure::{Failure, drop_quietly};
use super::ticket::Ticket;

/// One job, or several that were submitted together, in one allocation: what a queue knows of them, whatever its workers
/// are. `index` is less than their number.
pub(crate) trait Body: Send + Sync {
    /// Returns what everybody shares of a job.
    fn ticket(&self, index: usize) -> &Ticket;

    /// Ends a job with a failure, unless it has ended. Code of the caller runs: not under a lock.
    fn fail(&self, index: usize, failure: Failure);
}

/// Jobs of worker threads, without the type of their results.
pub(crate) trait Closure: Body {
    /// Runs a job once, calls `ended` with the words of an error or a panic, and then hands over what the job gave: it is
    /// counted before anybody has it.
    fn run(&self, index: usize, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>));

    /// Drops what it still holds of its caller's, but for memory.
    fn clear(&mut self);
}

/// A share in a job.
pub(crate) struct Share<B: ?Sized> {
    body: Arc<B>,
    index: u32,
}

impl<B: Body + ?Sized> Share<B> {
    pub(super) fn new(body: Arc<B>, index: u32) -> Self {
        Self { body, index }
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        self.body.ticket(self.index as usize)
    }

    /// As [`Body::fail`].
    pub(crate) fn fail(&self, failure: Failure) {
        self.body.fail(self.index as usize, failure);
    }

    #[cfg(all(test, loom))]
    pub(super) fn body(&self) -> &B {
        &self.body
    }

    pub(super) fn downgrade(&self) -> WeakShare<B> {
        WeakShare { body: Arc::downgrade(&self.body), index: self.index }
    }
}

impl<B: Closure + ?Sized> Share<B> {
    /// As [`Closure::run`].
    pub(crate) fn run(&self, context: &JobContext<'_>, ended: &mut dyn FnMut(Option<String>)) {
        self.body.run(self.index as usize, context, ended);
    }
}

impl<B: ?Sized> Clone for Share<B> {
    fn clone(&self) -> Self {
        Self { body: self.body.clone(), index: self.index }
    }
}

impl<B: ?Sized> PartialEq for Share<B> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body) && self.index == other.index
    }
}

/// A share in a job that keeps no memory.
pub(super) struct WeakShare<B: ?Sized> {
    body: Weak<B>,
    index: u32,
}

impl<B: ?Sized> WeakShare<B> {
    pub(super) fn is_alive(&self) -> bool {
        self.body.strong_count() > 0
    }

    pub(super) fn upgrade(&self) -> Option<Share<B>> {
        Some(Share { body: self.body.upgrade()?, index: self.index })
    }
}

/// A job in a queue or on a worker. However it is lost, whoever waits for it learns it; but whoever calls it withdrawn
/// has to end it.
pub(crate) struct Task<B: Body + ?Sized>(Option<Share<B>>);

impl<B: Body + ?Sized> Task<B> {
    pub(super) fn new(share: Share<B>) -> Self {
        Self(Some(share))
    }

    /// Returns what a registry or a handle may keep of it.
    pub(crate) fn share(&self) -> Share<B> {
        Share::clone(self)
    }

    /// Lets go of a job that was refused, which then has not ended.
    pub(super) fn let_go(mut self) {
        self.0 = None;
    }

    /// Gives back the memory of a job that has ended, if nobody else has any of it.
    pub(crate) fn into_spent(mut self) -> Option<Arc<B>> {
        let mut body = self.0.take()?.body;
        if Arc::get_mut(&mut body).is_none() {
            // Nobody else may have it by now, so that the result goes here.
            drop_quietly(body);
            return None;
        }
        Some(body)
    }
}

impl<B: Body + ?Sized> Deref for Task<B> {
    type Target = Share<B>;

    fn deref(&self) -> &Share<B> {
        self.0.as_ref().expect("a task has its share until it is dropped")
    }
}

impl<B: Body + ?Sized> Drop for Task<B> {
    fn drop(&mut self) {
        if let Some(share) = self.0.take().filter(|share| !share.ticket().is_withdrawn()) {
            share.fail(Failure::Closed);
        }
    }
}

#[cfg(test)]
pub(super) mod test {
    //! A job that does nothing, for tests of what only passes jobs on.

    use std::time::Instant;

    use super::super::sync::{Mutex, lock};
    use super::super::ticket::Wishes;
    use super::*;

    /// A job that does nothing, and counts how often it ended.
    pub(in super::super) struct Blank {
        ticket: Ticket,
        pub(in super::super) failures: Mutex<Vec<Failure>>,
    }

    impl Body for Blank {
        fn ticket(&self, _: usize) -> &Ticket {
            &self.ticket
        }

        fn fail(&self, _: usize, failure: Failure) {
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
        Task::new(Share::new(Arc::new(Blank { ticket, failures: Mutex::new(Vec::new()) }), 0))
    }
}
