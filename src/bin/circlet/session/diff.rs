//! `circlet session diff`.

use circlet::payload::{SessionPayload, merge_diff};
use serde_json::Value;

use super::read::{self, Source};
use super::snapshot::written;
use crate::failure::Failure;
use crate::output::print;

/// What every snapshot has another value of.
const TIMES: [&str; 3] = ["seq", "captured_at_ms", "ages_ms"];

/// Print what changed from one session payload to another, as a JSON Merge Patch (RFC 7396)
///
/// Both are compared in the canonical form, whichever they are written in; the numbers and times of the
/// snapshots themselves are left out.
///
/// Exit codes: 0 if nothing changed, 1 if something did, 2 if one is no payload.
///
/// Examples:
///   circlet session diff before.json after.json
///   circlet session diff before.json page:app
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The one from which: a file, - for standard input, or page:NAME
    #[arg(value_name = "A", value_hint = clap::ValueHint::FilePath)]
    from: Source,
    /// The one to which
    #[arg(value_name = "B", value_hint = clap::ValueHint::FilePath)]
    to: Source,
    /// Compare the numbers and times of the snapshots too
    #[arg(long)]
    times: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if [&arguments.from, &arguments.to].into_iter().all(Source::is_input) {
        return Err(Failure::input("A and B are both standard input: one of them can be"));
    }
    let value = |source: &Source| -> Result<Value, Failure> {
        let payload: SessionPayload = read::payload(source)?;
        let mut value = payload.to_value();
        if let (false, Some(members)) = (arguments.times, value.as_object_mut()) {
            TIMES.iter().for_each(|name| drop(members.remove(*name)));
        }
        Ok(value)
    };
    let patch = merge_diff(&value(&arguments.from)?, &value(&arguments.to)?);
    print(written(&patch))?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) { Ok(()) } else { Err(Failure::Code(1)) }
}
