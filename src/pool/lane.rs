//! One worker's queue, current job and counts, behind one lock.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::job::Ticket;
use super::snapshot::{CurrentJob, WorkerEntry, WorkerState};
use super::tally::Tally;
use super::task::Task;
use super::{Error, Failure, WorkerId, lock};

/// What submitters, the worker and onlookers share of one worker.
///
/// One lock holds all of it, so that at any moment a job is in exactly one count: queued, running, received or
/// withdrawn. That, and taking an aborted job out of the middle, is what a channel cannot do. No code of a caller runs
/// under the lock.
// Two cache lines, which x86 fetches in pairs: busy workers share none.
#[repr(align(128))]
pub(super) struct Lane {
    worker: WorkerId,
    created_at_ms: u64,
    capacity: usize,
    state: Mutex<State>,
    /// The worker waits here for a job or the end.
    work: Condvar,
    /// Submitters wait here for room or the end.
    room: Condvar,
    /// Whoever drains waits here for the last job to end.
    quiet: Condvar,
}

struct State {
    queue: VecDeque<Task>,
    running: Option<Running>,
    closed: bool,
    terminated: bool,
    tally: Tally,
    last_error: Option<String>,
    // Waking is a system call even where nobody waits: these spare it.
    worker_waits: bool,
    submitters: usize,
    drainers: usize,
}

struct Running {
    ticket: Arc<Ticket>,
    since: Instant,
}

impl State {
    fn unfinished(&self) -> u64 {
        self.queue.len() as u64 + u64::from(self.running.is_some())
    }
}

impl Lane {
    /// Makes a lane whose queue holds `capacity` jobs beside the one that runs.
    pub(super) fn new(worker: WorkerId, capacity: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            worker,
            created_at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            capacity,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                running: None,
                closed: false,
                terminated: false,
                tally: Tally::new(),
                last_error: None,
                worker_waits: false,
                submitters: 0,
                drainers: 0,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
            quiet: Condvar::new(),
        }
    }

    pub(super) fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Waits until the queue has room, and holds it.
    pub(super) fn room(&self) -> Result<Room<'_>, Error> {
        let mut state = lock(&self.state);
        while !state.closed && state.queue.len() >= self.capacity {
            state.submitters += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.submitters -= 1;
        }
        if state.closed { Err(Error::Closed) } else { Ok(Room { lane: self, state }) }
    }

    /// As [`Lane::room`], but does not wait.
    pub(super) fn try_room(&self) -> Result<Room<'_>, Error> {
        let state = lock(&self.state);
        if state.closed {
            Err(Error::Closed)
        } else if state.queue.len() >= self.capacity {
            Err(Error::Full { capacity: self.capacity })
        } else {
            Ok(Room { lane: self, state })
        }
    }

    /// Waits for the next job and marks it as running. `None` ends the worker.
    pub(super) fn next(&self) -> Option<(Task, Instant)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.queue.pop_front() {
                let since = Instant::now();
                state.running = Some(Running { ticket: task.ticket.clone(), since });
                self.made_room(&state);
                return Some((task, since));
            }
            if state.closed {
                state.terminated = true;
                return None;
            }
            state.worker_waits = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.worker_waits = false;
        }
    }

    /// Counts the job that ran and hands its result over, in one step for whoever looks on.
    pub(super) fn finish(&self, task: &mut Task, elapsed: Duration, error: Option<String>) {
        let mut state = lock(&self.state);
        state.running = None;
        state.tally.record(elapsed, error.is_some());
        if error.is_some() {
            state.last_error = error;
        }
        task.body.settle();
        self.grew_quiet(&state);
    }

    /// Takes an aborted job out of the queue, if it is still there.
    pub(super) fn withdraw(&self, ticket: &Arc<Ticket>) {
        let mut state = lock(&self.state);
        let place = state.queue.iter().position(|task| Arc::ptr_eq(&task.ticket, ticket));
        let Some(mut task) = place.and_then(|place| state.queue.remove(place)) else { return };
        state.tally.withdrawn += 1;
        task.body.settle_with(Failure::Aborted);
        self.made_room(&state);
        self.grew_quiet(&state);
        drop(state);
        drop(task); // the job's closure, and so after the lock
    }

    /// Takes no more jobs; those in the queue still run.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Takes no more jobs, and returns those in the queue, whose failure their handles have learnt.
    pub(super) fn give_up(&self) -> VecDeque<Task> {
        self.close();
        let mut state = lock(&self.state);
        let mut tasks = mem::take(&mut state.queue);
        state.tally.withdrawn += tasks.len() as u64;
        for task in &mut tasks {
            task.body.settle_with(Failure::Closed);
        }
        tasks
    }

    /// Waits for at most `timeout` until no job is queued or running, and tells whether that came.
    pub(super) fn wait_until_quiet(&self, timeout: Duration) -> bool {
        let mut state = lock(&self.state);
        state.drainers += 1;
        let (mut state, _) = self
            .quiet
            .wait_timeout_while(state, timeout, |state| state.unfinished() > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.drainers -= 1;
        state.unfinished() == 0
    }

    /// Returns the number of jobs queued or running.
    pub(super) fn unfinished(&self) -> u64 {
        lock(&self.state).unfinished()
    }

    /// Adds this worker's counts to `totals`, and returns its entry and the length of its queue, all of one moment.
    pub(super) fn report(&self, totals: &mut Tally) -> (WorkerEntry, u64) {
        let state = lock(&self.state);
        totals.merge(&state.tally);
        let entry = WorkerEntry {
            state: match (&state.running, state.terminated) {
                (Some(_), _) => WorkerState::Processing,
                (None, false) => WorkerState::Idle,
                (None, true) => WorkerState::Terminated,
            },
            created_at_ms: self.created_at_ms,
            messages_processed: state.tally.received,
            errors: state.tally.errors,
            last_error: state.last_error.clone(),
            current_job: state.running.as_ref().map(|running| CurrentJob {
                id: running.ticket.id,
                kind: running.ticket.kind.clone(),
                nodes: running.ticket.nodes,
                elapsed_ms: u64::try_from(running.since.elapsed().as_millis()).unwrap_or(u64::MAX),
                abort_signal: running.ticket.aborted(),
            }),
        };
        (entry, state.queue.len() as u64)
    }

    fn made_room(&self, state: &State) {
        if state.submitters > 0 {
            self.room.notify_one();
        }
    }

    fn grew_quiet(&self, state: &State) {
        if state.drainers > 0 && state.unfinished() == 0 {
            self.quiet.notify_all();
        }
    }
}

