//! The submitters' side: jobs come in, mostly without a lock, and are taken back.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{iter, mem};

use super::dispatch::{Dispatch, State};
use super::failure::drop_quietly;
use super::lane::Lane;
use super::sync::{AtomicU64, AtomicUsize, MutexGuard, Ordering, fence, yield_now};
use super::task::{Body, Share, Task};
use super::ticket::Whereabouts;
use super::{Error, Failure, JobId, Overflow, Strategy};

/// In the count of jobs that wait: none is taken in any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// From so many jobs at once on, the lock costs less than it saves.
const MANY: usize = 8;

/// Counts that submitters write without the lock.
pub(super) struct Counts {
    /// Jobs that were taken in.
    sent: AtomicU64,
    /// Jobs that wait in the dispatch or are about to, and `CLOSED`.
    waiting: AtomicUsize,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { sent: AtomicU64::new(0), waiting: AtomicUsize::new(0) }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs that wait or are on their way to the queue.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst) & !CLOSED
    }

    /// Returns for how many more jobs there is room.
    pub(super) fn room(&self, capacity: usize) -> usize {
        capacity.saturating_sub(self.waiting())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) & CLOSED != 0
    }

    pub(super) fn close(&self) {
        self.waiting.fetch_or(CLOSED, Ordering::SeqCst);
    }

    /// Counts jobs that wait no more.
    pub(super) fn left(&self, jobs: usize) {
        self.waiting.fetch_sub(jobs, Ordering::SeqCst);
    }

    /// Counts a job that waits again.
    pub(super) fn came_back(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts jobs that wait, as many of them as there is room for.
    ///
    /// A worker that leaves sees this count, or this sees that the pool is closed: the order of both is total.
    fn reserve(&self, jobs: usize, capacity: usize) -> Result<usize, Error> {
        let mut granted = 0;
        // Not more than there is room for, not even for a moment, in which another would begin to wait for room.
        let reserved = self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| {
            granted = if waiting & CLOSED != 0 { 0 } else { jobs.min(capacity.saturating_sub(waiting)) };
            (granted > 0).then(|| waiting + granted)
        });
        if reserved.is_err_and(|waiting| waiting & CLOSED != 0) { Err(Error::Closed) } else { Ok(granted) }
    }
}

impl<B: Body + ?Sized> Dispatch<B> {
    /// Takes in jobs, in their order; what is refused stays in `tasks`, with the reason.
    ///
    /// Where there is no room it does as `overflow` says, which may be to wait.
    pub(super) fn submit(
        &self,
        tasks: &mut impl ExactSizeIterator<Item = Task<B>>,
        overflow: Overflow,
    ) -> Result<(), Error> {
        let mut until = None;
        loop {
            let granted = self.counts().reserve(tasks.len(), self.rules.capacity)?;
            if granted > 0 {
                self.take_in(tasks.by_ref().take(granted), granted);
            }
            if tasks.len() == 0 {
                return Ok(());
            }
            match overflow {
                Overflow::Reject => return Err(Error::Full { capacity: self.rules.capacity }),
                Overflow::DropOldest => self.drop_oldest(tasks.len()),
                Overflow::Wait(time) => {
                    let until = *until.get_or_insert_with(|| Instant::now().checked_add(time));
                    self.await_room(tasks.len(), until)?;
                }
            }
        }
    }

    /// Takes in one job.
    ///
    /// # Errors
    /// The job, and why it was refused.
    pub(super) fn submit_one(&self, task: Task<B>, overflow: Overflow) -> Result<(), (Task<B>, Error)> {
        let mut tasks = iter::once(task);
        self.submit(&mut tasks, overflow)
            .map_err(|error| (tasks.next().expect("what is refused stays"), error))
    }

