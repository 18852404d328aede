//! Policies: what code may do, decided by a pure function, and enforced by the kernel.
//!
//! A [`Policy`] is a JSON document, or a [template](Policy::template). [Resolved](Policy::resolve) in its [`Surroundings`] it
//! [decides](Resolved::decide) on each [`Request`]. The format is in `docs/policies.md`.

mod absent;
mod check;
mod decide;
mod error;
mod flags;
mod given;
mod merge;
mod model;
mod names;
mod numbers;
mod parse;
mod request;
mod resolve;
mod special;
mod syscalls;
mod templates;
mod written;

pub use error::{Given, PolicyError};
pub use flags::Flags;
pub use model::{
    Access, Action, Audit, Direction, Env, Exec, ExecRule, Fs, FsRule, Limits, Net, NetRule, Network, Policy,
    Ports, Protocol, Syscalls,
};
pub use request::{Decision, Place, Request, Rule};
pub use resolve::{Layer, Resolved, ResolvedExecRule, ResolvedFsRule, Surroundings};
pub use syscalls::{is_syscall, syscall_number};
