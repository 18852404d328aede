//! What a tracker of the command line is started with.

use std::path::PathBuf;

use circlet::payload::TrackerOptions;

use crate::failure::Failure;

/// What is looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Tracked {
    /// The process to look at
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) pid: Option<u32>,
    /// The folder of the project: its git state, lockfile, dependencies
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,
    /// Test results to read (JUnit XML), as of `bun test --reporter=junit` or `pytest --junitxml`
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    junit: Option<PathBuf>,
    /// Coverage to read (lcov), as of `bun test --coverage --coverage-reporter=lcov`
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    lcov: Option<PathBuf>,
    /// Leave home folders, user names, tokens and keys in what is said
    #[arg(long)]
    no_redact: bool,
}

impl Default for Tracked {
    fn default() -> Self {
        Self { pid: None, folder: ".".into(), junit: None, lcov: None, no_redact: false }
    }
}

impl Tracked {
    /// # Errors
    /// There is no such folder.
    pub(super) fn options(&self) -> Result<TrackerOptions, Failure> {
        if !self.folder.is_dir() {
            return Err(Failure::input(format!(
                "--folder {}: there is no such folder",
                self.folder.display()
            )));
        }
        Ok(TrackerOptions {
            pid: self.pid,
            folder: self.folder.clone(),
            junit: self.junit.clone(),
            lcov: self.lcov.clone(),
            redact: !self.no_redact,
            ..TrackerOptions::default()
        })
    }
}
