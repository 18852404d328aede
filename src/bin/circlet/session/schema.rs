//! `circlet session schema`.

mod model;
mod python;
mod typescript;

use circlet::payload::json_schema;

use crate::failure::Failure;
use crate::output::print;

/// Print what a session payload has: a JSON Schema, or types of a language
///
/// Examples:
///   circlet session schema > session.schema.json
///   circlet session schema --typescript > session_payload.ts
///   circlet session schema --python > session_payload.py
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Print TypeScript: an interface for each section
    #[arg(long, conflicts_with = "python")]
    typescript: bool,
    /// Print Python: a TypedDict for each section
    #[arg(long)]
    python: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let schema = json_schema();
    let text = if arguments.typescript {
        typescript::module(&model::definitions(&schema))
    } else if arguments.python {
        python::module(&model::definitions(&schema))
    } else {
        serde_json::to_string_pretty(&schema).map_err(Failure::run)?
    };
    print(text.trim_end())
}
