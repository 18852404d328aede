//! What every simulation holds, and what ours holds in each.

use std::time::Duration;

use proptest::prelude::*;

use super::{COLUMNS, Job, Kind, Occasion, Report, Rule, Service, Settings, Shape, Trace, run, run_rule};
use crate::pool::scaling::{Action, Sample};

fn short() -> Settings {
    Settings { seconds: 8, ..Settings::default() }
}

/// Jobs that all come at once, one second into the trace.
fn at_once(jobs: usize, service_ns: u64) -> Trace {
    let mut trace = Settings { seconds: 6, ..Settings::default() }.trace(Shape::Burst);
    trace.jobs = vec![Job { arrival_ns: super::SECOND, service_ns }; jobs];
    trace
}

#[test]
fn the_same_settings_give_the_same_actions_on_every_machine() {
    let settings = short();
    let hash = |shape| run(&settings, &settings.trace(shape), Kind::Ours).log_hash();
    let hashes = Shape::ALL.map(hash);
    assert_eq!(hashes, Shape::ALL.map(hash));
    assert_eq!(hashes, HASHES, "{hashes:#x?}");
}

/// Of the actions of our rule in eight seconds of each trace. A change of the rule changes them.
const HASHES: [u64; 6] = [
    0xa949_8e87_917a_0740,
    0x9562_ff41_8633_bd0e,
    0xed7e_e3d8_45eb_4876,
    0x0a5d_e9ac_a7a9_9413,
    0xdfcf_2377_1372_b7c6,
    0x548c_d8b1_cfc0_3161,
];

#[test]
fn another_seed_gives_other_jobs_of_the_same_load() {
    let one = short().trace(Shape::Bimodal);
    let other = Settings { seed: 2, ..short() }.trace(Shape::Bimodal);
    assert_ne!(one.jobs(), other.jobs());
    for trace in [one, other] {
        let work: u64 = trace.jobs().iter().map(|job| job.service_ns).sum();
        let load = work as f64 / 1e9 / (8.0 * 16.0);
        assert!((load - 0.7).abs() < 0.04, "{load}");
    }
}

#[test]
fn a_fixed_pool_is_the_queue_of_the_textbook() {
    // M/M/1 at a load of 0.8: the mean wait is 4 services, and 1 in 5 jobs does not wait.
    let settings = Settings {
        min: 1,
        max: 1,
        seconds: 3600,
        service: Some(Service::Exponential { mean_us: 100_000 }),
        ..Settings::default()
    };
    let mut trace = settings.trace(Shape::Bimodal);
    // 0.7 becomes 0.8.
    for job in &mut trace.jobs {
        job.arrival_ns = job.arrival_ns / 8 * 7;
    }
    let report = run(&settings, &trace, Kind::FixedMax);
    // P(wait > t) = 0.8 exp(-0.2 t / service): the median is at ln(1.6) / 0.2, the 99th percentile at ln(80) / 0.2.
    let near = |found: Duration, services: f64| (found.as_secs_f64() / 0.1 / services - 1.0).abs() < 0.15;
    assert!(near(report.p50_wait, 1.6_f64.ln() / 0.2), "{:?}", report.p50_wait);
    assert!(near(report.p99_wait, 80_f64.ln() / 0.2), "{:?}", report.p99_wait);
}

#[test]
fn the_oracle_lets_no_job_wait_for_a_worker_and_is_cheaper_than_all_workers() {
    let settings = short();
    for shape in Shape::ALL {
        let trace = settings.trace(shape);
        let [oracle, all] = [Kind::Oracle, Kind::FixedMax].map(|kind| run(&settings, &trace, kind));
        // Neither can boot before the trace begins, which costs the first jobs some time.
        let after_a_second = |report: &Report| {
            report.columns[COLUMNS / 8..].iter().map(|column| column.wait_max).collect::<Vec<f64>>()
        };
        assert_eq!(after_a_second(&oracle), after_a_second(&all), "{shape}");
        assert!(oracle.worker_seconds < all.worker_seconds, "{shape}");
    }
}

#[test]
fn the_oracle_stops_a_worker_for_a_gap_that_is_longer_than_a_boot_and_for_no_shorter_one() {
    let settings = Settings { min: 0, ..short() };
    for (gap_ms, worker_ms) in [(30, 40 + 10 + 30 + 10), (50, 40 + 10 + 40 + 10)] {
        let mut trace = at_once(1, 10_000_000);
        trace
            .jobs
            .push(Job { arrival_ns: super::SECOND + (10 + gap_ms) * 1_000_000, service_ns: 10_000_000 });
        let report = run(&settings, &trace, Kind::Oracle);
        assert_eq!(report.max_wait, Duration::ZERO);
        assert!(
            (report.worker_seconds - f64::from(worker_ms) / 1e3).abs() < 1e-9,
            "{}",
            report.worker_seconds
        );
    }
}

