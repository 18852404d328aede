//! What holds for jobs that are submitted together.

#[path = "common/gate.rs"]
mod gate;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use circlet::pool::{Error, Handle, Job, Overflow, Pool};

use gate::{Gate, SOON, pool, quick};

/// A job that gives a share in something.
fn share(of: &Arc<()>) -> Job<Arc<()>> {
    let own = of.clone();
    Job::new("share", move |_| Ok(own))
}

#[test]
fn a_result_that_nobody_wants_goes_though_others_of_its_batch_wait() {
    let pool = pool(1, 100);
    let (gate, held) = Gate::hold(&pool);
    let (early, late, wanted) = (Arc::new(()), Arc::new(()), Arc::new(()));
    let mut jobs = pool.submit_batch([share(&early), share(&late), share(&wanted)]).unwrap();
    // One handle goes before its job has run, the other after that.
    drop(jobs.remove(0));
    held.open();
    gate.wait().unwrap();
    let wanted_too = jobs.pop().unwrap().wait_timeout(SOON).expect("it runs").unwrap();
    assert_eq!(Arc::strong_count(&early), 1);
    assert_eq!(Arc::strong_count(&late), 2);
    let (_, held) = Gate::hold(&pool);
    drop(jobs);
    assert_eq!(Arc::strong_count(&late), 1);
    assert_eq!(Arc::strong_count(&wanted_too), 2);
    held.open();
}

#[test]
fn what_the_closures_of_a_batch_hold_goes_with_each_of_them() {
    let pool = pool(1, 1000);
    let held = Arc::new([7_u64; 100]);
    let by_value = [1_u8; 1000];
    let (gate, opened) = Gate::job();
    let mut batch = vec![gate];
    batch.extend((0..99).map(|_| {
        let held = held.clone();
        Job::new("holds", move |context| {
            assert_eq!((held[3], by_value[999]), (7, 1));
            Ok(context.worker())
        })
    }));
    let mut jobs = pool.submit_batch(batch).unwrap();
    let opened = opened.started();
    assert_eq!(Arc::strong_count(&held), 100);
    // One that is aborted lets go at once, though it is in one piece of memory with the others.
    jobs.pop().unwrap().abort();
    assert_eq!(Arc::strong_count(&held), 99);
    opened.open();
    let last = jobs.pop().unwrap();
    last.wait().unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(jobs.iter().all(Handle::is_done));
}

#[test]
fn a_batch_whose_time_for_waiting_has_passed_takes_the_room_that_there_is() {
    let pool =
        Pool::builder().workers(1).queue(32).overflow(Overflow::Wait(Duration::from_millis(100))).build();
    let pool = pool.unwrap();
    let (_gate, _held) = Gate::hold(&pool);
    let waiting = pool.submit_batch((0..32).map(|_| quick())).unwrap();
    thread::scope(|scope| {
        let submitter = scope.spawn(|| pool.submit_batch((0..9).map(|_| quick())).map(drop));
        // Less than it waits for.
        waiting[5].abort();
        assert!(matches!(submitter.join().unwrap(), Err(Error::Full { capacity: 32 })));
    });
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.withdrawn), (34, 1));
}

#[test]
fn batches_and_single_jobs_that_wait_for_room_all_get_it() {
    let pool = pool(2, 16);
    thread::scope(|scope| {
        for submitter in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..200 {
                    let jobs = if submitter % 2 == 0 { 1 } else { 1 + round % 40 };
                    let jobs = pool.submit_batch((0..jobs).map(|_| quick())).unwrap();
                    jobs.into_iter().for_each(|job| assert_eq!(job.wait().unwrap(), 7));
                }
            });
        }
    });
}
