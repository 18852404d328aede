//! The live hub.
#![allow(missing_docs, dead_code, unused_imports, reason = "being built")]

mod access;
mod codec;
mod core;
mod engine;
mod error;
mod events;
mod http;
#[expect(clippy::module_inception, reason = "the hub itself")]
mod hub;
mod options;
mod page;
mod quota;
mod room;
mod rooms;
mod source;
mod state;
mod ticker;
mod viewer;
mod websocket;

pub use self::codec::Codec;
pub use self::error::HubError;
pub use self::hub::{Hub, HubStats};
pub use self::options::{ClientLimits, HubOptions};
pub use self::state::{Column, ColumnKind, State};
