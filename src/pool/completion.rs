//! Results of many jobs in one line, in the order in which they come.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, unbounded};

use super::bell::{Bell, Knell};
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
    let bell = Arc::new(Bell::default());
    let entry = Entry { sender, knell: Knell(bell.clone()) };
    (Completer { entry: Arc::new(entry) }, Completions { receiver, bell })
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
    entry: Arc<Entry<T>>,
}

/// What all completers of a line share. The last of them ends the line, and then says so.
struct Entry<T> {
    sender: Sender<Completion<T>>,
    knell: Knell,
}

impl<T> Completer<T> {
    /// Returns the completion when nobody is left to receive it.
    pub(crate) fn send(&self, completion: Completion<T>) -> Option<Completion<T>> {
        let unsent = self.entry.sender.send(completion).err();
        self.entry.knell.0.ring();
        unsent.map(|unsent| unsent.0)
    }
}

impl<T> Clone for Completer<T> {
    fn clone(&self) -> Self {
        Self { entry: self.entry.clone() }
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
    bell: Arc<Bell>,
}

impl<T> Completions<T> {
    /// Receives the next completion if one is there.
    ///
    /// # Errors
    /// [`Error::Finished`] where the iterator ends.
    pub fn try_recv(&self) -> Result<Option<Completion<T>>, Error> {
        match self.receiver.try_recv() {
            Ok(completion) => Ok(Some(completion)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Error::Finished),
        }
    }

    /// Receives the next completion, waiting for at most `timeout`; zero does not wait.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and [`Error::Finished`] where the iterator ends.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Completion<T>, Error> {
        if timeout == Duration::MAX {
            return self.receiver.recv().map_err(|_| Error::Finished);
        }
        self.receiver.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::TimedOut,
            RecvTimeoutError::Disconnected => Error::Finished,
        })
    }

    /// Waits as [`Completions::recv_timeout`] does, and appends to `into` the next completion and those that are there behind
    /// it, at most `limit` of them. Returns how many; a limit of 0 waits for nothing.
    ///
    /// # Errors
    /// Those of [`Completions::recv_timeout`]; `into` is as it was then.
    pub fn recv_many(
        &self,
        into: &mut Vec<Completion<T>>,
        limit: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
        if limit == 0 {
            return Ok(0);
        }
        let before = into.len();
        into.push(self.recv_timeout(timeout)?);
        into.extend(self.receiver.try_iter().take(limit - 1));
        Ok(into.len() - before)
    }

    /// Returns a descriptor for an event loop, made at the first call: it becomes readable when a completion comes, or the
    /// line ends, after [`Completions::arm`] has asked for that.
    ///
    /// What is read from it means nothing; it may be read away, or left to the next [`Completions::arm`]. It never blocks.
    ///
    /// # Errors
    /// The operating system's, which may have no more descriptors.
    #[cfg(unix)]
    pub fn fd(&self) -> std::io::Result<std::os::fd::BorrowedFd<'_>> {
        self.bell.fd()
    }

    /// Asks for the notice of [`Completions::fd`], which is given once and takes back the one before. `true` where there is no
    /// need to wait: a completion is there, or the line is at its end.
    ///
    /// Until it is asked for, no job that ends makes a system call for it. Receive until nothing is left, arm, and wait only
    /// where that gives `false`.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use circlet::pool::{self, Job, Pool};
    /// use std::io::Read;
    ///
    /// let pool = Pool::builder().workers(1).build()?;
    /// let (completer, completions) = pool::completions();
    /// let mut notice = std::fs::File::from(completions.fd()?.try_clone_to_owned()?);
    /// assert!(!completions.arm());
    /// assert!(notice.read(&mut [0]).is_err()); // it would have to wait
    ///
    /// pool.submit_to(Job::new("seven", |_| Ok(7)), &completer)?;
    /// while !completions.arm() {} // an event loop would sleep on the descriptor
    /// assert_eq!(completions.try_recv()?.unwrap().result?, 7);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(unix)]
    pub fn arm(&self) -> bool {
        self.bell.arm();
        // A completion that a sender has sent without seeing the bell armed is there by now: see `Bell::ring`.
        !self.receiver.is_empty() || self.bell.is_over()
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
