//! What a pool promises to those who submit, wait, abort and look on.

#[path = "common/gate.rs"]
mod gate;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use circlet::pool::{self, Aborted, Completion, Error, Failure, Handle, Job, JobContext, Pool, Snapshot};
use gate::{Gate, SOON, assert_sums_hold, note, pool, quick};

#[test]
fn every_job_of_four_submitters_runs_once() {
    const SUBMITTERS: usize = 4;
    const EACH: usize = 25_000;
    let runs: Arc<[AtomicU8]> = (0..SUBMITTERS * EACH).map(|_| AtomicU8::new(0)).collect();
    let pool = pool(3, 64);
    thread::scope(|scope| {
        for submitter in 0..SUBMITTERS {
            let (pool, runs) = (&pool, &runs);
            scope.spawn(move || {
                for n in submitter * EACH..(submitter + 1) * EACH {
                    let runs = runs.clone();
                    pool.submit(Job::new("count", move |_| Ok(runs[n].fetch_add(1, Relaxed)))).unwrap();
                }
            });
        }
    });
    pool.drain(SOON).unwrap();
    assert!(runs.iter().all(|count| count.load(Relaxed) == 1));
    let snapshot = pool.snapshot();
    assert_sums_hold(&snapshot);
    assert_eq!(snapshot.statistics.received, (SUBMITTERS * EACH) as u64);
}

#[test]
fn a_handle_gives_the_result_of_its_own_job() {
    let pool = pool(3, 16);
    let handles = pool.submit_batch((0..1000_u64).map(|n| Job::new("square", move |_| Ok(n * n)))).unwrap();
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.id().get(), n + 1);
        assert_eq!(handle.wait().unwrap(), n * n);
    }
}

#[test]
fn a_result_is_counted_before_its_handle_has_it() {
    let pool = pool(2, 4);
    for n in 1..=500 {
        pool.submit(quick()).unwrap().wait().unwrap();
        let snapshot = pool.snapshot();
        assert_eq!((snapshot.statistics.received, snapshot.pool.active), (n, 0));
    }
}

#[test]
fn one_worker_runs_jobs_in_the_order_of_their_priority_and_then_of_their_coming() {
    let pool = pool(1, 100);
    let (_, gate) = Gate::hold(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let jobs = (0..90).map(|n| note(n, &order).priority(n % 3));
    let handles = pool.submit_batch(jobs).unwrap();
    gate.open();
    handles.into_iter().for_each(|handle| handle.wait().unwrap());
    let mut expected: Vec<_> = (0..90).collect();
    expected.sort_by_key(|n| (std::cmp::Reverse(n % 3), *n));
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn no_job_waits_while_a_worker_is_idle() {
    let pool = pool(2, 4);
    let (held, gate) = Gate::hold(&pool);
    let jobs = pool.submit_batch([quick(), quick(), quick()]).unwrap();
    for job in jobs {
        assert_eq!(job.wait().unwrap(), 7);
    }
    gate.open();
    held.wait().unwrap();
}

#[test]
fn a_panic_is_a_value_and_the_worker_goes_on() {
    let pool = pool(1, 4);
    let panicking = pool.submit(Job::<()>::new("panic", |_| panic!("out of {}", "ink"))).unwrap();
    let failure = panicking.wait().unwrap_err();
    assert!(matches!(&failure, Failure::Panicked { message } if message == "out of ink"), "{failure:?}");
    assert_eq!(pool.submit(quick()).unwrap().wait().unwrap(), 7);
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.statistics.received, snapshot.statistics.errors), (2, 1));
    let worker = snapshot.registry.values().next().unwrap();
    assert_eq!(worker.last_error.as_deref(), Some("the job panicked: out of ink"));
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_result_that_panics_when_it_is_dropped_leaves_the_worker_alive() {
    let pool = pool(1, 4);
    drop(pool.submit(Job::new("grenade", |_| Ok(PanicsWhenDropped))).unwrap());
    assert_eq!(pool.submit(quick()).unwrap().wait().unwrap(), 7);
    pool.close().unwrap();
}

#[test]
fn errors_are_counted_and_keep_their_type() {
    let pool = pool(2, 100);
    let jobs = (0..100)
        .map(|n| Job::new("parse", move |_| Ok(if n % 10 == 0 { "1" } else { "one" }.parse::<u8>()?)));
    let results: Vec<_> = pool.submit_batch(jobs).unwrap().into_iter().map(Handle::wait).collect();
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 90);
    for result in results {
        if let Err(Failure::Error(error)) = result {
            assert!(error.is::<std::num::ParseIntError>());
        }
    }
    let snapshot = pool.snapshot();
    assert_sums_hold(&snapshot);
    assert_eq!((snapshot.statistics.received, snapshot.statistics.errors), (100, 90));
    assert_eq!(snapshot.statistics.error_rate, Some(0.9));
    let failed = snapshot.registry.values().filter(|worker| worker.errors > 0);
    assert!(failed.clone().count() > 0);
    for worker in failed {
        assert_eq!(worker.last_error.as_deref(), Some("invalid digit found in string"));
    }
}

