//! How circlet's hub is started, and how its frames come about. Whatever changes with the hub changes here.
//!
//! `--hub COMMAND` starts it. The command prints a line with its port, serves Socket.IO there, has viewers join the room that their event
//! `join-game` names, acknowledging it, and on the event `start` publishes that many frames to the room as [`crate::frames::Frame`]
//! has them, one a tick, and acknowledges with their number: what all peers do. A hub of this library can do so in this program, as
//! `serve.rs` does with socketioxide: `--serve=circlet` is then what `command` gives without `--hub`.

use std::ffi::OsString;

use crate::Outcome;
use crate::options::Options;
use crate::protocol::Protocol;

pub(crate) const PROTOCOL: Protocol = Protocol::SocketIo;

/// Gives the program that serves the hub, with its arguments.
pub(crate) fn command(options: &Options) -> Outcome<Vec<OsString>> {
    match &options.hub {
        Some(command) => Ok(command.split_whitespace().map(OsString::from).collect()),
        None => Err("there is no hub but one that is named: --hub \"PROGRAM ARGUMENT...\"".into()),
    }
}
