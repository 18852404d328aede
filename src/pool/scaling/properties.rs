//! What holds for every state that samples lead to, and every sample.

use std::time::Duration;

use proptest::prelude::*;

use super::{Action, Reason, Sample, Scaling, State, step};

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0_u64..20_000_000_000).prop_map(Duration::from_nanos),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0_usize..40, 1 => any::<usize>()]
}

fn sample() -> impl Strategy<Value = Sample> {
    let total = || prop_oneof![4 => 0_u64..10_000, 1 => any::<u64>()];
    (
        (duration(), count(), duration(), count(), count(), count()),
        (total(), total(), duration(), total(), duration(), prop::option::of(count())),
    )
        .prop_map(|((now, queued, oldest_age, running, idle, booting), totals)| {
            let (arrived, finished, service, booted, boot, quota) = totals;
            Sample {
                now,
                queued,
                oldest_age,
                running,
                idle,
                booting,
                arrived,
                finished,
                service,
                booted,
                boot,
                quota,
            }
        })
}

fn scaling() -> impl Strategy<Value = Scaling> {
    (count(), count(), duration(), duration(), any::<bool>()).prop_map(|(min, max, wait, keep, cpu_bound)| {
        Scaling::new(min, max).target_wait(wait).keep(keep).cpu_bound(cpu_bound)
    })
}

fn learned(scaling: &Scaling, samples: &[Sample]) -> State {
    samples.iter().fold(State::default(), |state, sample| step(scaling, &state, sample).0)
}

proptest! {
    #[test]
    fn bounds_are_kept_whatever_the_samples_say(
        scaling in scaling(),
        before in prop::collection::vec(sample(), 0..6),
        sample in sample(),
    ) {
        let (state, decision) = step(&scaling, &learned(&scaling, &before), &sample);
        let workers = sample.workers();
        prop_assert!(!decision.reason.to_string().is_empty());
        prop_assert!(state.next_look().is_none_or(|look| look > Duration::ZERO));
        match decision.action {
            Action::Start(more) => {
                prop_assert!(more > 0);
                prop_assert!(workers + more <= scaling.max());
            }
            Action::Stop(fewer) => {
                prop_assert!(fewer > 0 && fewer <= sample.idle);
                prop_assert!(workers > scaling.max() || sample.quota.is_some() || workers - fewer >= scaling.min());
            }
            Action::None => {}
        }
    }

    #[test]
    fn a_quota_bounds_work_that_needs_processors(
        before in prop::collection::vec(sample(), 0..6),
        sample in sample(),
        quota in 0_usize..8,
    ) {
        let scaling = Scaling::new(0, 32);
        let sample = Sample { quota: Some(quota), ..sample };
        let (_, decision) = step(&scaling, &learned(&scaling, &before), &sample);
        if let Action::Start(more) = decision.action {
            prop_assert!(sample.workers() + more <= quota.max(1));
        }
    }

    #[test]
    fn a_deeper_queue_never_asks_for_fewer_workers(
        scaling in scaling(),
        before in prop::collection::vec(sample(), 0..6),
        sample in sample(),
        more in 1_usize..1000,
    ) {
        let state = learned(&scaling, &before);
        let deeper = Sample { queued: sample.queued.saturating_add(more), ..sample };
        let shallow = step(&scaling, &state, &sample).1.action.change();
        let deep = step(&scaling, &state, &deeper).1.action.change();
        prop_assert!(deep >= shallow, "{shallow} for {} jobs, {deep} for {}", sample.queued, deeper.queued);
    }

    #[test]
    fn no_job_waits_without_a_worker_that_is_here_or_on_the_way(
        scaling in scaling(),
        before in prop::collection::vec(sample(), 0..6),
        sample in sample(),
        queued in 1_usize..100,
    ) {
        let sample = Sample { queued, running: 0, idle: 0, booting: 0, ..sample };
        let (_, decision) = step(&scaling, &learned(&scaling, &before), &sample);
        prop_assert!(matches!(decision.action, Action::Start(_)), "{decision:?}");
    }

    #[test]
    fn the_same_samples_give_the_same_decisions(
        scaling in scaling(),
        samples in prop::collection::vec(sample(), 0..6),
    ) {
        prop_assert_eq!(learned(&scaling, &samples), learned(&scaling, &samples));
    }

    #[test]
    fn after_any_samples_a_pool_that_has_nothing_to_do_goes_down_to_its_minimum_and_needs_no_timer(
        before in prop::collection::vec(sample(), 0..6),
        min in 0_usize..3,
        workers in 0_usize..20,
    ) {
        let scaling = Scaling::new(min, 16);
        let mut state = learned(&scaling, &before);
        let mut sample = Sample { idle: workers, now: state.last.now, ..Sample { queued: 0, running: 0, booting: 0, quota: None, ..state.last } };
        let mut looks = 0;
        loop {
            let (next, decision) = step(&scaling, &state, &sample);
            state = next;
            sample.idle = sample.idle.saturating_add_signed(decision.action.change());
            let Some(look) = state.next_look() else { break };
            looks += 1;
            prop_assert!(looks < 200_000, "{} workers stay: {decision:?}", sample.idle);
            sample.now = sample.now.saturating_add(look);
            prop_assume!(sample.now < Duration::MAX);
        }
        prop_assert_eq!(sample.idle, min);
    }
}

