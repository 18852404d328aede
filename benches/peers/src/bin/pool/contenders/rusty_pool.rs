//! rusty_pool. Its tasks are counted: to its `join`, a task that a worker has just taken out of the channel has ended.

use std::time::Duration;

use rusty_pool::{Builder, ThreadPool};

use crate::work::{BURST, BURST_WORKERS, Burst, Countdown, Work};

fn pool(core: usize, most: usize) -> ThreadPool {
    Builder::new().core_size(core).max_size(most).build()
}

pub(crate) fn singly(workers: usize) -> Work {
    let (pool, countdown) = (pool(workers, workers), Countdown::leak());
    Box::new(move |tasks| {
        countdown.start(tasks);
        for _ in 0..tasks {
            pool.execute(|| countdown.end());
        }
        countdown.wait();
    })
}

pub(crate) fn burst(burst: &'static Burst) -> Duration {
    let (pool, countdown) = (pool(0, BURST_WORKERS), Countdown::leak());
    countdown.start(BURST);
    for _ in 0..BURST {
        pool.execute(|| {
            burst.task();
            countdown.end();
        });
    }
    countdown.wait();
    burst.elapsed()
}
