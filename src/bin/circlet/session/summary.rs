//! `circlet session summary`.

use super::read::{self, Source};
use crate::failure::Failure;
use crate::output::print;

/// Say in one paragraph what a session payload says
///
/// Examples:
///   circlet session summary payload.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// A file, - for standard input, or page:NAME for a page in shared memory
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Source,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    print(read::payload(&arguments.file)?.summary())
}
