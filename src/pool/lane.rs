//! One worker as the others see it: the jobs that it took, the one that it runs, its counts, and its sleep.

use std::collections::VecDeque;
use std::sync::OnceLock;
// Of which no model needs to know every order.
use std::sync::atomic::{AtomicBool as Flag, AtomicU64 as Count};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::sync::{AtomicBool, AtomicU64, Mutex, Ordering, Thread, current, lock, park};
use super::tally::{Tally, Window};
use super::task::{Body, Share, Task};
use super::{JobId, WorkerId};
use super::{ResourceUsage, WorkerEnd};
use crate::usage::Probe;

/// The most jobs that a worker takes at once.
const CHUNK_MAX: usize = 64;

/// What dispatch, the worker and onlookers share of one worker.
// Two cache lines, which x86 fetches in pairs: busy workers share none.
#[repr(align(128))]
pub(crate) struct Lane<B: Body + ?Sized> {
    pub(crate) worker: WorkerId,
    /// Its place among the workers of the pool, which another gets after its end.
    pub(super) place: usize,
    pub(super) created_at_ms: u64,
    window: Window,
    /// Jobs that it takes at once are to last for no longer than this together, in nanoseconds.
    chunk: u64,
    state: Mutex<State<B>>,
    /// How long it has run jobs, in nanoseconds.
    busy: AtomicU64,
    is_woken: AtomicBool,
    /// Whether it has something to do beside its jobs.
    is_called: Flag,
    /// Heap snapshots that were taken of it.
    pub(super) heap_snapshots: Count,
    /// Whether another has taken its place.
    pub(super) is_replaced: AtomicBool,
    /// Where its use of time and memory is seen.
    pub(super) probe: OnceLock<Probe>,
    pub(super) end: OnceLock<WorkerEnd>,
    thread: OnceLock<Thread>,
}

/// One lock holds all of it, so that at any moment a job is in one count: local, running or received.
struct State<B: Body + ?Sized> {
    local: VecDeque<Task<B>>,
    running: Option<Running<B>>,
    tally: Tally,
    last_error: Option<String>,
    /// What it had used at the last look.
    usage: Option<ResourceUsage>,
    /// The mean time of the last jobs, in nanoseconds; 0 before the first.
    mean: u64,
}

/// A job that runs.
pub(super) struct Running<B: ?Sized> {
    pub(super) job: Share<B>,
    pub(super) since: Instant,
}

impl<B: ?Sized> Clone for Running<B> {
    fn clone(&self) -> Self {
        Self { job: self.job.clone(), since: self.since }
    }
}

/// What a worker shows of itself at one moment.
pub(super) struct Look<B: ?Sized> {
    pub(super) running: Option<Running<B>>,
    pub(super) received: u64,
    pub(super) errors: u64,
    pub(super) last_error: Option<String>,
}

/// What a worker has done and has to do.
pub(super) struct Totals {
    /// Jobs that it has taken and not started, and when the first of these was submitted.
    pub(super) waiting: usize,
    pub(super) oldest: Option<Instant>,
    /// Jobs that ran, and the time for them.
    pub(super) finished: u64,
    pub(super) service: Duration,
}

