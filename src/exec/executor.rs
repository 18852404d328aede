//! The supervisor of one worker.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::control::{Control, Heard};
use super::process::Process;
use super::source;
use super::wire::{self, HEADER_BYTES, Incoming};
use super::{Error, Killer, Outcome, find_library, passing};
use crate::ring::{self, Options, Receiver, Ring, Sender};
use crate::shm::Deadline;

/// The code that a worker begins with.
const BOOT: &str = include_str!("../../python/circlet/_boot.py");
/// Bytes of each of a worker's two rings.
const RING_BYTES: u64 = 1 << 20;
/// Rings of the caller's that one worker takes: the kernel passes 253 descriptors at once.
const RINGS_MAX: usize = 250;
/// How long a worker has to end after `STOP` before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// What an [`Executor`] is started with.
#[derive(Debug)]
pub struct Builder {
    python: PathBuf,
    library: Option<PathBuf>,
    ready_within: Duration,
    rings: Vec<(String, Ring)>,
}

impl Builder {
    /// Names the interpreter: a path, or a program on `PATH`. `python3` else.
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = program.into();
        self
    }

    /// Names the C library that the worker loads; [`find_library`] looks for it else.
    pub fn library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// Sets how long the worker has to say `READY`: 10 s else.
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// Gives the worker a ring of yours, which its code has as `rings[name]`.
    ///
    /// An anonymous ring goes as a descriptor. A named one is opened by its name, and whoever has that can truncate it
    /// under you: give it to code that you trust alone.
    pub fn ring(mut self, name: impl Into<String>, ring: &Ring) -> Self {
        self.rings.push((name.into(), ring.clone()));
        self
    }

    /// Starts the worker and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::NoLibrary`], [`Error::NoPython`], [`Error::NotReady`], [`Error::Died`]; no process stays.
    pub fn start(self) -> Result<Executor, Error> {
        if self.rings.len() > RINGS_MAX {
            return Err(Error::TooManyRings { given: self.rings.len(), max: RINGS_MAX });
        }
        let library = find_library(self.library.as_deref())?;
        let options = Options::new().capacity(RING_BYTES);
        let (requests, answers) = (ring::anonymous(&options)?, ring::anonymous(&options)?);
        let (to_worker, from_worker) = (requests.sender()?, answers.receiver()?);
        let mut descriptors = vec![requests.export_fd()?, answers.export_fd()?];
        for (_, ring) in self.rings.iter().filter(|(_, ring)| ring.segment().name().is_none()) {
            descriptors.push(ring.export_fd()?);
        }

        let (near, far) = UnixStream::pair().map_err(Error::os("socketpair"))?;
        let mut command = Command::new(&self.python);
        command.arg("-c").arg(BOOT);
        let process = Process::start(command, OwnedFd::from(far))?;
        let mut executor = Executor {
            process: Some(process),
            control: Control::new(near),
            to_worker,
            from_worker,
            requests: 0,
        };
        executor.greet(&self.rings, &library.to_string_lossy(), &descriptors, self.ready_within)?;
        Ok(executor)
    }
}

/// Supervises one Python worker, whose code runs in one namespace from call to call. `Send`.
///
/// Dropping it stops the worker, and kills it where it does not stop.
#[derive(Debug)]
pub struct Executor {
    /// None once it has ended.
    process: Option<Arc<Process>>,
    control: Control,
    to_worker: Sender,
    from_worker: Receiver,
    requests: u32,
}

impl Executor {
    /// Begins with the defaults.
    pub fn builder() -> Builder {
        Builder {
            python: PathBuf::from("python3"),
            library: None,
            ready_within: Duration::from_secs(10),
            rings: Vec::new(),
        }
    }

    fn greet(
        &mut self,
        rings: &[(String, Ring)],
        library: &str,
        descriptors: &[OwnedFd],
        within: Duration,
    ) -> Result<(), Error> {
        let rings: Vec<_> = rings.iter().map(|(name, ring)| json!([name, ring.segment().name()])).collect();
        let modules: Map<_, _> =
            source::modules().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
        let hello = json!({ "protocol": wire::PROTOCOL, "library": library, "rings": rings });
        // They are longer than what the socket may hold.
        let modules = Value::from(modules).to_string();
        let modules = passing::file_of(modules.as_bytes()).map_err(Error::os("memfd_create"))?;
        let descriptors: Vec<_> = descriptors.iter().map(OwnedFd::as_fd).chain([modules.as_fd()]).collect();
        // Where it is gone already, hearing nothing from it says why.
        let _ = self.control.say_with(&hello.to_string(), &descriptors);
        match self.hear(Deadline::after(within))? {
            Heard::Line(line) if line == "READY" => Ok(()),
            Heard::Line(line) => self.broken(format!("it said {line:?} and not \"READY\"")),
            Heard::Gone => Err(self.died()),
            Heard::Nothing => Err(Error::NotReady { within, said: self.kill() }),
        }
    }