#[test]
fn an_aborted_queued_job_never_starts_and_leaves_its_place_to_another() {
    let pool = pool(1, 1);
    let (held, gate) = Gate::hold(&pool);
    let started = Arc::new(AtomicU32::new(0));
    let count = started.clone();
    let queued = pool.submit(Job::new("never", move |_| Ok(count.fetch_add(1, Relaxed)))).unwrap();
    assert!(
        matches!(pool.try_submit(quick()), Err(refused) if matches!(refused.reason, Error::Full { capacity: 1 }))
    );

    queued.abort();
    queued.abort(); // once more changes nothing
    assert!(queued.is_done());
    assert!(matches!(queued.wait(), Err(Failure::Aborted)));
    assert_eq!(Arc::strong_count(&started), 1, "the closure is gone");
    let next = pool.try_submit(quick()).unwrap();

    gate.open();
    pool.drain(SOON).unwrap();
    assert_eq!(next.wait().unwrap(), 7);
    held.abort(); // a job that is over keeps its result
    held.wait().unwrap();
    assert_eq!(started.load(Relaxed), 0);
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.received, statistics.withdrawn, statistics.errors), (3, 2, 1, 0));
}

#[test]
fn a_running_job_sees_the_abort_and_may_give_in() {
    let pool = pool(1, 1);
    let (open, opened) = mpsc::channel::<()>();
    let (see, seen) = mpsc::channel();
    let job = Job::<()>::new("endless", move |context: &JobContext| {
        see.send(())?;
        while !context.aborted() {
            thread::yield_now();
        }
        see.send(())?;
        let _ = opened.recv();
        context.check()?;
        Ok(())
    });
    let handle = pool.submit(job).unwrap();
    seen.recv_timeout(SOON).unwrap();
    handle.abort();
    seen.recv_timeout(SOON).unwrap();
    let snapshot = pool.snapshot();
    let current = snapshot.registry.values().next().unwrap().current_job.clone().unwrap();
    assert_eq!((current.id, &*current.kind, current.nodes), (handle.id(), "endless", None));
    assert!(current.abort_signal);
    drop(open);
    assert!(matches!(handle.wait(), Err(Failure::Aborted)));
    let statistics = pool.statistics();
    assert_eq!((statistics.received, statistics.withdrawn, statistics.errors), (1, 0, 0));
}

#[test]
fn a_full_queue_gives_the_job_back_and_takes_it_later() {
    let pool = pool(1, 2);
    let (_, gate) = Gate::hold(&pool);
    let waiting = pool.submit_batch([quick(), quick()]).unwrap();
    let refused = pool.try_submit(quick().nodes(9)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the job was refused: the queue is full: 2 jobs wait, which is all that may"
    );
    assert_eq!(pool.statistics().sent, 3);

    // Whether it comes before the gate opens and waits, or after: it comes through.
    let submitted = thread::scope(|scope| {
        let submitter =
            scope.spawn(|| pool.submit(refused.job).map(|handle| (handle.id().get(), handle.wait())));
        gate.open();
        submitter.join().unwrap().unwrap()
    });
    assert!(matches!(submitted, (4, Ok(7))), "a refusal takes no turn: {submitted:?}");
    assert!(waiting.into_iter().all(|handle| handle.wait().is_ok()));
}

