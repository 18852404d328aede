//! `circlet policy`: writes, checks and explains what code may do.

pub(crate) mod arguments;
mod check;
mod explain;
mod given;
mod here;
mod init;
mod question;
mod table;

use circlet::exec::policy::Policy;

pub(crate) use arguments::FlagArguments;
pub(crate) use given::{given, named_by_environment};
pub(crate) use here::note_absent;

use crate::failure::Failure;
use crate::output;

/// Write, check and explain policies: what code may do
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Init(init::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    /// Print the JSON Schema of policies, for editors
    ///
    /// Examples:
    ///   circlet policy schema > policy.schema.json
    #[command(verbatim_doc_comment)]
    Schema,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Schema => {
            let schema = schemars::schema_for!(Policy);
            output::print(serde_json::to_string_pretty(&schema).map_err(Failure::run)?)
        }
    }
}
