//! The supervisor's side of a session.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::frames::{ANSWER_BYTES, AnswerHeader, MESSAGE_MAX, PROTOCOL, answer};
use super::incoming::Incoming;
use super::life::Life;
use super::outbox::Outbox;
use super::outcome::{Outcome, Usage};
use super::pipes::Pipes;
use super::stop::Grace;
use super::watch::{Notice, Shared};
use super::words::{Sleep, Words};
use super::{Event, Interrupter, Moment, Recycled, RunOptions};
use crate::exec::fork_server::ForkServer;
use crate::exec::log::{CIRCLET, log};
use crate::exec::passing;
use crate::exec::process::Process;
use crate::exec::sandbox::{Cage, Guard, Stage, Witness};
use crate::exec::spawn::Confined;
use crate::exec::{Error, Killer};
use crate::ring::{self, Deadline, Options, Receiver, Sender, Wait};
use crate::shm::Patience;
use crate::usage;

/// Bytes of each of a session's two rings.
const RING_BYTES: u64 = 1 << 20;
/// The longest sleep between looks.
pub(super) const LONG: Duration = Duration::from_secs(1);
/// How long to wait for the next part of a frame that comes in parts.
const PART: Duration = Duration::from_millis(20);
/// After so many looks it is looked at what else there is to see to.
pub(super) const LOOKS: usize = 64;
/// The same for a caller who does not wait.
pub(super) const GLANCE: Duration = Duration::from_millis(1);
/// While output comes, it is looked for so often, and its coming wakes nobody.
const LULL: Duration = Duration::from_millis(1);
/// After so many looks that found nothing, its coming wakes again.
pub(super) const LULLS: u32 = 8;

/// What a session is started with.
pub(in crate::exec) struct Setting {
    /// What people call the language, in logs.
    pub(in crate::exec) language: &'static str,
    pub(in crate::exec) ready_within: Duration,
    pub(in crate::exec) grace: Grace,
    pub(in crate::exec) output_max: usize,
    pub(in crate::exec) wait: Wait,
    /// Who is told of the session's end.
    pub(in crate::exec) notice: Option<Arc<Notice>>,
    /// How long a run may take, where the caller does not say.
    pub(in crate::exec) within: Option<Duration>,
}

/// What a session's process gets, and who sees to it.
pub(in crate::exec) struct Place {
    /// In the order of the protocol.
    pub(in crate::exec) descriptors: Vec<OwnedFd>,
    /// What stands for standard output and error.
    pub(in crate::exec) outputs: [OwnedFd; 2],
    pub(in crate::exec) shared: Arc<Shared>,
    pub(in crate::exec) confined: Option<Confined>,
}

/// Where a session's process came from.
pub(in crate::exec) struct Origin {
    pub(in crate::exec) process: Arc<Process>,
    /// The fork server that made it, which the process would not outlive.
    pub(in crate::exec) server: Option<Arc<ForkServer>>,
}

/// One interpreter, whose code runs in one namespace from run to run. `Send`.
///
/// Dropping it stops the process, and kills it where it does not stop.
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) process: Arc<Process>,
    pub(super) language: &'static str,
    pub(super) bell: Bell,
    pub(super) to: Option<Sender>,
    pub(super) outbox: Outbox,
    pub(super) from: Receiver,
    pub(super) grace: Grace,
    pub(super) output_max: usize,
    pub(super) request: u32,
    pub(super) run: Option<Run>,
    pub(super) events: VecDeque<Event>,
    pub(super) incoming: Incoming<ANSWER_BYTES>,
    /// Why it took the place of another, until somebody has been told.
    pub(super) recycled: Option<(Recycled, Moment)>,
    pub(super) lulls: u32,
    /// The last that the run has printed to standard error, whichever way.
    pub(super) last_words: Vec<u8>,
    patience: Patience,
    /// What the last run used.
    pub(super) usage: Usage,
    _server: Option<Arc<ForkServer>>,
    /// What confines it. Its folder goes with it.
    pub(super) cage: Option<Cage>,
    /// Who answers its questions.
    guard: Option<Guard>,
    /// Where it hands over where it asks, until it has.
    handed: Option<UnixStream>,
    pub(super) within: Option<Duration>,
    /// How many processes the kernel had killed for want of memory when this one was started, where it says so.
    pub(super) kills_for_memory: Option<u64>,
    pub(super) out_of_memory: Option<bool>,
}

