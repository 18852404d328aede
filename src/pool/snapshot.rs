//! What a pool is doing, as one value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::lane::Lane;
use super::tally::Tally;
use super::{JobId, Strategy, WorkerId};

/// What every worker of a pool does, and what they have done together.
///
/// It serializes as the `worker_threads` of a session payload. Each worker is seen at one moment, and the moments of
/// two workers may differ by microseconds; every sum holds nevertheless: `active + idle + terminated == size`, the
/// workers' `messages_processed` and `errors` are the statistics' `received` and `errors`, and
/// `sent == received + withdrawn + queued + active`. What is not known is `None`, and absent in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// How many workers are in which state.
    pub pool: PoolCounts,
    /// Every worker that the pool has had, in the order of their making.
    pub registry: BTreeMap<WorkerId, WorkerEntry>,
    /// Counts and times of all workers together.
    pub statistics: Statistics,
}

/// How many workers are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PoolCounts {
    /// All workers.
    pub size: usize,
    /// Those that run a job.
    pub active: usize,
    /// Those that wait for one.
    pub idle: usize,
    /// Those whose thread has ended.
    pub terminated: usize,
    /// How jobs are dealt out.
    pub strategy: Strategy,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkerState {
    /// It waits for a job.
    Idle,
    /// It runs a job.
    Processing,
    /// Its thread has ended.
    Terminated,
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkerEntry {
    /// What it does.
    pub state: WorkerState,
    /// When it was made, in milliseconds since the start of 1970 (UTC). In JSON `created_at`.
    #[serde(rename = "created_at")]
    pub created_at_ms: u64,
    /// Jobs that it ran to an end of any kind.
    pub messages_processed: u64,
    /// Those of them that returned an error or panicked.
    pub errors: u64,
    /// What the last of these said. In JSON `null` while there was none.
    pub last_error: Option<String>,
    /// The job that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_job: Option<CurrentJob>,
}

/// A job that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CurrentJob {
    /// Its id.
    pub id: JobId,
    /// Its type. In JSON `type`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Its size in the units of its type, where the job was given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u64>,
    /// How long it has run, in whole milliseconds.
    pub elapsed_ms: u64,
    /// Whether it was asked to stop.
    pub abort_signal: bool,
}

/// Counts and times of all workers of a pool together, since the pool was built.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// Jobs that were taken in. In JSON `total_messages_sent`.
    #[serde(rename = "total_messages_sent")]
    pub sent: u64,
    /// Jobs that ran to an end of any kind. In JSON `total_messages_received`.
    #[serde(rename = "total_messages_received")]
    pub received: u64,
    /// Those of `received` that returned an error or panicked. In JSON `total_errors`.
    #[serde(rename = "total_errors")]
    pub errors: u64,
    /// Jobs that never started: aborted in the queue, or given up with the pool. Not in JSON.
    #[serde(skip)]
    pub withdrawn: u64,
    /// Jobs that wait for a worker. Not in JSON.
    #[serde(skip)]
    pub queued: u64,
    /// `errors / received`, unknown before the first job ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// The mean time that a job ran, in milliseconds; time in the queue does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_processing_ms: Option<f64>,
    /// The time that half of the jobs ran no longer than, in milliseconds, within 1 %. Not in JSON.
    #[serde(skip)]
    pub p50_processing_ms: Option<f64>,
    /// The time that 99 of 100 jobs ran no longer than, in milliseconds, within 1 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_processing_ms: Option<f64>,
    /// `active / size`: the share of workers that run a job.
    pub pool_utilization: f64,
}

impl Snapshot {
    pub(super) fn of<'a>(lanes: impl IntoIterator<Item = &'a Lane>, strategy: Strategy) -> Self {
        let mut totals = Tally::new();
        let mut queued = 0;
        let mut registry = BTreeMap::new();
        for lane in lanes {
            let (entry, waiting) = lane.report(&mut totals);
            queued += waiting;
            registry.insert(lane.worker(), entry);
        }
        let pool = PoolCounts::of(&registry, strategy);
        let statistics = Statistics::of(&totals, queued, &pool);
        Self { pool, registry, statistics }
    }
}

impl PoolCounts {
    fn of(registry: &BTreeMap<WorkerId, WorkerEntry>, strategy: Strategy) -> Self {
        let count = |state| registry.values().filter(|entry| entry.state == state).count();
        Self {
            size: registry.len(),
            active: count(WorkerState::Processing),
            idle: count(WorkerState::Idle),
            terminated: count(WorkerState::Terminated),
            strategy,
        }
    }
}

impl Statistics {
    fn of(totals: &Tally, queued: u64, pool: &PoolCounts) -> Self {
        Self {
            sent: totals.sent,
            received: totals.received,
            errors: totals.errors,
            withdrawn: totals.withdrawn,
            queued,
            error_rate: (totals.received > 0).then(|| totals.errors as f64 / totals.received as f64),
            avg_processing_ms: totals.average_ms(),
            p50_processing_ms: totals.quantile_ms(0.50),
            p99_processing_ms: totals.quantile_ms(0.99),
            pool_utilization: pool.active as f64 / pool.size as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const COUNTS: PoolCounts =
        PoolCounts { size: 4, active: 2, idle: 1, terminated: 1, strategy: Strategy::RoundRobin };

    /// The numbers of the session payload that this part is modelled on.
    #[test]
    fn rates_are_those_of_the_session_payload() {
        let mut totals = Tally::new();
        totals.sent = 231;
        for job in 0..231 {
            totals.record(Duration::from_micros(67_300), job == 0);
        }
        let statistics = Statistics::of(&totals, 0, &COUNTS);
        assert_eq!((statistics.error_rate.unwrap() * 1e4).round(), 43.0);
        assert!((statistics.avg_processing_ms.unwrap() - 67.3).abs() < 1e-9);
        assert_eq!(statistics.pool_utilization, 0.5);
    }

    #[test]
    fn what_no_job_has_shown_is_absent() {
        let statistics = serde_json::to_value(Statistics::of(&Tally::new(), 0, &COUNTS)).unwrap();
        let expected = json!({
            "total_messages_sent": 0,
            "total_messages_received": 0,
            "total_errors": 0,
            "pool_utilization": 0.5,
        });
        assert_eq!(statistics, expected);
    }
}
