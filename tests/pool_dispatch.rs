//! How a pool deals jobs out: priorities, strategies, keys, overflow, deadlines, and aborts by name.

#![cfg(target_os = "linux")]

#[path = "common/gate.rs"]
mod gate;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use circlet::pool::{
    Error, Failure, Handle, Job, JobContext, JobId, Overflow, Pool, Strategy, WorkerId, WorkerState,
};
use gate::{Gate, SOON, assert_sums_hold, note, pool, quick};

fn whose() -> Job<WorkerId> {
    Job::new("whose", |context| Ok(context.worker()))
}

fn with(strategy: Strategy, workers: usize, name: &str) -> Pool {
    Pool::builder().workers(workers).strategy(strategy).name(name).build().unwrap()
}

/// Waits until every worker sleeps: until then the one that looks for jobs takes what comes, whoever's turn it is.
fn settled(pool: &Pool) {
    while gate::threads(pool.name()).iter().filter(|thread| thread.sleeps).count() < pool.size() {
        thread::yield_now();
    }
}

/// Who runs so many jobs, one after the other, with all workers idle before each.
fn turns(pool: &Pool, jobs: usize) -> Vec<WorkerId> {
    let turn = |_| {
        settled(pool);
        pool.submit(whose()).unwrap().wait().unwrap()
    };
    (0..jobs).map(turn).collect()
}

#[test]
fn a_higher_priority_comes_before_what_a_worker_has_taken_already() {
    let pool = pool(1, 1000);
    pool.submit_batch((0..100).map(|_| quick())).unwrap().into_iter().for_each(|job| drop(job.wait()));
    let order = Arc::new(Mutex::new(Vec::new()));
    let inner = Arc::new(pool);
    let jobs = (0..200).map(|n| {
        let (order, pool) = (order.clone(), inner.clone());
        Job::new("order", move |_| {
            order.lock().unwrap().push(n);
            if n == 100 {
                let urgent = note(1000, &order);
                drop(pool.try_submit(urgent.priority(1)).map_err(|refused| refused.reason)?);
            }
            Ok(())
        })
    });
    inner.submit_batch(jobs).unwrap().into_iter().for_each(|job| job.wait().unwrap());
    inner.drain(SOON).unwrap();
    let expected: Vec<_> = (0..=100).chain([1000]).chain(101..200).collect();
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn round_robin_gives_each_idle_worker_its_turn() {
    let turns = turns(&with(Strategy::RoundRobin, 3, "turns"), 9);
    let first: BTreeSet<_> = turns[..3].iter().collect();
    assert_eq!(first.len(), 3, "{turns:?}");
    assert!(turns[..6] == turns[3..], "{turns:?}");
}

#[test]
fn the_least_busy_worker_is_the_one_that_has_run_for_the_least_time() {
    let pool = with(Strategy::LeastBusy, 2, "least");
    settled(&pool);
    let long = |context: &JobContext<'_>| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {}
        Ok(context.worker())
    };
    let busy = pool.submit(Job::new("long", long)).unwrap().wait().unwrap();
    let turns = turns(&pool, 5);
    assert!(turns.iter().all(|worker| *worker != busy), "{turns:?} with {busy}");
}

#[test]
fn without_a_key_affinity_takes_the_worker_that_was_idle_for_the_shortest() {
    let pool = with(Strategy::Affinity, 3, "plain");
    let first = turns(&pool, 1)[0];
    assert!(turns(&pool, 5).iter().all(|worker| *worker == first));
}

