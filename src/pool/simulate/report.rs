//! What a simulation came to.

use std::time::Duration;

use super::{Column, Trace};
use crate::pool::scaling::Reason;

/// One change of the number of workers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoggedAction {
    /// When.
    pub at: Duration,
    /// Workers started, or stopped if it is negative.
    pub change: isize,
    /// The workers after it, booting ones included.
    pub workers: usize,
    /// Why, if the rule says so.
    pub reason: Option<Reason>,
}

/// Waits, costs and steadiness of one rule on one trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs, all of them done.
    pub jobs: usize,
    /// Half of the jobs waited for at most this, from when they came until a worker took them.
    pub p50_wait: Duration,
    /// 99 in 100 jobs waited for at most this.
    pub p99_wait: Duration,
    /// The longest wait.
    pub max_wait: Duration,
    /// Seconds that workers booted, ran or were idle, added up until the trace has ended and all jobs are done.
    pub worker_seconds: f64,
    /// Workers that were started.
    pub starts: usize,
    /// Changes of direction: a start after a stop, or a stop after a start.
    pub reversals: usize,
    /// Those of them while the load was at its constant highest, where it ever is.
    pub reversals_at_top: Option<usize>,
    /// The most workers.
    pub peak: usize,
    /// Workers by which the pool, while the load was at its constant highest, was at its most above its mean over the
    /// second half of that time.
    pub overshoot: Option<f64>,
    /// Time from the beginning of the constant highest load until the pool stays within one worker, or a tenth, of the
    /// same mean. The whole of that time if it never does.
    pub settling: Option<Duration>,
    /// Every change, in order.
    pub log: Vec<LoggedAction>,
    /// What to draw.
    pub columns: Vec<Column>,
}

impl Report {
    pub(super) fn new(
        trace: &Trace,
        mut waits: Vec<u64>,
        worker_time: u128,
        log: Vec<LoggedAction>,
        sizes: &[(u64, usize)],
        columns: Vec<Column>,
    ) -> Self {
        waits.sort_unstable();
        let quantile = |per_mille: usize| {
            let rank = (waits.len() * per_mille).div_ceil(1000).max(1);
            Duration::from_nanos(waits.get(rank - 1).copied().unwrap_or(0))
        };
        let within = |from: u64, to: u64| {
            let at = |action: &LoggedAction| (from..to).contains(&(action.at.as_nanos() as u64));
            reversals(log.iter().copied().filter(at))
        };
        let settled = trace.top.map(|(from, to)| settle(sizes, from, to));
        Self {
            jobs: waits.len(),
            p50_wait: quantile(500),
            p99_wait: quantile(990),
            max_wait: quantile(1000),
            worker_seconds: worker_time as f64 / 1e9,
            starts: log.iter().map(|action| action.change.max(0).unsigned_abs()).sum(),
            reversals: reversals(log.iter().copied()),
            reversals_at_top: trace.top.map(|(from, to)| within(from, to)),
            peak: sizes.iter().map(|size| size.1).max().unwrap_or(0),
            overshoot: settled.map(|settled| settled.0),
            settling: settled.map(|settled| settled.1),
            log,
            columns,
        }
    }

    /// Returns a number that two logs share only if they are the same: the FNV-1a hash of all times in nanoseconds and
    /// changes, each as eight bytes, the lowest first.
    pub fn log_hash(&self) -> u64 {
        let words = self.log.iter().flat_map(|action| [action.at.as_nanos() as u64, action.change as u64]);
        words
            .flat_map(u64::to_le_bytes)
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

fn reversals(actions: impl Iterator<Item = LoggedAction>) -> usize {
    let mut last = 0;
    let turns = actions.filter(|action| {
        let is_turn = action.change.signum() == -last;
        last = action.change.signum();
        is_turn
    });
    turns.count()
}

/// Returns the overshoot in workers and the settling time between two moments.
fn settle(sizes: &[(u64, usize)], from: u64, to: u64) -> (f64, Duration) {
    // Each size with the span that it held for, within the two moments.
    let ends = sizes.iter().skip(1).map(|size| size.0).chain([u64::MAX]);
    let spans: Vec<(u64, u64, usize)> = sizes
        .iter()
        .zip(ends)
        .map(|(&(at, workers), end)| (at.max(from), end.min(to), workers))
        .filter(|(at, end, _)| at < end)
        .collect();
    let middle = from + (to - from) / 2;
    let time = |at: u64, end: u64| end.saturating_sub(at.max(middle)) as f64;
    let sum: f64 = spans.iter().map(|&(at, end, workers)| time(at, end) * workers as f64).sum();
    let mean = sum / (to - middle).max(1) as f64;
    let most = spans.iter().map(|span| span.2).max().unwrap_or(0) as f64;
    let is_near = |workers: usize| (workers as f64 - mean).abs() <= (0.1 * mean).max(1.0);
    let settled = spans.iter().rev().find(|span| !is_near(span.2)).map_or(from, |span| span.1);
    ((most - mean).max(0.0), Duration::from_nanos(settled - from))
}