    /// Takes in jobs that there is room for.
    fn take_in(&self, tasks: impl Iterator<Item = Task<B>>, jobs: usize) {
        let mut id = self.counts().sent.fetch_add(jobs as u64, Ordering::Relaxed);
        let mut locked = Locked { state: None, woken: Vec::new() };
        // Gone through before the lock is taken, which workers wait for.
        let mut many = Vec::with_capacity(if jobs >= MANY { jobs } else { 0 });
        for task in tasks {
            id += 1;
            let ticket = task.ticket();
            ticket.number(id);
            if !ticket.is_plain() {
                self.take_in_many(&mut locked, &mut many);
                self.take_in_rare(&mut locked, task);
                continue;
            }
            ticket.is_at(Whereabouts::Queue);
            match &mut locked.state {
                _ if jobs >= MANY => many.push(task),
                Some(state) => state.queue.push(task),
                None => self.inbox.push(task),
            }
        }
        self.take_in_many(&mut locked, &mut many);
        if locked.state.is_none() {
            // Either this sees that somebody must be woken, or whoever is about to sleep sees the jobs.
            fence(Ordering::SeqCst);
            if self.is_alerted() {
                locked.state = Some(self.lock());
            }
        }
        if let Some(mut state) = locked.state {
            // Whoever takes a job wakes the next for what is left.
            locked.woken.extend(iter::from_fn(|| self.rouse_for_queue(&mut state)));
            locked.woken.extend(self.hand_on(&mut state));
            let is_deserted = state.entries().next().is_none();
            drop(state);
            locked.woken.iter().for_each(|lane| lane.wake());
            if is_deserted {
                // The keeper, who is to start a worker, may wait for this very processor.
                yield_now();
            }
        }
        drop(self.spent.pop());
    }

