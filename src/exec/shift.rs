//! What a pool's worker does whose code runs in a process: it has the process do its jobs, and sees to it that none is lost.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::boots::Boots;
use super::crew::{Crew, Order};
use super::limits::{Meter, Verdict};
use super::link::{Came, Link};
use super::message::{self, Status};
use super::setup::Setup;
use super::{Codec, Ended, Error, Exception, interpreter};
use crate::pool::{
    Closure, Desk, Failure, Features, JobContext, Kind, Limit, Message, Task, Turn, WorkerEnd,
};
use crate::ring;
use crate::usage::{self, Probe};

/// A job that runs for longer than this has those behind it handed back, for others to take.
const PATIENCE: Duration = Duration::from_millis(2);
/// How many workers a job may kill.
const KILLS_MAX: u32 = 2;
/// How many workers may end before they begin a job that they were sent.
const LOST_MAX: u32 = 16;
/// Between looks at a worker that nobody calls about.
const LONG: Duration = Duration::from_secs(1);

/// Workers that are processes, and run functions by name.
pub(super) struct Processes {
    pub(super) setup: Setup,
    pub(super) crew: Arc<Crew>,
    pub(super) boots: Boots,
}

impl Kind for Processes {
    // What is sent ahead can be taken back, so that it may be many.
    const CHUNK: Duration = Duration::from_millis(1);

    type Body = dyn Closure;

    fn limits(&self) -> Vec<Limit> {
        self.setup.limits.enforced()
    }

    fn features(&self) -> Option<Features> {
        Some(Features {
            errors_as_objects: true,
            heap_snapshot: "enabled",
            stdout_forwarding: self.setup.output.is_some(),
            stderr_forwarding: self.setup.output.is_some(),
        })
    }

    fn work(&self, desk: &Desk<dyn Closure>, since: Instant) -> Result<(), String> {
        let turn = self.boots.begin();
        let link = Link::start(&self.setup, &self.crew, desk);
        let link = link.map_err(|error| error.to_string())?;
        drop(turn);
        desk.lane().is_process(Probe::Process { pid: link.id() });
        let boot = since.elapsed();
        desk.open(boot);
        let meter = Meter::new(self.setup.limits, Instant::now(), boot);
        let mut shift = Shift { setup: &self.setup, desk, link, meter, ahead: 0, is_due: false };
        shift.learn_interpreter()?;
        loop {
            let verdict = match desk.turn(shift.meter.next_look()) {
                Turn::Job(first) => shift.run_all(first)?,
                Turn::Errand => shift.look()?,
                Turn::End => break,
            };
            if shift.is_over(verdict) {
                desk.lane().ends(WorkerEnd::Recycled);
                break;
            }
            shift.follow_orders()?;
        }
        shift.link.stop();
        Ok(())
    }
}

/// One worker at work.
struct Shift<'a> {
    setup: &'a Setup,
    desk: &'a Desk<dyn Closure>,
    link: Link,
    meter: Meter,
    /// Calls that were with the worker when it was last sent some ahead.
    ahead: u32,
    /// Whether another is to take its place.
    is_due: bool,
}

