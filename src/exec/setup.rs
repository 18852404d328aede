//! What the workers of a pool are started with.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::Limits;

/// The whole of a Python worker's shell.
const PYTHON: &str = include_str!("../../python/circlet/_pool_worker.py");

/// What the workers of a pool are started with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) language: Language,
    pub(super) program: PathBuf,
    pub(super) library: PathBuf,
    pub(super) ready_within: Duration,
    pub(super) grace: Duration,
    pub(super) limits: Limits,
}

/// What a worker's functions are written in.
#[derive(Clone, Debug)]
pub(super) enum Language {
    /// Modules, looked for in these folders first.
    Python(Vec<PathBuf>),
}

impl Setup {
    /// Makes the command of a worker that has these descriptors.
    pub(super) fn command(&self, descriptors: &[OwnedFd]) -> Command {
        let mut command = Command::new(&self.program);
        let numbers = descriptors.iter().map(|fd| fd.as_raw_fd().to_string());
        match &self.language {
            Language::Python(folders) => {
                // Without site: the shell imports that when a module asks for it.
                command.args(["-S", "-c", PYTHON]).arg(&self.library).args(numbers).args(folders);
            }
        }
        command
    }
}