    /// Takes in jobs that have neither a priority nor a key nor a deadline, under the lock.
    fn take_in_many<'a>(&'a self, locked: &mut Locked<'a, B>, tasks: &mut Vec<Task<B>>) {
        if !tasks.is_empty() {
            let state = locked.state.get_or_insert_with(|| self.lock_in_order());
            state.queue.extend(0, mem::take(tasks).into_iter());
        }
    }

    /// Takes in a job with a priority, a key or a deadline, under the lock.
    fn take_in_rare<'a>(&'a self, locked: &mut Locked<'a, B>, task: Task<B>) {
        let state = locked.state.get_or_insert_with(|| self.lock_in_order());
        let ticket = task.ticket();
        if let Some(at) = ticket.deadline()
            && state.note_deadline(at, &task)
        {
            self.call_keeper(state);
        }
        if let Some(place) = self.place_of(state, &task) {
            locked.woken.extend(self.pin(state, place, task));
        } else {
            ticket.is_at(Whereabouts::Queue);
            state.queue.push(task);
        }
    }

    /// Takes the lock, with everything in the queue that a job which comes now has to stand behind.
    fn lock_in_order(&self) -> MutexGuard<'_, State<B>> {
        let mut state = self.lock();
        self.drain_inbox(&mut state, usize::MAX);
        state
    }

    /// Gives up as many of the least jobs as are needed for `more`.
    fn drop_oldest(&self, more: usize) {
        let mut state = self.lock_in_order();
        let surplus = (self.counts().waiting() + more).saturating_sub(self.rules.capacity);
        let dropped: Vec<_> = iter::from_fn(|| state.pop_least()).take(surplus).collect();
        self.count_withdrawn(&mut state, &dropped);
        state.ending += dropped.len();
        drop(state);
        if dropped.is_empty() {
            // Those that fill the queue are still on their way to it, or a worker has just made room.
            return yield_now();
        }
        let count = dropped.len();
        dropped.into_iter().for_each(|task| task.fail(Failure::Dropped));
        self.have_ended(count);
    }

    /// Waits for room for some of `jobs` jobs.
    fn await_room(&self, jobs: usize, until: Option<Instant>) -> Result<(), Error> {
        let capacity = self.rules.capacity;
        // To wake up for each place that becomes free would take longer than many jobs do.
        let wanted = jobs.min(capacity / 8).max(1);
        let mut state = self.lock();
        while !self.counts().is_closed() && self.counts().room(capacity) < wanted {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let is_full = self.counts().room(capacity) == 0;
                return if is_full { Err(Error::Full { capacity }) } else { Ok(()) };
            }
            state = self.wait_for_room(state, wanted, left);
        }
        Ok(())
    }

    /// Puts what came without the lock into the queue, up to `most` jobs.
    pub(super) fn drain_inbox(&self, state: &mut State<B>, most: usize) {
        let jobs = self.inbox.len().min(most);
        state.queue.extend(0, iter::from_fn(|| self.inbox.pop()).take(jobs));
    }

    /// Looks for a job that waits or runs: at few where jobs wait in the order of their ids, at all where that does not find it.
    pub(super) fn find(&self, id: JobId) -> Option<Share<B>> {
        let mut state = self.lock_in_order();
        self.publish(&mut state);
        let queues = || iter::once(&state.queue).chain(state.entries().map(|entry| &entry.pinned));
        let likely = queues().find_map(|queue| queue.find_in_order(id)).map(Task::share);
        let taken = likely.or_else(|| state.entries().find_map(|entry| entry.lane.find(id)));
        taken.or_else(|| queues().find_map(|queue| queue.find(id)).map(Task::share))
    }

    /// Ends a job that has not started. `false` if it has: its worker is told that it was asked to stop.
    pub(super) fn withdraw(&self, job: &Share<B>, failure: Failure) -> bool {
        let mut state = self.lock_in_order();
        if !self.take_out(&mut state, job) {
            drop(state);
            if let Some(message) = job.ticket().message() {
                message.call();
            }
            return false;
        }
        self.publish(&mut state);
        drop(state);
        job.fail(failure);
        self.have_ended(1);
        true
    }

    /// Takes a job that has not started out of where it is, for the caller to end. `false` if it has started.
    fn take_out(&self, state: &mut State<B>, job: &Share<B>) -> bool {
        let whereabouts = job.ticket().whereabouts();
        let task = match whereabouts {
            Whereabouts::Elsewhere | Whereabouts::Withdrawn => return false,
            // Where it was last: it may have run since then, and its worker have left.
            Whereabouts::Lane(place) => {
                match state.entries[place].as_ref().and_then(|entry| entry.lane.withdraw(job)) {
                    None => return false,
                    task => task,
                }
            }
            Whereabouts::Queue | Whereabouts::Pinned(_) => None,
        };
        job.ticket().is_at(Whereabouts::Withdrawn);
        match whereabouts {
            Whereabouts::Queue => {
                state.queue.withdraw(job.ticket());
                self.counts().left(1);
            }
            Whereabouts::Pinned(place) => {
                state.at(place).pinned.withdraw(job.ticket());
                state.pinned -= 1;
                self.counts().left(1);
                self.forget_key(state, job);
            }
            _ => {}
        }
        // The caller has the job too, so that nothing of it goes here.
        drop(task);
        state.withdrawn += 1;
        state.ending += 1;
        self.tell_submitters(self.made_room(state, 1));
        true
    }

    /// Ends the jobs whose deadline has passed, and has those that run abort, until there are none.
    pub(super) fn end_late<'a>(&'a self, mut state: MutexGuard<'a, State<B>>) -> MutexGuard<'a, State<B>> {
        loop {
            let late = state.late();
            if late.is_empty() {
                return state;
            }
            late.iter().for_each(|job| job.ticket().expire());
            // Under the lock that their deadlines were noted in, so that no worker starts one meanwhile.
            let (waited, others): (Vec<_>, Vec<_>) =
                late.into_iter().partition(|job| self.take_out(&mut state, job));
            self.publish(&mut state);
            drop(state);
            waited.iter().for_each(|job| job.fail(Failure::TimedOut));
            self.have_ended(waited.len());
            drop(waited);
            others.iter().filter_map(|job| job.ticket().message()).for_each(|message| message.call());
            // One of them may have ended by itself, and this have its result.
            others.into_iter().for_each(drop_quietly);
            state = self.lock();
        }
    }

    /// Counts withdrawn jobs as ended, for those who drain.
    fn have_ended(&self, jobs: usize) {
        let mut state = self.lock();
        state.ending -= jobs;
        self.grew_quiet(&state);
    }

    /// Takes out the jobs that have not started, which count as withdrawn. The caller ends them, and says so.
    fn clear(&self) -> Vec<Task<B>> {
        let mut state = self.lock_in_order();
        let mut tasks: Vec<_> = iter::from_fn(|| state.queue.pop()).collect();
        for entry in state.entries.iter_mut().flatten() {
            tasks.extend(iter::from_fn(|| entry.pinned.pop()));
        }
        state.pinned = 0;
        self.count_withdrawn(&mut state, &tasks);
        let taken: Vec<_> = state.entries().flat_map(|entry| entry.lane.give_back(true)).collect();
        for task in &taken {
            task.ticket().is_at(Whereabouts::Withdrawn);
        }
        state.withdrawn += taken.len() as u64;
        tasks.extend(taken);
        state.ending += tasks.len();
        tasks
    }

    /// Ends the jobs that have not started with what `failure` makes, and lets go of those that were withdrawn: these may lie
    /// in the queue until something is taken from it, with the line that their results have gone into.
    pub(super) fn give_up(&self, failure: impl Fn() -> Failure) {
        let tasks = self.clear();
        let count = tasks.len();
        tasks.into_iter().for_each(|task| task.fail(failure()));
        self.have_ended(count);
    }

    /// Counts jobs that were taken out of the queue or were pinned, and makes their room known.
    fn count_withdrawn(&self, state: &mut State<B>, tasks: &[Task<B>]) {
        for task in tasks {
            if matches!(task.ticket().whereabouts(), Whereabouts::Pinned(_)) {
                self.forget_key(state, task);
            }
            task.ticket().is_at(Whereabouts::Withdrawn);
        }
        self.counts().left(tasks.len());
        state.withdrawn += tasks.len() as u64;
        self.publish(state);
        self.tell_submitters(self.made_room(state, tasks.len()));
    }

    /// Takes one worker from the idle ones if jobs wait and nobody looks for them.
    pub(super) fn rouse_for_queue(&self, state: &mut State<B>) -> Option<Arc<Lane<B>>> {
        let waiting = state.queue.len() + self.inbox.len();
        let is_needed = state.wants_search() && state.searching < waiting;
        if is_needed { state.rouse(self.rules.strategy) } else { None }
    }

    /// Sees to it that somebody is on the way to what waits, and says whom the next job must wake. Returns the worker that is
    /// to be woken, after which it does the same.
    pub(super) fn hand_on(&self, state: &mut State<B>) -> Option<Arc<Lane<B>>> {
        let woken = self.rouse_for_queue(state);
        if state.wants_keeper() && !(state.queue.is_empty() && self.inbox.is_empty()) {
            self.call_keeper(state);
        }
        self.publish(state);
        woken
    }

    /// Says what waits in the queue and whom a job must wake; called before the lock goes, whenever either has changed.
    pub(super) fn publish(&self, state: &mut State<B>) {
        if self.announce(state) && self.is_alerted() {
            // Either whoever has pushed a job sees that somebody must be woken, or this sees the job.
            fence(Ordering::SeqCst);
            if !self.inbox.is_empty() {
                self.send_for_inbox(state);
            }
        }
    }

    /// Wakes who is needed for jobs whose submitters saw that nobody was.
    fn send_for_inbox(&self, state: &mut State<B>) {
        self.drain_inbox(state, usize::MAX);
        iter::from_fn(|| self.rouse_for_queue(state)).for_each(|lane| lane.wake());
        if state.wants_keeper() {
            self.call_keeper(state);
        }
        self.announce(state);
    }

    /// Takes no more jobs; those that wait still run.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        self.counts().close();
        let woken: Vec<_> = iter::from_fn(|| state.rouse(Strategy::RoundRobin)).collect();
        self.call_keeper(&mut state);
        self.publish(&mut state);
        self.tell_submitters(usize::MAX);
        drop(state);
        woken.iter().for_each(|lane| lane.wake());
    }
}

