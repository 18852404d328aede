//! `circlet curve`: curves of every family through points, as points, a path or a picture.

mod jobs;
mod number;

use crate::failure::Failure;

/// Make a curve of points
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Read a job of JSON from each line of standard input, and write an answer of JSON for each
    #[arg(long)]
    jobs: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.jobs {
        return jobs::run();
    }
    Err(Failure::input("give --jobs"))
}
