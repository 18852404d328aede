//! How many workers a pool has: bounds, bursts, rest, and what stays of workers that have ended.
#![cfg(target_os = "linux")]

#[path = "common/gate.rs"]
mod gate;

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use circlet::pool::{Builder, Job, JobContext, Pool, Snapshot, WorkerState};
use gate::{SOON, assert_no_thread_is_left, assert_sums_hold, quick, threads};

/// A pool that lets go of workers as soon as any does.
fn hasty(min: usize, max: usize, name: &str) -> Builder {
    Pool::builder().min(min).max(max).keep(Duration::from_millis(1)).name(name)
}

fn await_size(pool: &Pool, size: usize) {
    let start = Instant::now();
    while pool.size() != size {
        assert!(start.elapsed() < SOON, "{} workers where {size} are enough", pool.size());
        thread::yield_now();
    }
}

/// Jobs that end once so many of them run at the same time.
fn meeting(jobs: usize) -> impl Iterator<Item = Job<()>> {
    let barrier = Arc::new(Barrier::new(jobs));
    (0..jobs).map(move |_| {
        let barrier = barrier.clone();
        Job::new("meet", move |_| {
            barrier.wait();
            Ok(())
        })
    })
}

#[test]
fn bursts_take_a_pool_from_none_to_its_maximum_and_rest_takes_it_back() {
    let pool = hasty(0, 8, "burst").build().unwrap();
    assert_eq!(pool.size(), 0);
    for _ in 0..20 {
        for job in pool.submit_batch(meeting(8)).unwrap() {
            job.wait().unwrap();
        }
        await_size(&pool, 0);
    }
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.pool.terminated, snapshot.statistics.received), (160, 160));
    let forgotten = snapshot.forgotten;
    assert_eq!((snapshot.registry.len(), forgotten.workers, forgotten.messages_processed), (64, 96, 96));
    assert_sums_hold(&snapshot);
}

#[test]
fn a_pool_without_a_worker_starts_one_for_each_job_that_comes_alone() {
    let pool = hasty(0, 8, "alone").build().unwrap();
    for _ in 0..20 {
        pool.submit(quick()).unwrap().wait().unwrap();
        await_size(&pool, 0);
    }
    // A processor that is busy elsewhere may let a job wait for so long that it gets another.
    assert!(pool.snapshot().pool.terminated >= 20);
}

#[test]
fn at_no_moment_are_there_fewer_workers_than_the_minimum_or_more_than_the_maximum() {
    let pool = hasty(2, 5, "bounds").build().unwrap();
    assert_eq!(pool.size(), 2);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..300 {
                let jobs = pool.submit_batch((0..round % 40).map(|_| {
                    Job::new("short", |_| {
                        let start = Instant::now();
                        while start.elapsed() < Duration::from_micros(100) {
                            thread::yield_now();
                        }
                        Ok(())
                    })
                }));
                // Every other burst finds the workers of the one before it.
                if round % 2 == 0 {
                    jobs.unwrap().into_iter().for_each(|job| job.wait().unwrap());
                }
                if round % 10 == 0 {
                    pool.drain(SOON).unwrap();
                    await_size(&pool, 2);
                }
            }
            done.store(true, Relaxed);
        });
        while !done.load(Relaxed) {
            let size = pool.size();
            assert!((2..=5).contains(&size), "{size} workers");
            thread::yield_now();
        }
    });
    assert_sums_hold(&pool.snapshot());
}

#[test]
fn a_fixed_pool_starts_and_ends_none_whatever_comes() {
    let pool = Pool::builder().workers(3).keep(Duration::ZERO).build().unwrap();
    let before: Vec<_> = pool.snapshot().registry.into_keys().collect();
    for _ in 0..50 {
        pool.submit_batch((0..100).map(|_| quick())).unwrap();
        pool.drain(SOON).unwrap();
    }
    assert!(pool.snapshot().registry.into_keys().eq(before));
}

#[test]
fn a_constant_load_turns_the_pool_round_never() {
    let pool = Pool::builder().min(1).max(6).name("steady").build().unwrap();
    let start = Instant::now();
    let mut most = 0;
    // Three workers' worth of waiting, which needs no processor.
    for n in 0..2000_u32 {
        let at = Duration::from_micros(1000) * n;
        drop(
            pool.submit(Job::new("wait", |_| {
                thread::sleep(Duration::from_millis(3));
                Ok(())
            }))
            .unwrap(),
        );
        thread::sleep(at.saturating_sub(start.elapsed()));
        most = most.max(pool.size());
    }
    let snapshot = pool.snapshot();
    pool.drain(SOON).unwrap();
    assert_eq!((snapshot.pool.terminated, snapshot.pool.size), (0, most), "{:?}", snapshot.pool);
}

