//! What a pool is doing, as one value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use serde::Serialize;

use super::dispatch::{Dispatch, Entry, Phase};
use super::failure::drop_quietly;
use super::lane::{Lane, Look};
use super::tally::{Tally, Times};
use super::task::Body;
use super::{JobId, Limit, PortRegistry, ResourceUsage, Strategy, WorkerEnd, WorkerId};

/// What every worker of a pool does, and what they have done together.
///
/// It serializes as the `worker_threads` of a session payload. Every sum holds: `booting + idle + active + draining ==
/// size`, the `messages_processed` and `errors` of the registry and of those that it has forgotten are the statistics'
/// `received` and `errors`, and `sent == received + withdrawn + queued + running`, where `running` counts the entries that
/// have a current job. What is not known is `None`, and absent in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// How many workers are in which state.
    pub pool: PoolCounts,
    /// What the workers are capable of; of threads nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// The workers that there are, and the last 64 of those that have ended.
    pub registry: BTreeMap<WorkerId, WorkerEntry>,
    /// What the ended workers have done that the registry has no more.
    #[serde(skip_serializing_if = "Forgotten::is_nobody")]
    pub forgotten: Forgotten,
    /// Counts and times of all workers together.
    pub statistics: Statistics,
    /// What every worker may use, and who sees to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// The ports, if there are any.
    #[serde(skip_serializing_if = "PortRegistry::is_empty")]
    pub message_port_registry: PortRegistry,
}

/// What worker processes are capable of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Features {
    /// Whether what a call raises arrives with its type, message and traceback.
    pub errors_as_objects: bool,
    /// Whether heap snapshots can be taken: `enabled`.
    pub heap_snapshot: &'static str,
    /// Whether somebody gets what the workers print.
    pub stdout_forwarding: bool,
    /// Whether somebody gets what they print on standard error.
    pub stderr_forwarding: bool,
}

/// How many workers are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Those that there are.
    pub size: usize,
    /// Those that run a job.
    pub active: usize,
    /// Those that wait for one, or are about to take one.
    pub idle: usize,
    /// Those that cannot take a job yet.
    pub booting: usize,
    /// Those that are about to end.
    pub draining: usize,
    /// Those that have ended since the pool was built. They are no part of the size.
    pub terminated: u64,
    /// The fewest workers that the pool may have, and the most.
    pub min: usize,
    /// The most workers that the pool may have.
    pub max: usize,
    /// How jobs are dealt out.
    pub strategy: Strategy,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkerState {
    /// It was started, and cannot take a job yet.
    Booting,
    /// It waits for a job, or is about to take one.
    Idle,
    /// It runs a job.
    Processing,
    /// It is to end, and finishes what it has.
    Draining,
    /// It has ended.
    Terminated,
}

/// What ended workers have done that are no more in the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// How many they are.
    pub workers: u64,
    /// Jobs that they ran to an end of any kind.
    pub messages_processed: u64,
    /// Those of them that returned an error or panicked.
    pub errors: u64,
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
    /// Why it has ended, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<WorkerEnd>,
    /// Its process, if it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Heap snapshots that were taken of it, if it has a process of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_snapshot_count: Option<u64>,
    /// What it has used so far; of a worker that has ended, what it had at the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_usage: Option<ResourceUsage>,
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
    /// How long jobs ran, since the pool was built.
    #[serde(flatten)]
    pub processing: Percentiles,
    /// The same of the jobs that ended within the sliding window.
    pub window: Windowed,
    /// `active / size`: the share of workers that run a job, unknown without a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_utilization: Option<f64>,
}

/// The times that so many of a hundred or a thousand jobs ran no longer than, in milliseconds, within 1 %; unknown without a
/// job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Percentiles {
    /// Of half of them.
    #[serde(rename = "p50_processing_ms", skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// Of 95 in a hundred.
    #[serde(rename = "p95_processing_ms", skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// Of 99 in a hundred.
    #[serde(rename = "p99_processing_ms", skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// Of 999 in a thousand.
    #[serde(rename = "p99_9_processing_ms", skip_serializing_if = "Option::is_none")]
    pub p99_9_ms: Option<f64>,
}

