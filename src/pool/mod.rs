//! A pool of worker threads that run jobs.
//!
//! A [`Pool`] has as many workers as its jobs need ([`scaling`]), between a minimum and a maximum, and one bounded queue
//! that they take jobs from, by priority and then by age; a [`Strategy`] chooses among idle ones. A [`Job`] is a closure
//! with a type and a size; submitting it gives a [`Handle`] to wait on, or a line of [`Completions`] that come as jobs end.
//! What goes wrong in a job is a value, a [`Failure`], and never ends a worker. A [`Snapshot`] says what every worker does,
//! in counts that add up. Nothing starts before [`Builder::build`], and nothing is left when the pool is dropped.
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
#![cfg_attr(
    not(all(feature = "exec", target_os = "linux")),
    allow(
        dead_code,
        reason = "what kinds of workers above this need, of which there are none without the feature"
    )
)]

mod bell;
mod builder;
mod completion;
mod departed;
mod desk;
mod dispatch;
mod error;
mod failure;
mod handle;
mod intake;
mod job;
mod keeper;
mod lane;
mod limits;
mod message;
#[cfg(all(test, loom))]
mod modelled;
mod pending;
#[allow(clippy::module_inception, reason = "the pool itself, among its parts")]
mod pool;
mod ports;
mod queue;
mod quota;
pub mod scaling;
pub mod simulate;
mod snapshot;
mod strategy;
mod sync;
mod tally;
mod task;
mod ticket;
mod waits;
mod worker;

pub use builder::{Builder, DEFAULT_QUEUE, DEFAULT_WINDOW, MAX_WORKERS};
pub use completion::{Completer, Completion, Completions, completions};
pub use error::{Error, Refused};
pub use failure::{Aborted, Failure, JobError};
pub use handle::Handle;
pub use job::{Job, JobContext, JobId};
pub use limits::{Enforcer, Limit, Resource, ResourceUsage, WorkerEnd};
pub use pool::Pool;
pub use ports::{End, Port, PortEntry, PortId, PortRegistry, PortState};
pub use snapshot::{
    CurrentJob, Features, Forgotten, Percentiles, PoolCounts, Snapshot, Statistics, Windowed, WorkerEntry,
    WorkerState,
};
pub use strategy::{Overflow, Strategy};
pub use worker::WorkerId;

// For the C face and kinds of workers above this.
#[cfg(any(feature = "capi", all(feature = "exec", target_os = "linux")))]
pub(crate) use ports::Ports;
// For kinds of workers above this.
#[cfg(all(feature = "exec", target_os = "linux"))]
pub(crate) use {
    desk::{Desk, Turn},
    lane::Lane,
    message::{Message, Station},
    ports::Granted,
    task::{Closure, Task},
    worker::Kind,
};
