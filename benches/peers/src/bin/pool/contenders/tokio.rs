//! tokio's pool for what blocks. It gives a handle for each task, as circlet does.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::work::{BURST, BURST_WORKERS, Burst, Work, empty};

fn runtime(most: usize) -> Runtime {
    Builder::new_current_thread().max_blocking_threads(most).build().expect("a runtime")
}

fn wait(runtime: &Runtime, handles: Vec<JoinHandle<()>>) {
    runtime.block_on(async {
        for handle in handles {
            handle.await.expect("the task succeeds");
        }
    });
}

pub(crate) fn singly(workers: usize) -> Work {
    let runtime = runtime(workers);
    Box::new(move |tasks| {
        let spawn = |word| runtime.spawn_blocking(move || empty(word));
        wait(&runtime, (0..tasks).map(spawn).collect());
    })
}

pub(crate) fn burst(burst: &'static Burst) -> Duration {
    let runtime = runtime(BURST_WORKERS);
    wait(&runtime, (0..BURST).map(|_| runtime.spawn_blocking(|| burst.task())).collect());
    burst.elapsed()
}
