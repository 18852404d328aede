//! circlet's pool, with everything that it has: its registry, its histograms, a result for each job.

use std::time::Duration;

use circlet::pool::{Completions, Handle, Job, Pool, completions};

use crate::work::{BATCH, BURST, BURST_WORKERS, Burst, Work, empty};

fn fixed(workers: usize) -> Pool {
    Pool::builder().workers(workers).build().expect("threads")
}

fn from_none(most: usize) -> Pool {
    Pool::builder().min(0).max(most).build().expect("threads")
}

fn job(word: usize) -> Job<()> {
    Job::new("empty", move |_| {
        empty(word);
        Ok(())
    })
}

fn wait(handles: Vec<Handle<()>>) {
    handles.into_iter().for_each(|handle| handle.wait().expect("an empty job succeeds"));
}

fn receive(completions: Completions<()>, jobs: usize) {
    let received = completions.map(|completion| completion.result.expect("a job succeeds")).count();
    assert_eq!(received, jobs, "every job has one completion");
}

pub(crate) fn submit_to(workers: usize) -> Work {
    let pool = fixed(workers);
    Box::new(move |tasks| {
        let (completer, completions) = completions();
        for word in 0..tasks {
            pool.submit_to(job(word), &completer).expect("the pool is open");
        }
        drop(completer);
        receive(completions, tasks);
    })
}

pub(crate) fn submit(workers: usize) -> Work {
    let pool = fixed(workers);
    Box::new(move |tasks| {
        wait((0..tasks).map(|word| pool.submit(job(word)).expect("the pool is open")).collect());
    })
}

pub(crate) fn submit_batch(workers: usize) -> Work {
    let pool = fixed(workers);
    Box::new(move |tasks| {
        let batches = (0..tasks.div_ceil(BATCH)).map(|batch| {
            let words = batch * BATCH..tasks.min((batch + 1) * BATCH);
            pool.submit_batch(words.map(job)).expect("the pool is open")
        });
        let batches: Vec<_> = batches.collect();
        batches.into_iter().for_each(wait);
    })
}

pub(crate) fn burst(burst: &'static Burst) -> Duration {
    let pool = from_none(BURST_WORKERS);
    let (completer, completions) = completions();
    for _ in 0..BURST {
        let job = Job::new("burst", |_| {
            burst.task();
            Ok(())
        });
        pool.submit_to(job, &completer).expect("the pool is open");
    }
    drop(completer);
    receive(completions, BURST);
    burst.elapsed()
}
