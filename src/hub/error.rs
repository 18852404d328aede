//! What a hub refuses, and why.

use std::io;
use std::path::PathBuf;

use crate::shm;

/// Why a hub does not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The address cannot be listened at.
    #[error("cannot listen at {addr}: {cause}")]
    Listen {
        /// The address.
        addr: String,
        /// What the system says.
        cause: io::Error,
    },
    /// No thread can be started.
    #[error("a thread of the hub cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// An option has a value that it cannot have.
    #[error("`{option}` is {given}; allowed is {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What was given.
        given: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A room or key has no name, or one that is too long.
    #[error("the name of a {what} has {bytes} bytes; a name has 1 to {limit}")]
    Name {
        /// What is named so: `room`, `key` or `event`.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An event has a name that clients would take for something else.
    #[error(
        "`{event}` is what Socket.IO or the hub itself tells by that name; give another, such as `agent-action`"
    )]
    Event {
        /// Its name.
        event: String,
    },
    /// A room is the hub's own.
    #[error("the room `{room}` is the hub's own: give another")]
    Own {
        /// The room.
        room: String,
    },
    /// No ring or page can have a name.
    #[error(transparent)]
    Source(shm::Error),
    /// Something is shown already.
    #[error("`{name}` is shown in the room `{room}` already")]
    Shown {
        /// The ring or page.
        name: String,
        /// The room.
        room: String,
    },
    /// A value is nested too deep.
    #[error("a value is nested deeper than {limit} levels, the most there may be: make it flatter")]
    Deep {
        /// How deep it may be.
        limit: usize,
    },
    /// A room holds as much as it may.
    #[error(
        "room `{room}` is full: it would hold {given} {of}, and may hold {limit}; remove keys that nobody needs, or start the hub with a larger \
         `{}`",
        if *of == "keys" { "max_keys" } else { "max_room_bytes" }
    )]
    Full {
        /// The room.
        room: String,
        /// Of what: `keys` or `bytes`.
        of: &'static str,
        /// How much it would hold.
        given: usize,
        /// How much it may hold.
        limit: usize,
    },
    /// There are as many rooms as there may be.
    #[error(
        "no place for room `{room}`: there are {limit} rooms, as many as there may be; those that nobody watches go after a while without \
         activity (`idle_room`), and more may be with a larger `max_rooms`"
    )]
    Rooms {
        /// The room that there is no place for.
        room: String,
        /// How many there may be.
        limit: usize,
    },
    /// A recording cannot be written or read.
    #[error("the recording {}{}: {why}", path.display(), at_line(*line))]
    Recording {
        /// The file.
        path: PathBuf,
        /// The line that is wrong, from 1 on; 0 for the file.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The Redis server that rooms are shared by cannot be used.
    #[error("redis at {at}: {why}")]
    Redis {
        /// Where it is, without a password.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// The hub has been stopped.
    #[error("the hub has been stopped")]
    Stopped,
    /// This process was forked from the one that started the hub.
    #[error("the hub is of the process that this one was forked from: start another here")]
    Forked,
}

fn at_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!(", line {line}") }
}
