//! `circlet ring`: what is in a ring.

use circlet::ring;
use circlet::shm::PeerState;
use serde_json::json;

use crate::failure::Failure;

/// Look at rings
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print a ring's counters
    ///
    /// Examples:
    ///   circlet ring stat frames
    ///   circlet ring stat frames --json
    #[command(verbatim_doc_comment)]
    Stat {
        /// The ring's name, a file in /dev/shm
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Stat { name, json } = command;
    let stats = ring::open(name).map_err(Failure::input)?.stats();
    let peer = |state| match state {
        PeerState::Never => "never",
        PeerState::Alive => "alive",
        PeerState::Closed => "closed",
        PeerState::Dead => "died",
    };
    let fields = json!({
        "name": name,
        "capacity_bytes": stats.capacity_bytes,
        "used_bytes": stats.used_bytes,
        "frames_sent": stats.frames_sent,
        "frames_received": stats.frames_received,
        "payload_bytes_sent": stats.payload_bytes_sent,
        "full_events": stats.full_events,
        "producer": peer(stats.producer),
        "consumer": peer(stats.consumer),
    });
    if *json {
        println!("{fields}");
    } else if let Some(fields) = fields.as_object() {
        for (field, value) in fields {
            println!("{field:<20} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    Ok(())
}
