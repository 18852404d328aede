//! What must not go wrong in a pool though it takes an unlucky moment, or an unusual owner, to see it.

#[path = "common/gate.rs"]
mod gate;

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use circlet::pool::{Failure, Handle, Job, Overflow, Pool, Strategy};
use gate::{Gate, SOON, assert_sums_hold, note, pool, quick};

/// Runs what hangs where it fails.
fn ends(what: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        what();
        let _ = tell.send(());
    });
    match told.recv_timeout(SOON / 2) {
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

#[test]
fn aborting_a_job_that_is_over_changes_nothing_though_its_worker_has_left() {
    let pool = pool(1, 2000);
    // So that the worker knows how short jobs are, and takes several at once.
    pool.submit_batch((0..100).map(|_| quick())).unwrap().into_iter().for_each(|job| {
        job.wait().unwrap();
    });
    let (_, gate) = Gate::hold(&pool);
    let jobs = pool.submit_batch((0..1000).map(|_| quick())).unwrap();
    gate.open();
    pool.close().unwrap();
    jobs.iter().for_each(Handle::abort);
    assert!(jobs.into_iter().all(|job| job.wait().unwrap() == 7));
}

#[test]
fn a_job_that_was_aborted_is_not_found_again() {
    let pool = pool(1, 4);
    let (_, _gate) = Gate::hold(&pool);
    let job = pool.submit(quick()).unwrap();
    assert!(pool.abort(job.id()));
    assert!(!pool.abort(job.id()));
    assert!(matches!(job.wait(), Err(Failure::Aborted)));
}

#[test]
fn a_window_of_microseconds_is_looked_at_while_jobs_end() {
    let pool = Pool::builder().workers(1).window(Duration::from_micros(6)).build().unwrap();
    for _ in 0..200 {
        let jobs = pool.submit_batch((0..50).map(|_| quick())).unwrap();
        while !jobs.iter().all(Handle::is_done) {
            assert_sums_hold(&pool.snapshot());
        }
    }
}

#[test]
fn a_batch_that_finds_a_worker_looking_for_jobs_gets_all_workers_that_it_needs() {
    for _ in 0..100 {
        let pool = Pool::builder().min(1).max(4).build().unwrap();
        pool.submit(quick()).unwrap().wait().unwrap(); // whose worker looks for another for a while
        let running = Arc::new(AtomicUsize::new(0));
        let jobs = (0..4).map(|_| {
            let running = running.clone();
            Job::new("meet", move |context| {
                running.fetch_add(1, Relaxed);
                while running.load(Relaxed) < 4 {
                    context.check()?;
                    thread::yield_now();
                }
                Ok(())
            })
            .deadline(Duration::from_secs(5))
        });
        for job in pool.submit_batch(jobs).unwrap() {
            job.wait().expect("four jobs run at the same time");
        }
    }
}

#[test]
fn jobs_of_one_key_run_in_their_order_also_while_the_first_worker_boots() {
    for _ in 0..500 {
        let pool = Pool::builder().min(0).max(2).strategy(Strategy::Affinity).build().unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let jobs: Vec<_> = (0..60)
            .map(|n| {
                drop(pool.submit(quick()).unwrap());
                pool.submit(note(n, &order).key("same")).unwrap()
            })
            .collect();
        jobs.into_iter().for_each(|job| job.wait().unwrap());
        assert!(order.lock().unwrap().is_sorted(), "{order:?}");
    }
}

#[test]
fn jobs_around_one_with_a_key_keep_their_order() {
    let pool = Pool::builder().workers(1).strategy(Strategy::Affinity).build().unwrap();
    let (_, gate) = Gate::hold(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let jobs = (0..3).map(|n| {
        let job = note(n, &order);
        if n == 1 { job.key("one") } else { job }
    });
    let jobs = pool.submit_batch(jobs).unwrap();
    gate.open();
    jobs.into_iter().for_each(|job| job.wait().unwrap());
    let plain: Vec<_> = order.lock().unwrap().iter().copied().filter(|n| *n != 1).collect();
    assert_eq!(plain, [0, 2]);
}

#[test]
fn the_oldest_job_is_dropped_also_where_all_that_wait_are_for_one_worker() {
    ends(|| {
        let pool = Pool::builder()
            .workers(1)
            .queue(2)
            .strategy(Strategy::Affinity)
            .overflow(Overflow::DropOldest)
            .build()
            .unwrap();
        let (job, gate) = Gate::job();
        let held = pool.submit(job.key(1)).unwrap();
        let gate = gate.started();
        let jobs: Vec<_> = (0..3).map(|_| pool.submit(quick().key(1)).unwrap()).collect();
        assert!(jobs[0].is_done());
        gate.open();
        let ends: Vec<_> = jobs.into_iter().map(Handle::wait).collect();
        assert!(matches!(ends[..], [Err(Failure::Dropped), Ok(7), Ok(7)]), "{ends:?}");
        held.wait().unwrap();
        pool.drain(SOON).unwrap();
        assert_sums_hold(&pool.snapshot());
    });
}

#[test]
fn a_late_job_may_own_its_pool_last() {
    static FAILED: AtomicBool = AtomicBool::new(false);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() == Some("late-keeper") {
            FAILED.store(true, Relaxed);
        }
        before(info);
    }));
    let pool = Arc::new(Pool::builder().workers(1).name("late").build().unwrap());
    let (held, gate) = Gate::hold(&pool);
    let owner = pool.clone();
    let job = Job::new("owner", move |_| Ok(owner.name().len())).deadline(Duration::from_millis(20));
    let late = pool.submit(job).unwrap();
    drop(pool);
    gate_opens_after(&late, gate);
    assert!(matches!(late.wait(), Err(Failure::TimedOut)));
    held.wait().unwrap();
    assert!(!FAILED.load(Relaxed), "the keeper has waited for itself");
}

