//! What a session does and has done, for whoever looks at all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::pool::{CurrentJob, JobId, WorkerEnd, WorkerEntry, WorkerId, WorkerState};
use crate::usage::Probe;

/// Characters that are kept of what a run raised last.
const LAST_ERROR: usize = 1000;

/// What a session does and has done.
#[derive(Debug)]
pub(in crate::exec) struct Life {
    pub(in crate::exec) id: WorkerId,
    created_at_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pid: Option<u32>,
    runs: u64,
    errors: u64,
    last_error: Option<String>,
    running: Option<(u32, Instant)>,
    is_stopping: bool,
    /// Why it is to end, if it is.
    leaves: Option<WorkerEnd>,
    has_ended: bool,
}

impl Life {
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let created_at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        Self { id: WorkerId::next(), created_at_ms, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_process(&self, pid: u32) {
        self.state().pid = Some(pid);
    }

    pub(super) fn runs(&self, request: u32) {
        let mut state = self.state();
        state.running = Some((request, Instant::now()));
        state.is_stopping = false;
    }

    pub(super) fn stops(&self) {
        self.state().is_stopping = true;
    }

    /// A run is over; what it raised, if anything, is told.
    pub(super) fn has_run(&self, raised: Option<String>) {
        let mut state = self.state();
        state.running = None;
        state.runs += 1;
        if raised.is_some() {
            state.errors += 1;
            state.last_error = raised.map(|raised| raised.chars().take(LAST_ERROR).collect());
        }
    }

    /// Says why it is to end, if nobody has yet.
    pub(in crate::exec) fn leaves(&self, why: WorkerEnd) {
        self.state().leaves.get_or_insert(why);
    }

    pub(super) fn ends(&self) {
        let mut state = self.state();
        state.has_ended = true;
        state.leaves.get_or_insert(WorkerEnd::Crashed);
        if state.running.take().is_some() {
            state.runs += 1;
            state.errors += 1;
            state.last_error = Some("the session ended".to_owned());
        }
    }

    pub(in crate::exec) fn has_ended(&self) -> bool {
        self.state().has_ended
    }

    /// Returns the registry's entry.
    pub(in crate::exec) fn entry(&self) -> WorkerEntry {
        let state = self.state();
        let probe = state.pid.filter(|_| !state.has_ended).map(|pid| Probe::Process { pid });
        let current_job = state.running.map(|(request, since)| CurrentJob {
            id: JobId::from(u64::from(request)),
            kind: "run".into(),
            nodes: None,
            elapsed_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            abort_signal: state.is_stopping,
        });
        WorkerEntry {
            state: match &current_job {
                _ if state.has_ended => WorkerState::Terminated,
                _ if state.leaves.is_some() => WorkerState::Draining,
                Some(_) => WorkerState::Processing,
                None if state.pid.is_none() => WorkerState::Booting,
                None => WorkerState::Idle,
            },
            created_at_ms: self.created_at_ms,
            messages_processed: state.runs,
            errors: state.errors,
            last_error: state.last_error.clone(),
            end: state.leaves.filter(|_| state.has_ended),
            pid: state.pid,
            heap_snapshot_count: None,
            resource_usage: probe.and_then(Probe::usage).map(Into::into),
            current_job,
        }
    }
}