impl Shift<'_> {
    /// Has a job done and those that the worker took with it, and says what is to become of the worker.
    ///
    /// # Errors
    /// As [`Shift::run`].
    fn run_all(&mut self, first: Task<dyn Closure>) -> Result<Verdict, String> {
        let mut verdict = Verdict::Fine;
        let mut task = Some(first);
        while let Some(present) = task.take() {
            task = self.run(present)?;
            verdict = self.measure();
            self.is_due = verdict != Verdict::Fine;
            if verdict == Verdict::Now || self.link.is_ordered() {
                task = self.refuse(task);
            }
        }
        Ok(verdict)
    }

    /// Looks at a worker that has nothing to do.
    ///
    /// # Errors
    /// It has died.
    fn look(&mut self) -> Result<Verdict, String> {
        if self.link.has_ended() {
            let (how, said) = self.link.ended();
            return Err(Error::Died { how, said }.to_string());
        }
        let pid = self.link.id();
        Ok(self.meter.judge(Instant::now(), || Some(usage::memory(pid)?.anonymous)))
    }

    /// Does what was ordered beside the calls, while the worker has none.
    ///
    /// # Errors
    /// Why there is no worker any more.
    fn follow_orders(&mut self) -> Result<(), String> {
        while let Some(order) = self.link.next_order() {
            let done = self.follow(&order);
            let words = done.as_ref().err().filter(|error| !matches!(error, Error::Raised(_)));
            let words = words.map(Error::to_string);
            // Nobody may wait for it any more.
            let _ = order.answer.try_send(done);
            if let Some(words) = words {
                self.link.kill();
                return Err(words);
            }
        }
        Ok(())
    }

    fn follow(&mut self, order: &Order) -> Result<Vec<u8>, Error> {
        let taken = self.ask(&order.message)?;
        self.desk.lane().count_heap_snapshot();
        Ok(taken)
    }

    /// Has a worker that was started by way of a script say which interpreter it is.
    ///
    /// # Errors
    /// Why there is no worker any more.
    fn learn_interpreter(&mut self) -> Result<(), String> {
        let Some(shim) = self.setup.unknown_shim() else { return Ok(()) };
        let asked = message::request(":executable", Codec::Json, b"[]");
        let told = asked.and_then(|bytes| self.ask(&Message::new(bytes)));
        match told.map(|json| serde_json::from_slice::<PathBuf>(&json)) {
            Ok(Ok(interpreter)) => interpreter::led_to(shim.to_owned(), interpreter),
            // It does not know itself.
            Ok(Err(_)) | Err(Error::Raised(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    /// Has a worker that does nothing else run a function of its shell.
    fn ask(&mut self, message: &Message) -> Result<Vec<u8>, Error> {
        // Another error says that the worker has ended, as waiting for its answer will show.
        let number = self.link.send(message, || false).ok();
        loop {
            let now = Instant::now();
            let left = self.link.ends_at().map(|at| at.saturating_duration_since(now));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Error::Dropped);
            }
            match self.link.wait(left.unwrap_or(LONG).min(LONG))? {
                Came::Answer(answered, Status::Value) if Some(answered) == number => {
                    let body = self.link.body().to_vec();
                    self.link.forget_body();
                    return Ok(body);
                }
                Came::Answer(answered, _) if Some(answered) == number => {
                    let raised = serde_json::from_slice::<Exception>(self.link.body());
                    return Err(raised.map_or_else(
                        |source| Error::Json { what: "what was raised", source },
                        Error::Raised,
                    ));
                }
                Came::Answer(answered, _) => {
                    let what = format!("an answer to call {answered} while order {number:?} runs");
                    return Err(Error::Protocol { what });
                }
                Came::Nothing => {}
                Came::End => {
                    let (how, said) = self.link.ended();
                    return Err(Error::Died { how, said });
                }
            }
        }
    }

    /// Has a job done, and returns the next of those that the worker has.
    ///
    /// # Errors
    /// Why there is no worker any more. Its jobs have ended or are in the queue again.
    fn run(&mut self, task: Task<dyn Closure>) -> Result<Option<Task<dyn Closure>>, String> {
        let Some(message) = task.ticket().message() else {
            return Ok(self.fail(task, None, Failure::Closed));
        };
        if message.number().is_none() {
            let (grace, mut kill_at) = (self.setup.grace, None::<Instant>);
            let is_due = || {
                let now = Instant::now();
                if task.ticket().aborted() && kill_at.is_none() {
                    kill_at = now.checked_add(grace);
                }
                kill_at.is_some_and(|at| at <= now)
            };
            match self.link.send(message, is_due) {
                Ok(_) => self.send_ahead(),
                Err(ring::Error::TooLarge { len, max }) => {
                    let error = Error::CallTooLong { len, max: max as usize };
                    return Ok(self.fail(task, Some(error.to_string()), Failure::Error(error.into())));
                }
                // The worker has ended, as waiting for its answer will show. Nothing goes after what it got a part of.
                Err(_) => {}
            }
        } else if !self.is_due && 2 * self.link.outstanding() <= self.ahead && self.desk.top_up() {
            // Before it has done what it was sent.
            self.send_ahead();
        }
        match self.answer(&task) {
            Ok(Some(status)) => {
                let next = self.finish(task, status);
                self.link.forget_body();
                Ok(next)
            }
            Ok(None) => Err(self.bury(task, None)),
            Err(error) => Err(self.bury(task, Some(error))),
        }
    }

    /// Sends the worker what waits for it, and notes how much that is.
    fn send_ahead(&mut self) {
        let (link, mut left) = (&mut self.link, self.meter.tasks_left());
        self.desk.lane().send_ahead(|job| {
            left = left.wrapping_sub(1);
            left != u64::MAX && job.ticket().message().is_some_and(|message| link.try_send(message).is_some())
        });
        self.ahead = self.link.outstanding();
    }

    /// Looks at what the worker has used, after a job.
    fn measure(&mut self) -> Verdict {
        let pid = self.link.id();
        self.meter.count(Instant::now(), || Some(usage::memory(pid)?.anonymous))
    }

    /// Gives back what the worker has not started: all but what it is at.
    fn refuse(&self, task: Option<Task<dyn Closure>>) -> Option<Task<dyn Closure>> {
        self.desk.hand_back();
        let task = task?;
        if task.ticket().message().is_some_and(Message::take_back) {
            self.desk.retry(task);
            return None;
        }
        Some(task)
    }

    /// Tells whether the worker is to end now, between two jobs, because another takes its place.
    fn is_over(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fine => self.desk.is_replaced(),
            Verdict::Soon => {
                self.desk.ask_for_replacement();
                self.desk.is_replaced()
            }
            Verdict::Now => {
                self.desk.await_replacement();
                true
            }
        }
    }

    /// Waits for the answer to a job. `None` if the worker ends without one.
    fn answer(&mut self, task: &Task<dyn Closure>) -> Result<Option<Status>, Error> {
        let ticket = task.ticket();
        let number = ticket.message().and_then(Message::number);
        let begin = Instant::now();
        let (mut is_patient, mut kill_at) = (true, None);
        loop {
            let now = Instant::now();
            if ticket.aborted() && kill_at.is_none() {
                // So that nothing else runs when the signal arrives.
                self.desk.hand_back();
                is_patient = false;
                if let Some(number) = number {
                    self.link.abort(number);
                }
                kill_at = now.checked_add(self.setup.grace);
            }
            if is_patient && now.saturating_duration_since(begin) >= PATIENCE {
                is_patient = false;
                self.desk.hand_back();
            }
            let end = self.link.ends_at();
            if kill_at.is_some_and(|at| at <= now) || end.is_some_and(|at| at <= now) {
                self.link.kill();
                kill_at = now.checked_add(LONG);
            }
            let patience = is_patient.then(|| (begin + PATIENCE).saturating_duration_since(now));
            let grace = kill_at.map(|at| at.saturating_duration_since(now));
            let end = end.map(|at| at.saturating_duration_since(now)).filter(|left| !left.is_zero());
            let at_most = [Some(LONG), patience, grace, end].into_iter().flatten().min().unwrap_or(LONG);
            match self.link.wait(at_most)? {
                Came::Answer(answered, status) if Some(answered) == number => return Ok(Some(status)),
                Came::Answer(answered, _) => {
                    let what = format!("an answer to call {answered} while call {number:?} runs");
                    return Err(Error::Protocol { what });
                }
                Came::Nothing => {}
                Came::End => return Ok(None),
            }
        }
    }

    /// Ends a job that was answered.
    fn finish(&mut self, task: Task<dyn Closure>, status: Status) -> Option<Task<dyn Closure>> {
        match status {
            Status::Value => {
                let (desk, mut next) = (self.desk, None);
                let context = JobContext::answered(task.ticket(), desk.lane().worker, self.link.body());
                task.run(&context, &mut |error| next = desk.next(&task, error));
                next
            }
            Status::Raised => {
                let exception = serde_json::from_slice::<Exception>(self.link.body());
                let error = exception.map_or_else(
                    |source| {
                        Box::new(Error::Json { what: "what was raised", source }) as crate::pool::JobError
                    },
                    Into::into,
                );
                self.fail(task, Some(error.to_string()), Failure::Error(error))
            }
            Status::Aborted => {
                let failure = given_up(&task);
                self.fail(task, None, failure)
            }
        }
    }

    /// Counts a job as over and ends it with a failure.
    fn fail(
        &self,
        task: Task<dyn Closure>,
        words: Option<String>,
        failure: Failure,
    ) -> Option<Task<dyn Closure>> {
        let next = self.desk.next(&task, words);
        task.fail(failure);
        next
    }

    /// Sees to what is left of a worker that died, or is to, while it ran a job. Returns what to say of it.
    fn bury(&self, task: Task<dyn Closure>, error: Option<Error>) -> String {
        let (how, said) = if error.is_some() { self.link.kill() } else { self.link.ended() };
        let words = match error {
            Some(error) => error.to_string(),
            None => Error::Died { how, said: said.clone() }.to_string(),
        };
        self.desk.hand_back();
        let ticket = task.ticket();
        // One that the worker never began is another's, whoever killed the worker; but not without end.
        let (exit_code, signal) = match how {
            Ended::Exited(code) => (Some(code), None),
            Ended::Killed(signal) => (None, Some(signal)),
            Ended::Unknown => (None, None),
        };
        // However the job goes on, so that the kill explains no other end.
        let out_of_memory =
            if signal == Some(libc::SIGKILL) { self.link.ran_out_of_memory() } else { Some(false) };
        let is_untouched =
            ticket.message().is_some_and(|message| message.take_back() && message.lost() <= LOST_MAX);
        let kills = if is_untouched { 0 } else { ticket.message().map_or(KILLS_MAX, Message::survived) };
        if ticket.aborted() {
            let failure = given_up(&task);
            self.fail(task, None, failure);
        } else if self.link.ends_at().is_some_and(|at| at <= Instant::now()) {
            self.fail(task, None, Failure::Closed);
        } else if is_untouched || ticket.is_idempotent() && kills < KILLS_MAX {
            self.desk.retry(task);
        } else {
            let failure = Failure::Crashed { exit_code, signal, out_of_memory, stderr: said, kills };
            self.fail(task, Some(words.clone()), failure);
        }
        words
    }
}

/// Says how a job ended that was asked to stop.
fn given_up(task: &Task<dyn Closure>) -> Failure {
    if task.ticket().is_late() { Failure::TimedOut } else { Failure::Aborted }
}
