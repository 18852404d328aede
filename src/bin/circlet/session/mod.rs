//! `circlet session`: reads session payloads.

mod check;
mod read;
mod summary;

use crate::failure::Failure;

/// Read session payloads: what is going on in a program
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Check(check::Arguments),
    Summary(summary::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check(arguments) => check::run(arguments),
        Command::Summary(arguments) => summary::run(arguments),
    }
}
