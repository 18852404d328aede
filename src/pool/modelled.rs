//! Dispatch, desks and lanes under a model checker: every order of their loads and stores that the memory model allows, up to
//! a number of preemptions (loom; Norris and Demsky, CDSChecker, 2013).
//!
//! A wake-up that is lost is a deadlock, which ends the model, and so is a job that nobody takes, as whoever drains waits for
//! it. Compiled where `--cfg loom` replaces the locks and atomics of the pool (`sync.rs`); see `.ci/run`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::desk::Desk;
use super::dispatch::{Dispatch, Rules};
use super::tally::Window;
use super::task::{Body, Share, Task};
use super::ticket::{Ticket, Wishes};
use super::{Error, Failure, Overflow, Strategy};

/// A queue whose length is all that threads see of it before they take something out: no lock orders anything else, as none
/// does in the queue that stands here otherwise.
pub(super) struct Inbox<T> {
    len: AtomicUsize,
    items: std::sync::Mutex<VecDeque<T>>,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> Self {
        Self { len: AtomicUsize::new(0), items: std::sync::Mutex::default() }
    }

    pub(super) fn push(&self, item: T) {
        self.items.lock().unwrap().push_back(item);
        self.len.fetch_add(1, Ordering::Release);
    }

    pub(super) fn pop(&self) -> Option<T> {
        self.len.fetch_update(Ordering::AcqRel, Ordering::Acquire, |len| len.checked_sub(1)).ok()?;
        self.items.lock().unwrap().pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A queue of what is only to be freed, which orders nothing.
pub(super) struct Bin<T>(std::sync::Mutex<Vec<T>>);

impl<T> Bin<T> {
    pub(super) fn new(_capacity: usize) -> Self {
        Self(std::sync::Mutex::default())
    }

    pub(super) fn push(&self, item: T) -> Result<(), T> {
        self.0.lock().unwrap().push(item);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<T> {
        self.0.lock().unwrap().pop()
    }
}

/// Something that happens once, and that threads wait for.
#[derive(Default)]
struct Event {
    has_happened: Mutex<bool>,
    told: Condvar,
}

impl Event {
    fn happens(&self) {
        *self.has_happened.lock().unwrap() = true;
        self.told.notify_all();
    }

    fn wait(&self) {
        let mut has_happened = self.has_happened.lock().unwrap();
        while !*has_happened {
            has_happened = self.told.wait(has_happened).unwrap();
        }
    }
}

/// A job that counts how it ended, after it has waited for an event, if it waits for one.
struct Counted {
    ticket: Ticket,
    awaits: Option<Arc<Event>>,
    causes: Option<Arc<Event>>,
    /// Ends by running, and by failing: numbers that order nothing.
    ran: std::sync::atomic::AtomicUsize,
    failed: std::sync::atomic::AtomicUsize,
}

impl Counted {
    fn job(awaits: Option<&Arc<Event>>, causes: Option<&Arc<Event>>) -> Arc<Self> {
        Arc::new(Self {
            ticket: Ticket::new(Wishes::new("counted".into()), Instant::now()),
            awaits: awaits.cloned(),
            causes: causes.cloned(),
            ran: Default::default(),
            failed: Default::default(),
        })
    }

    fn run(&self) {
        self.awaits.iter().for_each(|event| event.wait());
        self.causes.iter().for_each(|event| event.happens());
        self.ran.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often it ran, and how often it failed.
    fn ends(&self) -> (usize, usize) {
        (self.ran.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

impl Body for Counted {
    fn ticket(&self, _: usize) -> &Ticket {
        &self.ticket
    }

    fn fail(&self, _: usize, _failure: Failure) {
        // What is left of a job that ran ends as a task that was dropped.
        if self.ends() == (0, 0) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Shared = Arc<Dispatch<Counted>>;

fn dispatch(capacity: usize) -> Shared {
    let (overflow, strategy) = (Overflow::Reject, Strategy::RoundRobin);
    let rules = Rules { capacity, overflow, strategy, chunk: Duration::ZERO };
    Arc::new(Dispatch::new(rules, Window::new(Duration::from_secs(60))))
}

/// What a worker does from its start to its end.
fn work(desk: &Desk<Counted>) {
    desk.open(Duration::ZERO);
    while let Some(first) = desk.take() {
        let mut task = Some(first);
        while let Some(present) = task.take() {
            present.body().run();
            task = desk.next(&present, None);
        }
    }
}

fn worker(dispatch: &Shared) -> thread::JoinHandle<()> {
    let desk = Desk::new(dispatch, &mut dispatch.lock());
    thread::spawn(move || work(&desk))
}

/// As the keeper, once: waits to be called, and starts a worker, whose thread it becomes.
fn keeper(dispatch: &Shared) -> thread::JoinHandle<()> {
    let dispatch = dispatch.clone();
    thread::spawn(move || {
        let mut state = dispatch.await_duty(None);
        let desk = Desk::new(&dispatch, &mut state);
        drop(state);
        dispatch.let_grow(false);
        work(&desk);
    })
}

fn submit(dispatch: &Dispatch<Counted>, job: &Arc<Counted>, overflow: Overflow) -> Result<(), Error> {
    dispatch.submit_one(Task::new(Share::new(job.clone(), 0)), overflow).map_err(|(task, error)| {
        task.let_go();
        error
    })
}

fn drain_and_close(dispatch: &Dispatch<Counted>, threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    dispatch.drain(Duration::MAX).unwrap();
    close(dispatch, threads);
}

fn close(dispatch: &Dispatch<Counted>, threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    dispatch.close();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!((dispatch.counts().waiting(), dispatch.lock().searching), (0, 0));
}

/// Runs a model with every schedule of up to so many preemptions.
fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(run);
}

const WITHOUT_END: Overflow = Overflow::Wait(Duration::MAX);

#[test]
fn a_job_that_comes_while_a_worker_falls_asleep_is_run() {
    model(3, || {
        let dispatch = dispatch(4);
        let worker = worker(&dispatch);
        let job = Counted::job(None, None);
        submit(&dispatch, &job, Overflow::Reject).unwrap();
        drain_and_close(&dispatch, [worker]);
        assert_eq!(job.ends(), (1, 0));
    });
}

#[test]
fn a_job_that_waits_for_the_next_gets_another_worker_for_it() {
    model(2, || {
        let dispatch = dispatch(4);
        let workers = [worker(&dispatch), worker(&dispatch)];
        let event = Arc::new(Event::default());
        let (first, second) = (Counted::job(Some(&event), None), Counted::job(None, Some(&event)));
        submit(&dispatch, &first, Overflow::Reject).unwrap();
        submit(&dispatch, &second, Overflow::Reject).unwrap();
        drain_and_close(&dispatch, workers);
        assert_eq!((first.ends(), second.ends()), ((1, 0), (1, 0)));
    });
}

#[test]
fn a_job_that_waits_for_the_next_gets_another_worker_started_for_it() {
    model(2, || {
        let dispatch = dispatch(4);
        dispatch.let_grow(true);
        let workers = [worker(&dispatch), keeper(&dispatch)];
        let event = Arc::new(Event::default());
        let (first, second) = (Counted::job(Some(&event), None), Counted::job(None, Some(&event)));
        submit(&dispatch, &first, Overflow::Reject).unwrap();
        submit(&dispatch, &second, Overflow::Reject).unwrap();
        drain_and_close(&dispatch, workers);
        assert_eq!((first.ends(), second.ends()), ((1, 0), (1, 0)));
    });
}

#[test]
fn each_job_of_a_batch_runs_once_on_two_workers() {
    model(2, || {
        let dispatch = dispatch(4);
        let workers = [worker(&dispatch), worker(&dispatch)];
        let jobs: Vec<_> = (0..3).map(|_| Counted::job(None, None)).collect();
        let mut tasks = jobs.iter().map(|job| Task::new(Share::new(job.clone(), 0)));
        dispatch.submit(&mut tasks, Overflow::Reject).unwrap();
        drain_and_close(&dispatch, workers);
        assert!(jobs.iter().all(|job| job.ends() == (1, 0)));
    });
}

#[test]
fn a_job_that_is_withdrawn_while_a_worker_takes_it_ends_once() {
    model(3, || {
        let dispatch = dispatch(4);
        let worker = worker(&dispatch);
        let job = Counted::job(None, None);
        submit(&dispatch, &job, Overflow::Reject).unwrap();
        let is_withdrawn = dispatch.withdraw(&Share::new(job.clone(), 0), Failure::Aborted);
        drain_and_close(&dispatch, [worker]);
        assert_eq!(job.ends(), if is_withdrawn { (0, 1) } else { (1, 0) });
        assert_eq!(dispatch.lock().withdrawn, u64::from(is_withdrawn));
    });
}

#[test]
fn a_job_that_comes_while_workers_retire_is_run_by_the_one_that_stays() {
    model(2, || {
        let dispatch = dispatch(4);
        let workers = [worker(&dispatch), worker(&dispatch)];
        dispatch.retire(1);
        let job = Counted::job(None, None);
        submit(&dispatch, &job, Overflow::Reject).unwrap();
        drain_and_close(&dispatch, workers);
        assert_eq!(job.ends(), (1, 0));
    });
}

#[test]
fn a_job_that_comes_while_the_pool_closes_is_refused_or_run() {
    model(3, || {
        let dispatch = dispatch(4);
        let worker = worker(&dispatch);
        let (submitting, job) = (dispatch.clone(), Counted::job(None, None));
        let submitted = job.clone();
        let submitter = thread::spawn(move || submit(&submitting, &submitted, Overflow::Reject).is_ok());
        close(&dispatch, [worker]);
        let is_taken_in = submitter.join().unwrap();
        assert_eq!(job.ends(), (usize::from(is_taken_in), 0));
        assert_eq!(dispatch.counts().sent(), u64::from(is_taken_in));
    });
}

#[test]
fn a_submitter_that_waits_for_room_gets_it_whoever_else_is_refused() {
    model(2, || {
        let dispatch = dispatch(1);
        let jobs: Vec<_> = (0..3).map(|_| Counted::job(None, None)).collect();
        submit(&dispatch, &jobs[0], Overflow::Reject).unwrap();
        let worker = worker(&dispatch);
        let (other, second) = (dispatch.clone(), jobs[1].clone());
        let hasty = thread::spawn(move || submit(&other, &second, Overflow::Reject).is_ok());
        submit(&dispatch, &jobs[2], WITHOUT_END).unwrap();
        let is_taken_in = hasty.join().unwrap();
        drain_and_close(&dispatch, [worker]);
        assert_eq!(jobs[1].ends(), (usize::from(is_taken_in), 0));
        assert_eq!((jobs[0].ends(), jobs[2].ends()), ((1, 0), (1, 0)));
    });
}
