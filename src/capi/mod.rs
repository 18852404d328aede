//! The C face: `include/circlet.h` is generated from these files, one for each part, which hold no logic.
//!
//! * Every fallible function returns an `int32_t`: 0 or a positive count is success, a negative value a [`circlet_status`].
//!   Values come back through out-parameters, and the thread's last detailed message through
//!   [`circlet_last_error`].
//! * NULL, alignment, lengths and UTF-8 are checked in every build, and no panic crosses the boundary.
//! * Handles are opaque: what `_create` and `_open` give ends with `_close`, what `_new` gives with `_free`.
#![allow(unsafe_code, reason = "C has no borrows: pointers are checked here and become references")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic must not reach C")]

mod call;
mod curve;
#[cfg(target_os = "linux")]
mod exec;
#[cfg(target_os = "linux")]
mod exec_options;
#[cfg(target_os = "linux")]
mod exec_run;
#[cfg(target_os = "linux")]
mod fork_server;
mod hub;
mod layout;
mod page;
mod payload;
mod pool;
mod ring;
#[cfg(target_os = "linux")]
mod session_pool;
#[cfg(target_os = "linux")]
mod shell;
mod side;
mod status;
mod text;
mod tracker;
#[cfg(target_os = "linux")]
mod worker;
#[cfg(all(feature = "exec", target_os = "linux"))]
mod worker_port;

pub use curve::*;
#[cfg(target_os = "linux")]
pub use exec::*;
#[cfg(target_os = "linux")]
pub use exec_options::*;
#[cfg(target_os = "linux")]
pub use exec_run::*;
#[cfg(target_os = "linux")]
pub use fork_server::*;
pub use hub::*;
pub use layout::*;
pub use page::*;
pub use payload::*;
pub use pool::*;
pub use ring::*;
#[cfg(target_os = "linux")]
pub use session_pool::*;
#[cfg(target_os = "linux")]
pub use shell::*;
pub use status::*;
pub use text::*;
pub use tracker::*;
#[cfg(target_os = "linux")]
pub use worker::*;
#[cfg(all(feature = "exec", target_os = "linux"))]
pub use worker_port::*;
