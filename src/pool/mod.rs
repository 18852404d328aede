//! A pool of worker threads that run jobs.
//!
//! A [`Pool`] has a fixed number of workers, each with a bounded queue, and deals jobs out in turn ([`Strategy`]). A
//! [`Job`] is a closure with a type and a size; submitting it gives a [`Handle`] to wait on, or a line of
//! [`Completions`] that come as jobs end. What goes wrong in a job is a value, a [`Failure`], and never ends a worker.
//! A [`Snapshot`] says what every worker does, in counts that add up. Nothing starts before [`Builder::build`], and
//! nothing is left when the pool is dropped.
//!
//! ```
//! use circlet::pool::{Failure, Job, Pool};
//! use std::time::Duration;
//!
//! let pool = Pool::builder().workers(2).queue(64).build()?;
//!
//! let sum = pool.submit(Job::new("sum", |_| Ok((1..=1000).sum::<u32>())).nodes(1000))?;
//! assert_eq!(sum.wait()?, 500_500);
//!
//! let faulty = pool.submit(Job::new("parse", |_| Ok("seven".parse::<u32>()?)))?;
//! assert!(matches!(faulty.wait(), Err(Failure::Error(_)))); // the worker goes on
//!
//! pool.drain(Duration::from_secs(10))?;
//! let statistics = pool.statistics();
//! assert_eq!((statistics.sent, statistics.received, statistics.errors), (2, 2, 1));
//! pool.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod completion;
mod controller;
mod error;
mod failure;
mod handle;
mod job;
mod lane;
pub mod scaling;
pub mod simulate;
mod snapshot;
mod strategy;
mod tally;
mod task;
mod worker;

pub use builder::{Builder, DEFAULT_QUEUE, MAX_WORKERS};
pub use completion::{Completer, Completion, Completions, completions};
pub use controller::Pool;
pub use error::{Error, Refused};
pub use failure::{Aborted, Failure, JobError};
pub use handle::Handle;
pub use job::{Job, JobContext, JobId};
pub use snapshot::{CurrentJob, PoolCounts, Snapshot, Statistics, WorkerEntry, WorkerState};
pub use strategy::Strategy;
pub use worker::WorkerId;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what no code of a caller ever runs under, so that a poisoned lock has nothing half-written behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
