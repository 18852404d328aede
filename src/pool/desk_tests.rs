//! What a worker's desk holds to.

use super::super::dispatch::Rules;
use super::super::tally::Window;
use super::super::task::test::{Blank, blank, keyed};
use super::super::{Overflow, WorkerId};
use super::*;

fn dispatch(strategy: Strategy) -> Arc<Dispatch<Blank>> {
    let rules = Rules { capacity: 9, overflow: Overflow::Reject, strategy, chunk: Duration::ZERO };
    Arc::new(Dispatch::new(rules, Window::new(Duration::from_secs(1))))
}

#[test]
fn a_job_stays_behind_one_of_its_key_that_came_before_there_was_a_worker() {
    let dispatch = dispatch(Strategy::Affinity);
    let submit = || assert!(dispatch.submit_one(keyed(7), Overflow::Reject).is_ok());
    submit();
    let desk = Desk::new(&dispatch, &mut dispatch.lock());
    desk.open(Duration::ZERO);
    submit();
    for expected in 1..=2 {
        let task = desk.take().unwrap();
        assert_eq!(task.ticket().id().get(), expected);
        desk.next(&task, None);
    }
}

#[test]
fn a_job_that_runs_again_stays_before_the_younger_ones_of_its_key() {
    let dispatch = dispatch(Strategy::Affinity);
    let worker = || {
        let desk = Desk::new(&dispatch, &mut dispatch.lock());
        desk.open(Duration::ZERO);
        desk
    };
    let dying = worker();
    for _ in 0..3 {
        assert!(dispatch.submit_one(keyed(7), Overflow::Reject).is_ok());
    }
    let first = dying.take().unwrap();
    let other = worker();
    dying.retry(first);
    // Which looks for work meanwhile, and finds none that is not the key's.
    assert!(other.share(&mut dispatch.lock()).is_none());
    drop(dying);
    for expected in 1..=3 {
        let task = other.take().unwrap();
        assert_eq!(task.ticket().id().get(), expected);
        other.next(&task, None);
    }
    assert!(dispatch.lock().pins.is_empty(), "its jobs were each counted once");
}

#[test]
fn a_worker_takes_more_while_it_works_but_nothing_before_its_turn() {
    let rules = Rules {
        capacity: 99,
        overflow: Overflow::Reject,
        strategy: Strategy::Affinity,
        // So that as many as may be are taken at once.
        chunk: Duration::from_secs(1),
    };
    let dispatch = Arc::new(Dispatch::new(rules, Window::new(Duration::from_secs(1))));
    let submit = |task| assert!(dispatch.submit_one(task, Overflow::Reject).is_ok());
    let desk = Desk::new(&dispatch, &mut dispatch.lock());
    desk.open(Duration::ZERO);
    submit(blank(0, 0));
    desk.next(&desk.take().unwrap(), None);
    submit(blank(0, 0));
    let first = desk.take().unwrap();
    assert!(!desk.top_up(), "there is nothing");
    (0..40).for_each(|_| submit(blank(0, 0)));
    assert!(desk.top_up());
    let more = desk.lane.unfinished() - 1;
    assert!((2..=20).contains(&more), "{more}: half of what waits at the most");
    assert_eq!(dispatch.counts().waiting(), 40 - more);

    submit(blank(0, 5));
    assert!(!desk.top_up(), "one of a higher priority is not put behind the others");
    let urgent = desk.next(&first, None).unwrap_or_else(|| desk.take().unwrap());
    assert_eq!(urgent.ticket().priority(), 5);

    submit(keyed(7));
    assert!(!desk.top_up(), "one is there that nobody else may run");
}

#[test]
fn a_worker_that_is_woken_for_nothing_sleeps_on() {
    let dispatch = dispatch(Strategy::RoundRobin);
    let desk = Desk::new(&dispatch, &mut dispatch.lock());
    let lane = desk.lane().clone();
    let worker = std::thread::spawn(move || {
        desk.open(Duration::ZERO);
        desk.take().is_none()
    });
    for _ in 0..1000 {
        lane.wake();
        std::thread::yield_now();
    }
    dispatch.close();
    assert!(worker.join().expect("it has counted nothing that nobody did"));
}

#[test]
fn no_two_workers_of_a_pool_have_one_name_though_names_come_round() {
    let dispatch = dispatch(Strategy::RoundRobin);
    let first = Desk::new(&dispatch, &mut dispatch.lock());
    for _ in 0..u16::MAX {
        WorkerId::next();
    }
    let second = Desk::new(&dispatch, &mut dispatch.lock());
    assert_ne!(first.lane.worker, second.lane.worker);
}
