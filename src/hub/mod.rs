//! The live hub: rooms of state that thousands of viewers watch over Socket.IO, and where a slow one hurts nobody.
//!
//! A room holds the newest value of each key. At most so many times a second whoever is up to date is told what changed, encoded once
//! for everybody; whoever comes, comes again or fell behind is told the whole state as soon as it can take it. Events that must not be
//! merged go through a short log with numbers. Nothing is queued for a viewer that is slow: see `docs/hub.md`.
//!
//! ```no_run
//! use circlet::hub::{Hub, HubOptions};
//! use serde_json::json;
//!
//! let hub = Hub::start(HubOptions::default())?; // at 127.0.0.1:3010
//! hub.set("game-1", "player", json!({"x": 1, "y": 2}))?; // the newest value of a key
//! hub.emit("game-1", "agent-action", json!({"action": "edit"}))?; // an event
//! println!("{} viewers", hub.stats().viewers);
//! # Ok::<(), circlet::hub::HubError>(())
//! ```
//!
//! Where things are, from the rooms outwards:
//!
//! | | |
//! |---|---|
//! | `room`, `rooms`, `state`, `change` | what a room holds, which there are, and what is done to one at once; no viewer, clock or socket |
//! | `core`, `ticker`, `viewer`, `quota` | what all threads share, who tells what is new, and what a viewer has of it |
//! | `codec`, `plain`, `events` | packets of Socket.IO, and what viewers and emitters say in them |
//! | `listener`, `linger` | where connections come in, and how they end |
//! | `engine`, `websocket`, `http`, `access`, `addresses`, `page` | transports, what else is asked for, who may and how often, the page |
//! | `source`, `recording`, `cluster`, `outbox` | rings and sessions that are shown; what is written to files and to Redis, and how it waits for that |
//! | `hub`, `options`, `stats`, `error`, `trouble` | a hub from start to stop, and what it says of itself |

mod access;
mod addresses;
mod change;
#[cfg(feature = "redis")]
mod cluster;
mod codec;
mod core;
mod engine;
mod error;
mod events;
mod http;
#[expect(clippy::module_inception, reason = "the hub itself")]
mod hub;
mod linger;
mod listener;
mod options;
mod options_json;
mod outbox;
mod page;
mod plain;
mod quota;
mod recording;
mod room;
mod rooms;
mod source;
mod state;
mod stats;
mod ticker;
mod trouble;
mod viewer;
mod websocket;

pub use self::change::{Change, Event};
pub use self::codec::Codec;
pub use self::error::HubError;
pub use self::hub::Hub;
pub use self::options::{ClientLimits, HubOptions};
pub use self::recording::{Moment, Outline, Recording};
pub use self::state::{Column, ColumnKind, State};
pub use self::stats::HubStats;
