//! How the program fails: a line on standard error, and an exit code.

use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

use crate::output::harmless_lines;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was given cannot be used: exit code 2.
    Input(String),
    /// It went wrong on the way: exit code 1.
    Run(String),
    /// What was run has said what there is to say: its exit code.
    Code(u8),
    /// Somebody pressed Ctrl-C, or sent SIGTERM or SIGHUP: exit code 130.
    Interrupted,
}

impl From<fmt::Error> for Failure {
    fn from(error: fmt::Error) -> Self {
        Self::run(error)
    }
}

impl Failure {
    /// Blames what was given.
    pub(crate) fn input(what: impl Display) -> Self {
        Self::Input(what.to_string())
    }

    /// Blames what happened.
    pub(crate) fn run(what: impl Display) -> Self {
        Self::Run(what.to_string())
    }

    /// Says it on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let code = match self {
            Self::Code(code) => return ExitCode::from(code),
            Self::Input(_) => 2,
            Self::Run(_) => 1,
            Self::Interrupted => 130,
        };
        // Where nobody listens, the exit code says it.
        let _ = writeln!(std::io::stderr(), "circlet: {}", harmless_lines(&self.to_string()));
        ExitCode::from(code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(text) | Self::Run(text) => f.write_str(text),
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