#[test]
fn a_drain_that_runs_out_of_time_says_how_much_is_left() {
    let pool = pool(2, 4);
    let (_, gate) = Gate::hold(&pool);
    let handles = pool.submit_batch([quick(), quick()]).unwrap();
    let left = pool.drain(Duration::ZERO).unwrap_err();
    // The held job; the others have a worker, which may not have come to them.
    assert!(matches!(left, Error::Unfinished { jobs: 1..=3 }), "{left}");
    gate.open();
    pool.drain(Duration::MAX).unwrap();
    assert!(handles.iter().all(Handle::is_done));
}

#[test]
fn a_drain_covers_the_jobs_that_jobs_submit() {
    fn branch(pool: Arc<Pool>, ends: Arc<AtomicUsize>, depth: u32) -> Job<()> {
        Job::new("branch", move |_| {
            if depth == 0 {
                ends.fetch_add(1, Relaxed);
            } else {
                for _ in 0..2 {
                    pool.try_submit(branch(pool.clone(), ends.clone(), depth - 1)).map_err(|it| it.reason)?;
                }
            }
            Ok(())
        })
    }
    let (pool, ends) = (Arc::new(pool(3, 4096)), Arc::new(AtomicUsize::new(0)));
    pool.submit(branch(pool.clone(), ends.clone(), 8)).unwrap();
    pool.drain(SOON).unwrap();
    assert_eq!(ends.load(Relaxed), 256);
    assert_eq!(pool.statistics().received, 511);
}

#[test]
fn a_close_finishes_the_queue_and_leaves_the_statistics() {
    let pool = pool(2, 100);
    let handles = pool.submit_batch((0..100).map(|_| quick())).unwrap();
    pool.close().unwrap();
    assert!(handles.iter().all(Handle::is_done));
    assert!(matches!(pool.submit(quick()), Err(Error::Closed)));
    assert!(matches!(pool.try_submit(quick()), Err(refused) if matches!(refused.reason, Error::Closed)));
    pool.close().unwrap();
    pool.drain(Duration::ZERO).unwrap();
    let snapshot = pool.snapshot();
    assert_sums_hold(&snapshot);
    assert_eq!((snapshot.pool.terminated, snapshot.statistics.received), (2, 100));
}

#[test]
fn a_close_ends_the_wait_of_a_submitter() {
    let pool = pool(1, 1);
    let (held, gate) = Gate::hold(&pool);
    let queued = pool.submit(quick()).unwrap();
    thread::scope(|scope| {
        // There is no room until the gate opens, and it opens after the submitter has come back.
        let submitter = scope.spawn(|| pool.submit(quick()).map(|_| ()));
        let closer = scope.spawn(|| pool.close());
        assert!(matches!(submitter.join().unwrap(), Err(Error::Closed)));
        gate.open();
        closer.join().unwrap().unwrap();
    });
    assert!(held.is_done() && queued.is_done());
    assert_eq!(pool.statistics().received, 2);
}

#[test]
fn a_drop_gives_up_the_queue_and_finishes_what_runs() {
    let pool = pool(1, 4);
    let (running, gate) = Gate::hold(&pool);
    let queued = pool.submit(quick()).unwrap();
    let dropper = thread::spawn(move || drop(pool));
    assert!(matches!(queued.wait(), Err(Failure::Closed)));
    assert!(!running.is_done());
    gate.open();
    dropper.join().unwrap();
    assert!(running.is_done());
    running.abort(); // of a pool that is no more
    running.wait().unwrap();
}

#[test]
fn a_job_cannot_wait_for_its_own_end() {
    let pool = Arc::new(pool(2, 4));
    let inner = pool.clone();
    let job = Job::new("closer", move |_| Ok((inner.close(), inner.drain(SOON))));
    let refusals = pool.submit(job).unwrap().wait().unwrap();
    assert!(matches!(refusals, (Err(Error::WithinJob), Err(Error::WithinJob))), "{refusals:?}");
    assert_eq!(pool.submit(quick()).unwrap().wait().unwrap(), 7);
}

