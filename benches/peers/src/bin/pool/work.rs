//! What the pools are given to do, and how its end is seen.

use std::hint::black_box;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Tasks in a batch.
pub(crate) const BATCH: usize = 1000;
/// Tasks in a burst.
pub(crate) const BURST: usize = 1000;
/// The most workers that a burst may have.
pub(crate) const BURST_WORKERS: usize = 64;
/// How long a task of a burst sleeps.
const BURST_TASK: Duration = Duration::from_millis(5);

/// Submits so many empty tasks to the pool that it owns, and returns when all of them have ended.
pub(crate) type Work = Box<dyn FnMut(usize)>;

/// Builds a pool of so many workers.
pub(crate) type Make = fn(usize) -> Work;

/// Builds a pool of no worker, or of as many as it must have at once, does the burst with at most [`BURST_WORKERS`] of them,
/// and returns when the last result was there.
pub(crate) type Start = fn(&'static Burst) -> Duration;

/// An empty task that gives a result. It has captured one word, so that boxing it allocates as boxing a real one does.
pub(crate) fn empty(word: usize) {
    black_box(word);
}

/// Counts down the tasks of a pool whose tasks give no result. The word that such a task has captured is its countdown.
pub(crate) struct Countdown {
    left: AtomicUsize,
    waiter: Thread,
}

impl Countdown {
    /// Makes one that the calling thread will wait for. It lives as long as the program, for want of a shorter time that a
    /// task could name without counting its references.
    pub(crate) fn leak() -> &'static Self {
        Box::leak(Box::new(Self { left: AtomicUsize::new(0), waiter: thread::current() }))
    }

    /// Sets the number of tasks, before the first of them is submitted, which is what shows it to the workers.
    pub(crate) fn start(&self, tasks: usize) {
        self.left.store(tasks, Relaxed);
    }

    /// Ends a task.
    pub(crate) fn end(&self) {
        if self.left.fetch_sub(1, Release) == 1 {
            self.waiter.unpark();
        }
    }

    /// Waits until every task has ended.
    pub(crate) fn wait(&self) {
        while self.left.load(Acquire) > 0 {
            thread::park();
        }
    }
}

/// A burst of sleeping tasks and its clock.
pub(crate) struct Burst {
    begin: Instant,
    first_ns: AtomicU64,
}

impl Burst {
    /// Starts the clock.
    pub(crate) fn begin() -> &'static Self {
        Box::leak(Box::new(Self { begin: Instant::now(), first_ns: AtomicU64::new(u64::MAX) }))
    }

    /// Does one of the tasks.
    pub(crate) fn task(&self) {
        thread::sleep(BURST_TASK);
        self.first_ns.fetch_min(self.elapsed().as_nanos() as u64, Relaxed);
    }

    /// Returns the time since the clock was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Returns when the first of the tasks ended, once all have.
    pub(crate) fn first(&self) -> Duration {
        Duration::from_nanos(self.first_ns.load(Relaxed))
    }
}