/// How long jobs ran that ended within the sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Windowed {
    /// The length of the window in milliseconds. It slides by a sixth of that.
    pub length_ms: u64,
    /// Jobs that ended within it.
    pub received: u64,
    /// Their mean time in milliseconds, within 1 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_processing_ms: Option<f64>,
    /// Their percentiles.
    #[serde(flatten)]
    pub processing: Percentiles,
}

impl Snapshot {
    /// Looks at all workers at one moment, and then at how long their jobs ran.
    pub(super) fn of<B: Body + ?Sized>(
        dispatch: &Dispatch<B>,
        bounds: (usize, usize),
        limits: &[Limit],
        features: Option<Features>,
    ) -> Self {
        let now = Instant::now();
        let slice = dispatch.window.slice_of(now);
        let state = dispatch.lock();
        let mut registry: BTreeMap<_, _> = state.departed.remembered().cloned().collect();
        let mut lanes = Vec::with_capacity(state.entries.len());
        let mut kept = Vec::with_capacity(state.entries.len());
        for entry in state.entries() {
            let look = entry.lane.look();
            kept.extend(look.running.clone());
            registry
                .insert(entry.lane.worker, WorkerEntry::of(entry, look, dispatch.counts().is_closed(), now));
            lanes.push(entry.lane.clone());
        }
        let forgotten = state.departed.forgotten();
        // Looked at last, so that no job is counted as begun and not as sent.
        let (sent, withdrawn) = (dispatch.counts().sent(), state.withdrawn);
        let mut tally = state.departed.tally(slice);
        drop(state);
        // A job may have ended meanwhile, and this have its result: code of the caller, which never runs under the lock.
        drop_quietly(kept);

        for lane in lanes {
            tally.merge(lane.tally(slice));
            if let Some(entry) = registry.get_mut(&lane.worker) {
                entry.resource_usage = lane.usage();
            }
        }
        let pool = PoolCounts::of(&registry, forgotten, bounds, dispatch.rules.strategy);
        let received = forgotten.messages_processed + sum(&registry, |entry| entry.messages_processed);
        let errors = forgotten.errors + sum(&registry, |entry| entry.errors);
        let running = registry.values().filter(|entry| entry.current_job.is_some()).count() as u64;
        let counts =
            Counts { sent, received, errors, withdrawn, queued: sent - received - withdrawn - running };
        let statistics = Statistics::of(counts, &tally, dispatch.window.length_ms(), &pool);
        Self {
            pool,
            features,
            registry,
            forgotten,
            statistics,
            limits: limits.to_vec(),
            message_port_registry: dispatch.ports.registry(),
        }
    }
}

fn sum(registry: &BTreeMap<WorkerId, WorkerEntry>, count: impl Fn(&WorkerEntry) -> u64) -> u64 {
    registry.values().map(count).sum()
}

impl PoolCounts {
    fn of(
        registry: &BTreeMap<WorkerId, WorkerEntry>,
        forgotten: Forgotten,
        (min, max): (usize, usize),
        strategy: Strategy,
    ) -> Self {
        let count = |state| registry.values().filter(|entry| entry.state == state).count();
        let terminated = count(WorkerState::Terminated);
        Self {
            size: registry.len() - terminated,
            active: count(WorkerState::Processing),
            idle: count(WorkerState::Idle),
            booting: count(WorkerState::Booting),
            draining: count(WorkerState::Draining),
            terminated: terminated as u64 + forgotten.workers,
            min,
            max,
            strategy,
        }
    }
}

impl WorkerEntry {
    fn of<B: Body + ?Sized>(entry: &Entry<B>, look: Look<B>, is_closed: bool, now: Instant) -> Self {
        let is_last = is_closed || entry.retires || entry.recycles;
        let state = match entry.phase {
            Phase::Booting => WorkerState::Booting,
            _ if is_last => WorkerState::Draining,
            Phase::Working if look.running.is_some() => WorkerState::Processing,
            Phase::Working | Phase::Searching | Phase::Idle => WorkerState::Idle,
        };
        Self::seen(&entry.lane, look, state, now)
    }