#[test]
fn a_pool_at_rest_uses_no_processor() {
    let pool = Pool::builder().min(4).max(4).name("resting").build().unwrap();
    pool.submit_batch((0..100).map(|_| quick())).unwrap();
    pool.drain(SOON).unwrap();
    while !threads("resting").iter().all(|thread| thread.sleeps) {
        thread::yield_now();
    }
    let ticks = |name: &str| threads(name).iter().map(|thread| thread.ticks).sum::<u64>();
    let (before, start) = (ticks("resting"), Instant::now());
    while start.elapsed() < Duration::from_millis(300) {
        thread::park_timeout(Duration::from_millis(300));
    }
    assert_eq!(ticks("resting"), before);
    let keeper = gate::switches("resting-keeper");
    while start.elapsed() < Duration::from_millis(600) {
        thread::park_timeout(Duration::from_millis(300));
    }
    assert_eq!(gate::switches("resting-keeper"), keeper, "the keeper woke up");
    assert!(keeper.is_some());
}

#[test]
fn a_thousand_bursts_leave_no_thread_and_lose_no_count() {
    let pool = hasty(0, 4, "thousand").build().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    for burst in 0..1000 {
        let jobs = (0..4).map(|_| {
            let runs = runs.clone();
            Job::new("count", move |_| {
                runs.fetch_add(1, Relaxed);
                if burst % 5 == 0 { Err("five".into()) } else { Ok(()) }
            })
        });
        pool.submit_batch(jobs).unwrap();
        if burst % 64 == 0 {
            pool.drain(SOON).unwrap();
            await_size(&pool, 0);
        }
    }
    pool.drain(SOON).unwrap();
    await_size(&pool, 0);
    let snapshot = pool.snapshot();
    assert_sums_hold(&snapshot);
    assert_eq!(
        (runs.load(Relaxed), snapshot.statistics.received, snapshot.statistics.errors),
        (4000, 4000, 800)
    );
    assert!(snapshot.registry.values().all(|entry| entry.state == WorkerState::Terminated));
    assert_no_thread_is_left("thousand");
    drop(pool);
}

#[test]
fn a_close_ends_workers_that_boot_run_and_rest() {
    for round in 0..100 {
        let pool = hasty(round % 3, 4, "closing").build().unwrap();
        let jobs = pool.submit_batch((0..round).map(|_| quick())).unwrap();
        pool.close().unwrap();
        assert!(jobs.into_iter().all(|job| job.wait().is_ok()));
        let Snapshot { pool: counts, statistics, .. } = pool.snapshot();
        assert_eq!((counts.size, statistics.received), (0, round as u64));
        assert_no_thread_is_left("closing");
    }
}

/// Lets the keeper of a pool use the processors of a list such as `0-1`.
fn allow(pool: &str, processors: &str) {
    let name = format!("{pool}-keeper");
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_keeper =
        |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let keeper = tasks.into_iter().find(is_keeper).expect("the pool's keeper");
    let done =
        Command::new("taskset").args(["-cp", processors]).arg(keeper.file_name().unwrap()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Gives the pool more work than its workers do at once until it has so many workers.
fn await_size_under_load(pool: &Pool, size: usize) {
    let start = Instant::now();
    while pool.size() != size {
        assert!(start.elapsed() < SOON, "{} workers where {size} may be", pool.size());
        let busy = |_: &JobContext| {
            let until = Instant::now() + Duration::from_millis(1);
            while Instant::now() < until {}
            Ok(())
        };
        let jobs = pool.submit_batch((0..64).map(|_| Job::new("busy", busy))).unwrap();
        jobs.into_iter().for_each(|job| job.wait().unwrap());
    }
}

#[test]
fn a_pool_without_a_maximum_of_its_own_follows_the_processors_that_it_may_use() {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    if processors < 2 {
        eprintln!("passed over: there is one processor alone");
        return;
    }
    let follower = Pool::builder().name("follower").build().unwrap();
    let fixed = Pool::builder().workers(2).name("settled").build().unwrap();
    await_size_under_load(&follower, processors);
    allow("follower", "0");
    allow("settled", "0");
    await_size_under_load(&follower, 1);
    assert_eq!(fixed.size(), 2, "what was asked for stays");
    allow("follower", &format!("0-{}", processors - 1));
    await_size_under_load(&follower, processors);
}
