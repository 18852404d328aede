//! Policies: what code may do, decided by a pure function, and enforced by the kernel.

mod model;

pub use model::{
    Access, Action, Audit, Direction, Env, Exec, ExecRule, Fs, FsRule, Limits, Net, NetRule, Network, Policy,
    Ports, Protocol, Syscalls,
};
