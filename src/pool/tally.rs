//! What one worker has counted and measured, and how counts of several add up.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Significant digits of the histograms: a percentile is right within 1 %.
const DIGITS: u8 = 2;
/// Parts of the sliding window; it slides by one at a time.
pub(super) const SLICES: usize = 6;

/// Counts and times of one worker, or of several together.
#[derive(Clone)]
pub(super) struct Tally {
    /// Jobs that ran to an end of any kind.
    pub(super) received: u64,
    /// Those of `received` that returned an error or panicked.
    pub(super) errors: u64,
    /// Time spent on all of `received`.
    pub(super) total: Duration,
    /// The times, in nanoseconds, of the jobs that have left the window.
    past: Histogram<u64>,
    /// The times of those within it, by the part of it that they ended in.
    slices: [Histogram<u64>; SLICES],
    /// Which part of time the last job ended in; each has its own place among the slices.
    present: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            received: 0,
            errors: 0,
            total: Duration::ZERO,
            past: times(),
            slices: std::array::from_fn(|_| times()),
            present: 0,
        }
    }

    /// Counts a job that ran for `elapsed` and ended in the part of time `slice`.
    pub(super) fn record(&mut self, elapsed: Duration, failed: bool, slice: u64) {
        self.received += 1;
        self.errors += u64::from(failed);
        self.total = self.total.saturating_add(elapsed);
        if slice > self.present {
            self.slide(slice);
        }
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let recorded = self.slices[place(self.present)].record(nanoseconds);
        debug_assert!(recorded.is_ok(), "a histogram that grows by itself takes every value: {recorded:?}");
    }

    /// Lets the window end with the part of time `slice`.
    pub(super) fn slide(&mut self, slice: u64) {
        let passed = slice.saturating_sub(self.present).min(SLICES as u64);
        for ahead in 0..passed {
            let left = &mut self.slices[place(slice - ahead)];
            add(&mut self.past, left);
            left.reset();
        }
        self.present = self.present.max(slice);
    }

    /// Adds what another worker has counted. The window ends with the later one's.
    pub(super) fn merge(&mut self, mut other: Self) {
        self.slide(other.present);
        other.slide(self.present);
        self.received += other.received;
        self.errors += other.errors;
        self.total = self.total.saturating_add(other.total);
        add(&mut self.past, &other.past);
        for (slice, others) in self.slices.iter_mut().zip(&other.slices) {
            add(slice, others);
        }
    }

    /// Returns the exact mean in milliseconds, unknown before the first job.
    pub(super) fn average_ms(&self) -> Option<f64> {
        (self.received > 0).then(|| self.total.as_secs_f64() * 1e3 / self.received as f64)
    }

    /// Returns the times of all jobs.
    pub(super) fn all(&self) -> Times {
        let mut all = self.window();
        add(&mut all.0, &self.past);
        all
    }

    /// Returns the times of the jobs that ended within the window.
    pub(super) fn window(&self) -> Times {
        let mut window = times();
        for slice in &self.slices {
            add(&mut window, slice);
        }
        Times(window)
    }
}

/// Times that can be asked for their percentiles.
pub(super) struct Times(Histogram<u64>);

impl Times {
    /// Returns how many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Returns the time in milliseconds that this share of jobs stayed within, unknown without a job.
    pub(super) fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(share) as f64 / 1e6)
    }

    /// Returns the mean in milliseconds, within 1 %, unknown without a job.
    pub(super) fn average_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.mean() / 1e6)
    }
}

fn times() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("two digits are among those that a histogram can have")
}

fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    let added = to.add(from);
    debug_assert!(added.is_ok(), "histograms of one kind add up: {added:?}");
}

fn place(slice: u64) -> usize {
    (slice % SLICES as u64) as usize
}