#[test]
fn jobs_of_one_key_run_on_one_worker_in_their_order_and_others_elsewhere() {
    let pool = with(Strategy::Affinity, 3, "keyed");
    settled(&pool); // a key may else go from a worker to one that has booted since
    let log = Arc::new(Mutex::new(HashMap::<u64, Vec<(u64, WorkerId)>>::new()));
    let running = Arc::new([const { AtomicU32::new(0) }; 7]);
    thread::scope(|scope| {
        // Each key has one submitter, as there would else be no order.
        for submitter in 0..7_u64 {
            let (log, running, pool) = (&log, &running, &pool);
            scope.spawn(move || {
                for n in 0..500 {
                    let (log, running) = (log.clone(), running.clone());
                    let job = Job::new("keyed", move |context| {
                        assert_eq!(running[submitter as usize].fetch_add(1, Relaxed), 0, "one at a time");
                        log.lock().unwrap().entry(submitter).or_default().push((n, context.worker()));
                        running[submitter as usize].fetch_sub(1, Relaxed);
                        Ok(())
                    });
                    drop(pool.submit(job.key(submitter)).unwrap());
                    drop(pool.submit(quick()).unwrap());
                }
            });
        }
    });
    pool.drain(SOON).unwrap();
    let statistics = pool.statistics();
    assert_eq!((statistics.received, statistics.errors), (7000, 0));
    let log = log.lock().unwrap();
    for (key, jobs) in log.iter() {
        assert!(jobs.iter().map(|(n, _)| n).copied().eq(0..500), "key {key}");
        assert_eq!(jobs.iter().map(|(_, worker)| worker).collect::<BTreeSet<_>>().len(), 1, "key {key}");
    }
    let workers: BTreeSet<_> = log.values().map(|jobs| jobs[0].1).collect();
    assert!(workers.len() > 1, "seven keys went to one worker");
}

#[test]
fn jobs_of_one_key_keep_their_order_while_workers_come_and_go() {
    let pool = Pool::builder()
        .min(0)
        .max(4)
        .keep(Duration::from_millis(1))
        .strategy(Strategy::Affinity)
        .build()
        .unwrap();
    let log = Arc::new(Mutex::new(BTreeMap::<u64, Vec<u64>>::new()));
    for n in 0..400 {
        for key in 0..5_u64 {
            let log = log.clone();
            let job = Job::new("keyed", move |_| {
                log.lock().unwrap().entry(key).or_default().push(n);
                Ok(())
            });
            drop(pool.submit(job.key(key)).unwrap());
        }
        if n % 20 == 0 {
            pool.drain(SOON).unwrap();
            while n % 100 == 0 && pool.size() > 0 {
                thread::yield_now();
            }
        }
    }
    pool.drain(SOON).unwrap();
    for (key, jobs) in log.lock().unwrap().iter() {
        assert!(jobs.iter().copied().eq(0..400), "key {key}: {jobs:?}");
    }
    assert!(pool.snapshot().pool.terminated >= 4);
    assert_sums_hold(&pool.snapshot());
}

#[test]
fn a_submitter_waits_for_room_until_its_deadline() {
    let overflow = Overflow::Wait(Duration::from_millis(30));
    let pool = Pool::builder().workers(1).queue(1).overflow(overflow).build().unwrap();
    let (_, gate) = Gate::hold(&pool);
    let queued = pool.submit(quick()).unwrap();
    let start = Instant::now();
    assert!(matches!(pool.submit(quick()), Err(Error::Full { capacity: 1 })));
    assert!(start.elapsed() >= Duration::from_millis(30));
    let refused = pool.submit_timeout(quick(), Duration::from_millis(1)).unwrap_err();
    gate.open();
    pool.submit_timeout(refused.job, SOON).unwrap().wait().unwrap();
    queued.wait().unwrap();
}

#[test]
fn a_pool_that_rejects_does_not_wait_and_takes_a_part_of_a_batch() {
    let pool = Pool::builder().workers(1).queue(3).overflow(Overflow::Reject).build().unwrap();
    let (_, gate) = Gate::hold(&pool);
    let runs = Arc::new(AtomicU32::new(0));
    let jobs = (0..5).map(|_| {
        let runs = runs.clone();
        Job::new("count", move |_| Ok(runs.fetch_add(1, Relaxed)))
    });
    assert!(matches!(pool.submit_batch(jobs), Err(Error::Full { capacity: 3 })));
    gate.open();
    pool.drain(SOON).unwrap();
    assert_eq!((runs.load(Relaxed), pool.statistics().sent), (3, 4));
}

#[test]
fn the_least_of_the_oldest_jobs_is_given_up_for_a_new_one() {
    let pool = Pool::builder().workers(1).queue(3).overflow(Overflow::DropOldest).build().unwrap();
    let (_, gate) = Gate::hold(&pool);
    let mut jobs: Vec<_> = [1, 0, 0].map(|priority| pool.submit(quick().priority(priority)).unwrap()).into();
    jobs.extend((0..3).map(|_| pool.submit(quick().priority(2)).unwrap()));
    gate.open();
    let ends: Vec<_> = jobs.into_iter().map(|job| job.wait().is_ok()).collect();
    assert_eq!(ends, [false, false, false, true, true, true]);
    pool.drain(SOON).unwrap();
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.withdrawn, statistics.received), (7, 3, 4));
}

