//! The supervisor's side of a session.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::frames::{self, ASKS, MESSAGE_MAX, PROTOCOL, REQUEST_BYTES, answer, request};
use super::life::Life;
use super::outbox::Outbox;
use super::outcome::{Body, Outcome, Usage};
use super::pipes::Pipes;
use super::stop::{Grace, Plan};
use super::watch::{Notice, Shared};
use super::words::{Sleep, Words};
use super::{Event, Interrupter, RunOptions, Stopped, servant};
use crate::exec::fork_server::ForkServer;
use crate::exec::log::{CIRCLET, log};
use crate::exec::outputs::Stream;
use crate::exec::process::Process;
use crate::exec::{Ended, Error, Killer};
use crate::pool::WorkerEnd;
use crate::ring::{self, Deadline, Options, Receiver, Sender, Wait};
use crate::shm::Patience;
use crate::usage;

/// Bytes of each of a session's two rings.
const RING_BYTES: u64 = 1 << 20;
/// How long a session has to end in order before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// The longest sleep between looks.
const LONG: Duration = Duration::from_secs(1);
/// How long to wait for the next part of a frame that comes in parts.
const PART: Duration = Duration::from_millis(20);
/// The same for a caller who does not wait.
pub(super) const GLANCE: Duration = Duration::from_millis(1);
/// While output comes, it is looked for so often, and its coming wakes nobody.
const LULL: Duration = Duration::from_millis(1);
/// After so many looks that found nothing, its coming wakes again.
const LULLS: u32 = 8;

/// What a session is started with.
pub(in crate::exec) struct Setting {
    pub(in crate::exec) ready_within: Duration,
    pub(in crate::exec) grace: Grace,
    pub(in crate::exec) output_max: usize,
    pub(in crate::exec) wait: Wait,
    /// Who is told of the session's end.
    pub(in crate::exec) notice: Option<Arc<Notice>>,
}

/// What a session's process gets, and who sees to it.
pub(in crate::exec) struct Place {
    /// In the order of the protocol.
    pub(in crate::exec) descriptors: Vec<OwnedFd>,
    /// What stands for standard output and error.
    pub(in crate::exec) outputs: [OwnedFd; 2],
    pub(in crate::exec) shared: Arc<Shared>,
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
    language: &'static str,
    pub(super) bell: Bell,
    pub(super) to: Option<Sender>,
    pub(super) outbox: Outbox,
    pub(super) from: Receiver,
    grace: Grace,
    output_max: usize,
    pub(super) request: u32,
    pub(super) run: Option<Run>,
    pub(super) events: VecDeque<Event>,
    frame: Vec<u8>,
    lulls: u32,
    patience: Patience,
    /// What the last run used.
    usage: Usage,
    _server: Option<Arc<ForkServer>>,
    /// How many processes the kernel had killed for want of memory when this one was started, where it says so.
    kills_for_memory: Option<u64>,
    out_of_memory: Option<bool>,
}

