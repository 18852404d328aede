//! What workers may use, and who sees to it.

use serde::{Serialize, Serializer};

/// A limit that was asked for, of every worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// How much of it: bytes, jobs or milliseconds.
    pub requested: u64,
    /// Who sees to it.
    pub enforced_by: Enforcer,
}

impl Limit {
    pub(crate) fn new(resource: Resource, requested: u64, enforced_by: Enforcer) -> Self {
        Self { resource, requested, enforced_by }
    }
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resource {
    /// Anonymous memory of a worker at the end of a job, in bytes.
    Memory,
    /// Memory that a worker can have at all, in bytes.
    HardMemory,
    /// Jobs of a worker.
    Tasks,
    /// Time that a worker exists, in milliseconds.
    Lifetime,
}

/// Who sees to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enforcer {
    /// The kernel, which refuses more (`setrlimit`).
    Rlimit,
    /// The pool, which looks between jobs and replaces the worker.
    Watchdog,
    /// Nobody.
    None,
}

/// What a worker has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResourceUsage {
    /// Its time on a processor in user mode, in nanoseconds. In JSON `user_cpu_ms`, in milliseconds.
    #[serde(rename = "user_cpu_ms", serialize_with = "milliseconds")]
    pub user_cpu_ns: u64,
    /// Its time on a processor in the kernel, in nanoseconds. In JSON `system_cpu_ms`, in milliseconds.
    #[serde(rename = "system_cpu_ms", serialize_with = "milliseconds")]
    pub system_cpu_ns: u64,
    /// Its memory, in bytes. In JSON `rss_mb`, in units of 2^20 bytes.
    #[serde(rename = "rss_mb", serialize_with = "megabytes", skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Why there is no memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_absent: Option<&'static str>,
}

impl From<crate::usage::Usage> for ResourceUsage {
    fn from(usage: crate::usage::Usage) -> Self {
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let rss_absent = "a thread has no memory of its own: see the memory of the process";
        Self {
            user_cpu_ns: nanoseconds(usage.user),
            system_cpu_ns: nanoseconds(usage.system),
            rss_bytes: usage.resident,
            rss_absent: usage.resident.is_none().then_some(rss_absent),
        }
    }
}

fn milliseconds<S: Serializer>(nanoseconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*nanoseconds as f64 / 1e6)
}

fn megabytes<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)).serialize(serializer)
}

/// Why a worker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WorkerEnd {
    /// It was not needed any more, or the pool was closed.
    Stopped,
    /// Another took its place, since it had reached a limit.
    Recycled,
    /// It could not boot, or died.
    Crashed,
}
