//! The crate `threadpool`: a channel of the standard library behind a lock.

use std::time::Duration;

use threadpool::ThreadPool;

use crate::work::{BURST, BURST_WORKERS, Burst, Countdown, Work};

pub(crate) fn singly(workers: usize) -> Work {
    let (pool, countdown) = (ThreadPool::new(workers), Countdown::leak());
    Box::new(move |tasks| {
        countdown.start(tasks);
        for _ in 0..tasks {
            pool.execute(|| countdown.end());
        }
        countdown.wait();
    })
}

pub(crate) fn burst(burst: &'static Burst) -> Duration {
    let (pool, countdown) = (ThreadPool::new(BURST_WORKERS), Countdown::leak());
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