#[test]
fn completions_come_once_for_each_job_however_it_ends() {
    let pool = pool(3, 100);
    let (completer, mut completions) = pool::completions();
    assert!(matches!(completions.recv_timeout(Duration::ZERO), Err(Error::TimedOut)));
    let mut submitted = BTreeSet::new();
    for n in 0..100 {
        let job = Job::new("mixed", move |_| match n % 4 {
            0 => Err("no".into()),
            1 => panic!("no"),
            2 => Err(Aborted.into()),
            _ => Ok(n),
        });
        submitted.insert(pool.submit_to(job, &completer).unwrap());
    }
    pool.close().unwrap();
    pool.submit_to(Job::new("late", |_| Ok(1)), &completer).unwrap_err();
    drop(completer);
    for Completion { id, result, .. } in completions.by_ref() {
        assert!(submitted.remove(&id), "{id} came twice");
        match (id.get() - 1) % 4 {
            0 => assert!(matches!(result, Err(Failure::Error(_)))),
            1 => assert!(matches!(result, Err(Failure::Panicked { .. }))),
            2 => assert!(matches!(result, Err(Failure::Aborted))),
            _ => assert_eq!(result.unwrap(), id.get() - 1),
        }
    }
    assert!(submitted.is_empty());
    assert!(matches!(completions.recv_timeout(SOON), Err(Error::Finished)));
    assert_eq!(pool.statistics().errors, 50);
}

#[test]
fn completions_tell_of_jobs_that_a_dropped_pool_gave_up() {
    let pool = pool(1, 4);
    let (completer, completions) = pool::completions();
    let (held, gate) = Gate::hold(&pool);
    let id = pool.submit_to(quick(), &completer).unwrap();
    drop(completer);
    let dropper = thread::spawn(move || drop(pool));
    let ends: Vec<_> = completions.map(|completion| (completion.id, completion.result)).collect();
    assert!(matches!(ends[..], [(found, Err(Failure::Closed))] if found == id), "{ends:?}");
    gate.open();
    dropper.join().unwrap();
    held.wait().unwrap();
}

#[test]
fn completions_that_nobody_receives_hold_up_no_worker() {
    let pool = pool(1, 4);
    let (completer, completions) = pool::completions();
    drop(completions);
    for _ in 0..100 {
        pool.submit_to(quick(), &completer).unwrap();
    }
    let (completer, completions) = pool::completions();
    drop(completions); // before the job is submitted, so that the worker and not this thread drops the result
    pool.submit_to(Job::new("grenade", |_| Ok(PanicsWhenDropped)), &completer).unwrap();
    pool.drain(SOON).unwrap();
    assert_eq!(pool.submit(quick()).unwrap().wait().unwrap(), 7);
}

#[test]
fn pools_and_what_they_give_can_go_to_other_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Pool>();
    shared::<Handle<Vec<u8>>>();
    shared::<Failure>();
    shared::<Snapshot>();
    shared::<pool::Completions<u8>>();
    shared::<pool::Completer<u8>>();
    sent::<Job<u8>>();
}

#[cfg(target_os = "linux")]
mod threads {
    use gate::{assert_no_thread_is_left, threads};

    use super::*;

    #[test]
    fn a_builder_alone_starts_none() {
        let builder = Pool::builder().workers(3).name("unbuilt");
        assert_eq!(threads("unbuilt").len(), 0);
        drop(builder);
    }

    #[test]
    fn a_drop_without_close_leaves_none() {
        let pool = Pool::builder().workers(3).name("dropped").build().unwrap();
        let gates: Vec<_> = (0..3).map(|_| Gate::hold(&pool)).collect();
        assert_eq!(threads("dropped").len(), 3);
        drop(gates);
        drop(pool);
        assert_no_thread_is_left("dropped");
    }

    #[test]
    fn a_close_leaves_none_while_the_pool_lives() {
        let pool = Pool::builder().workers(3).name("closed").build().unwrap();
        pool.close().unwrap();
        assert_no_thread_is_left("closed");
        assert_eq!(pool.snapshot().pool.terminated, 3);
    }

    #[test]
    fn a_job_that_owns_its_pool_last_leaves_none() {
        let pool = Arc::new(Pool::builder().workers(1).name("owned").build().unwrap());
        let (open, opened) = mpsc::channel::<()>();
        let owner = pool.clone();
        let job = Job::new("owner", move |_| {
            let _ = opened.recv();
            drop(owner);
            Ok(())
        });
        let owning = pool.submit(job).unwrap();
        let behind = pool.submit(quick()).unwrap();
        drop(pool);
        drop(open);
        owning.wait().unwrap();
        assert!(matches!(behind.wait(), Err(Failure::Closed)));
        assert_no_thread_is_left("owned");
    }
}