impl<B: Body + ?Sized> Lane<B> {
    pub(super) fn new(place: usize, window: Window, chunk: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            worker: WorkerId::next(),
            place,
            created_at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            window,
            chunk: u64::try_from(chunk.as_nanos()).unwrap_or(u64::MAX),
            state: Mutex::new(State {
                local: VecDeque::new(),
                running: None,
                tally: Tally::new(),
                last_error: None,
                usage: None,
                mean: 0,
            }),
            busy: AtomicU64::new(0),
            is_woken: AtomicBool::new(false),
            is_called: false.into(),
            heap_snapshots: 0.into(),
            is_replaced: AtomicBool::new(false),
            probe: OnceLock::new(),
            end: OnceLock::new(),
            thread: OnceLock::new(),
        }
    }

    /// Names the calling thread as the one that sleeps here.
    pub(super) fn settle_in(&self) {
        let _ = self.thread.set(current());
        if self.probe.get().is_none() {
            Probe::this_thread().map(|probe| self.probe.set(probe));
        }
    }

    /// Returns how many of `waiting` jobs this worker should take, of `workers` that share them.
    pub(super) fn share_of(&self, waiting: usize, workers: usize) -> usize {
        let fair = waiting / (2 * workers.max(1));
        if fair <= 1 {
            return 1;
        }
        match lock(&self.state).mean {
            0 => 1,
            mean => fair.min(CHUNK_MAX).min((self.chunk / mean) as usize).max(1),
        }
    }

    /// Returns how many more of `waiting` jobs this worker should take, beside those that it has.
    pub(super) fn lacks(&self, waiting: usize, workers: usize) -> usize {
        let share = self.share_of(waiting, workers);
        // One alone can wait until the worker has nothing to do.
        if share == 1 { 0 } else { share.saturating_sub(lock(&self.state).local.len()) }
    }

    /// Tells whether what the worker has may run before a job of this priority.
    pub(super) fn is_before(&self, priority: Option<i32>) -> bool {
        let state = lock(&self.state);
        let last = state.local.back().map(|task| task.ticket().priority());
        let last = last.or_else(|| Some(state.running.as_ref()?.job.ticket().priority()));
        last >= priority
    }

    /// Gives a worker that runs a job more of them.
    pub(super) fn append(&self, more: impl IntoIterator<Item = Task<B>>) {
        lock(&self.state).local.extend(more);
    }

    /// Gives the worker jobs, of which it runs the first.
    pub(super) fn begin(&self, first: Task<B>, rest: impl IntoIterator<Item = Task<B>>) -> Task<B> {
        let since = Instant::now();
        let mut state = lock(&self.state);
        debug_assert!(state.running.is_none() && state.local.is_empty(), "it has nothing to do");
        state.running = Some(Running { job: first.share(), since });
        state.local.extend(rest);
        first
    }

    /// Counts the job that ran, and starts the next of those that the worker has, unless one of a higher priority than
    /// it waits for somebody.
    pub(super) fn next(&self, error: Option<String>, best: i64) -> Option<Task<B>> {
        let now = Instant::now();
        let slice = self.window.slice_of(now);
        let mut state = lock(&self.state);
        let ran = state.running.take()?;
        let elapsed = now.saturating_duration_since(ran.since);
        state.tally.record(elapsed, error.is_some(), slice);
        if error.is_some() {
            state.last_error = error;
        }
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        state.mean = (state.mean - state.mean / 8).saturating_add(nanoseconds / 8).max(1);
        self.busy.store(u64::try_from(state.tally.total.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        // What the worker has been sent ahead and started stays, whoever waits.
        let stays =
            |task: &mut Task<B>| i64::from(task.ticket().priority()) >= best || !task.ticket().take_back();
        let is_left = state.local.len() > 1
            && state.local.front_mut().is_some_and(|task| i64::from(task.ticket().priority()) < best);
        if is_left {
            // The last first, as it takes them in their order.
            state.local.iter().rev().take_while(|task| task.ticket().take_back()).for_each(drop);
        }
        let task = state.local.pop_front_if(stays);
        state.running = task.as_ref().map(|task| Running { job: task.share(), since: now });
        // What goes with it may be the last that anybody has of the job.
        drop(state);
        drop(ran);
        task
    }

    /// Takes back what the worker has and does not run: half of it, or all.
    pub(super) fn give_back(&self, all: bool) -> VecDeque<Task<B>> {
        let mut state = lock(&self.state);
        let fewest = if all { 0 } else { state.local.len() / 2 };
        // The worker may have been sent them ahead, and starts them in their order.
        let keep = (fewest..state.local.len())
            .rev()
            .take_while(|place| state.local[*place].ticket().take_back())
            .last();
        let keep = keep.unwrap_or(state.local.len());
        state.local.split_off(keep)
    }

    /// Takes out a job that has not started.
    pub(super) fn withdraw(&self, job: &Share<B>) -> Option<Task<B>> {
        let mut state = lock(&self.state);
        let place = state.local.iter().position(|task| **task == *job)?;
        if job.ticket().take_back() { state.local.remove(place) } else { None }
    }

    /// Goes through the jobs that the worker has and does not run, until `send` says that it is enough.
    pub(crate) fn send_ahead(&self, mut send: impl FnMut(&Share<B>) -> bool) {
        let _ = lock(&self.state).local.iter().all(|task| send(task));
    }

    /// Looks for a job among those that it runs and has taken.
    pub(super) fn find(&self, id: JobId) -> Option<Share<B>> {
        let state = lock(&self.state);
        let running = state.running.as_ref().map(|running| running.job.clone());
        let local = state.local.iter().map(Task::share);
        running.into_iter().chain(local).find(|job| job.ticket().id() == id)
    }

    /// Takes away the job that runs, because its worker is no more.
    pub(super) fn abandon(&self) -> Option<Running<B>> {
        lock(&self.state).running.take()
    }

    /// Names the process whose use of time and memory is the worker's.
    pub(crate) fn is_process(&self, probe: Probe) {
        let _ = self.probe.set(probe);
    }

    /// Notes why the worker is about to end; the first reason stays.
    pub(crate) fn ends(&self, end: WorkerEnd) {
        let _ = self.end.set(end);
    }

    /// Looks at what the worker has used; where it is no more, at what it had used at the last look.
    pub(super) fn usage(&self) -> Option<ResourceUsage> {
        let usage = self.probe.get().and_then(|probe| probe.usage()).map(ResourceUsage::from);
        let mut state = lock(&self.state);
        state.usage = usage.or(state.usage);
        state.usage
    }

    /// Notes what went wrong with the worker itself.
    pub(crate) fn say(&self, words: String) {
        lock(&self.state).last_error = Some(words);
    }

    /// Returns how long the worker has run jobs, in nanoseconds.
    pub(super) fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Looks at what the rule for the number of workers needs.
    pub(super) fn totals(&self) -> Totals {
        let state = lock(&self.state);
        Totals {
            waiting: state.local.len(),
            oldest: state.local.front().map(|task| task.ticket().submitted),
            finished: state.tally.received,
            service: state.tally.total,
        }
    }

    /// Returns the number of jobs that wait here or run.
    pub(super) fn unfinished(&self) -> usize {
        let state = lock(&self.state);
        state.local.len() + usize::from(state.running.is_some())
    }

    /// Looks at all of it but the times.
    pub(super) fn look(&self) -> Look<B> {
        let state = lock(&self.state);
        Look {
            running: state.running.clone(),
            received: state.tally.received,
            errors: state.tally.errors,
            last_error: state.last_error.clone(),
        }
    }

    /// Returns the counts and times as of a part of time.
    pub(super) fn tally(&self, slice: u64) -> Tally {
        let mut tally = lock(&self.state).tally.clone();
        tally.slide(slice);
        tally
    }

    /// Sleeps until [`Lane::wake`] was called after the last time it returned: once, by who took it from the idle ones. Or until
    /// there is an errand.
    pub(super) fn sleep(&self, until: Option<Instant>) {
        while !self.is_woken.load(Ordering::Acquire) && !self.has_errand(until) {
            match until {
                None => park(),
                Some(until) => {
                    std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
            }
        }
        // Nobody wakes it before it is idle again, which orders the two; a wake beside an errand is seen by the place's phase.
        self.is_woken.store(false, Ordering::Relaxed);
    }

    /// Tells whether the worker has something to do beside its jobs: it was called, or `until` is here.
    pub(super) fn has_errand(&self, until: Option<Instant>) -> bool {
        self.is_called.load(Ordering::Acquire) || until.is_some_and(|until| until <= Instant::now())
    }

    /// Takes back that the worker was called.
    pub(super) fn take_errand(&self) {
        self.is_called.store(false, Ordering::Release);
    }

    /// Has the worker come to see what there is beside its jobs, once it is idle.
    pub(crate) fn call(&self) {
        self.is_called.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Counts a heap snapshot that was taken of it.
    pub(crate) fn count_heap_snapshot(&self) {
        self.heap_snapshots.fetch_add(1, Ordering::Relaxed);
    }

    /// Sleeps until it is woken, for no longer than this.
    pub(super) fn doze(&self, time: Duration) {
        if !self.is_woken.swap(false, Ordering::Acquire) {
            std::thread::park_timeout(time);
        }
    }

    /// Ends the sleep of the worker, or its next one.
    pub(super) fn wake(&self) {
        self.is_woken.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}
