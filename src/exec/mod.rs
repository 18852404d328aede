//! Workers that are processes: code strings that run in one of their own, and pools that call functions, under supervision.
//!
//! [`Workers`] is a pool whose jobs are calls of functions in Python or Bun processes: see `docs/pool.md`. An [`Executor`] has a
//! [`Session`], one process of Python or Bun that runs code strings in one namespace: what they print, show and ask for comes as [`Event`]s while they run,
//! and an [`Interrupter`] stops them. A [`SessionPool`] keeps sessions ready, which it makes by a fork server in a few milliseconds. It needs nothing installed but that [`Language`]: its code is in the C library, which is looked for by [`find_library`]. See
//! `docs/protocol.md`. A worker ends with its supervisor, also when that is killed.
//!
//! ```no_run
//! use circlet::exec::Executor;
//!
//! let mut python = Executor::builder().start()?;
//! let outcome = python.run("print('hello'); 6 * 7")?;
//! assert_eq!(outcome.value, Some(serde_json::json!(42)));
//! assert_eq!(outcome.stdout, "hello\n");
//! python.stop()?;
//! # Ok::<(), circlet::exec::Error>(())
//! ```

#![allow(
    unsafe_code,
    reason = "what std has no call for: descriptors over a socket, process groups, the parent-death signal"
)]

mod audit_trail;
mod boots;
mod builder;
mod call;
mod claims;
mod crew;
mod error;
mod executor;
mod fork_server;
mod forked;
mod heap;
mod interpreter;
mod language;
mod library;
mod limits;
mod link;
mod log;
mod message;
mod outputs;
mod passing;
pub mod policy;
mod ports;
mod process;
mod sandbox;
mod servant;
mod session;
mod session_pool;
mod setup;
mod shift;
mod source;
mod spawn;
mod workers;

pub use audit_trail::{AuditSnapshot, AuditTrail};
pub use builder::Builder;
#[cfg(feature = "capi")]
pub(crate) use call::encoded;
pub use call::{Call, Exception, Refused};
pub use error::{Ended, Error};
pub use executor::Executor;
pub(crate) use executor::ExecutorWatcher;
pub use forked::{AroundFork, Forked, ready_to_fork, serve_forks};
pub use heap::{HeapChange, HeapLine, HeapOptions, HeapSnapshot, HeapType};
pub use language::Language;
pub use library::find_library;
pub use limits::Limits;
pub use log::log_to_stderr;
pub use message::Codec;
pub use outputs::Stream;
pub use ports::{PortRefusal, Porter};
pub use process::Killer;
pub use sandbox::{
    Abilities, AuditRecord, Check, Found, Mechanism, Namespaces, SelfReported, Stage, Unenforceable,
};
pub use servant::{Servant, Taken};
#[cfg(feature = "capi")]
pub(crate) use session::{ANY, BEGINNINGS, Lent};
pub use session::{
    Bytes, CodeError, Event, Grace, Interrupter, Moment, Outcome, Recycled, Request, RunOptions, Session,
    SessionServant, State, StateKind, Stopped, Usage,
};
pub use session_pool::{SessionCounts, SessionPool, SessionSnapshot};
pub use source::source_of;
pub use workers::{Workers, WorkersBuilder};
