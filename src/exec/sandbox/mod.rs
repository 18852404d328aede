//! Confinement: what a policy says, made into what the kernel refuses.
//!
//! [`Cage`] is made by the supervisor, all of it, before a process is started; the process takes its [`Steps`] between fork and
//! exec, or between a fork server's fork and the shell. Before the first run the session locks it: no programs any more. The
//! supervisor then looks whether it holds. See `docs/security.md`.
//!
//! | what | where |
//! |---|---|
//! | the whole of it, and the steps of the process | `cage`, `enter`, `check`, `places`, `runtime`, `doctor` |
//! | system calls: which ones, as a program for the kernel | `calls`, `options`, `bpf` |
//! | questions: who asks, who answers, what a supervisor may do | `guard`, `notices`, `asker`, `copies`, `reach`, `known` |
//! | files: as Landlock and mounts have them; what is written down of them | `grounds`, `fence`, `aliases`; `files`, `uses`, `walk` |
//! | programs | `programs` |
//! | networks: sockets and addresses; calls made for the session; domains | `network`, `no_network`, `socket`; `connections`, `sends`, `messages`, `control`, `deeds`, `in_flight`; `proxy` |
//! | limits: of the kernel's; processes and memory of all together | `limits`; `crowd`, `census`, `memory`, `count` |
//! | what is written down | `audit`, `flow` |

mod aliases;
mod asker;
mod audit;
mod bpf;
mod cage;
mod calls;
mod census;
mod check;
mod connections;
mod control;
mod copies;
mod count;
mod crowd;
mod deeds;
mod doctor;
mod enter;
mod fence;
mod files;
mod flow;
mod grounds;
mod guard;
mod in_flight;
mod known;
mod limits;
mod memory;
mod messages;
mod network;
mod no_network;
mod notices;
mod options;
mod places;
mod programs;
mod proxy;
mod reach;
mod runtime;
mod sends;
mod socket;
mod uses;
mod walk;

pub use audit::{AuditRecord, Mechanism, SelfReported};
pub(super) use audit::{Callback, Witness};
pub(super) use cage::Cage;
pub(super) use calls::is_refused_to_all;
pub(super) use check::{attempt, lock};
pub use doctor::{Abilities, Check, Found};
pub use enter::Stage;
pub(super) use enter::Steps;
pub(super) use grounds::resolved;
pub(super) use guard::Guard;
pub(super) use memory::MemoryWatch;
pub use places::Namespaces;
pub(super) use runtime::Runtime;

/// What of a policy cannot be enforced here, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Unenforceable {
    /// The place in the policy, or the mechanism.
    pub what: String,
    /// Why not, and what to do.
    pub why: String,
}

impl Unenforceable {
    fn new(what: &str, why: &str) -> Self {
        Self { what: what.to_owned(), why: why.to_owned() }
    }
}
