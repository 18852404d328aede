//! Random operations on a pool against what a list of jobs says: each ends once, as it may, and the sums hold.

#[path = "common/gate.rs"]
mod gate;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use circlet::pool::{Error, Failure, Handle, Job, Overflow, Pool, Strategy as Dealing};
use gate::{SOON, assert_sums_hold};
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Step {
    Submit(Wish),
    Batch(Vec<Wish>),
    Abort(Index),
    AbortById(Index),
    Wait(Index),
    Forget(Index),
    Snapshot,
    Drain,
    Close,
}

#[derive(Clone, Debug)]
struct Wish {
    priority: i32,
    key: Option<u8>,
    deadline: Option<Duration>,
    /// What the job does: nothing, an error, a panic past the hook, or some microseconds of looking at its abort signal.
    does: u8,
}

fn wish() -> impl Strategy<Value = Wish> {
    let deadline = prop_oneof![
        4 => Just(None),
        1 => (0_u64..500).prop_map(|us| Some(Duration::from_micros(us))),
        1 => Just(Some(SOON)),
    ];
    (-1..2_i32, prop::option::of(0..4_u8), deadline, 0..8_u8)
        .prop_map(|(priority, key, deadline, does)| Wish { priority, key, deadline, does })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = any::<Index>;
    let step = prop_oneof![
        40 => wish().prop_map(Step::Submit),
        10 => prop::collection::vec(wish(), 0..30).prop_map(Step::Batch),
        10 => any().prop_map(Step::Abort),
        5 => any().prop_map(Step::AbortById),
        10 => any().prop_map(Step::Wait),
        5 => any().prop_map(Step::Forget),
        5 => Just(Step::Snapshot),
        2 => Just(Step::Drain),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 0..120)
}

fn builder() -> impl Strategy<Value = (circlet::pool::Builder, Overflow)> {
    let overflow =
        prop_oneof![Just(Overflow::Wait(SOON)), Just(Overflow::Reject), Just(Overflow::DropOldest)];
    let dealing = prop::sample::select(&Dealing::ALL);
    (0..3_usize, 1..4_usize, 1..40_usize, overflow, dealing).prop_map(
        |(min, more, queue, overflow, dealing)| {
            let pool = Pool::builder().min(min).max(min + more).queue(queue);
            (pool.overflow(overflow).strategy(dealing).keep(Duration::from_millis(1)), overflow)
        },
    )
}

/// What is known of one job.
struct Known {
    wish: Wish,
    handle: Option<Handle<u8>>,
    runs: Arc<AtomicU32>,
    is_aborted: bool,
}

impl Known {
    fn new(wish: &Wish) -> (Self, Job<u8>) {
        let runs = Arc::new(AtomicU32::new(0));
        let (count, does) = (runs.clone(), wish.does);
        let mut job = Job::new("known", move |context| {
            count.fetch_add(1, Relaxed);
            match does {
                0 => Err("zero".into()),
                1 => std::panic::resume_unwind(Box::new("one")),
                2 => {
                    for _ in 0..200 {
                        context.check()?;
                    }
                    Ok(does)
                }
                _ => Ok(does),
            }
        })
        .priority(wish.priority);
        if let Some(key) = wish.key {
            job = job.key(key);
        }
        if let Some(deadline) = wish.deadline {
            job = job.deadline(deadline);
        }
        (Self { wish: wish.clone(), handle: None, runs, is_aborted: false }, job)
    }

