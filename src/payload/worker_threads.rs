//! The workers: the pool, each worker, the totals.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::Error;
use super::error::read_value;
use super::section::{nullable, section};
use super::views::to_canonical;
use super::words::words;

section! {
    /// Says what the workers do.
    pub struct WorkerThreads {
        /// Counts the workers by what they do.
        pub pool: Option<WorkerPool>,
        /// Says what the workers are capable of.
        pub features: Option<WorkerFeatures>,
        /// Holds each worker under its id.
        pub registry: Option<BTreeMap<String, Worker>>,
        /// Counts the ended workers that the registry has no more.
        pub forgotten: Option<ForgottenWorkers>,
        /// Holds the totals over all workers.
        pub statistics: Option<Statistics>,
        /// Holds what every worker may use, and who sees to it.
        pub limits: Option<Vec<WorkerLimit>>,
        /// Holds the message ports between workers.
        pub message_port_registry: Option<MessagePortRegistry>,
    }
}

impl WorkerThreads {
    /// Reads the section from anything that serializes as the view has it, such as the snapshot of a pool.
    ///
    /// # Errors
    ///
    /// [`Error::WrongShape`] when a field of the schema has another type, [`Error::NotJson`] when it does not serialize.
    ///
    /// ```
    /// use circlet::payload::WorkerThreads;
    ///
    /// let snapshot = serde_json::json!({ "pool": { "size": 4, "active": 2, "idle": 2 } });
    /// let pool = WorkerThreads::from_snapshot(&snapshot)?.pool.unwrap();
    /// assert_eq!(pool.utilization(), Some(0.5));
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn from_snapshot(snapshot: &impl Serialize) -> Result<Self, Error> {
        let snapshot = serde_json::to_value(snapshot).map_err(Error::NotJson)?;
        let mut payload = to_canonical(json!({ "worker_threads": snapshot }))?;
        read_value(&payload["worker_threads"].take())
    }
}

section! {
    /// Counts the workers of a pool by what they do.
    pub struct WorkerPool {
        /// Counts the workers that run a job.
        pub active: Option<u64>,
        /// Counts the workers that wait for a job.
        pub idle: Option<u64>,
        /// Counts the sessions that wait for an executor.
        pub ready: Option<u64>,
        /// Counts the workers that cannot take a job yet.
        pub booting: Option<u64>,
        /// Counts the workers that are about to end.
        pub draining: Option<u64>,
        /// Counts the workers that ended.
        pub terminated: Option<u64>,
        /// Gives the fewest workers that the pool may have.
        pub min: Option<u64>,
        /// Gives the most workers that the pool may have.
        pub max: Option<u64>,
        /// Says which worker gets the next job.
        pub strategy: Option<PoolStrategy>,
    }
}

impl WorkerPool {
    /// Computes the part of the workers that run a job, 0 to 1; `None` when it is unknown or there are no workers.
    pub fn utilization(&self) -> Option<f64> {
        ratio(self.active?, self.size()?)
    }

    /// Computes how many workers there are: those that run a job, wait for one or for an executor, start or are about to end. `None` where it is not
    /// known how many run a job and how many wait.
    pub fn size(&self) -> Option<u64> {
        let more =
            [self.ready, self.booting, self.draining].into_iter().flatten().try_fold(0, u64::checked_add)?;
        self.active?.checked_add(self.idle?)?.checked_add(more)
    }
}

words! {
    /// Says which worker gets the next job.
    pub enum PoolStrategy {
        /// Each worker in turn.
        RoundRobin = "round-robin",
        /// The worker that has run jobs for the least time.
        LeastBusy = "least-busy",
        /// The worker that has the job's key.
        Affinity = "affinity",
    }
}

section! {
    /// Says what the workers are capable of.
    pub struct WorkerFeatures {
        /// Says whether errors arrive as objects and not as text.
        pub errors_as_objects: Option<bool>,
        /// Says whether heap snapshots can be taken, such as `enabled`.
        pub heap_snapshot: Option<String>,
        /// Says whether the fix for transferred message ports is in, such as `applied`.
        pub messageport_transfer_fix: Option<String>,
        /// Says whether a worker's standard output reaches its owner.
        pub stdout_forwarding: Option<bool>,
        /// Says whether a worker's standard error reaches its owner.
        pub stderr_forwarding: Option<bool>,
        /// Limits the memory of one worker.
        pub resource_limits: Option<ResourceLimits>,
    }
}

