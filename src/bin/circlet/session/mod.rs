//! `circlet session`: reads session payloads.

mod check;
mod diff;
mod metrics;
mod options;
mod read;
mod schema;
mod snapshot;
mod summary;
mod track;
mod watch;

use crate::failure::Failure;

/// Say what is going on in a program and its project: session payloads
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Snapshot(snapshot::Arguments),
    Watch(watch::Arguments),
    Track(track::Arguments),
    Diff(diff::Arguments),
    Check(check::Arguments),
    Metrics(metrics::Arguments),
    Schema(schema::Arguments),
    Summary(summary::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Watch(arguments) => watch::run(arguments),
        Command::Track(arguments) => track::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Metrics(arguments) => metrics::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Summary(arguments) => summary::run(arguments),
    }
}
