//! `circlet session summary`.

use circlet::payload::SUMMARY_TOKENS;

use super::read::{self, Source};
use crate::failure::Failure;
use crate::output::print;

/// Say in a few lines what a session payload says, as a part of a prompt
///
/// Never more than so many tokens of o200k_base: by its own count where this program has its vocabulary, and
/// else by the most that it can count. The least important lines are left out first, and counted in the last line.
///
/// Examples:
///   circlet session summary
///   circlet session summary payload.json
///   circlet session summary --tokens 450 page:app
///   circlet session summary - --tokens 200 < payload.json
///   circlet session summary payload.json --json | jq '{tokens, is_exact, omitted}'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// A file, - for standard input, or page:NAME for a page in shared memory; without one, a snapshot of the
    /// project here
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<Source>,
    /// The most tokens that it may be
    #[arg(long, value_name = "N", default_value_t = SUMMARY_TOKENS)]
    tokens: u64,
    /// Print JSON: the text, its tokens, whether they are exact, and how many lines were left out
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let summary = read::payload_or_here(arguments.file.as_ref())?.summary(arguments.tokens);
    if arguments.json {
        return print(serde_json::json!(summary));
    }
    if !summary.text.is_empty() {
        print(&summary)?;
    }
    Ok(())
}