    /// Runs a code string and waits for what comes of it, without a deadline.
    ///
    /// An exception of the code is a value, [`Outcome::error`].
    ///
    /// # Errors
    /// [`Error::Died`] where the worker ended, [`Error::CodeTooLong`], [`Error::NoWorker`] after an end.
    pub fn run(&mut self, code: &str) -> Result<Outcome, Error> {
        self.run_by(code, None)
    }

    /// As [`Executor::run`], but a run that takes longer than `within` ends with its worker.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], and those of [`Executor::run`].
    pub fn run_timeout(&mut self, code: &str, within: Duration) -> Result<Outcome, Error> {
        self.run_by(code, Some(within))
    }

    fn run_by(&mut self, code: &str, within: Option<Duration>) -> Result<Outcome, Error> {
        if self.process.is_none() {
            return Err(Error::NoWorker);
        }
        let max = self.to_worker.max_frame() as usize - HEADER_BYTES;
        if code.len() > max {
            return Err(Error::CodeTooLong { len: code.len(), max });
        }
        let begin = Instant::now();
        let deadline = within.map_or(Deadline::NEVER, Deadline::after);
        self.requests = self.requests.wrapping_add(1);
        match self.send_code(code, deadline) {
            Ok(()) => {}
            Err(ring::Error::PeerDied | ring::Error::Closed) => return Err(self.died()),
            Err(other) => return Err(other.into()),
        }
        if self.control.say("DATA").is_err() {
            return Err(self.died());
        }
        let mut incoming = Incoming::default();
        loop {
            match self.hear(deadline)? {
                Heard::Line(line) if line == "DATA" => {
                    if self.take_frames(&mut incoming)? {
                        return Ok(Outcome { elapsed: begin.elapsed(), ..incoming.outcome });
                    }
                }
                Heard::Line(line) => return self.broken(format!("it said {line:?} during a run")),
                Heard::Gone => return Err(self.died()),
                Heard::Nothing => {
                    self.kill();
                    return Err(Error::NoAnswer { within: within.unwrap_or_default() });
                }
            }
        }
    }

    fn send_code(&mut self, code: &str, deadline: Deadline) -> Result<(), ring::Error> {
        let mut claim = self.to_worker.claim_by(HEADER_BYTES + code.len(), deadline)?;
        claim[..HEADER_BYTES].copy_from_slice(&wire::header(wire::RUN, self.requests));
        claim[HEADER_BYTES..].copy_from_slice(code.as_bytes());
        claim.commit();
        Ok(())
    }

    fn hear(&mut self, deadline: Deadline) -> Result<Heard, Error> {
        self.control.hear(deadline).or_else(|error| self.broken(format!("its control socket: {error}")))
    }

    /// Takes what lies in the ring; `true` when the outcome is whole.
    fn take_frames(&mut self, incoming: &mut Incoming) -> Result<bool, Error> {
        // A copy: the worker could change what is being parsed.
        let mut frame = Vec::new();
        loop {
            frame.clear();
            match self.from_worker.recv_copy(&mut frame, Deadline::now()) {
                Ok(_) => {}
                Err(ring::Error::TimedOut { .. }) => return Ok(false),
                // Its end is heard on the control socket.
                Err(ring::Error::Closed | ring::Error::PeerDied) => return Ok(false),
                Err(other) => return self.broken(other.to_string()),
            }
            match incoming.take(&frame, self.requests) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => {
                    self.kill();
                    return Err(error);
                }
            }
        }
    }

    /// Returns the worker's process id, while it has one.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.id())
    }

    /// Returns what ends the worker from another thread, for example while [`Executor::run`] waits.
    pub fn killer(&self) -> Option<Killer> {
        self.process.as_ref().map(Process::killer)
    }

    /// Asks the worker to end, and kills it where it has not within 2 s.
    ///
    /// # Errors
    /// [`Error::Died`] where it did not end in order; it has ended all the same.
    pub fn stop(mut self) -> Result<(), Error> {
        match self.end_in_order() {
            Some((super::Ended::Exited(0), _)) | None => Ok(()),
            Some((how, said)) => Err(Error::Died { how, said }),
        }
    }

    fn end_in_order(&mut self) -> Option<(super::Ended, String)> {
        let process = self.process.take()?;
        let _ = self.control.say("STOP");
        let ended = process.wait(Deadline::after(STOP_GRACE));
        Some(ended.map_or_else(|| process.end(), |how| (how, process.said())))
    }

    /// Kills the worker and returns the last of what it printed.
    fn kill(&mut self) -> String {
        self.process.take().map(|process| process.end().1).unwrap_or_default()
    }

    /// Says how a worker that closed its socket has ended.
    fn died(&mut self) -> Error {
        let Some(process) = self.process.take() else { return Error::NoWorker };
        // It closed its socket, and so ends by itself in a moment.
        let how = process.wait(Deadline::after(STOP_GRACE)).unwrap_or_else(|| process.end().0);
        Error::Died { how, said: process.said() }
    }

    fn broken<T>(&mut self, what: String) -> Result<T, Error> {
        self.kill();
        Err(Error::Protocol { what })
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.end_in_order();
    }
}
