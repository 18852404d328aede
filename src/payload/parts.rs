//! What circlet itself knows of a session: its rings, executors, policies and hub.

use super::section::section;
#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::exec::policy::{Action, Policy};
#[cfg(feature = "hub")]
use crate::hub::HubStats;
use crate::pool::{WorkerEntry, WorkerState};

section! {
    /// Describes one ring in shared memory.
    pub struct RingState {
        /// Says how it is used: `spsc`, `mpsc` or `broadcast`.
        pub mode: Option<String>,
        /// Gives its capacity.
        pub capacity_bytes: Option<u64>,
        /// Gives what is in it and was not received.
        pub used_bytes: Option<u64>,
        /// Gives the most that was in it.
        pub high_water_bytes: Option<u64>,
        /// Counts the frames sent.
        pub frames_sent: Option<u64>,
        /// Counts the frames received.
        pub frames_received: Option<u64>,
        /// Counts the messages dropped as there was no place.
        pub dropped: Option<u64>,
        /// Counts how often there was no place for a message.
        pub full_events: Option<u64>,
        /// Counts its producers.
        pub producers: Option<u64>,
    }
}

impl From<&crate::ring::Stats> for RingState {
    fn from(stats: &crate::ring::Stats) -> Self {
        Self {
            mode: Some(stats.mode.to_string()),
            capacity_bytes: Some(stats.capacity_bytes),
            used_bytes: Some(stats.used_bytes),
            high_water_bytes: Some(stats.high_water_bytes),
            frames_sent: Some(stats.frames_sent),
            frames_received: Some(stats.frames_received),
            dropped: Some(stats.dropped),
            full_events: Some(stats.full_events),
            producers: Some(stats.producers as u64),
            ..Self::default()
        }
    }
}

section! {
    /// Describes one executor: a supervised worker that runs code.
    pub struct ExecutorState {
        /// Names the language, such as `python`.
        pub language: Option<String>,
        /// Gives the id of its process.
        pub pid: Option<u64>,
        /// Says what it does: `booting`, `idle`, `processing`, `draining` or `terminated`.
        pub state: Option<String>,
        /// Names the policy that it runs under, a member of `policies`.
        pub policy: Option<String>,
        /// Counts the calls that it ran.
        pub calls: Option<u64>,
        /// Counts those that raised.
        pub errors: Option<u64>,
    }
}

impl From<&WorkerEntry> for ExecutorState {
    fn from(entry: &WorkerEntry) -> Self {
        let state = match entry.state {
            WorkerState::Booting => "booting",
            WorkerState::Idle => "idle",
            WorkerState::Processing => "processing",
            WorkerState::Draining => "draining",
            WorkerState::Terminated => "terminated",
        };
        Self {
            pid: entry.pid.map(u64::from),
            state: Some(state.to_owned()),
            calls: Some(entry.messages_processed),
            errors: Some(entry.errors),
            ..Self::default()
        }
    }
}

section! {
    /// Describes one policy.
    pub struct PolicyState {
        /// Gives the version of its format.
        pub version: Option<u64>,
        /// Counts its rules.
        pub rules: Option<u64>,
        /// Says what becomes of files that no rule speaks of: `allow`, `deny` or `warn`.
        pub files: Option<String>,
        /// Says what becomes of connections that no rule speaks of.
        pub network: Option<String>,
    }
}

#[cfg(all(feature = "exec", target_os = "linux"))]
impl From<&Policy> for PolicyState {
    fn from(policy: &Policy) -> Self {
        let word = |action: Action| serde_json::to_value(action).ok()?.as_str().map(str::to_owned);
        let rules = policy.fs.rules.len() + policy.net.rules.len() + policy.exec.rules.len();
        Self {
            version: Some(policy.version.into()),
            rules: Some(rules as u64),
            files: word(policy.fs.default),
            network: word(policy.net.default),
            ..Self::default()
        }
    }
}

section! {
    /// Describes the hub that shows the session to viewers.
    pub struct HubState {
        /// Gives the address that it listens at.
        pub address: Option<String>,
        /// Counts the viewers that are connected.
        pub viewers: Option<u64>,
        /// Counts its rooms.
        pub rooms: Option<u64>,
        /// Counts the updates that it sent.
        pub updates_sent: Option<u64>,
    }
}

#[cfg(feature = "hub")]
impl From<&HubStats> for HubState {
    fn from(stats: &HubStats) -> Self {
        Self {
            viewers: Some(stats.viewers),
            rooms: Some(stats.rooms),
            updates_sent: Some(stats.told),
            ..Self::default()
        }
    }
}