/// The lock, if anything has needed it, and whom to wake once it is gone.
struct Locked<'a, B: Body + ?Sized> {
    state: Option<MutexGuard<'a, State<B>>>,
    woken: Vec<Arc<Lane<B>>>,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::OnceLock;

    use super::super::Pool;
    use super::super::tally::Window;
    use super::super::task::Share;
    use super::super::ticket::{Ticket, Wishes};
    use super::*;

    /// A job that asks, when it ends, whether all jobs have.
    struct Curious {
        ticket: Ticket,
        dispatch: OnceLock<Arc<Dispatch<Curious>>>,
        drained: OnceLock<Result<(), Error>>,
    }

    impl Body for Curious {
        fn ticket(&self, _: usize) -> &Ticket {
            &self.ticket
        }

        fn fail(&self, _: usize, _: Failure) {
            let dispatch = self.dispatch.get().expect("set before it was submitted");
            assert!(self.drained.set(dispatch.drain(Duration::ZERO)).is_ok(), "it ends once");
        }
    }

    #[test]
    fn no_drain_returns_while_a_job_that_was_given_up_has_not_learnt_of_it() {
        let rules = Pool::builder().rules(Duration::ZERO);
        let dispatch = Arc::new(Dispatch::new(rules, Window::new(Duration::from_secs(1))));
        let ticket = Ticket::new(Wishes::new("curious".into()), Instant::now());
        let body = Arc::new(Curious { ticket, dispatch: OnceLock::new(), drained: OnceLock::new() });
        assert!(body.dispatch.set(dispatch.clone()).is_ok());
        assert!(dispatch.submit_one(Task::new(Share::new(body.clone(), 0)), Overflow::Reject).is_ok());
        dispatch.give_up(|| Failure::Closed);
        assert!(matches!(body.drained.get(), Some(Err(Error::Unfinished { jobs: 1 }))));
        assert!(dispatch.drain(Duration::ZERO).is_ok());
    }
}
