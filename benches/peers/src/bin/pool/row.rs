//! What is measured, and how: the pools take turns within each run.

use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::contenders::{Named, of_burst, of_empty_tasks};
use crate::work::{BATCH, BURST_WORKERS, Burst, Make, Work};

/// Tasks that are fanned out at a time.
const FAN: usize = 64;
/// How often they are in a run, at once and after a pause.
const FANS: usize = 2000;
const IDLE_FANS: usize = 100;
/// How long a pool does nothing before a fan.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the threads of the pool before have to end.
const SETTLING: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Empty tasks, submitted one by one from one thread
    Single,
    /// Empty tasks, submitted 1000 at a time
    Batch,
    /// 64 empty tasks out and in, again and again
    Fan,
    /// 64 empty tasks out and in, each time after 100 ms of nothing
    IdleFan,
    /// 1000 tasks of 5 ms for a pool that has yet to start its workers, at most 64
    Burst,
}

/// The sizes that the caller may choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) workers: usize,
    /// Empty tasks of a measurement.
    pub(crate) tasks: usize,
    pub(crate) runs: usize,
}

/// A pool and the figures of its runs, one for each of [`Row::titles`].
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<Vec<f64>>,
}

impl Row {
    pub(crate) const ALL: [Self; 5] = [Self::Single, Self::Batch, Self::Fan, Self::IdleFan, Self::Burst];

    /// Names the figures of a run, with their units.
    pub(crate) fn titles(self) -> Vec<String> {
        match self {
            Self::Single => vec!["empty tasks one by one, M/s".into()],
            Self::Batch => vec![format!("empty tasks, {BATCH} at a time, M/s")],
            Self::Fan => ["p50", "p99"].map(|p| format!("{FAN} out and in, at once, {p}, us")).into(),
            Self::IdleFan => {
                let pause = PAUSE.as_millis();
                ["p50", "p99"].map(|p| format!("{FAN} out and in, {pause} ms later, {p}, us")).into()
            }
            Self::Burst => ["first", "last"]
                .map(|result| {
                    format!("burst from no workers to {BURST_WORKERS} at most, {result} result, ms")
                })
                .into(),
        }
    }

    /// Measures the pools whose names contain one of `only`, or all of them if it is empty.
    pub(crate) fn measure(self, only: &[String], sizes: Sizes) -> Vec<Line> {
        let pools = chosen(of_empty_tasks(self), only);
        match self {
            Self::Single => each(&pools, sizes, |make| rate(make, sizes.workers, sizes.tasks)),
            Self::Batch => {
                let tasks = sizes.tasks.next_multiple_of(BATCH);
                each(&pools, sizes, |make| rate(make, sizes.workers, tasks))
            }
            Self::Fan => each(&pools, sizes, |make| fans(make(sizes.workers))),
            Self::IdleFan => idle_fans(&pools, sizes),
            Self::Burst => each(&chosen(of_burst(), only), sizes, |start| {
                let burst = Burst::begin();
                let last = start(burst);
                [burst.first(), last].map(|time| time.as_secs_f64() * 1e3).into()
            }),
        }
    }
}

fn chosen<T>(mut pools: Vec<Named<T>>, only: &[String]) -> Vec<Named<T>> {
    pools.retain(|(name, _)| only.is_empty() || only.iter().any(|part| name.contains(&**part)));
    pools
}

/// Measures each pool by itself, in turns.
fn each<T: Copy>(pools: &[Named<T>], sizes: Sizes, measure: impl Fn(T) -> Vec<f64>) -> Vec<Line> {
    let mut lines = lines(pools);
    for _ in 0..sizes.runs {
        for ((_, pool), line) in pools.iter().zip(&mut lines) {
            line.runs.push(measure(*pool));
            thread::sleep(SETTLING);
        }
    }
    lines
}

fn lines<T>(pools: &[Named<T>]) -> Vec<Line> {
    pools.iter().map(|(name, _)| Line { name, runs: Vec::new() }).collect()
}

/// Returns millions of tasks in a second, of a pool that has run some before.
fn rate(make: Make, workers: usize, tasks: usize) -> Vec<f64> {
    let mut work = make(workers);
    work(tasks / 10);
    vec![tasks as f64 / time(&mut work, tasks).as_secs_f64() / 1e6]
}

fn fans(mut work: Work) -> Vec<f64> {
    (0..FANS / 10).for_each(|_| work(FAN));
    percentiles((0..FANS).map(|_| time(&mut work, FAN)).collect())
}

/// Lets the pools be idle together, so that each has its pause while the others have theirs. Before each fan of any the whole
/// machine has nothing to do for its part of the pause.
fn idle_fans(pools: &[Named<Make>], sizes: Sizes) -> Vec<Line> {
    let mut lines = lines(pools);
    for _ in 0..sizes.runs {
        let mut works: Vec<Work> = pools.iter().map(|(_, make)| make(sizes.workers)).collect();
        works.iter_mut().for_each(|work| work(FAN));
        let mut times = vec![Vec::new(); pools.len()];
        for _ in 0..IDLE_FANS {
            for (work, times) in works.iter_mut().zip(&mut times) {
                thread::sleep(PAUSE / pools.len() as u32);
                times.push(time(work, FAN));
            }
        }
        for (line, times) in lines.iter_mut().zip(times) {
            line.runs.push(percentiles(times));
        }
    }
    lines
}

fn time(work: &mut Work, tasks: usize) -> Duration {
    let begin = Instant::now();
    work(tasks);
    begin.elapsed()
}

/// Returns the 50th and the 99th percentile in microseconds.
fn percentiles(mut times: Vec<Duration>) -> Vec<f64> {
    times.sort_unstable();
    [50, 99].map(|percent| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6).into()
}
