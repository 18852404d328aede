//! What can go wrong with a worker.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::policy::PolicyError;
use super::{PortRefusal, Stage, Unenforceable};
use crate::ring;

/// What went wrong with a worker; the code's own exceptions are values of an [`super::Outcome`], not errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The interpreter could not be started.
    #[error(
        "{language} did not start: {} ({source}); install {language}{}, or name its program",
        program.display(),
        if *language == "Python" { " 3.10 or later" } else { "" }
    )]
    NoPython {
        /// Whose interpreter it is: Python's, or Bun's.
        language: &'static str,
        /// The program as given or as the default.
        program: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Sessions of this language come from no fork server.
    #[error("{language} is not forked: start its sessions one by one, without `ready`, `preload` and `pool`")]
    NoForks {
        /// The language.
        language: &'static str,
    },
    /// A policy says what no policy can.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Something of the policy cannot be enforced here. No process was started.
    #[error("the policy cannot be enforced: {0}")]
    Unenforceable(#[from] Unenforceable),
    /// The process could not be confined, and did not go on.
    #[error(
        "the session could not be confined, and was not started: {stage:?} failed ({source}); `circlet doctor` says what this system has"
    )]
    Confinement {
        /// The step that failed.
        stage: Stage,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The confinement does not hold. The process was ended before any code ran.
    #[error("the session's confinement does not hold, and it was ended: {what}")]
    Unconfined {
        /// What does not hold.
        what: String,
    },
    /// The C library, which the worker loads, is nowhere.
    #[error(
        "libcirclet.so was found in none of these places:{}; build it with `cargo clib`, or set CIRCLET_LIBRARY",
        list(looked)
    )]
    NoLibrary {
        /// The places that were looked at.
        looked: Vec<PathBuf>,
    },
    /// The worker did not say `READY` in time; it was ended.
    #[error("the worker was not ready within {} ms{}", within.as_millis(), tail(said))]
    NotReady {
        /// The time it had.
        within: Duration,
        /// The last of what it printed.
        said: String,
    },
    /// The worker ended by itself, or was killed.
    #[error("the worker {how}{}", tail(said))]
    Died {
        /// How it ended.
        how: Ended,
        /// The last of what it printed.
        said: String,
    },
    /// Imports have started threads in the fork server, which no forked process would have.
    #[error(
        "the fork server has {threads} threads after its imports, and only one of them would be in a session: do not \
         preload the module that starts threads, or have it start none, for example by OPENBLAS_NUM_THREADS=1 in the environment"
    )]
    Preload {
        /// How many threads there are.
        threads: u32,
    },
    /// More rings than one worker takes.
    #[error("{given} rings are too many for one worker: give at most {max}")]
    TooManyRings {
        /// The number as given.
        given: usize,
        /// The most.
        max: usize,
    },
    /// A run is under way: what comes of it is to be taken to its end first.
    #[error("a run is under way: take what comes of it to its end, or interrupt it")]
    Running,
    /// The run was to stop and did not; its session was killed, and the state of its code is gone.
    #[error("the run did not stop when it was interrupted, and its session was killed")]
    Stopped,
    /// The code is longer than the worker's ring takes.
    #[error("a code string of {len} bytes is too long: this worker takes at most {max}")]
    CodeTooLong {
        /// The length as given.
        len: usize,
        /// The longest.
        max: usize,
    },
    /// What is to be sent to the code is longer than the session's ring takes.
    #[error("{len} bytes are too long to be sent at once: this worker takes at most {max}")]
    MessageTooLong {
        /// The length as given.
        len: usize,
        /// The longest.
        max: usize,
    },
    /// A call's function and arguments are longer than a message may be.
    #[error("a call of {len} bytes is too long: at most {max} are allowed")]
    CallTooLong {
        /// The length as given.
        len: usize,
        /// The longest.
        max: usize,
    },
    /// No function has such a long name.
    #[error("a function's name of {given} bytes is too long: at most 65535 are allowed")]
    FunctionName {
        /// The length as given.
        given: usize,
    },
    /// What a call was given, or what came of it, is not what its codec says.
    #[error("{what} is no JSON: {source}")]
    Json {
        /// What was looked at.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The pool refused to be built, or refused the call.
    #[error(transparent)]
    Pool(#[from] crate::pool::Error),
    /// The pool did not lend a port, or hand it on.
    #[error("{said}")]
    Port {
        /// Why, for programs.
        refusal: PortRefusal,
        /// Why, for people.
        said: String,
    },
    /// The worker sent what the protocol does not have; it was ended.
    #[error("the worker broke the protocol: {what}")]
    Protocol {
        /// What was seen.
        what: String,
    },
    /// The worker was stopped, or an earlier run ended it.
    #[error("this executor's worker has ended: start another")]
    NoWorker,
    /// There is no worker of this name, or it ended before it got to what it was asked for.
    #[error("there is no worker {worker}: the registry of a snapshot names those that there are")]
    NoSuchWorker {
        /// The name as given.
        worker: crate::pool::WorkerId,
    },
    /// The worker did not get to what it was asked for in time: a call runs, or what was asked for takes longer.
    #[error("worker {worker} has not done it within {} ms: it runs a call, or takes longer", within.as_millis())]
    NotTaken {
        /// The worker.
        worker: crate::pool::WorkerId,
        /// The time it had.
        within: Duration,
    },
    /// The session did not do what it was asked for in time, and was interrupted.
    #[error("the session has not done it within {} ms: give it more time", within.as_millis())]
    TookTooLong {
        /// The time it had.
        within: Duration,
    },
    /// The worker could not do what it was asked for.
    #[error("the worker raised {0}")]
    Raised(super::Exception),
    /// Nobody has the pool any more.
    #[error("the pool of this worker was dropped")]
    Dropped,
    /// A ring of the worker failed.
    #[error(transparent)]
    Ring(#[from] ring::Error),
    /// The kernel refused a call.
    #[error("{call} failed: {source}")]
    Os {
        /// The call.
        call: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn os(call: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Os { call, source }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit code.
    Exited(i32),
    /// By a signal.
    Killed(i32),
    /// In a way that the system does not tell.
    Unknown,
}

impl From<std::process::ExitStatus> for Ended {
    fn from(status: std::process::ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Killed(signal);
        }
        status.code().map_or(Self::Unknown, Self::Exited)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed(signal) => write!(f, "was killed by signal {signal}"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| format!(" {}", place.display())).collect()
}

fn tail(said: &str) -> String {
    match said.trim_end() {
        "" => String::new(),
        said => format!("; it said last:\n{said}"),
    }
}
