//! `circlet ring prune`.

use circlet::shm::{self, Segment};
use serde_json::json;

use super::look::no_such;
use crate::failure::Failure;
use crate::output::{harmless, print};

/// Remove the rings and pages that no process has open any more, and nothing else
///
/// What lies in them is lost. Examples:
///   circlet ring prune --dry-run
///   circlet ring prune
///   circlet ring prune frames
///   circlet ring prune --json | jq -r '.removed[]'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Look at these alone; at all of them where none is given
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let remove = if arguments.dry_run { Segment::is_abandoned } else { Segment::remove_abandoned };
    let (mut removed, mut kept, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let all = Segment::names().map_err(Failure::run)?;
    if let Some(name) = arguments.names.iter().find(|name| !all.contains(name)) {
        return Err(no_such(name));
    }
    for name in if arguments.names.is_empty() { all } else { arguments.names.clone() } {
        match remove(&name) {
            Ok(true) => removed.push(name),
            Ok(false) => kept.push(name),
            // One that has gone meanwhile needs no removing.
            Err(shm::Error::NotFound { .. }) => {}
            Err(error) => failed.push(format!("{:?}: {error}", harmless(&name))),
        }
    }
    if arguments.json {
        print(json!({ "dry_run": arguments.dry_run, "removed": removed, "kept": kept, "failed": failed }))?;
    } else {
        let does = if arguments.dry_run { "would remove" } else { "removed" };
        for name in &removed {
            print(format_args!("{does} {}", harmless(name)))?;
        }
        if removed.is_empty() && failed.is_empty() {
            let what = if arguments.names.is_empty() { "every ring and page" } else { "what was named" };
            print(format_args!("nothing to remove: {what} is open somewhere"))?;
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::run(failed.join("; "))) }
}
