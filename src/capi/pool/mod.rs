//! The worker pool for C: jobs are functions of yours, and how they ended waits to be fetched.
//!
//! `types.rs` has what is given and got, `open.rs` makes and ends pools, `submit.rs` takes jobs in, `curves.rs` those that sample curves,
//! `job.rs` is for the jobs themselves, and `next.rs` says how they ended. `port.rs` has the ports, `job_port.rs` those that a job uses.

mod curves;
mod job;
mod job_port;
mod next;
mod open;
mod port;
mod submit;
mod types;

use std::sync::{Mutex, PoisonError, RwLock};

pub use curves::*;
pub use job::*;
pub use job_port::*;
pub use next::*;
pub use open::*;
pub use port::*;
#[cfg(all(feature = "exec", target_os = "linux"))]
pub(super) use port::{side_of, worker_of};
pub use submit::*;
pub use types::*;

use super::call::Failure;
use super::status::circlet_status;
use crate::pool::{self, Completer, Pool};

impl circlet_pool {
    fn new(pool: Pool) -> Self {
        let (completer, completions) = pool::completions();
        Self { pool, completer: RwLock::new(Some(completer)), completions, failures: Mutex::default() }
    }

    /// Does something with the end of the line that results go into.
    fn completing<T>(&self, body: impl FnOnce(&Completer<i32>) -> Result<T, Failure>) -> Result<T, Failure> {
        let completer = self.completer.read().unwrap_or_else(PoisonError::into_inner);
        completer.as_ref().map_or_else(|| Err(pool::Error::Closed.into()), body)
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
