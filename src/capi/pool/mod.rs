//! The worker pool for C: jobs are functions of yours, and how they ended waits to be fetched.
//!
//! `types.rs` has what is given and got, `open.rs` makes and ends pools, `submit.rs` takes jobs in, `curves.rs` those that sample curves,
//! `job.rs` is for the jobs themselves, and `next.rs` says how they ended. Pools of processes are made by `processes.rs`, called by
//! `calls.rs`, heard by `answers.rs` and `output.rs`, and looked into by `heap.rs`.
//! `port.rs` has the ports, `job_port.rs` those that a job uses.

#[cfg(target_os = "linux")]
mod answers;
#[cfg(target_os = "linux")]
mod calls;
mod curves;
#[cfg(target_os = "linux")]
mod heap;
mod job;
mod job_port;
mod next;
mod open;
#[cfg(target_os = "linux")]
mod output;
mod port;
#[cfg(target_os = "linux")]
mod processes;
mod submit;
mod types;

use std::sync::{Mutex, PoisonError, RwLock};

#[cfg(target_os = "linux")]
pub use answers::*;
#[cfg(target_os = "linux")]
pub use calls::*;
pub use curves::*;
#[cfg(target_os = "linux")]
pub(super) use heap::wished;
pub use heap::*;
pub use job::*;
pub use job_port::*;
pub use next::*;
pub use open::*;
#[cfg(target_os = "linux")]
pub use output::*;
pub use port::*;
#[cfg(target_os = "linux")]
pub(super) use port::{side_of, worker_of};
pub use submit::*;
pub use types::*;

use super::call::Failure;
use super::status::circlet_status;
use crate::pool::{self, Completer, Pool};

impl circlet_pool {
    fn new(workforce: Workforce) -> Self {
        Self { workforce, failures: Mutex::default() }
    }

    /// Returns the pool, whatever its workers are.
    pub(in crate::capi) fn pool(&self) -> &Pool {
        match &self.workforce {
            Workforce::Threads { pool, .. } => pool,
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => processes.workers.pool(),
        }
    }

    /// Returns a pool of threads and its line; what is wrong else.
    fn threads(&self) -> Result<(&Pool, &Line<i32>), Failure> {
        match &self.workforce {
            Workforce::Threads { pool, line } => Ok((pool, line)),
            #[cfg(target_os = "linux")]
            Workforce::Processes(_) => Err(Failure::invalid(
                "this pool's workers are processes, which run no native functions: call functions of theirs by circlet_pool_call, \
                 or make a pool of CIRCLET_THREADS",
            )),
        }
    }

    /// Returns a pool of processes; what is wrong else.
    #[cfg(target_os = "linux")]
    fn processes(&self) -> Result<&Processes, Failure> {
        match &self.workforce {
            Workforce::Processes(processes) => Ok(processes),
            Workforce::Threads { .. } => Err(Failure::invalid(
                "this pool's workers are threads, which call no functions by name: submit native ones by circlet_pool_submit, \
                 and fetch their ends by circlet_pool_next, or make a pool of CIRCLET_PYTHON or CIRCLET_BUN",
            )),
        }
    }

    /// Lets the line of results come to its end, behind what the workers that have ended leave unanswered.
    fn finish(&self) {
        match &self.workforce {
            Workforce::Threads { line, .. } => line.finish(),
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => {
                processes.askers.join();
                processes.line.finish();
            }
        }
    }
}

impl<T> Line<T> {
    fn new() -> Self {
        let (completer, completions) = pool::completions();
        Self { completer: RwLock::new(Some(completer)), completions }
    }

    /// Does something with the end of the line that results go into.
    fn completing<R>(&self, body: impl FnOnce(&Completer<T>) -> Result<R, Failure>) -> Result<R, Failure> {
        let completer = self.completer.read().unwrap_or_else(PoisonError::into_inner);
        completer.as_ref().map_or_else(|| Err(pool::Error::Closed.into()), body)
    }

    fn finish(&self) {
        self.completer.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl From<pool::Error> for Failure {
    fn from(error: pool::Error) -> Self {
        use circlet_status::*;
        let status = match error {
            // These come often, and are not worth an allocation each time.
            pool::Error::TimedOut => {
                return Self::new(CIRCLET_TIMED_OUT, "the timeout passed without a completion");
            }
            pool::Error::Full { .. } => {
                return Self::new(CIRCLET_FULL, "the queue is full: as many jobs wait as may");
            }
            pool::Error::PortRing(error) => return (*error).into(),
            pool::Error::NoPort { .. } | pool::Error::NoSuchWorker { .. } => CIRCLET_NOT_FOUND,
            pool::Error::PortInUse { .. } => CIRCLET_BUSY,
            pool::Error::Unfinished { .. } | pool::Error::PortElsewhere { .. } => CIRCLET_TIMED_OUT,
            pool::Error::Closed | pool::Error::Finished => CIRCLET_CLOSED,
            pool::Error::Spawn { .. } => CIRCLET_OS,
            _ => CIRCLET_INVALID,
        };
        Self::new(status, error.to_string())
    }
}
