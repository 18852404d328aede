//! The jobs of a trace on a pool that is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::engine::nanoseconds;
use super::report::LoggedAction;
use super::{Job, Report, Settings, Trace};
use crate::pool::{self, Error, Pool};

/// How often the size of the pool is looked at.
const LOOK: Duration = Duration::from_micros(500);
/// A thread that sleeps may wake up so much later.
const SLACK: Duration = Duration::from_micros(150);

/// Runs a trace on a pool of threads under the rule of this crate. Its jobs sleep for as long as they take in the trace, so
/// that a machine may run more of them than it has processors.
///
/// All times of the trace and of the settings are multiplied by `scale`, and those of the report divided by it: 0.25 runs
/// the trace in a quarter of its time. Only the boot of a thread takes what it takes. The report has no columns to draw;
/// sizes, and so worker-seconds and reversals, are what looks every half a millisecond saw.
///
/// # Errors
/// Those of [`Builder::build`](crate::pool::Builder::build).
pub fn replay(settings: &Settings, trace: &Trace, scale: f64) -> Result<Report, Error> {
    let scaled =
        |time: Duration| Duration::try_from_secs_f64(time.as_secs_f64() * scale).unwrap_or(Duration::MAX);
    let pool = Pool::builder()
        .min(settings.min)
        .max(settings.max)
        .queue(trace.jobs().len().max(1))
        .target_wait(scaled(settings.target_wait))
        .keep(scaled(settings.keep))
        .name("replay")
        .build()?;
    let waits: Arc<[AtomicU64]> = trace.jobs().iter().map(|_| AtomicU64::new(0)).collect();
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let end = scaled(trace.duration());
    let (sizes, submitted) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&pool, start, &is_over));
        let submitted = submit(&pool, trace, start, &scaled, &waits).and_then(|()| pool.drain(Duration::MAX));
        sleep_until(start + end);
        is_over.store(true, Relaxed);
        (watcher.join().expect("it only looks"), submitted)
    });
    submitted?;
    let over = start.elapsed();
    let counts = pool.snapshot().pool;
    pool.close()?;

    let unscaled = |time: Duration| (time.as_secs_f64() / scale * 1e9) as u64;
    let sizes: Vec<_> = sizes.into_iter().map(|(at, size)| (unscaled(at), size)).collect();
    let waits = waits.iter().map(|wait| unscaled(Duration::from_nanos(wait.load(Relaxed)))).collect();
    let mut report =
        Report::new(trace, waits, worker_time(&sizes, unscaled(over)), log(&sizes), &sizes, Vec::new());
    // Of those that came and went between two looks too.
    report.starts = (counts.terminated as usize + counts.size).saturating_sub(settings.min);
    Ok(report)
}

/// Submits each job when it comes; what comes at once is a batch.
fn submit(
    pool: &Pool,
    trace: &Trace,
    start: Instant,
    scaled: &impl Fn(Duration) -> Duration,
    waits: &Arc<[AtomicU64]>,
) -> Result<(), Error> {
    let mut place = 0;
    for batch in trace.jobs().chunk_by(|one, other| one.arrival_ns == other.arrival_ns) {
        sleep_until(start + scaled(Duration::from_nanos(batch[0].arrival_ns)));
        let came = Instant::now();
        let first = place;
        place += batch.len();
        let mut jobs = (first..place).zip(batch).map(|(place, Job { service_ns, .. })| {
            let (waits, service) = (waits.clone(), scaled(Duration::from_nanos(*service_ns)));
            pool::Job::new("replay", move |_| {
                waits[place].store(nanoseconds(came.elapsed()), Relaxed);
                thread::sleep(service);
                Ok(())
            })
        });
        if batch.len() == 1 {
            jobs.try_for_each(|job| pool.submit(job).map(drop))?;
        } else {
            drop(pool.submit_batch(jobs)?);
        }
    }
    Ok(())
}

fn sleep_until(at: Instant) {
    loop {
        let left = at.saturating_duration_since(Instant::now());
        match left {
            Duration::ZERO => return,
            left if left > SLACK => thread::sleep(left - SLACK),
            _ => thread::yield_now(),
        }
    }
}

/// Returns the size of the pool from each moment on at which it was another.
fn watch(pool: &Pool, start: Instant, is_over: &AtomicBool) -> Vec<(Duration, usize)> {
    let mut sizes = vec![(Duration::ZERO, pool.size())];
    while !is_over.load(Relaxed) {
        let size = pool.size();
        if sizes.last().is_none_or(|last| last.1 != size) {
            sizes.push((start.elapsed(), size));
        }
        thread::sleep(LOOK);
    }
    sizes
}

fn worker_time(sizes: &[(u64, usize)], over: u64) -> u128 {
    let ends = sizes.iter().skip(1).map(|size| size.0).chain([over]);
    sizes.iter().zip(ends).map(|(&(at, size), end)| u128::from(end.saturating_sub(at)) * size as u128).sum()
}

fn log(sizes: &[(u64, usize)]) -> Vec<LoggedAction> {
    let change = |two: &[(u64, usize)]| {
        let (at, workers) = two[1];
        let change = workers as isize - two[0].1 as isize;
        LoggedAction { at: Duration::from_nanos(at), change, workers, reason: None }
    };
    sizes.windows(2).map(change).collect()
}
