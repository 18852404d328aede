//! `circlet session summary`.

use std::path::PathBuf;

use super::read;
use crate::failure::Failure;
use crate::output::print;

/// Say in one paragraph what a session payload says
///
/// Examples:
///   circlet session summary payload.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The file, or - for standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    print(read::payload(&arguments.file)?.summary())
}