/// The run that is under way.
pub(super) struct Run {
    begin: Instant,
    /// What was printed so far.
    printed: usize,
    value: Vec<u8>,
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
        let shared = Arc::new(Shared::new(words, pipes, setting.notice.clone())?);
        let origin = start(Place { descriptors, outputs: outputs.map(Into::into), shared: shared.clone() })?;
        shared.life.has_process(origin.process.id());
        let mut session = Self {
            shared,
            process: origin.process,
            language: "Python",
            bell,
            to: Some(to),
            outbox: Outbox::default(),
            from,
            grace: setting.grace,
            output_max: setting.output_max,
            request: 0,
            run: None,
            events: VecDeque::new(),
            frame: Vec::new(),
            lulls: LULLS,
            patience: Patience::new(setting.wait, 0),
            usage: Usage::default(),
            _server: origin.server,
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
            if self.receive(PART)? {
                let Some(ready) = frames::read_answer(&self.frame) else {
                    return self.broken("a short frame");
                };
                let version = ready.body.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                if ready.kind != answer::READY || version != PROTOCOL {
                    let (kind, version) = (ready.kind, version);
                    return self
                        .broken(&format!("a frame of kind {kind} and version {version} instead of READY"));
                }
                return Ok(());
            }
            if self.shared.is_over.load(SeqCst) {
                return Err(self.died());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::NotReady { within, said: self.process.end().1 });
            }
            self.sleep(Sleep::Any, left);
        }
    }

    /// Begins to run a code string; [`Session::next`] tells what comes of it.
    ///
    /// # Errors
    /// [`Error::Running`] where a run is under way, [`Error::CodeTooLong`], [`Error::NoWorker`] after an end,
    /// [`Error::Died`].
    pub fn begin(&mut self, code: &str, options: RunOptions) -> Result<(), Error> {
        if self.run.is_some() {
            return Err(Error::Running);
        }
        let Some(to) = &mut self.to else { return Err(Error::NoWorker) };
        let max = MESSAGE_MAX as usize - REQUEST_BYTES;
        if code.len() > max {
            return Err(Error::CodeTooLong { len: code.len(), max });
        }
        let begin = Instant::now();
        self.request = (self.request + 1) & (u32::MAX >> 1);
        let stop_at = options.within.and_then(|within| begin.checked_add(within));
        self.shared.begins(Plan::new(self.request, self.grace, stop_at));
        let flags = if options.asks { ASKS } else { 0 };
        self.frame.clear();
        self.frame.extend_from_slice(&frames::request_header(request::RUN, self.request, flags));
        self.frame.extend_from_slice(code.as_bytes());
        let mut sent = 0;
        loop {
            // What was posted comes first.
            let is_sent = match self.outbox.push(to, LONG) {
                Ok(false) => to.send_part(&self.frame, &mut sent, Some(Deadline::after(LONG))).map(|()| true),
                Ok(true) => Ok(false),
                Err(error) => Err(error),
            };
            match is_sent {
                Ok(true) => break,
                Ok(false) | Err(ring::Error::TimedOut { .. }) if !self.shared.is_over.load(SeqCst) => {
                    self.shared.take_steps(&self.process);
                }
                Ok(false)
                | Err(ring::Error::TimedOut { .. } | ring::Error::PeerDied | ring::Error::Closed) => {
                    return Err(self.died());
                }
                Err(other) => {
                    self.shared.end();
                    return Err(other.into());
                }
            }
        }
        log(CIRCLET, || {
            format!("session {} gets run {} ({} bytes)", self.process_id(), self.request, code.len())
        });
        self.lulls = LULLS;
        self.run = Some(Run { begin, printed: 0, value: Vec::new() });
        Ok(())
    }

    /// Waits for what comes next of the run, until the deadline at the most. [`Event::End`] is the last; `None` comes
    /// where nothing did in time, or no run is under way.
    ///
    /// # Errors
    /// [`Error::Died`] where the session ended, [`Error::Stopped`] where it was killed because the run was to stop and did
    /// not: its state is gone. [`Error::Protocol`].
    pub fn next(&mut self, deadline: Deadline) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if self.run.is_none() {
                return Ok(None);
            }
            // What was read before the ring was found empty was written before whatever comes through the ring.
            let (is_over, kept) = (self.shared.is_over.load(SeqCst), self.shared.pipes.kept());
            let left = deadline.left();
            if self.receive(left.map_or(PART, |left| left.clamp(GLANCE, PART)))? {
                self.take()?;
                continue;
            }
            if kept != [0, 0] {
                for (stream, count) in Stream::BOTH.into_iter().zip(kept) {
                    let bytes = self.shared.pipes.take(stream, count);
                    self.printed(stream, bytes);
                }
                if self.shared.pipes.is_let_go() {
                    self.shared.alarm.sound();
                }
                self.lulls = 0;
                continue;
            }
            if is_over {
                return Err(self.died());
            }
            let left = deadline.left();
            let is_called = self.shared.is_called.swap(false, SeqCst);
            let has_left = self.push(left)?;
            if is_called || left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let due = self.shared.take_steps(&self.process);
            if has_left {
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

    /// Sends bytes to the code, which takes them by `circlet.session.receive()`.
    ///
    /// # Errors
    /// [`Error::NoWorker`] after an end, or what the ring says.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.request_of(request::DATA, bytes)
    }

    /// Gives the code the line that it asked for. `None` is the end of the input.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn answer(&mut self, line: Option<&str>) -> Result<(), Error> {
        let body = line.map_or(Vec::new(), |line| format!("{line}\n").into_bytes());
        self.request_of(request::LINE, &body)
    }

    fn request_of(&mut self, kind: u32, body: &[u8]) -> Result<(), Error> {
        let to = self.to.as_mut().ok_or(Error::NoWorker)?;
        let frame = [frames::request_header(kind, self.request, 0).as_slice(), body].concat();
        Ok(to.send(&frame)?)
    }

    /// Takes the next frame out of the ring. A copy: the session could change what is being read.
    fn receive(&mut self, part: Duration) -> Result<bool, Error> {
        // Of a frame that comes in parts, nobody rings for each.
        let is_long = self.shared.words.is_long();
        if !is_long && !self.from.has_frame() {
            return Ok(false);
        }
        self.frame.clear();
        let deadline = if is_long { Deadline::after(part) } else { Deadline::now() };
        match self.from.recv_copy(&mut self.frame, deadline) {
            Ok(_) => Ok(true),
            // Its end is seen by the process.
            Err(ring::Error::TimedOut { .. } | ring::Error::Closed | ring::Error::PeerDied) => Ok(false),
            Err(other) => self.broken(&other.to_string()),
        }
    }

    /// Makes events of the frame that was taken.
    fn take(&mut self) -> Result<(), Error> {
        let frame = std::mem::take(&mut self.frame);
        let taken = self.take_frame(&frame);
        self.frame = frame;
        self.frame.clear();
        self.frame.shrink_to(RING_BYTES as usize);
        taken
    }

    fn take_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let Some(came) = frames::read_answer(frame) else { return self.broken("a frame without a header") };
        if came.request != self.request {
            let given = came.request;
            return self.broken(&format!("an answer to request {given} during request {}", self.request));
        }
        for (stream, written) in Stream::BOTH.into_iter().zip(came.written) {
            let bytes = self.shared.pipes.take_until(stream, written);
            self.printed(stream, bytes);
        }
        if self.shared.pipes.is_let_go() {
            self.shared.alarm.sound();
        }
        match came.kind {
            answer::STDOUT => self.printed(Stream::Stdout, came.body.to_vec()),
            answer::STDERR => self.printed(Stream::Stderr, came.body.to_vec()),
            answer::DATA => self.events.push_back(Event::Data(came.body.to_vec())),
            answer::VALUE => self.run.iter_mut().for_each(|run| run.value = came.body.to_vec()),
            answer::DISPLAY => {
                let shown = self.json(came.body, "something to show")?;
                self.events.push_back(Event::Display(shown));
            }
            answer::ASK => {
                let (prompt, is_secret) = self.json(came.body, "a question")?;
                self.events.push_back(Event::Ask { prompt, is_secret });
            }
            answer::OUTCOME => {
                let Some((usage, json)) = servant::read_usage(came.body) else {
                    return self.broken("an outcome without its usage");
                };
                let body: Body = self.json(json, "an outcome")?;
                let Some(run) = self.run.take() else { return self.broken("an outcome of no run") };
                let stopped = self.shared.end();
                self.usage = usage;
                let outcome = body.outcome(run.value);
                self.shared.life.has_run(
                    outcome.error.as_ref().map(|error| format!("{}: {}", error.kind, error.message)),
                );
                let outcome = Outcome { usage, stopped, elapsed: run.begin.elapsed(), ..outcome };
                log(self.language, || {
                    let (session, run, ms) =
                        (self.process_id(), self.request, outcome.elapsed.as_secs_f64() * 1e3);
                    let raised = outcome.error.as_ref().map(|error| format!(", raised {}", error.kind));
                    format!("session {session} ends run {run} ({ms:.1} ms{})", raised.unwrap_or_default())
                });
                self.events.push_back(Event::End(Box::new(outcome)));
            }
            other => return self.broken(&format!("a frame of kind {other}")),
        }
        self.lulls = 0;
        Ok(())
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, body: &[u8], what: &str) -> Result<T, Error> {
        serde_json::from_slice(body)
            .or_else(|error| self.broken(&format!("{what} that is no JSON of ours: {error}")))
    }

    /// Makes an event of what was printed, as much as is kept.
    fn printed(&mut self, stream: Stream, mut bytes: Vec<u8>) {
        let Some(run) = &mut self.run else { return };
        if bytes.is_empty() || run.printed > self.output_max {
            return;
        }
        let left = self.output_max - run.printed;
        run.printed += bytes.len();
        if bytes.len() > left {
            bytes.truncate(left);
            let notice = format!(
                "\n[circlet: more than {} bytes were printed: the rest is not kept]\n",
                self.output_max
            );
            bytes.extend_from_slice(notice.as_bytes());
            run.printed = self.output_max + 1;
        }
        self.events.push_back(Event::Output(stream, bytes));
    }

    fn sleep(&mut self, sleep: Sleep, at_most: Duration) {
        let (shared, from) = (&self.shared, &self.from);
        // While output comes, it is not waited for: it is looked for in a moment.
        let is_there = matches!(sleep, Sleep::Any) && self.patience.spin_until(|| from.has_frame());
        if !is_there {
            shared.words.sleep(sleep, at_most, || {
                shared.is_over.load(SeqCst)
                    || shared.is_called.load(SeqCst)
                    || shared.pipes.kept() != [0, 0]
                    || from.has_frame()
            });
        }
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
        self.to.is_none() || self.shared.is_over.load(SeqCst)
    }

    /// Tells of a session that has ended whether the kernel killed it for want of memory; `None` where that is not known.
    pub fn ran_out_of_memory(&self) -> Option<bool> {
        self.out_of_memory
    }

    /// Ends the session: in order within 2 s, or killed.
    ///
    /// # Errors
    /// [`Error::Died`] where it did not end in order; it has ended all the same.
    pub fn stop(mut self) -> Result<(), Error> {
        match self.end_in_order() {
            Some((Ended::Exited(0), _)) | None => Ok(()),
            Some((how, said)) => Err(Error::Died { how, said }),
        }
    }

    fn end_in_order(&mut self) -> Option<(Ended, String)> {
        drop(self.to.take()?);
        self.shared.life.leaves(WorkerEnd::Stopped);
        let ended = self.process.wait(Deadline::after(STOP_GRACE));
        let (how, said) = ended.map_or_else(|| self.process.end(), |how| (how, self.process.said()));
        log(CIRCLET, || format!("session {} {how}", self.process_id()));
        Some((how, said))
    }

    /// Says how a session has ended that has, or is about to.
    fn died(&mut self) -> Error {
        self.to = None;
        self.run = None;
        let stopped = self.shared.end();
        let how = self.process.wait(Deadline::after(STOP_GRACE)).unwrap_or_else(|| self.process.end().0);
        log(CIRCLET, || format!("session {} {how}", self.process_id()));
        self.out_of_memory = match (stopped, how) {
            (Some(Stopped::Killed), _) => Some(false),
            (_, Ended::Killed(libc::SIGKILL)) => self.kills_for_memory.and_then(usage::claim_kill_for_memory),
            _ => Some(false),
        };
        match stopped {
            Some(Stopped::Killed) => Error::Stopped,
            _ => Error::Died { how, said: self.process.said() },
        }
    }

    pub(super) fn broken<T>(&mut self, what: &str) -> Result<T, Error> {
        self.to = None;
        self.run = None;
        self.process.end();
        Err(Error::Protocol { what: what.to_owned() })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end_in_order();
        self.process.close();
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
