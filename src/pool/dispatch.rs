//! Where jobs and workers meet: the queue, who is idle, and who has which key, behind one lock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::departed::Departed;
use super::intake::Counts;
use super::lane::Lane;
use super::ports::Ports;
use super::queue::Queue;
use super::sync::{AtomicBool, AtomicI64, Bin, Condvar, Inbox, Mutex, MutexGuard, Ordering, lock, look_out};
use super::tally::Window;
use super::task::{Body, Share, Task, WeakShare};
use super::ticket::Whereabouts;
use super::{Overflow, Strategy, WorkerId};

/// The most packs of jobs whose memory waits to be freed.
const SPENT_MAX: usize = 16;
/// Workers that are woken at the same time: where one of them is slow to come, another may run at once, on the processor
/// of the submitter.
const ROUSED: usize = 2;
/// No job waits.
const NOTHING: i64 = i64::MIN;

/// What submitters, workers, the keeper and onlookers share of a pool.
///
/// Its lock comes before that of a lane. No code of a caller runs under either. At any moment a job is in one count:
/// waiting here, waiting in a lane, running, received, or withdrawn.
// Apart from the count of its owners, which every handle is.
#[repr(align(128))]
pub(super) struct Dispatch<B: Body + ?Sized> {
    pub(super) rules: Rules,
    pub(super) window: Window,
    pub(super) ports: Arc<Ports>,
    counts: Apart<Counts>,
    /// Jobs that came without the lock: all of priority 0 and for any worker.
    pub(super) inbox: Inbox<Task<B>>,
    /// Jobs that nobody has any more, whose memory is to be freed by those who made others.
    pub(super) spent: Bin<Vec<Arc<B>>>,
    /// Whether a submission must wake somebody: a worker, or the keeper.
    alert: Apart<AtomicBool>,
    state: Apart<Mutex<State<B>>>,
    /// Submitters wait here for room or the end.
    pub(super) room: Condvar,
    /// Whoever drains waits here for the last job to end.
    pub(super) quiet: Condvar,
    /// The keeper waits here for something to do.
    pub(super) duty: Condvar,
    /// The highest priority that waits here, for workers that have jobs of their own.
    best: Apart<AtomicI64>,
}

/// What has cache lines of its own, two of which x86 fetches in pairs.
#[repr(align(128))]
struct Apart<T>(T);

/// How jobs are taken in and dealt out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) capacity: usize,
    pub(super) overflow: Overflow,
    pub(super) strategy: Strategy,
    /// How long the jobs that a worker takes at once are to last together.
    pub(super) chunk: Duration,
}

/// What is behind the lock.
pub(super) struct State<B: Body + ?Sized> {
    pub(super) queue: Queue<B>,
    pub(super) entries: Vec<Option<Entry<B>>>,
    /// Places of idle workers, the one that has been for longest first.
    pub(super) idle: Vec<usize>,
    /// Where the jobs of a key go while any of them is not over.
    pub(super) pins: HashMap<u64, Pin>,
    /// Jobs that wait for one worker.
    pub(super) pinned: usize,
    pub(super) deadlines: BinaryHeap<Reverse<Due<B>>>,
    /// How many of these there may be before those of jobs that are over go.
    deadlines_kept: usize,
    pub(super) departed: Departed,
    pub(super) withdrawn: u64,
    /// Withdrawn jobs that whoever took them out has not ended yet.
    pub(super) ending: usize,
    /// Workers that were ever ready, and the time that they took for it.
    pub(super) booted: u64,
    pub(super) boot: Duration,
    /// Workers in a row that could not boot, and what the last one said.
    pub(super) boot_failures: u32,
    pub(super) boot_error: String,
    /// The place that was last woken.
    last: usize,
    /// Submitters that wait for room, those of them who want it for several jobs, and the least that one of them wants.
    pub(super) submitters: usize,
    pub(super) batches: usize,
    pub(super) wanted: usize,
    pub(super) drainers: usize,
    /// Workers that look for a job, or were woken for one; and those of them that are awake.
    pub(super) searching: usize,
    /// Workers for which another is to be started.
    pub(super) replacements: Vec<WorkerId>,
    pub(super) looking: usize,
    /// Whether more workers may be started.
    pub(super) may_grow: bool,
    /// Whether the keeper has something to do, and whether it waits for that.
    pub(super) is_keeper_called: bool,
    pub(super) keeper_waits: bool,
}

