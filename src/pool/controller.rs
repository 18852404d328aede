//! The pool itself: it deals jobs out to its workers and ends them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};
use std::{fmt, mem};

use super::completion::Completer;
use super::failure::drop_quietly;
use super::handle::{Handle, Promise};
use super::job::Ticket;
use super::lane::{Lane, Room};
use super::task::{Pending, Recipient};
use super::{Builder, Error, Job, JobId, Refused, Snapshot, Statistics, Strategy, WorkerId, lock, worker};

/// A fixed number of worker threads and their queues.
///
/// Any number of threads may share it and submit. Idle workers sleep. Dropping it lets the jobs that run finish, gives
/// up those that are queued as [`Failure::Closed`](super::Failure::Closed), and returns when its threads have ended;
/// [`Pool::close`] before that finishes the queued ones as well.
pub struct Pool {
    name: String,
    strategy: Strategy,
    lanes: Box<[Arc<Lane>]>,
    /// Jobs that were dealt out. It orders nothing but itself, hence relaxed: queues have locks.
    turns: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
    thread_ids: Box<[ThreadId]>,
}

impl Pool {
    /// Describes a pool that is to be built.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Starts what the builder has checked.
    pub(super) fn start(builder: &Builder) -> Result<Self, Error> {
        let lanes = (0..builder.workers).map(|_| Arc::new(Lane::new(WorkerId::next(), builder.queue)));
        // Built before its threads, so that those which did start are ended by its drop when one does not.
        let mut pool = Self {
            name: builder.name.clone(),
            strategy: builder.strategy,
            lanes: lanes.collect(),
            turns: AtomicU64::new(0),
            threads: Mutex::new(Vec::with_capacity(builder.workers)),
            thread_ids: Box::default(),
        };
        let mut threads = lock(&pool.threads);
        for (index, lane) in pool.lanes.iter().enumerate() {
            let lane = lane.clone();
            let thread = thread::Builder::new()
                .name(format!("{}-w{index}", pool.name))
                .spawn(move || worker::run(&lane))
                .map_err(|source| Error::Spawn { worker: index, workers: builder.workers, source })?;
            threads.push(thread);
        }
        let thread_ids = threads.iter().map(|thread| thread.thread().id()).collect();
        drop(threads);
        pool.thread_ids = thread_ids;
        Ok(pool)
    }

    /// Returns the name that the threads' names begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of workers.
    pub fn size(&self) -> usize {
        self.lanes.len()
    }