/// A pool of 4 whose jobs take 10 ms and workers 40 ms to boot, as the rule knows after a second.
fn busy() -> (Scaling, State, Sample) {
    let scaling = Scaling::new(0, 16);
    let mut sample = Sample { running: 4, booted: 4, boot: Duration::from_millis(160), ..Sample::default() };
    let mut state = State::default();
    for look in 0..=20 {
        sample.now = Duration::from_millis(50 * look);
        sample.arrived = 10 * look;
        sample.finished = 10 * look;
        sample.service = Duration::from_millis(100 * look);
        state = step(&scaling, &state, &sample).0;
    }
    (scaling, state, sample)
}

#[test]
fn from_nothing_the_first_job_starts_a_worker() {
    let scaling = Scaling::new(0, 16);
    let (state, decision) = step(&scaling, &State::default(), &Sample::default());
    assert_eq!((decision.action, state.next_look()), (Action::None, None));
    let first = Sample { now: Duration::from_secs(3600), queued: 1, arrived: 1, ..Sample::default() };
    let (state, decision) = step(&scaling, &state, &first);
    assert_eq!((decision.action, decision.reason), (Action::Start(1), Reason::NoWorker { queued: 1 }));
    assert!(state.next_look().is_some());
}

#[test]
fn what_is_done_sooner_than_a_worker_boots_starts_none() {
    let (scaling, state, sample) = busy();
    // 4 workers do 16 jobs within a boot, and 8 will come.
    let some = Sample { now: sample.now + Duration::from_millis(1), queued: 5, ..sample };
    assert_eq!(step(&scaling, &state, &some).1.reason, Reason::SoonDone { queued: 5 });
    let many = Sample { queued: 60, ..some };
    let Action::Start(more) = step(&scaling, &state, &many).1.action else { panic!("none for 60 jobs") };
    assert_eq!(more, 12);
}

#[test]
fn workers_that_boot_count_as_workers() {
    let (scaling, state, sample) = busy();
    let late = Sample { now: sample.now + Duration::from_millis(1), queued: 60, booting: 12, ..sample };
    assert_eq!(step(&scaling, &state, &late).1.action, Action::None);
}

#[test]
fn a_job_behind_jobs_that_do_not_end_gets_a_worker() {
    let (scaling, state, sample) = busy();
    let stuck = Sample {
        now: sample.now + Duration::from_millis(200),
        queued: 1,
        oldest_age: Duration::from_millis(200),
        ..sample
    };
    let decision = step(&scaling, &state, &stuck).1;
    assert!(matches!(decision.action, Action::Start(_)), "{decision:?}");
    assert_eq!(decision.reason.to_string(), "a job has waited for 200.0ms behind jobs that do not end");
}

#[test]
fn jobs_behind_one_that_takes_far_longer_than_those_before_it_get_a_worker_each() {
    let (scaling, second) = (Scaling::new(1, 16), Duration::from_secs(1));
    let quick = Sample {
        now: second,
        idle: 1,
        arrived: 1000,
        finished: 1000,
        service: Duration::from_millis(1),
        booted: 1,
        boot: Duration::from_micros(50),
        ..Sample::default()
    };
    let state = learned(&scaling, &[Sample { booted: 0, boot: Duration::ZERO, ..Sample::default() }, quick]);
    let batch = Sample { now: 2 * second, idle: 0, running: 1, queued: 4, arrived: 1005, ..quick };
    let (state, decision) = step(&scaling, &state, &batch);
    assert_eq!(decision.action, Action::None, "{decision:?}");
    let waited = Duration::from_millis(6);
    let stuck = Sample { now: batch.now + waited, oldest_age: waited, ..batch };
    let decision = step(&scaling, &state, &stuck).1;
    assert_eq!(decision.action, Action::Start(4), "{decision:?}");
}

#[test]
fn workers_are_stopped_late_and_little_by_little() {
    let (scaling, mut state, mut sample) = busy();
    sample.running = 0;
    sample.idle = 16;
    let began = sample.now;
    let mut stops = Vec::new();
    while let Some(look) = state.next_look() {
        sample.now += look;
        let (next, decision) = step(&scaling, &state, &sample);
        state = next;
        if let Action::Stop(fewer) = decision.action {
            stops.push((sample.now - began, fewer));
            sample.idle -= fewer;
        }
    }
    assert_eq!(sample.idle, 0);
    // Half of what is too many at a time, and no more than eight times within the time that it is kept for.
    assert!(stops.len() >= 8 && stops.iter().all(|(_, fewer)| *fewer <= 6), "{stops:?}");
    assert!(stops.windows(2).all(|two| two[1].0 - two[0].0 >= Scaling::KEEP / 8), "{stops:?}");
    assert!(stops.last().unwrap().0 > Scaling::KEEP, "{stops:?}");
}

#[test]
fn a_lower_quota_stops_what_is_idle_at_once() {
    let (scaling, state, sample) = busy();
    let sample = Sample { quota: Some(2), idle: 1, ..sample };
    let decision = step(&scaling, &state, &sample).1;
    assert_eq!((decision.action, decision.reason), (Action::Stop(1), Reason::AboveMaximum { max: 2 }));
    let waits = step(&scaling.cpu_bound(false), &state, &sample).1;
    assert_eq!(waits.action, Action::None);
}
