//! What is to be done, and what it knows while it is being done.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use smallbox::space::S4;
use smallbox::{SmallBox, smallbox};

use super::message::Message;
use super::ports::{End, Port, Ports};
use super::ticket::{Ticket, Wishes};
use super::{Aborted, Error, JobError, PortId, WorkerId};
use crate::ring::{Receiver, Sender};

/// The closure of a job, which runs once. What is left of it then is freed with the rest of the job.
pub(super) type Work<T> = SmallBox<dyn FnMut(&JobContext<'_>) -> Result<T, JobError> + Send, S4>;

/// A piece of work: a closure, the type of job it is, and what is wished for it.
///
/// `Send` whatever it gives. What the closure captured is dropped before its handle learns the result.
pub struct Job<T> {
    pub(super) wishes: Wishes,
    pub(super) work: Work<T>,
}

impl<T> Job<T> {
    /// Makes a job of the type `kind` (as in `bezier_batch`) from a closure that will run once, on a worker's thread.
    pub fn new<F>(kind: impl Into<Cow<'static, str>>, work: F) -> Self
    where
        F: FnOnce(&JobContext<'_>) -> Result<T, JobError> + Send + 'static,
    {
        let mut work = Some(work);
        let once = move |context: &JobContext<'_>| work.take().expect("a job runs once")(context);
        Self { wishes: Wishes::new(kind.into()), work: smallbox!(once) }
    }

    /// Makes a job for workers that are no threads: `message` is sent to one, and `read` makes the result of what it answers,
    /// on a thread of the pool.
    pub(crate) fn of_message<F>(kind: Cow<'static, str>, message: Vec<u8>, read: F) -> Self
    where
        F: FnOnce(&[u8]) -> Result<T, JobError> + Send + 'static,
    {
        let mut job = Self::new(kind, |context| read(context.answer));
        job.wishes.rare().message = Some(Arc::new(Message::new(message)));
        job
    }

    /// Sets the size, in the units that this type of job counts. A job without one has no `nodes` in a snapshot.
    #[must_use]
    pub fn nodes(mut self, nodes: u64) -> Self {
        self.wishes.rare().nodes = Some(nodes);
        self
    }

    /// Sets the priority, 0 without it. Of the jobs that wait, those of the highest start first, and within one priority
    /// those that were submitted first. It stops no job that runs.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.wishes.priority = priority;
        self
    }

    /// Sets what [`Strategy::Affinity`](super::Strategy::Affinity) goes by; other strategies do not look at it.
    #[must_use]
    pub fn key(mut self, key: impl Hash) -> Self {
        self.wishes.rare().key = Some(BuildHasherDefault::<DefaultHasher>::default().hash_one(key));
        self
    }

    /// Sets the time from the submission within which the job is to be over.
    ///
    /// A job that still waits then never starts and ends as [`Failure::TimedOut`](super::Failure::TimedOut). One that
    /// runs is aborted, as [`Handle::abort`](super::Handle::abort) does it, and has that failure if it gives in.
    #[must_use]
    pub fn deadline(mut self, within: Duration) -> Self {
        self.wishes.rare().within = Some(within);
        self
    }

    /// Says that the job may run again from its beginning, where a worker died while it ran. Without it such a job fails.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.wishes.rare().is_idempotent = true;
        self
    }

    /// Returns the type of job.
    pub fn kind(&self) -> &str {
        &self.wishes.kind
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("wishes", &self.wishes).finish_non_exhaustive()
    }
}

/// Names one job of one pool. Displays as `job-789`; the first is `job-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(super) u64);

impl JobId {
    /// Returns the number alone.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for JobId {
    fn from(number: u64) -> Self {
        Self(number)
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

/// What a running job can ask about itself. Any number of threads of the job may share it.
pub struct JobContext<'a> {
    ticket: &'a Ticket,
    worker: WorkerId,
    /// Where it runs itself.
    ports: Option<&'a Arc<Ports>>,
    /// What came of its message.
    answer: &'a [u8],
}

impl<'a> JobContext<'a> {
    pub(super) fn new(ticket: &'a Ticket, worker: WorkerId, ports: &'a Arc<Ports>) -> Self {
        Self { ticket, worker, ports: Some(ports), answer: &[] }
    }

    /// Makes the context of a job that a worker elsewhere has answered.
    pub(crate) fn answered(ticket: &'a Ticket, worker: WorkerId, answer: &'a [u8]) -> Self {
        Self { ticket, worker, ports: None, answer }
    }

    /// Returns the job's id.
    pub fn id(&self) -> JobId {
        self.ticket.id()
    }

    /// Returns the worker that runs the job.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Takes a port that is a sending end: waits for at most `within` until this worker may have it ([`Duration::MAX`] waits
    /// without end, and only the end of the pool stops it). An open port goes to whoever asks while nobody uses it; one that was
    /// [transferred](super::Pool::transfer_port), to its worker alone.
    ///
    /// # Errors
    /// [`Error::PortElsewhere`] when the time is over; [`Error::NoPort`], [`Error::PortInUse`], [`Error::PortRole`],
    /// [`Error::PortRing`]; [`Error::Closed`] when the pool was dropped.
    pub fn sender(&self, port: PortId, within: Duration) -> Result<Port<'_, Sender>, Error> {
        self.port(port, within)
    }

    /// As [`JobContext::sender`], of a port that is a receiving end.
    ///
    /// # Errors
    /// As [`JobContext::sender`].
    pub fn receiver(&self, port: PortId, within: Duration) -> Result<Port<'_, Receiver>, Error> {
        self.port(port, within)
    }

    fn port<E: End>(&self, port: PortId, within: Duration) -> Result<Port<'_, E>, Error> {
        let ports = self.ports.ok_or(Error::NoPort { given: port.to_string() })?;
        Port::take(ports, port, self.worker, within)
    }

    /// Takes a port whatever end it is. Whoever has it gives it back to the ports.
    #[cfg(feature = "capi")]
    pub(crate) fn any_port(
        &self,
        port: PortId,
        within: Duration,
    ) -> Result<(&Arc<Ports>, super::ports::Granted), Error> {
        let ports = self.ports.ok_or(Error::NoPort { given: port.to_string() })?;
        Ok((ports, ports.take(port, self.worker, within)?))
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

impl fmt::Debug for JobContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobContext")
            .field("id", &self.id())
            .field("worker", &self.worker)
            .field("aborted", &self.aborted())
            .finish()
    }
}