/// A worker, and what is for it alone.
pub(super) struct Entry<B: Body + ?Sized> {
    pub(super) lane: Arc<Lane<B>>,
    pub(super) pinned: Queue<B>,
    pub(super) phase: Phase,
    /// Whether it is to end as soon as it has nothing to do.
    pub(super) retires: bool,
    /// Whether another is to take its place, and whose place it is to take itself.
    pub(super) recycles: bool,
    pub(super) replaces: Option<WorkerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Booting,
    Working,
    /// It looks for a job, or was woken for one.
    Searching,
    Idle,
}

/// Where the jobs of a key go.
pub(super) struct Pin {
    pub(super) place: usize,
    /// Its jobs that are not over.
    pub(super) jobs: usize,
}

/// A job with a deadline.
pub(super) struct Due<B: ?Sized> {
    pub(super) at: Instant,
    pub(super) job: WeakShare<B>,
}

impl<B: ?Sized> PartialEq for Due<B> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<B: ?Sized> Eq for Due<B> {}

impl<B: ?Sized> PartialOrd for Due<B> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<B: ?Sized> Ord for Due<B> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl<B: Body + ?Sized> State<B> {
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<B>> {
        self.entries.iter().flatten()
    }

    /// Returns the workers that are not about to end.
    pub(super) fn staying(&self) -> impl Iterator<Item = &Entry<B>> {
        self.entries().filter(|entry| !entry.retires && !entry.recycles)
    }

    /// Returns the worker of a place where one is known to be.
    pub(super) fn at(&mut self, place: usize) -> &mut Entry<B> {
        self.entries[place].as_mut().expect("whoever names a place has it")
    }

    /// Notes a deadline. `true` if it is the next one.
    pub(super) fn note_deadline(&mut self, at: Instant, task: &Task<B>) -> bool {
        if self.deadlines.len() >= self.deadlines_kept {
            // Of jobs that are long over.
            self.deadlines.retain(|due| due.0.job.is_alive());
            self.deadlines_kept = 2 * self.deadlines.len() + 1024;
        }
        let is_next = self.deadlines.peek().is_none_or(|due| at < due.0.at);
        self.deadlines.push(Reverse(Due { at, job: task.downgrade() }));
        is_next
    }

    /// Tells a worker that another has taken its place, or that none will for now.
    pub(super) fn replace(&mut self, worker: WorkerId, is_replaced: bool) {
        let entry = self.entries.iter_mut().flatten().find(|entry| entry.lane.worker == worker);
        let Some(entry) = entry else { return };
        entry.recycles = is_replaced;
        let (lane, place) = (entry.lane.clone(), entry.lane.place);
        lane.is_replaced.store(is_replaced, Ordering::Release);
        if is_replaced {
            entry.retires = true;
            self.rouse_at(place);
        }
        lane.wake();
    }

    /// Counts a worker that could not boot.
    pub(super) fn could_not_boot(&mut self, words: String) {
        self.boot_failures += 1;
        self.boot_error = words;
    }

    /// Takes one worker from the idle ones.
    pub(super) fn rouse(&mut self, strategy: Strategy) -> Option<Arc<Lane<B>>> {
        let last = self.last;
        let lane_of = |place: usize| self.entries[place].as_ref().map(|entry| &entry.lane);
        let chosen = match self.idle.len() {
            0 => return None,
            1 => 0,
            _ => strategy.choose(&self.idle, last, |place| lane_of(place).map_or(0, |lane| lane.busy())),
        };
        let place = self.idle.remove(chosen);
        self.last = place;
        Some(self.searches(place))
    }

    /// Takes one worker from the idle ones, if it is one.
    pub(super) fn rouse_at(&mut self, place: usize) -> Option<Arc<Lane<B>>> {
        let index = self.idle.iter().position(|idle| *idle == place)?;
        self.idle.remove(index);
        Some(self.searches(place))
    }

