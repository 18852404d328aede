//! What all viewers together have got of an order.

use hdrhistogram::Histogram;

use crate::Outcome;

/// Longer than any frame takes that comes at all, in nanoseconds.
const LONGEST_NS: u64 = 120_000_000_000;

pub(crate) struct Meter {
    /// When the order was given: what was sent before is of another.
    since: u64,
    latencies: Histogram<u64>,
    /// Whether the latencies of what comes are recorded.
    pub(crate) records: bool,
    pub(crate) frames: u64,
    /// The highest number of all.
    pub(crate) newest: u64,
    /// Frames without a number or a time in their beginning.
    pub(crate) unreadable: u64,
    /// How many frames the order has come to, once it is done.
    pub(crate) done: Option<u64>,
}

impl Meter {
    pub(crate) fn new() -> Outcome<Self> {
        let latencies = Histogram::new_with_bounds(1, LONGEST_NS, 3)?;
        Ok(Self { since: 0, latencies, records: true, frames: 0, newest: 0, unreadable: 0, done: None })
    }

    /// Begins anew with an order that is given now.
    pub(crate) fn begin(&mut self, now: u64) {
        self.latencies.reset();
        (self.since, self.records, self.frames, self.done) = (now, true, 0, None);
    }

    /// Notes a frame, and tells whether it belongs to the order.
    pub(crate) fn note(&mut self, number: u64, sent: u64, now: u64) -> bool {
        if sent < self.since {
            return false;
        }
        self.newest = self.newest.max(number);
        self.frames += 1;
        if self.records {
            self.latencies.saturating_record(now.saturating_sub(sent));
        }
        true
    }

    pub(crate) fn latency_ms(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1e6
    }
}
