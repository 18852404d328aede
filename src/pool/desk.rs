//! The worker's side: it takes jobs, tells of their ends, and leaves.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{iter, mem};

use super::dispatch::{Dispatch, Entry, Phase, Pin, State};
use super::lane::{Lane, Running};
use super::ports::Ports;
use super::queue::Queue;
use super::sync::{MutexGuard, Ordering};
use super::task::{Body, Task};
use super::ticket::Whereabouts;
use super::{Failure, Strategy, WorkerEnd};

/// The most jobs that a worker puts into the queue of those that came without the lock.
const INBOX: usize = 256;

/// So many jobs are freed at a time.
const SPENT: usize = 32;

/// Between looks of a worker at whether another has taken its place, if nobody wakes it.
const REPLACEMENT_LOOK: Duration = Duration::from_millis(10);

/// What a worker is to do next.
pub(crate) enum Turn<B: Body + ?Sized> {
    /// A job, which has been started.
    Job(Task<B>),
    /// Something else: it was called, or it is time for it.
    Errand,
    /// To end.
    End,
}

/// The place of one worker, which it leaves when this is dropped.
pub(crate) struct Desk<B: Body + ?Sized> {
    dispatch: Arc<Dispatch<B>>,
    lane: Arc<Lane<B>>,
    has_left: Cell<bool>,
    /// Jobs that nobody has any more.
    spent: RefCell<Vec<Arc<B>>>,
}