/// Room for one job, which nobody can take while this is held.
pub(super) struct Room<'a> {
    lane: &'a Lane,
    state: MutexGuard<'a, State>,
}

impl Room<'_> {
    /// Puts a job at the end of the queue and counts it.
    pub(super) fn push(mut self, task: Task) {
        self.state.queue.push_back(task);
        self.state.tally.sent += 1;
        if self.state.worker_waits {
            self.lane.work.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::pool::JobId;
    use crate::pool::handle::Promise;
    use crate::pool::task::{Pending, Recipient};

    /// Fills a lane with one job, lets a submitter wait for room, and returns what it gets once `relief` has come.
    fn relieve(relief: impl FnOnce(&Lane, &Arc<Ticket>)) -> Result<(), Error> {
        let lane = Arc::new(Lane::new(WorkerId::next(), 1));
        let ticket = Ticket::new(JobId::of_turn(0), "test".into(), None);
        let recipient = Recipient::Handle(Promise::new());
        lane.room()?.push(Pending::task(ticket.clone(), Box::new(|_| Ok(())), recipient));

        let (report, reported) = mpsc::channel();
        let submitter = lane.clone();
        thread::spawn(move || report.send(submitter.room().map(|_| ())));
        while lock(&lane.state).submitters == 0 {
            thread::yield_now();
        }
        relief(&lane, &ticket);
        reported.recv_timeout(Duration::from_secs(60)).expect("the submitter is woken")
    }

    #[test]
    fn a_submitter_that_waits_gets_the_room_of_a_job_that_starts() {
        assert!(relieve(|lane, _| assert!(lane.next().is_some())).is_ok());
    }

    #[test]
    fn a_submitter_that_waits_gets_the_room_of_an_aborted_job() {
        assert!(relieve(Lane::withdraw).is_ok());
    }

    #[test]
    fn a_submitter_that_waits_learns_of_the_end() {
        assert!(matches!(relieve(|lane, _| lane.close()), Err(Error::Closed)));
    }
}
