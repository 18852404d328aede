//! Results of many jobs in one line, in the order in which they come.

use std::fmt;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::{Error, Failure, JobId};

/// Opens a line of completions: the [`Completer`] goes into [`Pool::submit_to`](super::Pool::submit_to), and each job
/// submitted with it comes out of [`Completions`] once, however it ends.
///
/// A line belongs to no pool. No worker waits for its reader: it grows by what was submitted and not yet received.
///
/// ```
/// use circlet::pool::{self, Job, Pool};
///
/// let pool = Pool::builder().workers(2).build()?;
/// let (completer, completions) = pool::completions();
/// for n in 0..10_u64 {
///     pool.submit_to(Job::new("square", move |_| Ok(n * n)), &completer)?;
/// }
/// drop(completer); // so that the line ends after the last job
///
/// let mut squares = completions.map(|completion| completion.result).collect::<Result<Vec<_>, _>>()?;
/// squares.sort_unstable();
/// assert_eq!(squares, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn completions<T>() -> (Completer<T>, Completions<T>) {
    let (sender, receiver) = unbounded();
    (Completer { sender }, Completions { receiver })
}

/// How one job ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Completion<T> {
    /// The job, as [`Pool::submit_to`](super::Pool::submit_to) named it.
    pub id: JobId,
    /// What it gave.
    pub result: Result<T, Failure>,
}

/// The end of a line where jobs put their results. Any number of threads may share or clone it.
pub struct Completer<T> {
    sender: Sender<Completion<T>>,
}

impl<T> Completer<T> {
    /// Returns the completion when nobody is left to receive it.
    pub(super) fn send(&self, completion: Completion<T>) -> Option<Completion<T>> {
        self.sender.send(completion).err().map(|unsent| unsent.0)
    }
}

impl<T> Clone for Completer<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for Completer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completer").finish_non_exhaustive()
    }
}

/// The end of a line where results come out. Several threads may share it; each completion goes to one of them.
///
/// As an iterator it waits for each completion, and ends when every job has been received and every [`Completer`] is
/// dropped.
pub struct Completions<T> {
    receiver: Receiver<Completion<T>>,
}

impl<T> Completions<T> {
    /// Receives the next completion, waiting for at most `timeout`; zero does not wait.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and [`Error::Finished`] where the iterator ends.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Completion<T>, Error> {
        self.receiver.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::TimedOut,
            RecvTimeoutError::Disconnected => Error::Finished,
        })
    }
}

impl<T> Iterator for Completions<T> {
    type Item = Completion<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receiver.recv().ok()
    }
}

impl<T> fmt::Debug for Completions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").field("waiting", &self.receiver.len()).finish()
    }
}
