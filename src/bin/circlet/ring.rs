//! `circlet ring`: what rings there are, what is in them, and the removal of those that nobody uses.

use circlet::ring::{self, Stats};
use circlet::shm::{PeerState, Segment};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::print;

/// Look at rings in shared memory
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the named rings of this machine
    ///
    /// Examples:
    ///   circlet ring list
    ///   circlet ring list --json | jq -r '.[].name'
    #[command(verbatim_doc_comment)]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
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
    /// Remove the rings that no process has open any more, and nothing else
    ///
    /// What lies in them is lost. Examples:
    ///   circlet ring prune
    #[command(verbatim_doc_comment)]
    Prune,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => list(*json),
        Command::Stat { name, json } => stat(name, *json),
        Command::Prune => prune(),
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "CAPACITY", "USED", "SENT", "RECEIVED", "PRODUCER", "CONSUMER"]);
    let mut all = Vec::new();
    for name in Segment::names().map_err(Failure::run)? {
        match ring::open(&name) {
            Ok(ring) => {
                let fields = fields(&name, &ring.stats());
                let text = |field: &str| plain(&fields[field]);
                table.add_row([
                    name,
                    text("capacity_bytes"),
                    text("used_bytes"),
                    text("frames_sent"),
                    text("frames_received"),
                    text("producer"),
                    text("consumer"),
                ]);
                all.push(fields);
            }
            // It may have gone meanwhile; what cannot be read is listed with its reason.
            Err(error) => {
                all.push(json!({ "name": name, "error": error.to_string() }));
                table.add_row([name, error.to_string()]);
            }
        }
    }
    if json {
        return print(Value::from(all));
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    print(table.trim_fmt())
}

fn stat(name: &str, json: bool) -> Result<(), Failure> {
    let fields = fields(name, &ring::open(name).map_err(Failure::input)?.stats());
    if json {
        print(fields)?;
    } else if let Some(fields) = fields.as_object() {
        for (field, value) in fields {
            print(format_args!("{field:<20} {}", plain(value)))?;
        }
    }
    Ok(())
}

fn prune() -> Result<(), Failure> {
    let mut removed = 0;
    for name in Segment::names().map_err(Failure::run)? {
        // One that has gone meanwhile needs no removing.
        if Segment::remove_abandoned(&name).unwrap_or(false) {
            print(format_args!("removed {name}"))?;
            removed += 1;
        }
    }
    if removed == 0 {
        print("nothing to remove: every ring is open somewhere")?;
    }
    Ok(())
}

fn fields(name: &str, stats: &Stats) -> Value {
    let peer = |state| match state {
        PeerState::Never => "never",
        PeerState::Alive => "alive",
        PeerState::Closed => "closed",
        PeerState::Dead => "died",
    };
    json!({
        "name": name,
        "capacity_bytes": stats.capacity_bytes,
        "used_bytes": stats.used_bytes,
        "frames_sent": stats.frames_sent,
        "frames_received": stats.frames_received,
        "payload_bytes_sent": stats.payload_bytes_sent,
        "full_events": stats.full_events,
        "producer": peer(stats.producer),
        "consumer": peer(stats.consumer),
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