    /// Makes the entry of a worker that has ended.
    pub(super) fn terminated<B: Body + ?Sized>(lane: &Lane<B>) -> Self {
        let mut seen = Self::seen(lane, lane.look(), WorkerState::Terminated, Instant::now());
        seen.end = lane.end.get().copied();
        seen.resource_usage = lane.usage();
        seen
    }

    fn seen<B: Body + ?Sized>(lane: &Lane<B>, look: Look<B>, state: WorkerState, now: Instant) -> Self {
        let pid = lane.probe.get().and_then(|probe| probe.process_id());
        Self {
            state,
            created_at_ms: lane.created_at_ms,
            messages_processed: look.received,
            errors: look.errors,
            last_error: look.last_error,
            end: None,
            pid,
            heap_snapshot_count: pid.map(|_| lane.heap_snapshots.load(Relaxed)),
            resource_usage: None,
            current_job: look.running.map(|running| {
                let ticket = running.job.ticket();
                let elapsed = now.saturating_duration_since(running.since);
                CurrentJob {
                    id: ticket.id(),
                    kind: ticket.kind().clone(),
                    nodes: ticket.nodes(),
                    elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                    abort_signal: ticket.aborted(),
                }
            }),
        }
    }
}

impl Forgotten {
    fn is_nobody(&self) -> bool {
        self.workers == 0
    }

    pub(super) fn add(&mut self, entry: &WorkerEntry) {
        self.workers += 1;
        self.messages_processed += entry.messages_processed;
        self.errors += entry.errors;
    }
}

/// Counts of jobs, all of one moment.
#[derive(Clone, Copy)]
struct Counts {
    sent: u64,
    received: u64,
    errors: u64,
    withdrawn: u64,
    queued: u64,
}

impl Statistics {
    fn of(counts: Counts, tally: &Tally, length_ms: u64, pool: &PoolCounts) -> Self {
        let Counts { sent, received, errors, withdrawn, queued } = counts;
        let window = tally.window();
        Self {
            sent,
            received,
            errors,
            withdrawn,
            queued,
            error_rate: (received > 0).then(|| errors as f64 / received as f64),
            avg_processing_ms: tally.average_ms(),
            processing: Percentiles::of(&tally.all()),
            window: Windowed {
                length_ms,
                received: window.count(),
                avg_processing_ms: window.average_ms(),
                processing: Percentiles::of(&window),
            },
            pool_utilization: (pool.size > 0).then(|| pool.active as f64 / pool.size as f64),
        }
    }
}

impl Percentiles {
    fn of(times: &Times) -> Self {
        Self {
            p50_ms: times.quantile_ms(0.50),
            p95_ms: times.quantile_ms(0.95),
            p99_ms: times.quantile_ms(0.99),
            p99_9_ms: times.quantile_ms(0.999),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const POOL: PoolCounts = PoolCounts {
        size: 4,
        active: 2,
        idle: 1,
        booting: 1,
        draining: 0,
        terminated: 0,
        min: 1,
        max: 4,
        strategy: Strategy::RoundRobin,
    };

    /// The numbers of the session payload that this part is modelled on.
    #[test]
    fn rates_are_those_of_the_session_payload() {
        let mut tally = Tally::new();
        for job in 0..231 {
            tally.record(Duration::from_micros(67_300), job == 0, 0);
        }
        let counts = Counts { sent: 231, received: 231, errors: 1, withdrawn: 0, queued: 0 };
        let statistics = Statistics::of(counts, &tally, 60_000, &POOL);
        assert_eq!((statistics.error_rate.unwrap() * 1e4).round(), 43.0);
        assert!((statistics.avg_processing_ms.unwrap() - 67.3).abs() < 1e-9);
        assert_eq!(statistics.pool_utilization, Some(0.5));
    }

    #[test]
    fn what_no_job_has_shown_is_absent() {
        let counts = Counts { sent: 0, received: 0, errors: 0, withdrawn: 0, queued: 0 };
        let statistics = Statistics::of(counts, &Tally::new(), 60_000, &POOL);
        let expected = json!({
            "total_messages_sent": 0,
            "total_messages_received": 0,
            "total_errors": 0,
            "window": { "length_ms": 60_000, "received": 0 },
            "pool_utilization": 0.5,
        });
        assert_eq!(serde_json::to_value(statistics).unwrap(), expected);
    }
}