/// Cuts time into the parts that a window slides by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    since: Instant,
    /// Its length as it was asked for, in milliseconds.
    length_ms: u64,
    /// The length of a part in nanoseconds.
    slice: u64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let slice = u64::try_from((length / SLICES as u32).as_nanos()).unwrap_or(u64::MAX);
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self { since: Instant::now(), length_ms, slice: slice.max(1) }
    }

    /// Returns the length of the window in milliseconds.
    pub(super) fn length_ms(&self) -> u64 {
        self.length_ms
    }

    /// Returns the part that a moment lies in.
    pub(super) fn slice_of(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.since);
        // One division of 64 bits, which is all that a worker pays for it.
        passed.as_nanos() as u64 / self.slice
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally_of(times: &[u64]) -> Tally {
        let mut tally = Tally::new();
        for &nanoseconds in times {
            tally.record(Duration::from_nanos(nanoseconds), false, 0);
        }
        tally
    }

    fn near(found: Option<f64>, expected: f64) -> bool {
        (found.unwrap() - expected).abs() <= expected.abs() * 0.01
    }

    #[test]
    fn what_was_never_measured_is_unknown() {
        let tally = Tally::new();
        assert_eq!((tally.average_ms(), tally.all().quantile_ms(0.99)), (None, None));
    }

    #[test]
    fn hundred_jobs_of_1_to_100_ms_have_the_average_and_percentiles_of_the_textbook() {
        let times: Vec<_> = (1..=100).map(|ms| ms * 1_000_000).collect();
        let tally = tally_of(&times);
        assert_eq!(tally.average_ms(), Some(50.5));
        assert!(near(tally.all().quantile_ms(0.50), 50.0));
        assert!(near(tally.all().quantile_ms(0.99), 99.0));
    }

    #[test]
    fn a_window_may_be_of_any_length() {
        let now = Instant::now();
        for length in [Duration::ZERO, Duration::from_nanos(7), Duration::new(110_680_464_442, 257_309_696)] {
            Window::new(length).slice_of(now);
        }
        assert_eq!(Window::new(Duration::MAX).slice_of(now), 0);
    }

    #[test]
    fn a_window_is_as_long_as_was_asked_for() {
        for milliseconds in [0, 1, 7, 5000, 60_000] {
            assert_eq!(Window::new(Duration::from_millis(milliseconds)).length_ms(), milliseconds);
        }
        assert_eq!(Window::new(Duration::MAX).length_ms(), u64::MAX);
    }

    #[test]
    fn the_shortest_and_the_longest_times_are_counted() {
        let mut tally = tally_of(&[0]);
        tally.record(Duration::MAX, true, 0);
        assert_eq!((tally.received, tally.errors), (2, 1));
        assert!(near(tally.all().quantile_ms(1.0), u64::MAX as f64 / 1e6));
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
            let found = tally.all().quantile_ms(share);
            prop_assert!(near(found, exact), "{found:?} for {exact}");
            prop_assert!(near(tally.average_ms(), tally.all().average_ms().unwrap()));
        }

        /// The oracle keeps every job with its time.
        #[test]
        fn the_window_has_the_jobs_of_its_parts_and_the_total_has_all(
            jobs in prop::collection::vec((0_u64..4, 1_u64..1 << 30, any::<bool>()), 1..200),
            later in 0_u64..9,
        ) {
            let mut tally = [Tally::new(), Tally::new()];
            let mut kept = Vec::new();
            let mut slice = 0;
            for (ahead, nanoseconds, which) in jobs {
                slice += ahead;
                tally[usize::from(which)].record(Duration::from_nanos(nanoseconds), which, slice);
                kept.push((slice, which));
            }
            slice += later;
            let [mut one, other] = tally;
            one.slide(slice);
            one.merge(other);
            let within = kept.iter().filter(|(at, _)| at + SLICES as u64 > slice).count() as u64;
            prop_assert_eq!(one.window().count(), within);
            prop_assert_eq!((one.all().count(), one.received), (kept.len() as u64, kept.len() as u64));
            prop_assert_eq!(one.errors, kept.iter().filter(|(_, failed)| *failed).count() as u64);
        }
    }
}
