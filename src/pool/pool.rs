//! A pool of worker threads, as its users see it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, iter};

use super::completion::Completer;
use super::dispatch::Dispatch;
use super::handle::Handle;
use super::keeper::{Keeper, is_within};
use super::pending::{Recipient, Submitted};
use super::tally::Window;
use super::task::{Closure, Task};
use super::worker::Kind;
use super::{
    Builder, Error, Failure, Features, Job, JobId, Limit, Overflow, PortId, PortRegistry, Refused, Snapshot,
    Statistics, WorkerId,
};
use crate::ring::{Ring, Role};

/// Worker threads that run jobs, as many as the jobs need, between the bounds that its builder was given.
///
/// Any number of threads may share it and submit. Idle workers sleep. Dropping it lets the jobs that run finish, gives
/// up those that are queued as [`Failure::Closed`], and returns when its threads have ended; [`Pool::close`] before that
/// finishes the queued ones as well. A thread cannot be killed: a job that never ends holds up both for ever, unless it looks
/// at [`JobContext::aborted`](super::JobContext::aborted) and was aborted.
pub struct Pool {
    name: String,
    bounds: (usize, usize),
    limits: Vec<Limit>,
    features: Option<Features>,
    dispatch: Arc<Dispatch<dyn Closure>>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Pool {
    /// Describes a pool that is to be built.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Starts what the builder has checked.
    pub(super) fn start<K: Kind<Body = dyn Closure>>(builder: &Builder, kind: K) -> Result<Self, Error> {
        let scaling = builder.scaling();
        let dispatch = Arc::new(Dispatch::new(builder.rules(K::CHUNK), Window::new(builder.window)));
        let (limits, features) = (kind.limits(), kind.features());
        let keeper = Keeper::new(&builder.name, kind, &dispatch, scaling).start()?;
        let bounds = (scaling.min(), scaling.max());
        Ok(Self {
            name: builder.name.clone(),
            bounds,
            limits,
            features,
            dispatch,
            keeper: Mutex::new(Some(keeper)),
        })
    }

    /// Returns the name that the threads' names begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of workers that there are now, booting ones included.
    pub fn size(&self) -> usize {
        self.dispatch.lock().entries().count()
    }

    /// Submits a job. Where as many jobs wait as may, it does what [`Builder::overflow`] was given, which is to wait.
    ///
    /// A job that submits to its own pool and waits for room may wait forever: [`Pool::try_submit`] is for that.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Full`] where the overflow refuses, or has waited for long enough.
    pub fn submit<T: Send + 'static>(&self, job: Job<T>) -> Result<Handle<T>, Error> {
        self.take_in(job, self.dispatch.rules.overflow).map_err(Error::from)
    }

