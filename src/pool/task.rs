//! A submitted job without the type of its result: what a queue holds and a worker runs.

use std::sync::Arc;

use super::completion::{Completer, Completion};
use super::failure::{Aborted, Failure, guarded};
use super::handle::Promise;
use super::job::{JobContext, Ticket, Work};

/// A job in a queue or on a worker.
pub(super) struct Task {
    pub(super) ticket: Arc<Ticket>,
    pub(super) body: Box<dyn Body>,
}

/// The part of a task that knows the type of its result.
///
/// The three steps are apart because only `run`, and the drop of the body, call code of the job: a worker does those
/// without a lock, and `settle` under the lock of its lane.
pub(super) trait Body: Send {
    /// Runs the job once, and keeps what it gave. Returns the words of an error or a panic.
    fn run(&mut self, context: &JobContext) -> Option<String>;

    /// Hands over what the job gave, or [`Failure::Closed`] when it never ran. Only the first time counts.
    fn settle(&mut self);

    /// Hands over a failure instead of a run.
    fn settle_with(&mut self, failure: Failure);
}

/// Whom the result is for.
pub(super) enum Recipient<T> {
    Handle(Arc<Promise<T>>),
    Line(Completer<T>),
}

/// The body of a job that gives a `T`.
pub(super) struct Pending<T> {
    ticket: Arc<Ticket>,
    work: Option<Work<T>>,
    result: Option<Result<T, Failure>>,
    recipient: Recipient<T>,
    settled: bool,
}

impl<T: Send + 'static> Pending<T> {
    pub(super) fn task(ticket: Arc<Ticket>, work: Work<T>, recipient: Recipient<T>) -> Task {
        let body = Self { ticket: ticket.clone(), work: Some(work), result: None, recipient, settled: false };
        Task { ticket, body: Box::new(body) }
    }
}

impl<T> Pending<T> {
    fn hand_over(&mut self) {
        if self.settled {
            return;
        }
        self.settled = true;
        let result = self.result.take().unwrap_or(Err(Failure::Closed));
        match &self.recipient {
            Recipient::Handle(promise) => promise.keep(result),
            Recipient::Line(completer) => {
                let undelivered = completer.send(Completion { id: self.ticket.id, result });
                // Kept, so that it is dropped with the body and not under the lock.
                self.result = undelivered.map(|completion| completion.result);
            }
        }
    }
}

impl<T: Send> Body for Pending<T> {
    fn run(&mut self, context: &JobContext) -> Option<String> {
        let work = self.work.take()?;
        let (result, error) = guarded(|| match work(context) {
            Ok(value) => (Ok(value), None),
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
        self.result = Some(result);
        error
    }

    fn settle(&mut self) {
        self.hand_over();
    }

    fn settle_with(&mut self, failure: Failure) {
        self.result = Some(Err(failure));
        self.hand_over();
    }
}

/// However a task is lost, whoever waits for it learns it.
impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.hand_over();
    }
}
