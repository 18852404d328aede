//! What one worker has counted and measured, and how counts of several add up.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Significant digits of the histogram: a percentile is right within 1 %.
const DIGITS: u8 = 2;

/// Counts and times of one worker, or of several together.
pub(super) struct Tally {
    /// Jobs that entered the queue.
    pub(super) sent: u64,
    /// Jobs that ran to an end of any kind.
    pub(super) received: u64,
    /// Those of `received` that returned an error or panicked.
    pub(super) errors: u64,
    /// Jobs that left the queue without having run.
    pub(super) withdrawn: u64,
    /// Time spent on all of `received`.
    total: Duration,
    /// The same times in nanoseconds.
    times: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let times = Histogram::new(DIGITS).expect("two digits are among those that a histogram can have");
        Self { sent: 0, received: 0, errors: 0, withdrawn: 0, total: Duration::ZERO, times }
    }

    /// Counts a job that ran for `elapsed`.
    pub(super) fn record(&mut self, elapsed: Duration, failed: bool) {
        self.received += 1;
        self.errors += u64::from(failed);
        self.total = self.total.saturating_add(elapsed);
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let recorded = self.times.record(nanoseconds);
        debug_assert!(recorded.is_ok(), "a histogram that grows by itself takes every value: {recorded:?}");
    }

    /// Adds what another worker has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.errors += other.errors;
        self.withdrawn += other.withdrawn;
        self.total = self.total.saturating_add(other.total);
        let added = self.times.add(&other.times);
        debug_assert!(added.is_ok(), "histograms of one kind add up: {added:?}");
    }

    /// Returns the exact mean in milliseconds, unknown before the first job.
    pub(super) fn average_ms(&self) -> Option<f64> {
        (self.received > 0).then(|| self.total.as_secs_f64() * 1e3 / self.received as f64)
    }

    /// Returns the time in milliseconds that this share of jobs stayed within, unknown before the first job.
    pub(super) fn quantile_ms(&self, share: f64) -> Option<f64> {
        (self.received > 0).then(|| self.times.value_at_quantile(share) as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally_of(times: &[u64]) -> Tally {
        let mut tally = Tally::new();
        for &nanoseconds in times {
            tally.record(Duration::from_nanos(nanoseconds), false);
        }
        tally
    }

    fn near(found: Option<f64>, expected: f64) -> bool {
        (found.unwrap() - expected).abs() <= expected.abs() * 0.01
    }

    #[test]
    fn what_was_never_measured_is_unknown() {
        let tally = Tally::new();
        assert_eq!((tally.average_ms(), tally.quantile_ms(0.99)), (None, None));
    }

    #[test]
    fn hundred_jobs_of_1_to_100_ms_have_the_average_and_percentiles_of_the_textbook() {
        let times: Vec<_> = (1..=100).map(|ms| ms * 1_000_000).collect();
        let tally = tally_of(&times);
        assert_eq!(tally.average_ms(), Some(50.5));
        assert!(near(tally.quantile_ms(0.50), 50.0));
        assert!(near(tally.quantile_ms(0.99), 99.0));
    }

    #[test]
    fn the_shortest_and_the_longest_times_are_counted() {
        let mut tally = tally_of(&[0]);
        tally.record(Duration::MAX, true);
        assert_eq!((tally.received, tally.errors), (2, 1));
        assert!(near(tally.quantile_ms(1.0), u64::MAX as f64 / 1e6));
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_hundredth_of_the_sorted_times(
            times in prop::collection::vec(1_u64..1 << 42, 1..300),
            share in 0.01_f64..=1.0,
        ) {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let tally = tally_of(&times);
            let exact = sorted[(share * times.len() as f64).ceil() as usize - 1] as f64 / 1e6;
            prop_assert!(near(tally.quantile_ms(share), exact), "{:?} for {exact}", tally.quantile_ms(share));
            let histogram_average = tally.times.mean() / 1e6;
            prop_assert!(near(tally.average_ms(), histogram_average));
        }

        #[test]
        fn merged_tallies_are_the_tally_of_all(
            one in prop::collection::vec(0_u64..1 << 42, 0..50),
            other in prop::collection::vec(0_u64..1 << 42, 0..50),
        ) {
            let mut merged = tally_of(&one);
            merged.merge(&tally_of(&other));
            let all = tally_of(&[one, other].concat());
            prop_assert_eq!(merged.received, all.received);
            prop_assert_eq!(merged.total, all.total);
            prop_assert_eq!(merged.times, all.times);
        }
    }
}