#[test]
fn ours_is_never_far_from_the_oracle() {
    let settings = Settings::default();
    for shape in Shape::ALL {
        let trace = settings.trace(shape);
        let [oracle, ours] = [Kind::Oracle, Kind::Ours].map(|kind| run(&settings, &trace, kind));
        let cost = ours.worker_seconds / oracle.worker_seconds;
        assert!(cost <= 1.3, "{shape}: {cost}");
        // Where the load jumps, what comes during a boot waits for it.
        let wait = ours.p99_wait.saturating_sub(oracle.p99_wait);
        assert!(wait <= settings.boot, "{shape}: {wait:?}");
    }
}

#[test]
fn ours_does_not_turn_while_the_load_is_constant() {
    let settings = Settings::default();
    for shape in [Shape::Step, Shape::Ramp, Shape::OnOff, Shape::Bimodal] {
        let report = run(&settings, &settings.trace(shape), Kind::Ours);
        assert_eq!(report.reversals_at_top, Some(0), "{shape}");
    }
}

#[test]
fn ours_learns_not_to_flap_where_workers_boot_at_once_and_the_load_is_small() {
    let settings = Settings {
        boot: Duration::from_micros(50),
        service: Some(Service::Exponential { mean_us: 5000 }),
        seconds: 100,
        ..Settings::default()
    };
    let mut trace = settings.trace(Shape::Bimodal);
    // A load of 0.1, at which a job finds four workers busy now and then.
    let mut index = 0;
    trace.jobs.retain(|_| {
        index += 1;
        index % 7 == 0
    });
    let report = run(&settings, &trace, Kind::Ours);
    // It would be 135 if needs were always kept for as long.
    assert!(report.reversals <= 60, "{}", report.reversals);
}

#[test]
fn from_no_worker_a_burst_waits_for_one_boot() {
    let settings = Settings { min: 0, ..short() };
    let trace = at_once(1000, 5_000_000);
    let report = run(&settings, &trace, Kind::Ours);
    let last = Duration::from_millis(40) + Duration::from_millis(5) * (1000 / 16);
    assert!(report.max_wait <= last + Duration::from_millis(1), "{:?}", report.max_wait);
    assert_eq!((report.peak, report.log.last().unwrap().workers), (16, 0), "{:?}", report.log);
}

#[test]
fn a_rule_may_ask_for_what_cannot_be() {
    struct Wild;
    impl Rule for Wild {
        fn decide(&mut self, occasion: Occasion, _: &Sample) -> Action {
            if occasion == Occasion::Queued { Action::Start(usize::MAX) } else { Action::Stop(usize::MAX) }
        }
    }
    let settings = short();
    let report = run_rule(&settings, &settings.trace(Shape::Sine), &mut Wild);
    assert!(report.log.iter().all(|action| (1..=16).contains(&action.workers)));
}

#[test]
fn a_service_time_is_read_or_refused_with_what_is_allowed() {
    assert_eq!("5".parse(), Ok(Service::Exponential { mean_us: 5000 }));
    assert_eq!("fixed:0.25".parse(), Ok(Service::Fixed { time_us: 250 }));
    let bimodal = Service::Bimodal { short_us: 3000, long_us: 103_000, longs_per_mille: 20 };
    assert_eq!("bimodal:3,103,2".parse(), Ok(bimodal));
    assert!((bimodal.mean() - 0.005).abs() < 1e-12);
    for wrong in ["", "0", "-1", "nan", "5,6", "fixed:", "bimodal:1,2", "bimodal:1,2,101", "gamma:1", "1e9"] {
        let error = wrong.parse::<Service>().unwrap_err();
        assert!(error.contains("such as 5, or fixed:5"), "{wrong}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_rule_keeps_the_bounds_and_does_every_job(
        seed in any::<u64>(),
        shape in 0_usize..6,
        min in 0_usize..5,
        more in 0_usize..12,
        boot_us in 0_u64..200_000,
    ) {
        let settings =
            Settings { seed, min, max: (min + more).max(1), boot: Duration::from_micros(boot_us), seconds: 1, ..Settings::default() };
        let trace = settings.trace(Shape::ALL[shape]);
        for kind in Kind::ALL {
            let report = run(&settings, &trace, kind);
            prop_assert_eq!(report.jobs, trace.jobs().len());
            prop_assert!(report.log.iter().all(|action| (min..=settings.max).contains(&action.workers)), "{}", kind);
            prop_assert!(report.p50_wait <= report.p99_wait && report.p99_wait <= report.max_wait);
            let drawn: f64 = report.columns.iter().map(|column| column.running + column.idle + column.booting).sum();
            prop_assert!(drawn / COLUMNS as f64 <= settings.max as f64 + 1e-9);
        }
    }
}
