//! What a supervisor sends to a session.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::frames::{self, ASKS, MESSAGE_MAX, REQUEST_BYTES, STATES, request};
use super::outbox::Outbox;
use super::stop::Plan;
use super::supervisor::{GLANCE, LOOKS, LULLS, Run};
use super::{RunOptions, Session, StateKind};
use crate::exec::Error;
use crate::exec::log::{CIRCLET, log};
use crate::ring::{self, Deadline};

/// How long to wait for room before it is looked at what comes: the session may wait for room itself.
const FIRST_TURN: Duration = Duration::from_millis(1);
/// The same, after many turns that have changed nothing.
const LAST_TURN: Duration = Duration::from_millis(50);

impl Session {
    /// Begins to run a code string; [`Session::next`] tells what comes of it.
    ///
    /// # Errors
    /// [`Error::Running`] where a run is under way, or what came of it was not taken to its end; [`Error::CodeTooLong`];
    /// [`Error::NoWorker`] after an end; [`Error::Died`].
    pub fn begin(&mut self, code: &str, options: RunOptions) -> Result<(), Error> {
        let max = MESSAGE_MAX as usize - REQUEST_BYTES;
        if code.len() > max {
            return Err(Error::CodeTooLong { len: code.len(), max });
        }
        let flags = if options.asks { ASKS } else { 0 } | if options.states { STATES } else { 0 };
        let options = RunOptions { within: options.within.into_iter().chain(self.within).min(), ..options };
        self.begin_request(request::RUN, flags, code.as_bytes(), options)?;
        log(CIRCLET, || {
            format!("session {} gets run {} ({} bytes)", self.process_id(), self.request, code.len())
        });
        if options.states
            && let Some((why, moment)) = self.recycled.take()
        {
            self.state(moment, StateKind::Recycled { why });
        }
        Ok(())
    }

    /// Begins what ends with an outcome.
    pub(super) fn begin_request(
        &mut self,
        kind: u32,
        flags: u32,
        body: &[u8],
        options: RunOptions,
    ) -> Result<(), Error> {
        if self.run.is_some() || !self.events.is_empty() {
            return Err(Error::Running);
        }
        if self.to.is_none() {
            return Err(Error::NoWorker);
        }
        let begin = Instant::now();
        // From 1: 0 is none.
        self.request = self.request % (u32::MAX >> 1) + 1;
        let stop_at = options.within.and_then(|within| begin.checked_add(within));
        self.shared.begins(Plan::new(self.request, self.grace, stop_at));
        if let Err(error) = self.deliver(kind, flags, body, Deadline::NEVER) {
            self.shared.end();
            self.shared.life.has_run(Some(error.to_string()));
            return Err(error);
        }
        self.lulls = LULLS;
        self.last_words.clear();
        self.run = Some(Run::new(begin, options.states));
        Ok(())
    }

