//! What a tracker refuses.

use std::io;

use crate::page;
use crate::payload;
use crate::ring;

/// Why a tracker could not be started, or did not take what it was given. It is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// The process cannot be looked at.
    #[error("process {pid} cannot be looked at: {source}; give the id of one that runs, of the same user")]
    Process {
        /// Its id.
        pid: u32,
        /// What the system says.
        source: io::Error,
    },
    /// The page cannot be made, or not be written.
    #[error(transparent)]
    Page(#[from] page::Error),
    /// An option has a value that it cannot have.
    #[error("`{option}` is {given}: {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What was given.
        given: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// No thread could be started.
    #[error("no thread for it: {0}")]
    Thread(io::Error),
    /// Nothing that a program measures is there.
    #[error(
        "`{given}` is nothing that a program says it measured: give one of {}, or a path in `metadata` or one of these that is not measured here",
        allowed.join(", ")
    )]
    NoSection {
        /// What was given.
        given: String,
        /// The sections that it can be.
        allowed: Vec<&'static str>,
    },
    /// It is measured, and nobody else says it.
    #[error("`{0}` is measured, and nobody else says it")]
    Measured(String),
    /// A ring cannot be watched.
    #[error("the ring cannot be watched: {0}")]
    Ring(Box<ring::Error>),
    /// Something of this name is watched.
    #[error("something is watched as `{0}` already: give another name, or unwatch it first")]
    KnownWatch(String),
    /// A patch is no object, or does not fit the schema.
    #[error("the patch is refused: {0}")]
    Patch(#[from] payload::Error),
    /// The payload would be too long.
    #[error(
        "the payload would have {len} bytes, and may have {max}: start with larger `max_bytes`, or say less"
    )]
    TooLarge {
        /// The bytes that it would have.
        len: usize,
        /// The most that it may have.
        max: u32,
    },
    /// There is a worker of this id.
    #[error("there is a worker `{0}` already: update it, or forget it first")]
    KnownWorker(String),
    /// There is no worker of this id.
    #[error("there is no worker `{0}`: register it first")]
    UnknownWorker(String),
    /// No snapshot of this number is remembered.
    #[error("snapshot {seq} is not remembered: {} are", listed(known))]
    Forgotten {
        /// The number.
        seq: u64,
        /// Those that are, in order.
        known: Vec<u64>,
    },
    /// This process was forked from the one that started the tracker.
    #[error("the tracker is of the process that this one was forked from: start another here")]
    Forked,
}

fn listed(known: &[u64]) -> String {
    match known {
        [] => "none".to_owned(),
        _ => known.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}