/// The run that is under way.
pub(super) struct Run {
    pub(super) begin: Instant,
    /// How many steps to stop it were told of, where somebody wants to know.
    pub(super) told: Option<usize>,
    /// What was printed so far.
    pub(super) printed: usize,
    pub(super) value: Vec<u8>,
    /// How many lines the code has asked for, and whether the last of them was given.
    pub(super) asked: u32,
    pub(super) is_answered: bool,
}

impl Run {
    pub(super) fn new(begin: Instant, states: bool) -> Self {
        let told = states.then_some(0);
        Self { begin, told, printed: 0, value: Vec::new(), asked: 0, is_answered: false }
    }
}

impl Session {
    /// How many descriptors a session is passed before those of its rings.
    pub(in crate::exec) const DESCRIPTORS: usize = 4;

    /// Starts a session: `start` starts its process, whose place is given.
    ///
    /// # Errors
    /// Those of `start`, [`Error::NotReady`], [`Error::Died`]; no process stays.
    pub(in crate::exec) fn start(
        setting: &Setting,
        rings: Vec<OwnedFd>,
        cage: Option<Cage>,
        start: impl FnOnce(Place) -> Result<Origin, Error>,
    ) -> Result<Self, Error> {
        let begin = Instant::now();
        let options = Options::new().capacity(RING_BYTES).max_message(MESSAGE_MAX);
        let (requests, answers) = (ring::anonymous(&options)?, ring::anonymous(&options)?);
        let (to, from) = (requests.sender()?, answers.receiver()?);
        let mut words = Words::new(setting.wait).map_err(ring::Error::from)?;
        let for_words = words.export_fd().map_err(ring::Error::from)?;
        let (bell, for_bell) = Bell::new(&mut words)?;
        let mut descriptors = vec![requests.export_fd()?, answers.export_fd()?, for_words, for_bell];
        descriptors.extend(rings);
        let (pipes, outputs) = Pipes::new(words.clone())?;
        let mut handed = None;
        let confined = match &cage {
            None => None,
            Some(cage) => {
                let canary = cage.canary().as_os_str().as_encoded_bytes();
                words.set_confined(canary, cage.asks(), cage.wants_reports());
                let handles = cage.handles().iter().map(OwnedFd::try_clone).collect::<Result<_, _>>();
                let handles = handles.map_err(Error::os("dup"))?;
                let hand = if cage.hands_over() {
                    let (ours, theirs) = UnixStream::pair().map_err(Error::os("socketpair"))?;
                    ours.set_nonblocking(true).map_err(Error::os("fcntl"))?;
                    handed = Some(ours);
                    Some(theirs.into())
                } else {
                    None
                };
                Some(Confined { steps: cage.steps().clone(), handles, words: words.clone(), hand })
            }
        };
        let memory = cage.as_ref().and_then(Cage::memory);
        let shared = Arc::new(Shared::new(words, pipes, setting.notice.clone(), memory)?);
        if let Some(cage) = &cage {
            let witness: Arc<dyn Witness> = shared.clone();
            cage.hears(&witness);
        }
        let outputs = outputs.map(Into::into);
        let origin = start(Place { descriptors, outputs, shared: shared.clone(), confined })
            .map_err(|error| refusal(&shared.words).unwrap_or(error))?;
        shared.life.has_process(origin.process.id());
        let mut session = Self {
            shared,
            process: origin.process,
            language: setting.language,
            bell,
            to: Some(to),
            outbox: Outbox::default(),
            from,
            grace: setting.grace,
            output_max: setting.output_max,
            request: 0,
            run: None,
            events: VecDeque::new(),
            incoming: Incoming::new(),
            recycled: None,
            lulls: LULLS,
            last_words: Vec::new(),
            patience: Patience::new(setting.wait, 0),
            usage: Usage::default(),
            _server: origin.server,
            cage,
            guard: None,
            handed,
            within: setting.within,
            kills_for_memory: usage::kills_for_memory(),
            out_of_memory: None,
        };
        session.greet(setting.ready_within)?;
        log(CIRCLET, || {
            format!("session {} is ready ({} ms)", session.process_id(), begin.elapsed().as_millis())
        });
        Ok(session)
    }