impl<B: Body + ?Sized> Desk<B> {
    /// Makes a place for a worker that is about to boot.
    pub(super) fn new(dispatch: &Arc<Dispatch<B>>, state: &mut State<B>) -> Self {
        let free = state.entries.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            state.entries.push(None);
            state.entries.len() - 1
        });
        // Names come round again after 65536 of them, while the first worker may still be here.
        let mut lanes = iter::repeat_with(|| Lane::new(place, dispatch.window, dispatch.rules.chunk));
        let lane = Arc::new(lanes.find(|lane| !state.knows(lane.worker)).expect("an endless line"));
        let (pinned, phase) = (Queue::new(), Phase::Booting);
        let entry =
            Entry { lane: lane.clone(), pinned, phase, retires: false, recycles: false, replaces: None };
        state.entries[place] = Some(entry);
        dispatch.ports.began(lane.worker);
        Self { dispatch: dispatch.clone(), lane, has_left: Cell::new(false), spent: RefCell::default() }
    }

    /// Returns the ports of the pool.
    pub(crate) fn ports(&self) -> &Arc<Ports> {
        &self.dispatch.ports
    }

    pub(crate) fn lane(&self) -> &Arc<Lane<B>> {
        &self.lane
    }

    /// Says that the worker, whose thread this is, can work from now on, and how long it took.
    pub(crate) fn open(&self, boot: Duration) {
        self.lane.settle_in();
        let mut state = self.dispatch.lock();
        state.at(self.lane.place).phase = Phase::Working;
        state.boot_failures = 0;
        state.booted += 1;
        state.boot = state.boot.saturating_add(boot);
        if let Some(replaced) = state.at(self.lane.place).replaces.take() {
            state.replace(replaced, true);
            self.dispatch.publish(&mut state);
        }
    }

    /// Asks for another worker in the place of this one, which is told by [`Desk::is_replaced`]. `false` while as many are
    /// being replaced as may be: a quarter of the workers, at least one.
    pub(crate) fn ask_for_replacement(&self) -> bool {
        let mut state = self.dispatch.lock();
        let place = self.lane.place;
        if state.at(place).recycles {
            return true;
        }
        let recycling = state.entries().filter(|entry| entry.recycles).count();
        if self.dispatch.counts().is_closed() || recycling >= (state.entries().count() / 4).max(1) {
            return false;
        }
        state.at(place).recycles = true;
        state.replacements.push(self.lane.worker);
        self.dispatch.call_keeper(&mut state);
        true
    }

    /// Tells whether another worker has taken the place of this one.
    pub(crate) fn is_replaced(&self) -> bool {
        self.lane.is_replaced.load(Ordering::Acquire)
    }

    /// Waits for another worker to take the place of this one, or until there is no more use in that, or one could not boot.
    pub(crate) fn await_replacement(&self) {
        let mut has_asked = false;
        while !self.is_replaced() {
            let mut state = self.dispatch.lock();
            let entry = state.at(self.lane.place);
            let is_in_vain = has_asked && !entry.recycles;
            if is_in_vain || entry.retires || self.dispatch.counts().is_closed() {
                return;
            }
            drop(state);
            has_asked |= self.ask_for_replacement();
            self.lane.doze(REPLACEMENT_LOOK);
        }
    }

    /// Tells whether anybody has a use for a worker that is about to be ready.
    pub(crate) fn is_needed(&self) -> bool {
        !self.dispatch.counts().is_closed() || self.dispatch.counts().waiting() > 0
    }

    /// Says why the worker could not boot, or died.
    pub(super) fn fail(&self, words: String) {
        let mut state = self.dispatch.lock();
        if state.at(self.lane.place).phase == Phase::Booting {
            state.could_not_boot(words.clone());
        }
        if let Some(replaced) = state.at(self.lane.place).replaces.take() {
            state.replace(replaced, false);
        }
        self.lane.ends(WorkerEnd::Crashed);
        self.lane.say(words);
    }

    /// Waits for a job and starts it. `None` is the end of the worker.
    pub(crate) fn take(&self) -> Option<Task<B>> {
        loop {
            match self.turn(None) {
                Turn::Job(task) => return Some(task),
                Turn::Errand => {}
                Turn::End => return None,
            }
        }
    }

    /// Waits for a job and starts it; or, where there is none, until [`Lane::call`] or for `until`. The worker counts as one
    /// that works until its next turn.
    pub(crate) fn turn(&self, until: Option<Instant>) -> Turn<B> {
        let dispatch = &*self.dispatch;
        let mut state = dispatch.lock();
        let mut has_looked = false;
        loop {
            state = dispatch.end_late(state);
            if let Some((first, rest)) = self.share(&mut state) {
                return Turn::Job(self.begin(state, first, rest));
            }
            let is_last = state.at(self.lane.place).retires || dispatch.counts().is_closed();
            if is_last && dispatch.counts().waiting() == state.pinned {
                self.leave(state);
                return Turn::End;
            }
            // One at a time looks for a while before it sleeps, and is not woken then.
            let looks = is_last || !has_looked && state.searching == 0;
            if looks {
                state.searches(self.lane.place);
                state.looking += 1;
            } else {
                state.idle.push(self.lane.place);
                state.at(self.lane.place).phase = Phase::Idle;
            }
            dispatch.publish(&mut state);
            dispatch.grew_quiet(&state);
            drop(state);
            if looks {
                dispatch.look_out();
            } else {
                self.spent.borrow_mut().clear();
                self.lane.sleep(until);
            }
            has_looked = looks;
            state = dispatch.lock();
            let mut has_errand = false;
            // A wake that was for something else, which nobody has counted.
            while state.at(self.lane.place).phase == Phase::Idle {
                if self.lane.has_errand(until) {
                    has_errand = true;
                    state.rouse_at(self.lane.place);
                    break;
                }
                drop(state);
                self.lane.sleep(until);
                state = dispatch.lock();
            }
            state.looking -= usize::from(looks);
            // Whoever ended the sleep has counted it as one that searches.
            state.found(self.lane.place);
            if has_errand {
                self.lane.take_errand();
                let next = dispatch.hand_on(&mut state);
                drop(state);
                next.iter().for_each(|lane| lane.wake());
                return Turn::Errand;
            }
        }
    }

    /// Starts the first of the jobs that it takes, and wakes another worker if that leaves any.
    fn begin(&self, mut state: MutexGuard<'_, State<B>>, first: Task<B>, rest: Vec<Task<B>>) -> Task<B> {
        first.ticket().is_at(Whereabouts::Elsewhere);
        for task in &rest {
            task.ticket().is_at(Whereabouts::Lane(self.lane.place));
        }
        let submitters = self.dispatch.made_room(&state, 1 + rest.len());
        let next = self.dispatch.hand_on(&mut state);
        // Under the lock, so that at no moment a job is nowhere.
        let first = self.lane.begin(first, rest);
        drop(state);
        self.dispatch.tell_submitters(submitters);
        next.iter().for_each(|lane| lane.wake());
        first
    }

    /// Tells that the job that ran is over, and with what words if it failed; starts the next of those that the worker has
    /// taken already. What the job gave is handed over after this.
    pub(crate) fn next(&self, ended: &Task<B>, error: Option<String>) -> Option<Task<B>> {
        let next = self.lane.next(error, self.dispatch.best());
        if ended.ticket().key().is_some() {
            self.dispatch.forget_key(&mut self.dispatch.lock(), ended);
        }
        next
    }

    /// Keeps the memory of a job for the submitters to free: an allocator is at its slowest where one thread frees what
    /// another has allocated.
    pub(crate) fn give_back(&self, spent: Arc<B>) {
        let mut kept = self.spent.borrow_mut();
        kept.push(spent);
        if kept.len() >= SPENT {
            // Where nobody submits any more, it is freed here.
            let _ = self.dispatch.spent.push(mem::replace(&mut *kept, Vec::with_capacity(SPENT)));
        }
    }

    /// Takes what this worker should run now.
    fn share(&self, state: &mut State<B>) -> Option<(Task<B>, Vec<Task<B>>)> {
        // What is left of its own when somebody more important came between.
        let mut own = self.lane.give_back(true);
        self.dispatch.drain_inbox(state, INBOX);
        loop {
            let own_best = own.front().map(|task| task.ticket().priority());
            let pinned_best = state.at(self.lane.place).pinned.best();
            let best = state.queue.best();
            if own_best.is_some() && own_best >= pinned_best && own_best >= best {
                let first = own.pop_front()?;
                return Some((first, own.into()));
            }
            if pinned_best.is_some() && pinned_best >= best {
                let first = state.at(self.lane.place).pinned.pop()?;
                state.pinned -= 1;
                self.dispatch.counts().left(1);
                return Some((first, own.into()));
            }
            if best.is_none() {
                return self.steal(state);
            }
            let workers = state.entries().count();
            let share = if own.is_empty() { self.lane.share_of(state.queue.len(), workers) } else { 1 };
            let mut taken = Vec::with_capacity(share);
            while taken.len() < share {
                let Some(task) = state.queue.pop() else { break };
                taken.extend(self.claim(state, task));
            }
            if !taken.is_empty() {
                self.dispatch.counts().left(taken.len());
                let first = taken.remove(0);
                taken.extend(own);
                return Some((first, taken));
            }
        }
    }

    /// Keeps a job of the queue, unless it has a key that another worker has.
    fn claim(&self, state: &mut State<B>, task: Task<B>) -> Option<Task<B>> {
        if self.dispatch.rules.strategy != Strategy::Affinity {
            return Some(task);
        }
        let Some(key) = task.ticket().key() else { return Some(task) };
        let own = self.lane.place;
        let pin = state.pins.entry(key).or_insert(Pin { place: own, jobs: 0 });
        pin.jobs += 1;
        let place = pin.place;
        let woken = self.dispatch.pin(state, place, task);
        woken.iter().for_each(|lane| lane.wake());
        None
    }

    /// Takes more of what the queue has, behind what the worker has already, unless it is to end or jobs wait for it alone.
    /// Returns whether there was any.
    pub(crate) fn top_up(&self) -> bool {
        let mut state = self.dispatch.lock();
        let entry = state.at(self.lane.place);
        if entry.retires || entry.recycles || entry.pinned.best().is_some() {
            return false;
        }
        self.dispatch.drain_inbox(&mut state, INBOX);
        let workers = state.entries().count();
        let more = self.lane.lacks(state.queue.len(), workers);
        let mut taken = Vec::with_capacity(more);
        while taken.len() < more && self.lane.is_before(state.queue.best()) {
            let Some(task) = state.queue.pop() else { break };
            taken.extend(self.claim(&mut state, task));
        }
        if taken.is_empty() {
            return false;
        }
        self.dispatch.counts().left(taken.len());
        for task in &taken {
            task.ticket().is_at(Whereabouts::Lane(self.lane.place));
        }
        let submitters = self.dispatch.made_room(&state, taken.len());
        self.dispatch.publish(&mut state);
        // Under the lock, so that at no moment a job is nowhere.
        self.lane.append(taken);
        drop(state);
        self.dispatch.tell_submitters(submitters);
        true
    }

    /// Takes half of what another worker has taken and not started.
    fn steal(&self, state: &mut State<B>) -> Option<(Task<B>, Vec<Task<B>>)> {
        let others = state.entries().filter(|entry| entry.phase == Phase::Working);
        let mut stolen = others
            .filter(|entry| entry.lane.place != self.lane.place)
            .map(|entry| entry.lane.give_back(false))
            .find(|stolen| !stolen.is_empty())?;
        let first = stolen.pop_front()?;
        Some((first, stolen.into()))
    }

    /// Takes away what the worker had, because it died: the job that ran is returned, the others go back to the queue.
    pub(super) fn abandon(&self) -> Option<Running<B>> {
        let mut state = self.dispatch.lock();
        self.return_all(&mut state);
        self.hand_on(state);
        self.lane.abandon()
    }

    /// Puts the jobs that the worker has taken and not started back where they were, and has others take them.
    pub(crate) fn hand_back(&self) {
        let mut state = self.dispatch.lock();
        if self.return_all(&mut state) {
            self.hand_on(state);
        }
    }

    /// Puts the job that runs back to the front of the queue, as one that has not started, and those behind it too. A job
    /// whose key the worker has stays the first of its key, and goes with the others of it once the worker leaves.
    pub(crate) fn retry(&self, task: Task<B>) {
        let mut state = self.dispatch.lock();
        self.return_all(&mut state);
        drop(self.lane.abandon());
        let place = self.lane.place;
        let key = task.ticket().key().filter(|_| self.dispatch.rules.strategy == Strategy::Affinity);
        if key.and_then(|key| state.pins.get(&key)).is_some_and(|pin| pin.place == place) {
            task.ticket().is_at(Whereabouts::Pinned(place));
            state.at(place).pinned.push_front(task);
            state.pinned += 1;
        } else {
            task.ticket().is_at(Whereabouts::Queue);
            state.queue.push_front(task);
        }
        self.dispatch.counts().came_back();
        self.hand_on(state);
    }

    /// Has somebody take what was put back.
    fn hand_on(&self, mut state: MutexGuard<'_, State<B>>) {
        self.dispatch.call_keeper(&mut state);
        let next = self.dispatch.hand_on(&mut state);
        drop(state);
        next.iter().for_each(|lane| lane.wake());
    }

    fn return_all(&self, state: &mut State<B>) -> bool {
        let tasks = self.lane.give_back(true);
        let is_any = !tasks.is_empty();
        for task in tasks.into_iter().rev() {
            task.ticket().is_at(Whereabouts::Queue);
            state.queue.push_front(task);
            self.dispatch.counts().came_back();
        }
        is_any
    }

    /// Leaves the place, with the keeper told.
    fn leave(&self, mut state: MutexGuard<'_, State<B>>) {
        self.has_left.set(true);
        let Some(mut entry) = state.entries[self.lane.place].take() else { return };
        state.idle.retain(|place| *place != self.lane.place);
        // Nobody pins a job to a worker that leaves with work; one that dies may have some.
        state.pins.retain(|_, pin| pin.place != self.lane.place);
        let pinned: Vec<_> = iter::from_fn(|| entry.pinned.pop()).collect();
        state.pinned -= pinned.len();
        for task in pinned.into_iter().rev() {
            task.ticket().is_at(Whereabouts::Queue);
            state.queue.push_front(task);
        }
        let next = self.dispatch.hand_on(&mut state);
        self.lane.ends(if self.is_replaced() { WorkerEnd::Recycled } else { WorkerEnd::Stopped });
        let slice = self.dispatch.window.slice_of(Instant::now());
        state.departed.add(&self.lane, slice);
        self.dispatch.grew_quiet(&state);
        self.dispatch.call_keeper(&mut state);
        drop(state);
        next.iter().for_each(|lane| lane.wake());
    }
}

impl<B: Body + ?Sized> Drop for Desk<B> {
    fn drop(&mut self) {
        if !self.has_left.get() {
            if let Some(ran) = self.abandon() {
                ran.job.fail(Failure::Closed);
            }
            self.leave(self.dispatch.lock());
        }
        self.dispatch.ports.ended(self.lane.worker);
    }
}

#[cfg(all(test, not(loom)))]
#[path = "desk_tests.rs"]
mod tests;