section! {
    /// Limits the memory of one worker.
    pub struct ResourceLimits {
        /// Limits the heap of objects that survived.
        pub max_old_generation_bytes: Option<u64>,
        /// Limits the heap of new objects.
        pub max_young_generation_bytes: Option<u64>,
        /// Limits the whole heap.
        pub max_heap_bytes: Option<u64>,
    }
}

section! {
    /// Says what one worker does, and what it did.
    pub struct Worker {
        /// Says what the worker does now.
        pub state: Option<WorkerState>,
        /// Gives the time of its start, in milliseconds since 1970-01-01 UTC.
        pub created_at_ms: Option<u64>,
        /// Counts the messages it processed.
        pub messages_processed: Option<u64>,
        /// Counts its errors.
        pub errors: Option<u64>,
        /// Holds its last error: `Some(None)`, written as `null`, when it is known that there was none.
        #[serde(deserialize_with = "nullable")]
        pub last_error: Option<Option<String>>,
        /// Says why it ended: `stopped`, `recycled` or `crashed`.
        pub end: Option<String>,
        /// Gives the id of its process, where it has one of its own.
        pub pid: Option<u64>,
        /// Counts the heap snapshots taken of it.
        pub heap_snapshot_count: Option<u64>,
        /// Gives what it used so far.
        pub resource_usage: Option<ResourceUsage>,
        /// Describes the job that it runs now.
        pub current_job: Option<CurrentJob>,
    }
}

words! {
    /// Says what a worker does.
    pub enum WorkerState {
        /// It starts, and takes no job yet.
        Booting = "booting",
        /// It waits for a job.
        Idle = "idle",
        /// It runs a job.
        Processing = "processing",
        /// It is to end, and finishes what it has.
        Draining = "draining",
        /// It ended.
        Terminated = "terminated",
    }
}

section! {
    /// Gives what one worker used so far.
    pub struct ResourceUsage {
        /// Gives its time on a processor in user mode, in microseconds.
        pub user_cpu_us: Option<u64>,
        /// Gives its time on a processor in the kernel, in microseconds.
        pub system_cpu_us: Option<u64>,
        /// Gives its memory in bytes.
        pub rss_bytes: Option<u64>,
        /// Says why there is no memory.
        pub rss_absent: Option<String>,
    }
}

section! {
    /// Describes one job that runs.
    pub struct CurrentJob {
        /// Names the job.
        pub id: Option<String>,
        /// Names the kind of job, such as `bezier_batch`.
        pub r#type: Option<String>,
        /// Counts the points or nodes that the job works on.
        pub nodes: Option<u64>,
        /// Gives the time since the job began, in microseconds.
        pub elapsed_us: Option<u64>,
        /// Says whether the job was told to stop.
        pub abort_signal: Option<bool>,
    }
}

section! {
    /// Holds the totals over all workers.
    pub struct Statistics {
        /// Counts the messages that went to workers.
        pub total_messages_sent: Option<u64>,
        /// Counts the messages that workers answered, errors among them.
        pub total_messages_received: Option<u64>,
        /// Counts the errors.
        pub total_errors: Option<u64>,
        /// Gives the mean time of a message, in nanoseconds.
        pub avg_processing_ns: Option<u64>,
        /// Gives the time that half of the messages do not exceed, in nanoseconds.
        pub p50_processing_ns: Option<u64>,
        /// Gives the time that 95 of 100 messages do not exceed, in nanoseconds.
        pub p95_processing_ns: Option<u64>,
        /// Gives the time that 99 of 100 messages do not exceed, in nanoseconds.
        pub p99_processing_ns: Option<u64>,
        /// Gives the time that 999 of 1000 messages do not exceed, in nanoseconds.
        pub p99_9_processing_ns: Option<u64>,
        /// Holds the times of the last messages alone.
        pub window: Option<StatisticsWindow>,
    }
}