    fn greet(&mut self, within: Duration) -> Result<(), Error> {
        let until = Instant::now() + within;
        loop {
            self.guard()?;
            if self.receive(PART)? {
                let (head, body) = self.incoming.take();
                let ready = AnswerHeader::read(&head);
                let body = body.unwrap_or_default();
                let number = |at| {
                    body.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
                };
                let (version, tried) = (number(0), number(4));
                if ready.kind != answer::READY || version != PROTOCOL {
                    let (kind, version) = (ready.kind, version);
                    return self
                        .broken(&format!("a frame of kind {kind} and version {version} instead of READY"));
                }
                return self.check(tried);
            }
            if self.shared.is_over.load(SeqCst) {
                let died = self.died();
                return Err(refusal(&self.shared.words).unwrap_or(died));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::NotReady { within, said: self.process.end().1 });
            }
            self.sleep(Sleep::Any, left);
        }
    }

    /// Tells whether the session has questions, and nobody who answers them yet.
    fn awaits_guard(&self) -> bool {
        self.guard.is_none() && self.cage.as_ref().is_some_and(|cage| cage.asks() != 0)
    }

    /// Has somebody answer the session's questions, once it says where they are asked.
    fn guard(&mut self) -> Result<(), Error> {
        let offered = if self.awaits_guard() { self.shared.words.offered() } else { None };
        let (Some(cage), Some(number)) = (&self.cage, offered) else { return Ok(()) };
        let listener = match self.handed.take() {
            None => self.process.descriptor(number).map_err(Error::os("pidfd_getfd"))?,
            Some(socket) => {
                let (_, handed) = passing::receive(&socket, &mut [0]).map_err(Error::os("recvmsg"))?;
                handed.ok_or_else(|| Error::Unconfined {
                    what: "where it asks is not handed over".to_owned(),
                })?
            }
        };
        let guard = Guard::start(cage, listener, self.process.id(), self.shared.clone());
        self.guard = Some(guard.map_err(Error::os("clone"))?);
        self.shared.words.take_offer();
        Ok(())
    }

    /// Looks whether the confinement holds, where there is one. No code has run by now.
    fn check(&mut self, tried: u32) -> Result<(), Error> {
        let checked = match &self.cage {
            _ if self.awaits_guard() => Err("nobody is asked what is to be asked".to_owned()),
            Some(cage) => cage.check(self.process.id(), tried).and_then(|()| {
                let counted = self.shared.counts_files(self.process.id());
                counted.map_err(|error| format!("its files in memory cannot be counted: {error}"))
            }),
            None => Ok(()),
        };
        checked.map_err(|what| {
            self.process.end();
            Error::Unconfined { what }
        })
    }

    /// Waits for what comes next of the run, until the deadline at the most. [`Event::End`] is the last; `None` comes
    /// where nothing did in time, or no run is under way.
    ///
    /// # Errors
    /// [`Error::Died`] where the session ended, [`Error::Stopped`] where it was killed because the run was to stop and did
    /// not: its state is gone. [`Error::Protocol`].
    pub fn next(&mut self, deadline: Deadline) -> Result<Option<Event>, Error> {
        let mut looks = 0;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if self.run.is_none() {
                return Ok(None);
            }
            // What comes may be nothing for the caller, without end.
            let has_more = self.look(deadline.left().map_or(PART, |left| left.clamp(GLANCE, PART)))?;
            looks += 1;
            if has_more && looks % LOOKS != 0 {
                continue;
            }
            let left = deadline.left();
            let is_called = self.shared.is_called.swap(false, SeqCst);
            let has_left = self.push(left)?;
            if is_called || left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let due = self.shared.take_steps(&self.process);
            if has_left || has_more {
                continue;
            }
            let left = deadline.left().into_iter().chain(due).min().unwrap_or(LONG).min(LONG);
            if self.lulls < LULLS {
                self.lulls += 1;
                self.sleep(Sleep::Urgent, left.min(LULL));
            } else {
                self.sleep(Sleep::Any, left);
            }
        }
    }

    /// Runs a code string and waits for what comes of it, all of what it printed included. What it shows or asks for
    /// meanwhile has nobody: `input()` fails.
    ///
    /// An exception of the code is a value, [`Outcome::error`].
    ///
    /// # Errors
    /// Those of [`Session::begin`] and [`Session::next`].
    pub fn run(&mut self, code: &str, options: RunOptions) -> Result<Outcome, Error> {
        self.begin(code, options)?;
        self.finish()
    }

    /// Waits for what comes of what is under way.
    pub(super) fn finish(&mut self) -> Result<Outcome, Error> {
        let mut printed = [Vec::new(), Vec::new()];
        loop {
            match self.next(Deadline::NEVER)? {
                Some(Event::Output(stream, bytes)) => printed[stream as usize].extend(bytes),
                Some(Event::End(outcome)) => {
                    let [stdout, stderr] = printed.map(text);
                    return Ok(Outcome { stdout, stderr, ..*outcome });
                }
                Some(_) => {}
                None if self.run.is_none() => return Err(Error::NoWorker),
                None => {}
            }
        }
    }

    fn sleep(&mut self, sleep: Sleep, at_most: Duration) {
        let awaits_guard = self.awaits_guard();
        let (shared, from) = (&self.shared, &self.from);
        // While output comes, it is not waited for: it is looked for in a moment.
        let is_there = matches!(sleep, Sleep::Any) && self.patience.spin_until(|| from.has_frame());
        if !is_there {
            shared.words.sleep(sleep, at_most, || {
                shared.is_over.load(SeqCst)
                    || shared.is_called.load(SeqCst)
                    || shared.pipes.kept() != [0, 0]
                    || awaits_guard && shared.words.offered().is_some()
                    || from.has_frame()
            });
        }
    }

    /// Notes that it takes the place of another, for the first run that wants to know.
    pub(in crate::exec) fn recycled(mut self, why: Recycled) -> Self {
        self.recycled = Some((why, Moment::now()));
        self
    }

    /// Returns what stops a run from another thread.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter::new(self.shared.clone(), self.process.clone())
    }

    /// Returns what kills the session from another thread.
    pub fn killer(&self) -> Killer {
        self.process.killer()
    }

    /// Returns the session's process id.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    pub(in crate::exec) fn life(&self) -> &Arc<Life> {
        &self.shared.life
    }

    /// Returns the number of the last run, from 1, and what it used.
    pub(in crate::exec) fn last(&self) -> (u32, Usage) {
        (self.request, self.usage)
    }

    /// Tells whether the session has ended.
    pub fn has_ended(&self) -> bool {
        self.to.is_none() || self.shared.is_over.load(SeqCst) || self.process.has_ended()
    }

    /// Tells of a session that has ended whether the kernel killed it for want of memory; `None` where that is not known.
    pub fn ran_out_of_memory(&self) -> Option<bool> {
        self.out_of_memory
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("process", &self.process).finish_non_exhaustive()
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Says why a process could not be confined, if that is so.
fn refusal(words: &Words) -> Option<Error> {
    let (step, error) = words.refusal();
    let stage = Stage::of(step)?;
    Some(Error::Confinement { stage, source: std::io::Error::from_raw_os_error(error.into()) })
}
