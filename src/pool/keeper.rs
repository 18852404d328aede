//! The thread that keeps a pool: it starts and stops workers as the rule says, and minds the deadlines.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::dispatch::{Dispatch, Phase, State};
use super::quota::Quota;
use super::scaling::{self, Action, Sample, Scaling, step};
use super::task::Body;
use super::worker::Kind;
use super::{Error, Failure, WorkerId};

/// Looks at a pool that has a worker are at least so far apart, whatever the rule could tell sooner: more often, and they
/// cost more than they find.
const GAP_MIN: Duration = Duration::from_micros(200);
/// How long to wait after a worker that could not boot, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// After so many workers in a row that could not boot, and with none that runs, jobs do not wait for another.
const BOOT_FAILURES: u32 = 3;

thread_local! {
    /// The pool whose worker or keeper this thread is, as the address of its dispatch.
    static WITHIN: Cell<usize> = const { Cell::new(0) };
}

/// Tells whether this thread is one of the pool's own.
pub(super) fn is_within<B: Body + ?Sized>(dispatch: &Arc<Dispatch<B>>) -> bool {
    WITHIN.get() == address(dispatch)
}

fn address<B: Body + ?Sized>(dispatch: &Arc<Dispatch<B>>) -> usize {
    Arc::as_ptr(dispatch).cast::<()>() as usize
}

/// Keeps the workers of one pool.
pub(super) struct Keeper<K: Kind> {
    name: String,
    kind: Arc<K>,
    dispatch: Arc<Dispatch<K::Body>>,
    scaling: Scaling,
    rule: scaling::State,
    since: Instant,
    quota: Quota,
    threads: HashMap<WorkerId, JoinHandle<()>>,
    /// Workers in a row that could not boot, at the last look, and when to start another.
    boot_failures: u32,
    retry: Option<Instant>,
}

impl<K: Kind> Keeper<K> {
    pub(super) fn new(name: &str, kind: K, dispatch: &Arc<Dispatch<K::Body>>, scaling: Scaling) -> Self {
        Self {
            name: name.to_owned(),
            kind: Arc::new(kind),
            dispatch: dispatch.clone(),
            scaling,
            rule: scaling::State::default(),
            since: Instant::now(),
            quota: Quota::new(),
            threads: HashMap::new(),
            boot_failures: 0,
            retry: None,
        }
    }

    /// Starts the fewest workers that the pool may have, and then its own thread.
    ///
    /// # Errors
    /// [`Error::Spawn`]; no thread stays.
    pub(super) fn start(mut self) -> Result<JoinHandle<()>, Error> {
        let workers = self.scaling.min();
        let refusal = |worker| move |source| Error::Spawn { worker, workers, source };
        for worker in 0..workers {
            self.start_worker().map_err(refusal(worker))?;
        }
        self.dispatch.let_grow(workers < self.scaling.max());
        let thread = thread::Builder::new().name(format!("{}-keeper", self.name));
        thread.spawn(move || self.run()).map_err(refusal(workers))
    }

    /// Starts a worker that is to take the place of another, beside those that the rule wants; none for a while after one
    /// that could not boot.
    fn replace_worker(&mut self, replaced: WorkerId) {
        if self.retry.is_some() || self.start_worker_for(Some(replaced)).is_err() {
            self.dispatch.lock().replace(replaced, false);
        }
    }

    fn start_worker(&mut self) -> std::io::Result<()> {
        self.start_worker_for(None)
    }

    fn start_worker_for(&mut self, replaced: Option<WorkerId>) -> std::io::Result<()> {
        let since = Instant::now();
        let mut state = self.dispatch.lock();
        let desk = Desk::new(&self.dispatch, &mut state);
        state.at(desk.lane().place).replaces = replaced;
        drop(state);
        let (worker, place) = (desk.lane().worker, desk.lane().place);
        let (kind, dispatch) = (self.kind.clone(), self.dispatch.clone());
        let thread = thread::Builder::new().name(format!("{}-w{place}", self.name)).spawn(move || {
            WITHIN.set(address(&dispatch));
            if let Err(words) = kind.work(&desk, since) {
                desk.fail(words);
            }
        })?;
        self.threads.insert(worker, thread);
        Ok(())
    }

