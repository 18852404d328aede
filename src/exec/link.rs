//! The supervisor's side of one worker process of a pool.

use std::io::{PipeWriter, Write, pipe};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::claims::{Claims, WINDOW};
use super::crew::{Crew, Membership, Order, Remote};
use super::message::{self, MESSAGE_MAX, READY, Status};
use super::outputs::Outputs;
use super::ports::Counter;
use super::process::{Launch, Process};
use super::servant::empty;
use super::setup::Setup;
use super::{Ended, Error};
use crate::pool::{Closure, Desk, Message, Station};
use crate::ring::{self, Deadline, Options, Receiver, Sender};
use crate::usage;

/// Bytes of each of a worker's two rings.
const RING_BYTES: u64 = 1 << 20;
/// How long a worker has to end in order before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// For how long to wait for more of a message that has no room at once, before looking for other things.
const PART: Duration = Duration::from_millis(20);
/// For how long to wait for room in the ring of a worker that may be away.
const ROOM: Duration = Duration::from_millis(1);
/// Between looks of a worker that boots at whether anybody has a use for it.
const NEED_LOOK: Duration = Duration::from_millis(50);
/// Calls that are with a worker at once, the one that runs included.
const AHEAD_MAX: u32 = WINDOW / 2;

/// One worker process, its rings and what has gone over them.
pub(super) struct Link {
    process: Ending,
    /// Until the process is gone.
    _membership: Membership,
    crew: Arc<Crew>,
    remote: Arc<Remote>,
    station: Arc<dyn Station>,
    claims: Claims,
    counter: Counter,
    to_worker: Sender,
    from_worker: Receiver,
    /// The number of the next call.
    next: u32,
    /// Calls that were sent, and answers that have come; that the worker is ready counts as both.
    sent: u32,
    received: u32,
    frame: Vec<u8>,
    kills_for_memory: Option<u64>,
    /// Where a worker that has an event loop waits.
    line: Option<PipeWriter>,
}

/// Sends a worker a line that waits for one.
fn fetch(claims: &Claims, line: Option<&mut PipeWriter>) {
    if claims.come_back()
        && let Some(line) = line
    {
        // A worker that has gone shows when its answer is waited for.
        let _ = line.write_all(b"\n");
    }
}

