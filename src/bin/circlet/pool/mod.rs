//! `circlet pool`: what a pool would do.

mod axes;
mod picture;
mod simulate;

use crate::failure::Failure;

/// Try out how a pool sizes itself
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Simulate(simulate::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Simulate(arguments) => simulate::run(arguments),
    }
}