section! {
    /// Holds the times of the messages that were answered within a sliding window.
    pub struct StatisticsWindow {
        /// Gives the length of the window, in milliseconds.
        pub length_ms: Option<u64>,
        /// Counts the messages that workers answered within it, errors among them.
        pub received: Option<u64>,
        /// Gives their mean time, in nanoseconds.
        pub avg_processing_ns: Option<u64>,
        /// Gives the time that half of them do not exceed, in nanoseconds.
        pub p50_processing_ns: Option<u64>,
        /// Gives the time that 95 of 100 do not exceed, in nanoseconds.
        pub p95_processing_ns: Option<u64>,
        /// Gives the time that 99 of 100 do not exceed, in nanoseconds.
        pub p99_processing_ns: Option<u64>,
        /// Gives the time that 999 of 1000 do not exceed, in nanoseconds.
        pub p99_9_processing_ns: Option<u64>,
    }
}

section! {
    /// Limits every worker.
    pub struct WorkerLimit {
        /// Says what is limited, such as `memory` or `tasks`.
        pub resource: Option<String>,
        /// Says how much of it: bytes, jobs or milliseconds.
        pub requested: Option<u64>,
        /// Says who sees to it: `rlimit`, `watchdog` or `none`.
        pub enforced_by: Option<String>,
    }
}

section! {
    /// Counts workers that ended and that a registry has no more.
    pub struct ForgottenWorkers {
        /// Counts them.
        pub workers: Option<u64>,
        /// Counts the messages they processed.
        pub messages_processed: Option<u64>,
        /// Counts their errors.
        pub errors: Option<u64>,
    }
}

impl Statistics {
    /// Computes the errors per message received; `None` when it is unknown or no message was received.
    pub fn error_rate(&self) -> Option<f64> {
        ratio(self.total_errors?, self.total_messages_received?)
    }
}

section! {
    /// Holds the message ports between workers.
    pub struct MessagePortRegistry {
        /// Lists the ports.
        pub ports: Option<Vec<MessagePort>>,
    }
}

section! {
    /// Describes one message port.
    pub struct MessagePort {
        /// Names the port.
        pub id: Option<String>,
        /// Names the worker that holds the port.
        pub owner: Option<String>,
        /// Says what became of the port.
        pub state: Option<PortState>,
        /// Counts the messages that wait in the port.
        pub messages_queued: Option<u64>,
    }
}

words! {
    /// Says what became of a message port.
    pub enum PortState {
        /// Held by the thread that made it.
        Open = "open",
        /// Given to another thread.
        Transferred = "transferred",
        /// Closed.
        Closed = "closed",
    }
}

/// Divides two counts; `None` when there is nothing to divide by.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::{Statistics, WorkerPool, WorkerState};

    #[test]
    fn a_rate_of_nothing_is_unknown() {
        let none =
            Statistics { total_errors: Some(0), total_messages_received: Some(0), ..Statistics::default() };
        assert_eq!(none.error_rate(), None);
        assert_eq!(Statistics::default().error_rate(), None);
        assert_eq!(WorkerPool { active: Some(2), ..WorkerPool::default() }.utilization(), None);
        let empty = WorkerPool { active: Some(0), idle: Some(0), ..WorkerPool::default() };
        assert_eq!(empty.utilization(), None);
    }

    #[test]
    fn a_rate_comes_from_the_counts_and_not_from_the_stored_copy() {
        let stored = serde_json::from_str::<Statistics>(
            r#"{"total_errors": 1, "total_messages_received": 4, "error_rate": 0.9}"#,
        )
        .unwrap();
        assert_eq!(stored.error_rate(), Some(0.25));
    }

    #[test]
    fn an_unknown_word_is_kept() {
        let state: WorkerState = serde_json::from_str(r#""hibernating""#).unwrap();
        assert_eq!(state, WorkerState::Other("hibernating".to_owned()));
        assert_eq!(serde_json::to_string(&state).unwrap(), r#""hibernating""#);
    }

    #[test]
    fn a_known_word_is_never_other() {
        assert_eq!(WorkerState::from("processing"), WorkerState::Processing);
        assert_eq!(WorkerState::Processing.to_string(), "processing");
    }
}
