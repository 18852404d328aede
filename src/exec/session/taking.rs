//! What a supervisor takes of what a session sends, believing nothing of it.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::frames::{ANSWER_BYTES, AnswerHeader, answer};
use super::incoming::Misfit;
use super::outcome::{Body, Outcome};
use super::pipes::keep_last;
use super::supervisor::Run;
use super::{Event, Moment, Session, State, StateKind, servant, state};
use crate::exec::Error;
use crate::exec::log::log;
use crate::exec::outputs::Stream;
use crate::ring::{self, Deadline};

/// A buffer that is longer is not kept for the next frame.
const KEPT_BYTES: usize = 1 << 16;

impl Session {
    /// Makes events of what has come, if anything has; of a frame that comes in parts, waits so long for the next.
    ///
    /// # Errors
    /// [`Error::Died`], [`Error::Stopped`] where the session has ended and there is nothing left; [`Error::Protocol`].
    pub(super) fn look(&mut self, part: Duration) -> Result<bool, Error> {
        // What was read before the ring was found empty was written before whatever comes through the ring.
        let (is_over, kept) = (self.shared.is_over.load(SeqCst), self.shared.pipes.kept());
        let is_there = self.receive(part)?;
        // A step that was taken comes before what the code did then.
        let has_told = self.tell_steps();
        if is_there {
            self.take()?;
        } else if kept != [0, 0] {
            for (stream, count) in Stream::BOTH.into_iter().zip(kept) {
                let bytes = self.shared.pipes.take(stream, count);
                self.printed(stream, bytes);
            }
            if self.shared.pipes.is_let_go() {
                self.shared.alarm.sound();
            }
            self.lulls = 0;
        } else if !has_told {
            return if is_over { Err(self.died()) } else { Ok(false) };
        }
        Ok(true)
    }

    /// Takes the next frame out of the ring. A copy: the session could change what is being read.
    pub(super) fn receive(&mut self, part: Duration) -> Result<bool, Error> {
        let until = Deadline::after(part);
        loop {
            // Of a frame that comes in parts, nobody rings for each.
            let is_long = self.shared.words.is_long();
            if !is_long && !self.from.has_frame() {
                return Ok(false);
            }
            let deadline = if is_long { Deadline::after(part) } else { Deadline::now() };
            let incoming = &mut self.incoming;
            match self.from.recv_piece(deadline, |piece| incoming.add(piece, |_, _| None)) {
                Ok(Ok(true)) => return Ok(true),
                // The rest comes with the next look.
                Ok(Ok(false)) if until.passed() => return Ok(false),
                Ok(Ok(false)) => {}
                Ok(Err(Misfit)) => {
                    return self.broken("a frame without a header, or one for which there is no memory");
                }
                // Its end is seen by the process.
                Err(ring::Error::TimedOut { .. } | ring::Error::Closed | ring::Error::PeerDied) => {
                    return Ok(false);
                }
                Err(other) => return self.broken(&other.to_string()),
            }
        }
    }

    /// Makes events of the frame that was received.
    fn take(&mut self) -> Result<(), Error> {
        let (head, body) = self.incoming.take();
        let left = self.take_frame(&head, body.unwrap_or_default())?;
        if left.capacity() <= KEPT_BYTES {
            self.incoming.reuse(left);
        }
        self.lulls = 0;
        Ok(())
    }

    /// Returns the frame's body, where no event has it.
    fn take_frame(&mut self, head: &[u8; ANSWER_BYTES], body: Vec<u8>) -> Result<Vec<u8>, Error> {
        let came = AnswerHeader::read(head);
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
            answer::STDOUT => self.printed(Stream::Stdout, body),
            answer::STDERR => self.printed(Stream::Stderr, body),
            answer::DATA => self.events.push_back(Event::Data(body)),
            answer::VALUE => {
                if let Some(run) = &mut self.run {
                    run.value = body;
                }
            }
            answer::DISPLAY => {
                let shown = self.json(&body, "something to show")?;
                self.events.push_back(Event::Display(shown));
                return Ok(body);
            }
            answer::ASK => {
                let (prompt, is_secret) = self.json(&body, "a question")?;
                if let Some(run) = &mut self.run {
                    run.asked = run.asked.wrapping_add(1);
                    run.is_answered = false;
                }
                self.events.push_back(Event::Ask { prompt, is_secret });
                return Ok(body);
            }
            answer::STATE => {
                let state::Said { moment, what } = self.json(&body, "a state")?;
                self.state(moment, what);
                return Ok(body);
            }
            answer::OUTCOME => {
                let Some((usage, json)) = servant::read_usage(&body) else {
                    return self.broken("an outcome without its usage");
                };
                let said: Body = self.json(json, "an outcome")?;
                let Some(run) = self.run.take() else { return self.broken("an outcome of no run") };
                let stopped = self.shared.end();
                self.usage = usage;
                let Some(outcome) = said.outcome(run.value) else {
                    return self.broken("an outcome whose bytes are of another shape");
                };
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
                return Ok(body);
            }
            other => return self.broken(&format!("a frame of kind {other}")),
        }
        Ok(Vec::new())
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, body: &[u8], what: &str) -> Result<T, Error> {
        serde_json::from_slice(body)
            .or_else(|error| self.broken(&format!("{what} that is no JSON of ours: {error}")))
    }

    pub(super) fn state(&mut self, moment: Moment, what: StateKind) {
        self.events.push_back(Event::State(State { request: self.request, moment, what }));
    }

    /// Makes events of the steps that were taken to stop the run, where somebody wants to know and there are any.
    fn tell_steps(&mut self) -> bool {
        let Some(Run { told: Some(told), .. }) = &mut self.run else { return false };
        let steps = self.shared.taken_after(*told);
        *told += steps.len();
        let has_told = !steps.is_empty();
        for (how, moment) in steps {
            self.state(moment, StateKind::Interrupted { how });
        }
        has_told
    }

    /// Makes an event of what was printed, as much as is kept.
    fn printed(&mut self, stream: Stream, mut bytes: Vec<u8>) {
        let Some(run) = &mut self.run else { return };
        if stream == Stream::Stderr {
            keep_last(&mut self.last_words, &bytes);
        }
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
}