/// However its link ends, no process stays.
struct Ending(Arc<Process>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What came while an answer was waited for.
pub(super) enum Came {
    /// The answer to a call, whose body [`Link::body`] has.
    Answer(u32, Status),
    /// Nothing in time, or somebody called.
    Nothing,
    /// Everything that the worker ever sent has been received.
    End,
}

impl Link {
    /// Starts a worker, and waits until it is ready.
    ///
    /// # Errors
    /// What [`Executor`](super::Executor)'s start has; no process stays.
    pub(super) fn start(setup: &Setup, crew: &Arc<Crew>, desk: &Desk<dyn Closure>) -> Result<Self, Error> {
        let lane = desk.lane();
        let options = Options::new().capacity(RING_BYTES).max_message(MESSAGE_MAX);
        let (requests, answers) = (ring::anonymous(&options)?, ring::anonymous(&options)?);
        let claims = Claims::new().map_err(ring::Error::from)?;
        let (to_worker, from_worker) = (requests.sender()?, answers.receiver()?);
        let (counter, for_ports) = Counter::open(&claims, desk.ports(), lane.worker)?;
        let for_claims = claims.export_fd().map_err(ring::Error::from)?;
        let mut passed: Vec<OwnedFd> =
            vec![requests.export_fd()?, answers.export_fd()?, for_claims, for_ports];
        let line = if setup.has_event_loop() {
            let (input, line) = pipe().map_err(Error::os("pipe"))?;
            passed.push(input.into());
            Some(line)
        } else {
            None
        };
        let remote = Arc::new(Remote::new(claims.clone(), lane.clone(), setup.output.clone()));
        let membership = crew.join(&remote);
        let command = setup.command(&passed);
        let language = setup.functions.language().name();
        let (outputs, [output, errors]) = Outputs::new(remote.clone())?;
        let launch = Launch {
            language,
            input: Stdio::null(),
            output: output.into(),
            errors: errors.into(),
            passed,
            attendant: Arc::new(outputs),
            confined: None,
        };
        let process = Process::launch(command, launch)?;
        let mut link = Self {
            process: Ending(process),
            _membership: membership,
            crew: crew.clone(),
            station: remote.clone(),
            remote,
            claims,
            counter,
            to_worker,
            from_worker,
            next: 0,
            sent: 1,
            received: 0,
            frame: Vec::new(),
            line,
            kills_for_memory: usage::kills_for_memory(),
        };
        link.greet(setup.ready_within, || desk.is_needed())?;
        setup.limits.hard().map(|bytes| link.process.0.limit_data(bytes)).transpose()?;
        Ok(link)
    }

    /// Waits until the worker is ready, as long as anybody has a use for it.
    fn greet(&mut self, within: Duration, is_needed: impl Fn() -> bool) -> Result<(), Error> {
        let until = Instant::now() + within;
        loop {
            if self.crew.ends_at().is_some() || !is_needed() {
                return Err(Error::Dropped);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.wait(left.min(NEED_LOOK))? {
                Came::Answer(READY, _) => return Ok(()),
                Came::Answer(number, _) => {
                    return Err(self.broken(format!("an answer to call {number} before any")));
                }
                Came::End => return Err(self.died()),
                Came::Nothing if Instant::now() < until => {}
                Came::Nothing => return Err(Error::NotReady { within, said: self.kill().1 }),
            }
        }
    }

    /// Sends a call for which there is room. `None` if there is none.
    pub(super) fn try_send(&mut self, message: &Message) -> Option<u32> {
        if self.outstanding() >= AHEAD_MAX {
            return None;
        }
        let (claims, sender, next) = (&self.claims, &mut self.to_worker, self.next);
        let number = message.try_send(&self.station, |bytes| {
            bytes[..4].copy_from_slice(&next.to_le_bytes());
            claims.offer(next);
            sender.try_send(bytes).is_ok().then_some(next)
        })?;
        if number == next {
            self.count_sent();
        }
        Some(number)
    }

    /// Sends a call to a worker that has nothing else to do, however long it is. `is_due` is asked, again and again while there
    /// is no room, whether the worker is to be killed.
    ///
    /// # Errors
    /// The worker has ended, as [`Link::wait`] will say, or what it did to the ring.
    pub(super) fn send(
        &mut self,
        message: &Message,
        mut is_due: impl FnMut() -> bool,
    ) -> Result<u32, ring::Error> {
        let next = self.next;
        let mut bytes = match message.begin(&self.station, next) {
            Ok(bytes) => bytes,
            Err(number) => return Ok(number),
        };
        bytes[..4].copy_from_slice(&next.to_le_bytes());
        self.claims.offer(next);
        let mut sent = 0;
        let outcome = loop {
            match self.to_worker.send_part(&bytes, &mut sent, Some(Deadline::after(ROOM))) {
                // It makes room once it is there to read.
                Err(ring::Error::TimedOut { .. }) if !self.has_ended() => {
                    fetch(&self.claims, self.line.as_mut());
                    if is_due() || self.ends_at().is_some_and(|at| at <= Instant::now()) {
                        self.kill();
                    }
                    // A call that runs asks for its ports meanwhile; one that comes has none yet.
                    self.counter.serve(&self.station);
                }
                outcome => break outcome,
            }
        };
        message.keep(bytes);
        outcome?;
        self.count_sent();
        Ok(next)
    }

    fn count_sent(&mut self) {
        self.next = (self.next + 1) & (READY >> 2);
        self.sent = self.sent.wrapping_add(1);
        fetch(&self.claims, self.line.as_mut());
    }

    /// Returns how many calls are with the worker.
    pub(super) fn outstanding(&self) -> u32 {
        self.sent.wrapping_sub(self.received).wrapping_sub(self.remote.taken_back.load(SeqCst))
    }

    /// Waits for the next answer, for at most so long, and lends ports meanwhile.
    ///
    /// # Errors
    /// [`Error::Protocol`], [`Error::Ring`]: the worker wrote what it may not, and is to be ended.
    pub(super) fn wait(&mut self, at_most: Duration) -> Result<Came, Error> {
        self.counter.serve(&self.station);
        let came = self.wait_for_answer(at_most.min(self.counter.patience()))?;
        // What it gave back before it answered.
        self.counter.serve(&self.station);
        Ok(came)
    }

    fn wait_for_answer(&mut self, at_most: Duration) -> Result<Came, Error> {
        if let Some(came) = self.look()? {
            return Ok(came);
        }
        if self.has_ended() {
            // What it sent in its last moment.
            return Ok(self.receive(Deadline::now())?.unwrap_or(Came::End));
        }
        if self.claims.is_long() {
            return Ok(self.receive(Deadline::after(PART))?.unwrap_or(Came::Nothing));
        }
        let taken_back = self.remote.taken_back.load(SeqCst);
        // Half of what it has, so that it does the rest meanwhile.
        let many = self.outstanding().div_ceil(2).max(1);
        let wanted = self.received.wrapping_add(many);
        let (remote, process, served) = (&self.remote, &self.process.0, self.counter.served());
        self.claims.sleep(wanted, at_most, || {
            process.has_ended()
                || remote.is_called.load(SeqCst)
                || remote.taken_back.load(SeqCst) != taken_back
                || remote.claims.is_long()
                || remote.claims.asked() != served
        });
        self.remote.is_called.store(false, SeqCst);
        let came = self.look()?;
        if came.is_none() {
            // The thread that watches it may be held up by whoever takes the output.
            self.process.0.reap();
        }
        Ok(came.unwrap_or(Came::Nothing))
    }

    fn look(&mut self) -> Result<Option<Came>, Error> {
        if self.claims.answered() == self.received { Ok(None) } else { self.receive(Deadline::now()) }
    }

    fn receive(&mut self, deadline: Deadline) -> Result<Option<Came>, Error> {
        empty(&mut self.frame);
        match self.from_worker.recv_copy(&mut self.frame, deadline) {
            Ok(_) => {}
            Err(ring::Error::TimedOut { .. }) => return Ok(None),
            // The process has ended, or is about to.
            Err(ring::Error::Closed | ring::Error::PeerDied) => {
                self.process.0.wait(Deadline::after(PART));
                return Ok(self.has_ended().then_some(Came::End));
            }
            Err(other) => return Err(other.into()),
        }
        let Some((number, status, _)) = message::read_answer(&self.frame) else {
            return Err(Error::Protocol { what: format!("an answer of {} bytes", self.frame.len()) });
        };
        self.received = self.received.wrapping_add(1);
        Ok(Some(Came::Answer(number, status)))
    }

    /// Returns the body of the last answer.
    pub(super) fn body(&self) -> &[u8] {
        message::read_answer(&self.frame).map_or(&[], |(_, _, body)| body)
    }

    /// Forgets the last answer, so that a worker that idles keeps no memory of a long one.
    pub(super) fn forget_body(&mut self) {
        empty(&mut self.frame);
    }

    /// Tells whether a kill for want of memory since the worker was started explains its end, where the kernel says so.
    /// Once: a kill explains one end.
    pub(super) fn ran_out_of_memory(&self) -> Option<bool> {
        usage::claim_kill_for_memory(self.kills_for_memory?)
    }

    /// Asks a call that runs to stop.
    pub(super) fn abort(&self, number: u32) {
        self.claims.abort(number);
        self.process.0.interrupt();
    }

    /// Tells whether there may be an order, which is for when the worker runs nothing.
    pub(super) fn is_ordered(&self) -> bool {
        self.remote.is_ordered()
    }

    /// Returns the next order.
    pub(super) fn next_order(&self) -> Option<Order> {
        self.remote.next_order()
    }

    /// Tells whether the process is no more.
    pub(super) fn has_ended(&self) -> bool {
        self.process.0.has_ended()
    }

    /// Returns when the worker is to be killed, whatever it runs, because nobody has the pool any more.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.crew.ends_at()
    }

    /// Returns the process's id.
    pub(super) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Kills the worker; returns how it ended and what it said last.
    pub(super) fn kill(&self) -> (Ended, String) {
        self.process.0.end()
    }

    /// Says how a worker has ended that has, or is about to.
    pub(super) fn ended(&self) -> (Ended, String) {
        match self.process.0.wait(Deadline::after(STOP_GRACE)) {
            Some(how) => (how, self.process.0.said()),
            None => self.kill(),
        }
    }

    fn died(&self) -> Error {
        let (how, said) = self.ended();
        Error::Died { how, said }
    }

    fn broken(&self, what: String) -> Error {
        self.kill();
        Error::Protocol { what }
    }

    /// Has the worker end, in order if it does so soon.
    pub(super) fn stop(self) {
        let Self { process, to_worker, line, _membership, .. } = self;
        drop((to_worker, line));
        process.0.wait(Deadline::after(STOP_GRACE));
    }
}
