//! `circlet ring`: what rings and pages there are, what is in them, and the removal of those that nobody uses.

mod dump;
mod list;
mod look;
mod prune;
mod stat;
mod top;

use crate::failure::Failure;

/// Look at rings and pages in shared memory
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the named rings and pages of this machine
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
    /// Print a ring's counters, or a page's
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
    Top(top::Arguments),
    Dump(dump::Arguments),
    Prune(prune::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json } => list::run(*json),
        Command::Stat { name, json } => stat::run(name, *json),
        Command::Top(arguments) => top::run(arguments),
        Command::Dump(arguments) => dump::run(arguments),
        Command::Prune(arguments) => prune::run(arguments),
    }
}