    /// Tells whether a job that comes should wake a worker. Nobody needs waking where one is awake and looks; and two that
    /// wake at the same time are enough, as whoever takes a job wakes the next for what is left.
    pub(super) fn wants_search(&self) -> bool {
        self.looking == 0 && self.searching < ROUSED
    }

    /// Tells whether a job that comes should call the keeper: nobody has time for it, and another worker may be started.
    pub(super) fn wants_keeper(&self) -> bool {
        self.may_grow && self.idle.is_empty() && self.wants_search() && !self.is_keeper_called
    }

    /// Takes out the job of the lowest priority that has waited for longest, whoever was to run it.
    pub(super) fn pop_least(&mut self) -> Option<Task<B>> {
        let shared = self.queue.least();
        let pinned = self.entries.iter_mut().flatten();
        let pinned = pinned.filter_map(|entry| Some((entry.pinned.least()?, entry.lane.place))).min();
        match pinned {
            Some((least, place)) if shared.is_none_or(|shared| least < shared) => {
                self.pinned -= 1;
                self.at(place).pinned.pop_least()
            }
            _ => self.queue.pop_least(),
        }
    }

    /// Takes out the deadlines that have passed, of jobs that may not be over.
    pub(super) fn late(&mut self) -> Vec<Share<B>> {
        let mut late = Vec::new();
        if !self.deadlines.is_empty() {
            let now = Instant::now();
            while let Some(due) = self.deadlines.peek().filter(|due| due.0.at <= now) {
                late.extend(due.0.job.upgrade());
                self.deadlines.pop();
            }
        }
        late
    }

    /// Tells whether a worker of this name is here, or remembered.
    pub(super) fn knows(&self, worker: WorkerId) -> bool {
        self.entries().any(|entry| entry.lane.worker == worker)
            || self.departed.remembered().any(|(remembered, _)| *remembered == worker)
    }

    /// Counts a worker as one that looks for a job.
    pub(super) fn searches(&mut self, place: usize) -> Arc<Lane<B>> {
        self.searching += 1;
        let entry = self.at(place);
        entry.phase = Phase::Searching;
        entry.lane.clone()
    }

    /// Counts it no more, as it holds the lock and sees what there is.
    pub(super) fn found(&mut self, place: usize) {
        self.searching -= 1;
        self.at(place).phase = Phase::Working;
    }
}