    /// Waits for the end, and says whether it may be one.
    fn end(&mut self, drops: bool) -> Result<(), String> {
        let Some(handle) = self.handle.take() else { return Ok(()) };
        let Ok(result) = handle.wait_timeout(SOON) else { return Err(format!("no end of {:?}", self.wish)) };
        let runs = self.runs.load(Relaxed);
        let (may_be, expected_runs) = match &result {
            Ok(value) => (*value == self.wish.does && self.wish.does > 1, 1..=1),
            Err(Failure::Error(error)) => (self.wish.does == 0 && error.to_string() == "zero", 1..=1),
            Err(Failure::Panicked { message }) => (self.wish.does == 1 && message == "one", 1..=1),
            Err(Failure::Aborted) => (self.is_aborted, 0..=1),
            Err(Failure::TimedOut) => (self.wish.deadline.is_some_and(|deadline| deadline < SOON), 0..=1),
            Err(Failure::Dropped) => (drops, 0..=0),
            Err(_) => (false, 0..=0),
        };
        if may_be && expected_runs.contains(&runs) {
            return Ok(());
        }
        Err(format!("{result:?} of {:?} after {runs} runs", self.wish))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_job_ends_once_in_a_way_that_fits_and_the_sums_hold(builder in builder(), steps in steps()) {
        let (builder, overflow) = builder;
        let pool = builder.build().unwrap();
        let (drops, rejects) = (overflow == Overflow::DropOldest, overflow == Overflow::Reject);
        let (mut jobs, mut sent, mut lost, mut is_closed) = (Vec::<Known>::new(), 0_u64, 0_u64, false);
        for step in &steps {
            match step {
                Step::Submit(wish) => {
                    let (mut known, job) = Known::new(wish);
                    match pool.submit(job) {
                        Ok(handle) => {
                            sent += 1;
                            prop_assert!(handle.id().get() <= sent + lost);
                            known.handle = Some(handle);
                            jobs.push(known);
                        }
                        Err(Error::Full { .. }) => prop_assert!(rejects),
                        Err(Error::Closed) => prop_assert!(is_closed),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Step::Batch(wishes) => {
                    let (known, batch): (Vec<_>, Vec<_>) = wishes.iter().map(Known::new).unzip();
                    match pool.submit_batch(batch) {
                        Ok(handles) => {
                            sent += handles.len() as u64;
                            jobs.extend(known.into_iter().zip(handles).map(|(mut known, handle)| {
                                known.handle = Some(handle);
                                known
                            }));
                        }
                        // A part of it may have been taken in.
                        Err(Error::Full { .. }) => {
                            prop_assert!(rejects);
                            lost += wishes.len() as u64;
                        }
                        Err(Error::Closed) => prop_assert!(is_closed),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Step::Abort(index) | Step::AbortById(index) if !jobs.is_empty() => {
                    let place = index.index(jobs.len());
                    let job = &mut jobs[place];
                    if let Some(handle) = &job.handle {
                        job.is_aborted = true;
                        if let Step::Abort(_) = step {
                            handle.abort();
                        } else {
                            pool.abort(handle.id());
                        }
                    }
                }
                Step::Wait(index) if !jobs.is_empty() => {
                    let place = index.index(jobs.len());
                    let end = jobs[place].end(drops);
                    prop_assert_eq!(end, Ok(()));
                }
                Step::Forget(index) if !jobs.is_empty() => {
                    let place = index.index(jobs.len());
                    jobs[place].handle = None;
                }
                Step::Snapshot => assert_sums_hold(&pool.snapshot()),
                Step::Drain => {
                    prop_assert!(pool.drain(SOON).is_ok());
                    prop_assert!(jobs.iter().filter_map(|job| job.handle.as_ref()).all(Handle::is_done));
                }
                Step::Close => {
                    pool.close().unwrap();
                    is_closed = true;
                    prop_assert_eq!(pool.size(), 0);
                }
                _ => {}
            }
        }
        prop_assert!(pool.drain(SOON).is_ok());
        for job in &mut jobs {
            prop_assert!(job.runs.load(Relaxed) <= 1);
            let end = job.end(drops);
            prop_assert_eq!(end, Ok(()));
        }
        let snapshot = pool.snapshot();
        assert_sums_hold(&snapshot);
        let statistics = snapshot.statistics;
        prop_assert_eq!(statistics.queued, 0);
        prop_assert!((sent..=sent + lost).contains(&statistics.sent));
        prop_assert_eq!(statistics.received + statistics.withdrawn, statistics.sent);
    }
}