/// The pool is dropped within its keeper by then, or waits there for the held job.
fn gate_opens_after(late: &Handle<usize>, gate: Gate) {
    let start = std::time::Instant::now();
    while !late.is_done() && start.elapsed() < Duration::from_secs(1) {
        thread::yield_now();
    }
    gate.open();
}

#[test]
fn a_result_that_nobody_has_any_more_may_look_at_its_pool_when_it_is_dropped() {
    struct Looks(Arc<Pool>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = self.0.size();
        }
    }
    ends(|| {
        let pool = Arc::new(pool(2, 1000));
        for _ in 0..50 {
            for _ in 0..100 {
                let inner = pool.clone();
                drop(pool.submit(Job::new("looks", move |_| Ok(Looks(inner)))).unwrap());
                drop(pool.snapshot());
            }
        }
        pool.drain(SOON).unwrap();
    });
}

#[test]
fn a_result_that_panics_when_it_is_dropped_ends_no_worker_whoever_drops_it() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic::resume_unwind(Box::new("dropped")); // past the panic hook, which would print
        }
    }
    let pool = pool(2, 1000);
    for _ in 0..10_000 {
        let handle = pool.submit(Job::new("grenade", |_| Ok(Grenade))).unwrap();
        while !handle.is_done() {
            thread::yield_now();
        }
        let _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
    }
    pool.drain(SOON).unwrap();
    assert_eq!(pool.snapshot().pool.terminated, 0);
}

#[test]
fn a_job_whose_deadline_has_passed_never_starts() {
    let pool = pool(2, 1000);
    let started = Arc::new(AtomicUsize::new(0));
    for n in 0..500 {
        let started = started.clone();
        let job = Job::new("late", move |_| Ok(started.fetch_add(1, Relaxed))).deadline(Duration::ZERO);
        let job = if n % 2 == 0 { job.priority(1) } else { job };
        assert!(matches!(pool.submit(job).unwrap().wait(), Err(Failure::TimedOut)));
    }
    assert_eq!(started.load(Relaxed), 0);
    let statistics = pool.statistics();
    assert_eq!((statistics.received, statistics.withdrawn), (0, 500));
}