#[test]
fn a_batch_may_be_larger_than_the_queue() {
    for overflow in [Overflow::Wait(Duration::MAX), Overflow::DropOldest] {
        let pool = Pool::builder().workers(2).queue(7).overflow(overflow).build().unwrap();
        let jobs = pool.submit_batch((0..500).map(|_| quick())).unwrap();
        let (done, dropped): (Vec<_>, Vec<_>) = jobs.into_iter().map(Handle::wait).partition(Result::is_ok);
        assert!(dropped.iter().all(|end| matches!(end, Err(Failure::Dropped))));
        assert!(done.len() >= 7 && (overflow == Overflow::DropOldest || dropped.is_empty()));
        pool.drain(SOON).unwrap();
        assert_sums_hold(&pool.snapshot());
        assert_eq!(pool.statistics().withdrawn, dropped.len() as u64);
    }
}

#[test]
fn never_do_more_jobs_wait_than_may_however_many_submit() {
    let pool = Pool::builder().workers(1).queue(8).overflow(Overflow::Reject).build().unwrap();
    let (_, gate) = Gate::hold(&pool);
    let taken_in = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    taken_in.fetch_add(u32::from(pool.submit(quick()).is_ok()), Relaxed);
                }
            });
        }
    });
    assert_eq!((taken_in.load(Relaxed), pool.statistics().queued), (8, 8));
    gate.open();
    pool.drain(SOON).unwrap();
}

#[test]
fn a_deadline_ends_a_job_that_waits_and_aborts_one_that_runs() {
    let pool = pool(1, 4);
    let running = pool
        .submit(
            Job::<()>::new("endless", |context| {
                loop {
                    context.check()?;
                    thread::yield_now();
                }
            })
            .deadline(Duration::from_millis(60)),
        )
        .unwrap();
    let waiting = pool.submit(quick().deadline(Duration::from_millis(20))).unwrap();
    let patient = pool.submit(quick().deadline(SOON)).unwrap();
    assert!(matches!(waiting.wait(), Err(Failure::TimedOut)));
    assert!(matches!(running.wait(), Err(Failure::TimedOut)));
    assert_eq!(patient.wait().unwrap(), 7);
    let statistics = pool.statistics();
    assert_eq!((statistics.received, statistics.withdrawn, statistics.errors), (2, 1, 0));
}

#[test]
fn a_job_that_does_not_give_in_to_its_deadline_keeps_its_result() {
    let pool = pool(1, 4);
    let stubborn = Job::new("stubborn", |context: &JobContext<'_>| {
        while !context.aborted() {
            thread::yield_now();
        }
        Ok(9)
    });
    assert_eq!(pool.submit(stubborn.deadline(Duration::from_millis(200))).unwrap().wait().unwrap(), 9);
}

#[test]
fn a_job_is_aborted_by_its_id_whether_it_waits_or_runs() {
    let pool = Pool::builder().workers(1).strategy(Strategy::Affinity).build().unwrap();
    let (job, gate) = Gate::job();
    let running = pool.submit(job.key(1)).unwrap();
    let gate = gate.started();
    let plain = pool.submit(quick()).unwrap();
    let keyed = pool.submit(quick().key(1)).unwrap();
    assert!(pool.abort(plain.id()) && pool.abort(keyed.id()) && pool.abort(running.id()));
    assert!(matches!((plain.wait(), keyed.wait()), (Err(Failure::Aborted), Err(Failure::Aborted))));
    let entry = pool.snapshot().registry.into_values().next().unwrap();
    assert_eq!(entry.state, WorkerState::Processing);
    assert!(entry.current_job.is_some_and(|job| job.abort_signal));
    let id = running.id();
    gate.open();
    running.wait().unwrap();
    assert!(!pool.abort(id), "it is over");
    assert!(!pool.abort(unknown(&pool)));
    pool.drain(SOON).unwrap();
    assert_sums_hold(&pool.snapshot());
}

/// The id of a job that another pool had, and this one never has.
fn unknown(pool: &Pool) -> JobId {
    let other = gate::pool(1, 1);
    loop {
        let id = other.submit(quick()).unwrap().id();
        if id.get() > pool.statistics().sent {
            return id;
        }
    }
}
