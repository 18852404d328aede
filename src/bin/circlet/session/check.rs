//! `circlet session check`.

use serde_json::json;

use super::read::{self, Source};
use crate::failure::Failure;
use crate::output::{harmless, print};

/// Say what of a session payload cannot be true together, and which of its fields nobody knows
///
/// Totals that are no sums, states that exclude each other, values that are none of their kind, times that
/// are too far apart, and zeros where other facts say that there is something.
///
/// Exit codes: 0 if nothing contradicts, 1 if something does, 2 if it is no payload.
///
/// Examples:
///   circlet session check payload.json
///   circlet session check - --json < payload.json | jq '.contradictions[].what'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// A file, - for standard input, or page:NAME for a page in shared memory
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let payload = read::payload(&arguments.file)?;
    let (found, unknown) = (payload.contradictions(), payload.unknown_fields());
    if arguments.json {
        print(json!({ "contradictions": found, "unknown_fields": unknown }))?;
    } else {
        for one in &found {
            print(format_args!("{}: {}", harmless(&one.paths.join(", ")), harmless(&one.what)))?;
        }
        if !unknown.is_empty() {
            print(format_args!(
                "Fields that nobody knows, which are kept: {}",
                harmless(&unknown.join(", "))
            ))?;
        }
        if found.is_empty() {
            print("Nothing contradicts.")?;
        }
    }
    if found.is_empty() { Ok(()) } else { Err(Failure::Code(1)) }
}