    /// As [`Pool::submit`], but waits for room for at most `timeout`, whatever the builder was given.
    ///
    /// # Errors
    /// The job itself with [`Error::Full`] or [`Error::Closed`].
    pub fn submit_timeout<T: Send + 'static>(
        &self,
        job: Job<T>,
        timeout: Duration,
    ) -> Result<Handle<T>, Refused<T>> {
        self.take_in(job, Overflow::Wait(timeout))
    }

    /// As [`Pool::submit`], but neither waits nor gives up another job.
    ///
    /// # Errors
    /// The job itself with [`Error::Full`] or [`Error::Closed`].
    pub fn try_submit<T: Send + 'static>(&self, job: Job<T>) -> Result<Handle<T>, Refused<T>> {
        self.take_in(job, Overflow::Reject)
    }

    /// Submits many jobs at once, and returns their handles in the same order. It costs less for each than
    /// [`Pool::submit`], and counts as one for the scaling.
    ///
    /// # Errors
    /// As [`Pool::submit`]; the jobs before the one that was refused stay submitted, without handles.
    pub fn submit_batch<T: Send + 'static>(
        &self,
        jobs: impl IntoIterator<Item = Job<T>>,
    ) -> Result<Vec<Handle<T>>, Error> {
        let jobs = Submitted::many(jobs.into_iter(), || Recipient::Handle);
        let handles: Vec<_> = jobs.into_iter().map(|job| Handle::new(job, &self.dispatch)).collect();
        let mut tasks = handles.iter().map(Handle::task);
        let taken_in = self.dispatch.submit(&mut tasks, self.dispatch.rules.overflow);
        taken_in.map(|()| handles)
    }

    /// Submits a job as [`Pool::submit`] does, whose result goes into a line of
    /// [`completions`](super::completions()) instead of a handle.
    ///
    /// # Errors
    /// As [`Pool::submit`]; the line then learns nothing of the job.
    pub fn submit_to<T: Send + 'static>(
        &self,
        job: Job<T>,
        completer: &Completer<T>,
    ) -> Result<JobId, Error> {
        let recipient = Recipient::Line(completer.clone());
        let job = Submitted::new(job, recipient);
        self.dispatch.submit_one(Task::new(job.share()), self.dispatch.rules.overflow).map_err(
            |(task, error)| {
                task.let_go();
                error
            },
        )?;
        Ok(job.ticket().id())
    }

    /// Submits many jobs at once as [`Pool::submit_batch`] does, whose results go into a line of
    /// [`completions`](super::completions()). `ids` gets the id of each that was taken in, in their order.
    ///
    /// # Errors
    /// As [`Pool::submit`]; the jobs before the one that was refused, whose ids are there, stay submitted.
    pub fn submit_batch_to<T: Send + 'static>(
        &self,
        jobs: impl IntoIterator<Item = Job<T>>,
        completer: &Completer<T>,
        ids: &mut Vec<JobId>,
    ) -> Result<(), Error> {
        let jobs = Submitted::many(jobs.into_iter(), || Recipient::Line(completer.clone()));
        let mut tasks = jobs.iter().map(|job| Task::new(job.share()));
        let taken_in = self.dispatch.submit(&mut tasks, self.dispatch.rules.overflow);
        let count = jobs.len() - tasks.len();
        ids.extend(jobs[..count].iter().map(|job| job.ticket().id()));
        taken_in
    }

    /// Ends a job by its id as [`Failure::Aborted`] if it has not started. `false` if no job of that id waits.
    pub fn withdraw(&self, id: JobId) -> bool {
        self.dispatch.find(id).is_some_and(|body| self.dispatch.withdraw(&body, Failure::Aborted))
    }

    /// Aborts a job by its id, as [`Handle::abort`] does. `false` if no job of that id waits or runs.
    pub fn abort(&self, id: JobId) -> bool {
        // The queue may still hold what was withdrawn from it.
        let found = self.dispatch.find(id).filter(|body| !body.ticket().is_withdrawn());
        let Some(body) = found else { return false };
        body.ticket().abort();
        self.dispatch.withdraw(&body, Failure::Aborted);
        true
    }

    /// Looks at every worker at one moment. It holds the workers up for no longer than some of them take to start a job.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.dispatch, self.bounds, &self.limits, self.features)
    }

    /// Returns what looks as [`Pool::snapshot`] does, and returns `None` once the pool is closed or dropped. It keeps no worker.
    pub(crate) fn watcher(&self) -> impl Fn() -> Option<Snapshot> + Send + use<> {
        let dispatch = Arc::downgrade(&self.dispatch);
        let (bounds, limits, features) = (self.bounds, self.limits.clone(), self.features);
        move || {
            let dispatch = dispatch.upgrade().filter(|dispatch| !dispatch.counts().is_closed())?;
            Some(Snapshot::of(&dispatch, bounds, &limits, features))
        }
    }

    /// Makes an end of a ring a port of this pool, which any worker may use: [`JobContext::receiver`](super::JobContext::receiver),
    /// [`JobContext::sender`](super::JobContext::sender). The end is the pool's until the port, or the pool, is closed: for the
    /// other side it lives, whichever worker has it.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use circlet::pool::{Job, Pool};
    /// use circlet::ring::{self, Options, Role};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().workers(2).build()?;
    /// let ring = ring::anonymous(&Options::new())?;
    /// let port = pool.open_port(&ring, Role::Consumer)?;
    /// let mut sender = ring.sender()?;
    /// sender.send(b"one")?;
    /// sender.send(b"two")?;
    ///
    /// for expected in [b"one", b"two"] {
    ///     let next = pool.submit(Job::new("next", move |context| {
    ///         let mut receiver = context.receiver(port, Duration::from_secs(1))?;
    ///         let message = receiver.recv()?.to_vec();
    ///         Ok(message)
    ///     }))?;
    ///     assert_eq!(next.wait()?, expected); // whichever worker it was
    /// }
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::PortCannotMove`] for a receiver of a broadcast ring, or of messages in fragments; [`Error::PortRing`] where
    /// somebody has that end; [`Error::Closed`].
    pub fn open_port(&self, ring: &Ring, role: Role) -> Result<PortId, Error> {
        self.dispatch.ports.open(ring, role)
    }

    /// Hands a port to one worker, which alone may use it from then on, or to whichever asks for it (`None`). Whoever uses it
    /// goes on until it gives it back; who asks meanwhile waits for that. A worker that ends leaves its ports to all.
    ///
    /// # Errors
    /// [`Error::NoPort`], [`Error::NoSuchWorker`].
    pub fn transfer_port(&self, port: PortId, to: Option<WorkerId>) -> Result<(), Error> {
        self.dispatch.ports.transfer(port, to)
    }

    /// Closes a port: the other side of the ring learns it at once, or when whoever uses it has given it back. What is queued
    /// stays in the ring, for whoever takes that end of it next.
    ///
    /// # Errors
    /// [`Error::NoPort`].
    pub fn close_port(&self, port: PortId) -> Result<(), Error> {
        self.dispatch.ports.close(port)
    }

    /// Looks at every port: those of [`Pool::snapshot`] alone.
    pub fn ports(&self) -> PortRegistry {
        self.dispatch.ports.registry()
    }

    /// Returns the statistics of [`Pool::snapshot`] alone.
    pub fn statistics(&self) -> Statistics {
        self.snapshot().statistics
    }

    /// Waits for at most `timeout` until no job is queued or running; [`Duration::MAX`] waits without end.
    ///
    /// It covers what the jobs submit, and what other threads submit meanwhile. The pool stays open.
    ///
    /// # Errors
    /// [`Error::Unfinished`] with the number of jobs left; [`Error::WithinJob`].
    pub fn drain(&self, timeout: Duration) -> Result<(), Error> {
        self.refuse_within_job()?;
        self.dispatch.drain(timeout)
    }

    /// Takes no more jobs, finishes those that were submitted, and ends the workers. Submitters that wait for room get
    /// [`Error::Closed`]. The statistics can still be read. Closing again does nothing.
    ///
    /// # Errors
    /// [`Error::WithinJob`].
    pub fn close(&self) -> Result<(), Error> {
        self.refuse_within_job()?;
        self.dispatch.close();
        self.join();
        self.dispatch.give_up(|| Failure::Closed);
        self.dispatch.ports.shut();
        Ok(())
    }

    fn take_in<T: Send + 'static>(&self, job: Job<T>, overflow: Overflow) -> Result<Handle<T>, Refused<T>> {
        let job = Submitted::new(job, Recipient::Handle);
        match self.dispatch.submit_one(Task::new(job.share()), overflow) {
            Ok(()) => Ok(Handle::new(job, &self.dispatch)),
            Err((task, reason)) => {
                task.let_go();
                let job = job.into_job().expect("nobody else has a job that was refused, and it has not run");
                Err(Refused { job, reason })
            }
        }
    }

    fn refuse_within_job(&self) -> Result<(), Error> {
        if is_within(&self.dispatch) { Err(Error::WithinJob) } else { Ok(()) }
    }

    fn join(&self) {
        // Held all the while, so that a second caller returns no sooner than the first.
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        for keeper in iter::from_fn(|| keeper.take()) {
            let ended = keeper.join();
            debug_assert!(ended.is_ok(), "the keeper runs nobody's code but the pool's");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.dispatch.close();
        self.dispatch.give_up(|| Failure::Closed);
        self.dispatch.ports.stop_waiting();
        // A job that drops the last owner of its pool is on a thread that ends by itself, right after the job.
        if !is_within(&self.dispatch) {
            self.join();
        }
        self.dispatch.ports.shut();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name)
            .field("size", &self.size())
            .field("strategy", &self.dispatch.rules.strategy)
            .finish_non_exhaustive()
    }
}
