//! rayon's pool: `spawn` for what has no end of its own, a `scope` for what has.

use rayon::{ThreadPool, ThreadPoolBuilder, spawn};

use crate::work::{BATCH, Countdown, Work, empty};

fn pool(workers: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(workers).build().expect("threads")
}

pub(crate) fn singly(workers: usize) -> Work {
    let (pool, countdown) = (pool(workers), Countdown::leak());
    Box::new(move |tasks| {
        countdown.start(tasks);
        for _ in 0..tasks {
            pool.spawn(|| countdown.end());
        }
        countdown.wait();
    })
}

/// A batch is one task, which spawns those of the batch from within.
pub(crate) fn from_within(workers: usize) -> Work {
    let (pool, countdown) = (pool(workers), Countdown::leak());
    Box::new(move |tasks| {
        countdown.start(tasks);
        for begin in (0..tasks).step_by(BATCH) {
            let batch = BATCH.min(tasks - begin);
            pool.spawn(move || (0..batch).for_each(|_| spawn(|| countdown.end())));
        }
        countdown.wait();
    })
}

/// A batch is a scope, which one of the workers fills and which ends before the next begins.
pub(crate) fn scopes(workers: usize) -> Work {
    let pool = pool(workers);
    Box::new(move |tasks| {
        for begin in (0..tasks).step_by(BATCH) {
            let words = begin..tasks.min(begin + BATCH);
            pool.scope(|scope| words.for_each(|word| scope.spawn(move |_| empty(word))));
        }
    })
}
