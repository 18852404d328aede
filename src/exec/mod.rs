//! Workers that are processes: code strings that run in one of their own, and pools that call functions, under supervision.
//!
//! [`Workers`] is a pool whose jobs are calls of functions in Python or Bun processes: see `docs/pool.md`. An [`Executor`] starts one worker, which needs nothing installed but Python: its code comes over the control socket,
//! so that it always matches the supervisor's, and the C library is looked for by [`find_library`]. The data plane is
//! two rings, the control plane a Unix socket with the lines `READY`, `DATA` and `STOP`: see `docs/protocol.md`.
//! A worker ends with its executor, also when the supervisor is killed.
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

mod boots;
mod call;
mod claims;
mod control;
mod crew;
mod error;
mod executor;
mod heap;
mod interpreter;
mod library;
mod limits;
mod link;
mod message;
mod passing;
mod ports;
mod process;
mod servant;
mod setup;
mod shift;
mod source;
mod wire;
mod workers;

#[cfg(feature = "capi")]
pub(crate) use call::encoded;
pub use call::{Call, Exception, Refused};
pub use error::{Ended, Error};
pub use executor::{Builder, Executor};
pub use heap::{HeapChange, HeapLine, HeapOptions, HeapSnapshot, HeapType};
pub use library::find_library;
pub use limits::Limits;
pub use message::Codec;
pub use ports::{PortRefusal, Porter};
pub use process::{Killer, Stream};
pub use servant::{Servant, Taken};
pub use source::source_of;
pub use wire::{Outcome, PythonError};
pub use workers::{Workers, WorkersBuilder};
