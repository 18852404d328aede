//! What the workers of a pool are started with.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::language::bun_pool;
use super::{Language, Limits, Stream, interpreter};
use crate::pool::WorkerId;

/// The whole of a Python worker's shell.
const PYTHON: &str = concat!(
    include_str!("../../python/circlet/_shell.py"),
    include_str!("../../python/circlet/_pool_worker.py")
);

/// Who gets what the workers print.
#[derive(Clone)]
pub(super) struct Output(Arc<Taker>);

type Taker = dyn Fn(WorkerId, Stream, &[u8]) + Send + Sync;

impl Output {
    pub(super) fn new(taker: impl Fn(WorkerId, Stream, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(taker))
    }

    /// Calls it. A panic in it goes no further than the panic hook.
    pub(super) fn pass_on(&self, worker: WorkerId, stream: Stream, bytes: &[u8]) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(worker, stream, bytes)));
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

/// What the workers of a pool are started with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) functions: Functions,
    pub(super) program: PathBuf,
    /// The script that the program is, which looks for the interpreter each time that it is started.
    pub(super) shim: Option<PathBuf>,
    pub(super) library: PathBuf,
    pub(super) ready_within: Duration,
    pub(super) grace: Duration,
    pub(super) limits: Limits,
    pub(super) output: Option<Output>,
}

/// Where a Python worker finds what is called.
#[derive(Clone, Debug, Default)]
pub(super) struct Python {
    /// What stands for `__main__`: the path of a script, `-m` and a module's name, or nothing.
    pub(super) main: OsString,
    /// Where modules are looked for first.
    pub(super) folders: Vec<PathBuf>,
}

/// Where a worker's functions are, and so what they are written in.
#[derive(Clone, Debug)]
pub(super) enum Functions {
    /// Modules.
    Python(Python),
    /// What this script exports.
    Bun(PathBuf),
}

impl Functions {
    pub(super) fn language(&self) -> Language {
        match self {
            Self::Python(_) => Language::Python,
            Self::Bun(_) => Language::Bun,
        }
    }
}

impl Setup {
    /// Returns the script of which a worker is to say where it led to.
    pub(super) fn unknown_shim(&self) -> Option<&Path> {
        let is_python = self.functions.language() == Language::Python;
        self.shim.as_deref().filter(|shim| is_python && interpreter::behind(shim).is_none())
    }

    /// Tells whether workers wait for calls in an event loop, and so for lines.
    pub(super) fn has_event_loop(&self) -> bool {
        self.functions.language() == Language::Bun
    }

    /// Makes the command of a worker that has these descriptors.
    pub(super) fn command(&self, descriptors: &[OwnedFd]) -> Command {
        let known = self.shim.as_deref().and_then(interpreter::behind);
        let mut command = Command::new(known.as_deref().unwrap_or(&self.program));
        // For the package circlet, if a function imports it.
        command.env("CIRCLET_LIBRARY", &self.library);
        let numbers = descriptors.iter().map(|fd| fd.as_raw_fd().to_string());
        match &self.functions {
            Functions::Python(Python { main, folders }) => {
                // Without site: the shell imports that when a module asks for it.
                command.args(["-S", "-c", PYTHON]).arg(&self.library).args(numbers).arg(main).args(folders);
            }
            Functions::Bun(script) => {
                command.args(["-e", bun_pool()]).arg(&self.library).args(numbers).arg(script);
            }
        }
        command
    }
}