    /// Submits a job, waiting while the queue of its worker is full.
    ///
    /// A job that submits to its own pool may find the full queue to be its own worker's, and then waits forever:
    /// [`Pool::try_submit`] is for that.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn submit<T: Send + 'static>(&self, job: Job<T>) -> Result<Handle<T>, Error> {
        let (turn, lane) = self.take_turn();
        let room = lane.room()?;
        Ok(enqueue(turn, lane, room, job))
    }

    /// As [`Pool::submit`], but does not wait. A refused job takes no turn, so that the next job goes where it would
    /// have gone.
    ///
    /// # Errors
    /// The job itself with [`Error::Full`], when the queue of the worker whose turn it is has no room, or
    /// [`Error::Closed`].
    pub fn try_submit<T: Send + 'static>(&self, job: Job<T>) -> Result<Handle<T>, Refused<T>> {
        loop {
            let turn = self.turns.load(Relaxed);
            let lane = self.lane_of(turn);
            let room = match lane.try_room() {
                Ok(room) => room,
                Err(reason) => return Err(Refused { job, reason }),
            };
            if self.turns.compare_exchange(turn, turn + 1, Relaxed, Relaxed).is_ok() {
                return Ok(enqueue(turn, lane, room, job));
            }
        }
    }

    /// Submits many jobs as [`Pool::submit`] does, and returns their handles in the same order.
    ///
    /// # Errors
    /// [`Error::Closed`]; the jobs before the one that was refused stay submitted, without handles.
    pub fn submit_batch<T: Send + 'static>(
        &self,
        jobs: impl IntoIterator<Item = Job<T>>,
    ) -> Result<Vec<Handle<T>>, Error> {
        jobs.into_iter().map(|job| self.submit(job)).collect()
    }

    /// Submits a job as [`Pool::submit`] does, whose result goes into a line of
    /// [`completions`](super::completions()) instead of a handle.
    ///
    /// # Errors
    /// [`Error::Closed`]; the line then learns nothing of the job.
    pub fn submit_to<T: Send + 'static>(
        &self,
        job: Job<T>,
        completer: &Completer<T>,
    ) -> Result<JobId, Error> {
        let (turn, lane) = self.take_turn();
        let room = lane.room()?;
        Ok(fill(turn, room, job, Recipient::Line(completer.clone())).id)
    }

    /// Looks at every worker. It holds each one up for some microseconds, and the others not at all.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.lanes.iter().map(|lane| &**lane), self.strategy)
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
        let start = Instant::now();
        loop {
            let turns = self.turns.load(Relaxed);
            for lane in &self.lanes {
                if !lane.wait_until_quiet(timeout.saturating_sub(start.elapsed())) {
                    return Err(self.unfinished());
                }
            }
            // Every lane was quiet once; all are quiet now if nothing was submitted since the first was looked at.
            if self.turns.load(Relaxed) == turns {
                return Ok(());
            }
            if start.elapsed() >= timeout {
                return Err(self.unfinished());
            }
        }
    }

    /// Takes no more jobs, finishes those that were submitted, and ends the workers. Submitters that wait for room get
    /// [`Error::Closed`]. The statistics can still be read. Closing again does nothing.
    ///
    /// # Errors
    /// [`Error::WithinJob`].
    pub fn close(&self) -> Result<(), Error> {
        self.refuse_within_job()?;
        for lane in &self.lanes {
            lane.close();
        }
        self.join();
        Ok(())
    }

    fn take_turn(&self) -> (u64, &Arc<Lane>) {
        let turn = self.turns.fetch_add(1, Relaxed);
        (turn, self.lane_of(turn))
    }

    fn lane_of(&self, turn: u64) -> &Arc<Lane> {
        &self.lanes[self.strategy.choose(turn, self.lanes.len())]
    }

    fn unfinished(&self) -> Error {
        Error::Unfinished { jobs: self.lanes.iter().map(|lane| lane.unfinished()).sum() }
    }

    fn refuse_within_job(&self) -> Result<(), Error> {
        if self.thread_ids.contains(&thread::current().id()) { Err(Error::WithinJob) } else { Ok(()) }
    }

    fn join(&self) {
        // Held all the while, so that a second caller returns no sooner than the first.
        let mut threads = lock(&self.threads);
        for thread in mem::take(&mut *threads) {
            // A job that drops the last owner of its pool is on a thread that ends by itself, right after the job.
            if thread.thread().id() != thread::current().id() {
                let ended = thread.join();
                debug_assert!(
                    ended.is_ok(),
                    "a worker catches the panics of its jobs, and has none of its own"
                );
            }
        }
    }
}

/// Fills the room with a job that answers to a handle.
fn enqueue<T: Send + 'static>(turn: u64, lane: &Arc<Lane>, room: Room<'_>, job: Job<T>) -> Handle<T> {
    let promise = Promise::new();
    let ticket = fill(turn, room, job, Recipient::Handle(promise.clone()));
    Handle::new(ticket, promise, lane)
}

fn fill<T>(turn: u64, room: Room<'_>, job: Job<T>, recipient: Recipient<T>) -> Arc<Ticket>
where
    T: Send + 'static,
{
    let ticket = Ticket::new(JobId::of_turn(turn), job.kind, job.nodes);
    room.push(Pending::task(ticket.clone(), job.work, recipient));
    ticket
}

impl Drop for Pool {
    fn drop(&mut self) {
        let given_up: Vec<_> = self.lanes.iter().map(|lane| lane.give_up()).collect();
        given_up.into_iter().flatten().for_each(drop_quietly);
        self.join();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name)
            .field("size", &self.size())
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