    /// Sends bytes to the code, which takes them by `circlet.session.receive()`, in this run or a later one. It waits as long as the
    /// code of a run does not take what was sent before; what the code prints and sends meanwhile is kept for [`Session::next`].
    ///
    /// # Errors
    /// [`Error::NoWorker`] after an end; [`Error::Died`], [`Error::Stopped`] where the session ends meanwhile;
    /// [`Error::MessageTooLong`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send_by(bytes, Deadline::NEVER)
    }

    /// As [`Session::send`], but gives up at the deadline: the code gets nothing of the bytes then.
    ///
    /// # Errors
    /// [`ring::Error::TimedOut`], and those of [`Session::send`].
    pub fn send_by(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        let max = MESSAGE_MAX as usize - REQUEST_BYTES;
        if bytes.len() > max {
            return Err(Error::MessageTooLong { len: bytes.len(), max });
        }
        self.deliver(request::DATA, 0, bytes, deadline)
    }

    /// Gives the code the line that it asked for, with or without its newline. `None` is the end of the input. A line for which nobody asks any more, since its run
    /// is over or was interrupted, goes nowhere.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn answer(&mut self, line: Option<&str>) -> Result<(), Error> {
        self.answer_bytes(&body_of(line))
    }

    /// As [`Session::answer`], with the bytes of a line as they are: with its newline, unless it is the last and has none.
    /// None are the end of the input.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn answer_bytes(&mut self, line: &[u8]) -> Result<(), Error> {
        match self.question() {
            Some(asked) => self.deliver(request::LINE, asked, line, Deadline::NEVER),
            None => Ok(()),
        }
    }

    /// Returns the number of the question that is asked now, once.
    fn question(&mut self) -> Option<u32> {
        let run = self.run.as_mut().filter(|run| run.asked > 0 && !run.is_answered)?;
        run.is_answered = true;
        Some(run.asked)
    }

    /// Sends a frame. Where there is no room for it, what comes is taken meanwhile, so that neither side waits for the other.
    fn deliver(&mut self, kind: u32, flags: u32, body: &[u8], deadline: Deadline) -> Result<(), Error> {
        let header = frames::request_header(kind, self.request, flags);
        let (mut sent, mut turn) = (0, FIRST_TURN);
        loop {
            let to = self.to.as_mut().ok_or(Error::NoWorker)?;
            let until = Deadline::after(deadline.left().unwrap_or(turn).min(turn));
            // What was posted comes first.
            let is_sent = match self.outbox.push(to, turn) {
                Ok(false) => to.send_parts([&header, body], &mut sent, Some(until)).map(|()| true),
                Ok(true) => Ok(false),
                Err(error) => Err(error),
            };
            match is_sent {
                Ok(true) => return Ok(()),
                Ok(false) | Err(ring::Error::TimedOut { .. }) => {}
                Err(ring::Error::PeerDied | ring::Error::Closed) => return Err(self.died()),
                Err(other) => return Err(other.into()),
            }
            turn = (2 * turn).min(LAST_TURN);
            self.shared.take_steps(&self.process);
            // Between two runs the session has nothing to say.
            for _ in 0..LOOKS {
                if self.run.is_none() || !self.look(GLANCE)? {
                    break;
                }
                turn = FIRST_TURN;
            }
            if self.shared.is_over.load(SeqCst) {
                return Err(self.died());
            }
            if deadline.passed() {
                let waited_for = "the session took nothing of what was sent";
                return Err(ring::Error::TimedOut { waited_for }.into());
            }
        }
    }

    /// Sends bytes to the code without waiting: what finds no room is sent while somebody is in [`Session::next`], and before
    /// the next run begins.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn post(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.posted(request::DATA, 0, bytes)
    }

    /// As [`Session::answer`], and as little waiting as [`Session::post`].
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn post_line(&mut self, line: Option<&str>) -> Result<(), Error> {
        match self.question() {
            Some(asked) => self.posted(request::LINE, asked, &body_of(line)),
            None => Ok(()),
        }
    }

    fn posted(&mut self, kind: u32, flags: u32, body: &[u8]) -> Result<(), Error> {
        if self.to.is_none() {
            return Err(Error::NoWorker);
        }
        let max = MESSAGE_MAX as usize - REQUEST_BYTES;
        if body.len() > max {
            return Err(Error::MessageTooLong { len: body.len(), max });
        }
        self.outbox.add([frames::request_header(kind, self.request, flags).as_slice(), body].concat());
        self.push(Some(Duration::ZERO))?;
        Ok(())
    }

    /// Returns how many bytes of what was posted are still to be sent.
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Sends of what was posted what finds room, and waits a moment for more. `true` if something is left.
    pub(super) fn push(&mut self, left: Option<Duration>) -> Result<bool, Error> {
        let Some(to) = self.to.as_mut().filter(|_| !self.outbox.is_empty()) else { return Ok(false) };
        let wait = left.unwrap_or(GLANCE).min(GLANCE);
        match self.outbox.push(to, wait) {
            Ok(has_left) => Ok(has_left),
            // Its end is seen by the process.
            Err(ring::Error::Closed | ring::Error::PeerDied) => {
                self.outbox = Outbox::default();
                Ok(false)
            }
            Err(other) => self.broken(&other.to_string()),
        }
    }
}

/// Returns what stands for a line, or for the end of the input.
fn body_of(line: Option<&str>) -> Vec<u8> {
    line.map_or(Vec::new(), |line| format!("{}\n", line.strip_suffix('\n').unwrap_or(line)).into_bytes())
}
