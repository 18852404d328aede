//! `circlet policy check`.

use std::io::Write;
use std::path::PathBuf;

use circlet::exec::policy::Policy;

use crate::failure::Failure;
use crate::output;

/// Tell whether files are policies, and what is wrong where
///
/// Exit codes: 0 if all of them are, 2 if one is not.
///
/// Examples:
///   circlet policy check policy.json
///   circlet policy check policies/*.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The files
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut all_are = true;
    for file in &arguments.files {
        match Policy::read(file) {
            Ok(_) => output::print(format_args!("{}: ok", file.display()))?,
            Err(error) => {
                all_are = false;
                // Where nobody listens, the exit code says it.
                let _ = writeln!(std::io::stderr(), "circlet: {error}");
            }
        }
    }
    if all_are { Ok(()) } else { Err(Failure::Code(2)) }
}