impl<B: Body + ?Sized> Dispatch<B> {
    pub(super) fn new(rules: Rules, window: Window) -> Self {
        let state = State {
            queue: Queue::new(),
            entries: Vec::new(),
            idle: Vec::new(),
            pins: HashMap::new(),
            pinned: 0,
            deadlines: BinaryHeap::new(),
            deadlines_kept: 1024,
            departed: Departed::new(),
            withdrawn: 0,
            ending: 0,
            booted: 0,
            boot: Duration::ZERO,
            boot_failures: 0,
            boot_error: String::new(),
            last: usize::MAX,
            submitters: 0,
            batches: 0,
            wanted: usize::MAX,
            drainers: 0,
            searching: 0,
            replacements: Vec::new(),
            looking: 0,
            may_grow: false,
            is_keeper_called: false,
            keeper_waits: false,
        };
        let (room, quiet, duty) = (Condvar::new(), Condvar::new(), Condvar::new());
        Self {
            rules,
            window,
            ports: Arc::default(),
            counts: Apart(Counts::new()),
            inbox: Inbox::new(),
            spent: Bin::new(SPENT_MAX),
            alert: Apart(AtomicBool::new(false)),
            state: Apart(Mutex::new(state)),
            room,
            quiet,
            duty,
            best: Apart(AtomicI64::new(NOTHING)),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<B>> {
        lock(&self.state.0)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts.0
    }

    /// Tells whether a submission must wake somebody.
    pub(super) fn is_alerted(&self) -> bool {
        self.alert.0.load(Ordering::Relaxed)
    }

    /// Returns the highest priority that waits for somebody, as one below all if there is none.
    pub(super) fn best(&self) -> i64 {
        self.best.0.load(Ordering::Relaxed)
    }

    /// Looks for something that waits, for a while.
    pub(super) fn look_out(&self) {
        look_out(|| !self.inbox.is_empty() || self.best() != NOTHING);
    }

    /// Says what waits in the queue, and whether a submission must wake somebody. `true` if that is new.
    pub(super) fn announce(&self, state: &mut State<B>) -> bool {
        let best = state.queue.best().map_or(NOTHING, i64::from);
        if self.best() != best {
            self.best.0.store(best, Ordering::Relaxed);
        }
        let alert = state.wants_keeper() || state.wants_search() && !state.idle.is_empty();
        let is_new = self.is_alerted() != alert;
        if is_new {
            self.alert.0.store(alert, Ordering::SeqCst);
        }
        is_new
    }

    /// Gives a job to the one worker that must run it, and returns it if it is to be woken.
    pub(super) fn pin(&self, state: &mut State<B>, place: usize, task: Task<B>) -> Option<Arc<Lane<B>>> {
        task.ticket().is_at(Whereabouts::Pinned(place));
        state.at(place).pinned.push(task);
        state.pinned += 1;
        state.rouse_at(place)
    }

    /// Returns the worker that must run a job with a key, and counts the job as its own.
    pub(super) fn place_of(&self, state: &mut State<B>, task: &Task<B>) -> Option<usize> {
        let key = task.ticket().key().filter(|_| self.rules.strategy == Strategy::Affinity)?;
        if state.queue.keyed() > 0 {
            // One of its key may be among them, which came before it.
            return None;
        }
        if let Some(pin) = state.pins.get_mut(&key) {
            pin.jobs += 1;
            return Some(pin.place);
        }
        let ready = state.entries().filter(|entry| entry.phase != Phase::Booting && !entry.retires);
        let place = ready.max_by_key(|entry| rendezvous(key, entry.lane.worker.get()))?.lane.place;
        state.pins.insert(key, Pin { place, jobs: 1 });
        Some(place)
    }

    /// Counts a job of a key as over.
    pub(super) fn forget_key(&self, state: &mut State<B>, job: &Share<B>) {
        let Some(key) = job.ticket().key().filter(|_| self.rules.strategy == Strategy::Affinity) else {
            return;
        };
        if let Some(pin) = state.pins.get_mut(&key) {
            pin.jobs -= 1;
            if pin.jobs == 0 {
                state.pins.remove(&key);
            }
        }
    }

    /// Has so many workers end that have nothing to do, those first that have been idle for longest. Where fewer have
    /// nothing to do by now, the keeper looks again.
    pub(super) fn retire(&self, workers: usize) {
        let mut state = self.lock();
        let searching = state.entries().filter(|entry| entry.phase == Phase::Searching && !entry.retires);
        let searching: Vec<_> = searching.map(|entry| entry.lane.place).collect();
        let places: Vec<_> = state.idle.iter().copied().chain(searching).take(workers).collect();
        for place in &places {
            state.at(*place).retires = true;
            // Those that search see it when they have not found anything.
            state.rouse_at(*place).iter().for_each(|lane| lane.wake());
        }
        if places.len() < workers {
            self.call_keeper(&mut state);
        }
        self.publish(&mut state);
    }

    /// Lets so many more workers stay as were to end. Returns how many are still to be started, with at most `max` in all.
    pub(super) fn keep(&self, more: usize, max: usize) -> usize {
        let mut state = self.lock();
        let ending = state.entries.iter_mut().flatten().filter(|entry| entry.retires && !entry.recycles);
        let kept = ending.take(more).map(|entry| entry.retires = false).count();
        (more - kept).min(max.saturating_sub(state.entries().count()))
    }

    /// Says whether more workers may be started.
    pub(super) fn let_grow(&self, may_grow: bool) {
        let mut state = self.lock();
        state.may_grow = may_grow;
        self.publish(&mut state);
    }
}

/// Weighs a worker for a key: the heaviest has it (rendezvous hashing; Thaler and Ravishankar, 1998), so that a worker
/// that comes or goes moves no more keys than it must.
fn rendezvous(key: u64, worker: u16) -> u64 {
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    let mut mixed = key ^ u64::from(worker).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