    fn run(mut self) {
        // Late jobs end on this thread, and one of them may own the pool.
        WITHIN.set(address(&self.dispatch));
        let mut until = Some(Instant::now());
        loop {
            let dispatch = self.dispatch.clone();
            let mut state = dispatch.end_late(dispatch.await_duty(until));
            let now = Instant::now();
            let next_deadline = state.deadlines.peek().map(|due| due.0.at);
            let hopeless = self.mind_boots(&state, now);
            let mut sample = self.sample(&mut state, now);
            let ended = self.ended(&state);
            let replacements = std::mem::take(&mut state.replacements);
            let is_closed = dispatch.counts().is_closed();
            let is_over = is_closed
                && state.entries().next().is_none()
                && (dispatch.counts().waiting() == 0 || hopeless.is_some());
            drop(state);

            sample.quota = self.scaling.is_cpu_bound().then(|| self.quota.at(now));
            if let Some(words) = hopeless {
                dispatch.give_up(|| Failure::NoWorker { message: words.clone() });
            }
            ended.into_iter().for_each(join);
            for replaced in replacements {
                self.replace_worker(replaced);
            }
            if is_over {
                return self.threads.drain().for_each(|(_, thread)| join(thread));
            }
            if !is_closed || sample.queued > 0 {
                self.look(&sample, now);
            }
            let (workers, most) = (self.dispatch.lock().staying().count(), self.scaling.most(&sample));
            // Nobody tells of a quota that has changed: while there is work it is looked at, and else by the next job.
            let is_short = most < self.scaling.max();
            let is_busy = sample.queued + sample.running > 0;
            self.dispatch.let_grow(workers < most || is_short && !is_busy);
            let look = self.rule.next_look().and_then(|look| self.since.checked_add(look));
            let quota = self.quota.due().filter(|_| is_short && is_busy);
            until = [look, next_deadline, self.retry, quota].into_iter().flatten().min();
            if sample.workers() > 0 {
                thread::sleep(self.rule.shortest_gap().max(GAP_MIN));
            }
        }
    }

    /// Looks at the pool as the rule sees it.
    fn sample(&self, state: &mut State<K::Body>, now: Instant) -> Sample {
        let (mut finished, mut service) = state.departed.totals();
        let mut queued = state.queue.len() + self.dispatch.inbox.len();
        let mut oldest = state.queue.oldest();
        let (mut running, mut idle, mut booting) = (0, 0, 0);
        for entry in state.entries() {
            let look = entry.lane.totals();
            queued += look.waiting;
            oldest = oldest.into_iter().chain(look.oldest).min();
            finished += look.finished;
            service = service.saturating_add(look.service);
            // Those that are about to end are no workers to the rule: they are kept where it wants more. One that another
            // replaces counts once.
            match entry.phase {
                _ if entry.retires || entry.recycles => {}
                Phase::Working => running += 1,
                Phase::Booting => booting += 1,
                Phase::Searching | Phase::Idle => idle += 1,
            }
        }
        Sample {
            now: now.saturating_duration_since(self.since),
            queued,
            oldest_age: oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest)),
            running,
            idle,
            booting,
            arrived: self.dispatch.counts().sent(),
            finished,
            service,
            booted: state.booted,
            boot: state.boot,
            // Not under the lock: it is read from files.
            quota: None,
        }
    }

    /// Asks the rule, and does what it says.
    fn look(&mut self, sample: &Sample, now: Instant) {
        let (rule, decision) = step(&self.scaling, &self.rule, sample);
        self.rule = rule;
        match decision.action {
            Action::Start(_) if self.retry.is_some_and(|retry| now < retry) => {}
            Action::Start(more) => {
                for _ in 0..self.dispatch.keep(more, self.scaling.max()) {
                    if let Err(error) = self.start_worker() {
                        let mut state = self.dispatch.lock();
                        state.could_not_boot(error.to_string());
                        // Which sets the time for the next attempt.
                        self.dispatch.call_keeper(&mut state);
                        break;
                    }
                }
            }
            Action::Stop(fewer) => self.dispatch.retire(fewer),
            Action::None => {}
        }
    }

    /// Sees to it that workers which cannot boot are not started all the time. Returns what the last one said, where
    /// jobs wait in vain.
    fn mind_boots(&mut self, state: &State<K::Body>, now: Instant) -> Option<String> {
        if state.boot_failures == 0 {
            self.retry = None;
        } else if self.boot_failures != state.boot_failures {
            let doublings = (state.boot_failures - 1).min(10);
            self.retry = now.checked_add((RETRY_MIN * (1 << doublings)).min(RETRY_MAX));
        } else if self.retry.is_some_and(|retry| retry <= now) {
            self.retry = None;
        }
        self.boot_failures = state.boot_failures;
        let nobody_works = state.entries().all(|entry| entry.phase == Phase::Booting);
        (state.boot_failures >= BOOT_FAILURES && nobody_works && self.dispatch.counts().waiting() > 0)
            .then(|| state.boot_error.clone())
    }

    /// Returns the threads of workers that have left.
    fn ended(&mut self, state: &State<K::Body>) -> Vec<JoinHandle<()>> {
        let here: HashSet<_> = state.entries().map(|entry| entry.lane.worker).collect();
        // One whose process takes its time to end is waited for at the end alone.
        let is_over =
            |worker: &WorkerId, thread: &JoinHandle<()>| !here.contains(worker) && thread.is_finished();
        self.threads.extract_if(|worker, thread| is_over(worker, thread)).map(|(_, thread)| thread).collect()
    }
}

/// However it ends, no thread of a worker stays.
impl<K: Kind> Drop for Keeper<K> {
    fn drop(&mut self) {
        self.dispatch.close();
        self.threads.drain().for_each(|(_, thread)| join(thread));
    }
}

fn join(thread: JoinHandle<()>) {
    let ended = thread.join();
    debug_assert!(ended.is_ok(), "a worker catches the panics of its jobs, and has none of its own");
}
