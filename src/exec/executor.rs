//! Sessions for whoever has code to run: started, and started again where they end.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::session::Start;
use super::{Error, Grace, Interrupter, Killer, Outcome, RunOptions, Session, find_library};
use crate::ring::{Ring, Wait};

/// The whole of a session's shell.
const SHELL: &str = concat!(
    include_str!("../../python/circlet/_shell.py"),
    include_str!("../../python/circlet/_session.py"),
    "\nbegin([*map(int, sys.argv[2].split(','))], sys.argv[3])\n"
);
/// Rings of the caller's that one session takes.
const RINGS_MAX: usize = 250;
/// For how long both sides look for each other before they sleep, unless the builder says: about as long as it takes to be
/// woken.
const SPIN: Duration = Duration::from_micros(50);
/// How much of what a run prints is kept unless the builder says.
const OUTPUT_MAX: usize = 16 << 20;

/// What an [`Executor`] is started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    python: PathBuf,
    library: Option<PathBuf>,
    ready_within: Duration,
    grace: Grace,
    output_max: usize,
    wait: Wait,
    rings: Vec<(String, Ring)>,
}

impl Builder {
    /// Names the interpreter: a path, or a program on `PATH`. `python3` else.
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = program.into();
        self
    }

    /// Names the C library that the session loads; [`find_library`] looks for it else.
    pub fn library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// Sets how long a session has to be ready: 10 s else.
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// Sets how long code has at each step once it is to stop.
    pub fn grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how both sides wait for each other. Without it they look for 50 us and then sleep, where there are two processors:
    /// a short run that follows another is answered in a fraction of the time that it takes to wake somebody. [`Wait::SLEEP`]
    /// spares the processor.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how many bytes of what a run prints are kept, 16 MiB else: what comes after them is read and forgotten, with a
    /// notice in its place.
    pub fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// Gives the session a ring of yours, which its code has as `rings[name]`.
    ///
    /// An anonymous ring goes as a descriptor. A named one is opened by its name, and whoever has that can truncate it
    /// under you: give it to code that you trust alone.
    pub fn ring(mut self, name: impl Into<String>, ring: &Ring) -> Self {
        self.rings.push((name.into(), ring.clone()));
        self
    }

    /// Starts a session and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::NoLibrary`], [`Error::NoPython`], [`Error::NotReady`], [`Error::Died`]; no process stays.
    pub fn start(mut self) -> Result<Executor, Error> {
        if self.rings.len() > RINGS_MAX {
            return Err(Error::TooManyRings { given: self.rings.len(), max: RINGS_MAX });
        }
        self.library = Some(find_library(self.library.as_deref())?);
        let session = self.session()?;
        Ok(Executor { builder: self, session })
    }

    fn session(&self) -> Result<Session, Error> {
        let start = Start {
            ready_within: self.ready_within,
            grace: self.grace,
            output_max: self.output_max,
            wait: self.wait,
            language: "Python",
        };
        let mut extra: Vec<OwnedFd> = Vec::new();
        let mut rings: Vec<Value> = Vec::new();
        for (alias, ring) in &self.rings {
            let place = match ring.segment().name() {
                Some(name) => json!(name),
                None => {
                    extra.push(ring.export_fd()?);
                    json!(Session::DESCRIPTORS + extra.len() - 1)
                }
            };
            rings.push(json!([alias, place]));
        }
        let rings = if rings.is_empty() { String::new() } else { Value::from(rings).to_string() };
        Session::start(&start, extra, |passed| {
            let mut command = Command::new(&self.python);
            let library = self.library.as_deref().unwrap_or_else(|| "libcirclet.so".as_ref());
            let numbers: Vec<String> = passed.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
            command.args(["-c", SHELL]).arg(library).arg(numbers.join(",")).arg(rings);
            // For the package circlet, if the code imports it.
            command.env("CIRCLET_LIBRARY", library);
            command
        })
    }
}

/// Runs Python code in a session, whose names stay from run to run. `Send`.
///
/// Where the session ends, whatever the reason, the run that was under way fails with that, and the next one has a new
/// session, without the names of the last. Dropping it stops the session, and kills it where it does not stop.
#[derive(Debug)]
pub struct Executor {
    builder: Builder,
    session: Session,
}

impl Executor {
    /// Begins with the defaults.
    pub fn builder() -> Builder {
        Builder {
            python: PathBuf::from("python3"),
            library: None,
            ready_within: Duration::from_secs(10),
            grace: Grace::default(),
            output_max: OUTPUT_MAX,
            wait: if Wait::default() == Wait::SLEEP { Wait::SLEEP } else { Wait::spin_for(SPIN) },
            rings: Vec::new(),
        }
    }

    /// Returns the session; a new one where it has ended.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn session(&mut self) -> Result<&mut Session, Error> {
        if self.session.has_ended() {
            self.session = self.builder.session()?;
        }
        Ok(&mut self.session)
    }

    /// Runs a code string and waits for what comes of it, without a deadline.
    ///
    /// An exception of the code is a value, [`Outcome::error`].
    ///
    /// # Errors
    /// [`Error::Died`] where the session ended, [`Error::CodeTooLong`].
    pub fn run(&mut self, code: &str) -> Result<Outcome, Error> {
        self.session()?.run(code, RunOptions::new())
    }

    /// As [`Executor::run`], but a run that takes longer than `within` is interrupted: its outcome says so, with a
    /// `KeyboardInterrupt` for an error. Where it does not end after that, its session does, as [`Grace`] says.
    ///
    /// # Errors
    /// [`Error::Stopped`], and those of [`Executor::run`].
    pub fn run_timeout(&mut self, code: &str, within: Duration) -> Result<Outcome, Error> {
        self.session()?.run(code, RunOptions::new().within(within))
    }

    /// Returns what stops the run that is under way, from another thread.
    pub fn interrupter(&self) -> Interrupter {
        self.session.interrupter()
    }

    /// Ends the session, whatever it does, and starts another.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.session.killer().kill();
        self.session = self.builder.session()?;
        Ok(())
    }

    /// Returns the session's process id, while it has one.
    pub fn process_id(&self) -> Option<u32> {
        (!self.session.has_ended()).then(|| self.session.process_id())
    }

    /// Returns what ends the session from another thread, for example while [`Executor::run`] waits.
    pub fn killer(&self) -> Option<Killer> {
        (!self.session.has_ended()).then(|| self.session.killer())
    }

    /// Asks the session to end, and kills it where it has not within 2 s.
    ///
    /// # Errors
    /// [`Error::Died`] where it did not end in order; it has ended all the same.
    pub fn stop(self) -> Result<(), Error> {
        self.session.stop()
    }
}
