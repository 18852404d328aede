//! What the threads that have to do with a session share: one runs its code, one watches its process, and any may stop a run.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io};

use super::life::Life;
use super::pipes::Pipes;
use super::stop::Plan;
use super::words::Words;
use super::{Moment, Stopped};
use crate::exec::Error;
use crate::exec::log::{CIRCLET, log};
use crate::exec::outputs::Stream;
use crate::exec::process::{Attendant, Process};
use crate::exec::sandbox::{MemoryWatch, SelfReported, Witness};
use crate::procfs;
use crate::ring::Deadline;

/// What the threads that have to do with a session share.
pub(in crate::exec) struct Shared {
    pub(in crate::exec) words: Words,
    pub(in crate::exec) pipes: Pipes,
    plan: Mutex<Option<Plan>>,
    has_begun: AtomicBool,
    /// Wakes the thread that watches the process.
    pub(super) alarm: Alarm,
    pub(super) is_over: AtomicBool,
    /// Whether whoever waits for what comes of a run is to do something else first.
    pub(super) is_called: AtomicBool,
    pub(super) life: Arc<Life>,
    /// Who else is told of the end.
    notice: Option<Arc<Notice>>,
    memory: Option<Mutex<MemoryWatch>>,
}

impl Shared {
    pub(super) fn new(
        words: Words,
        pipes: Pipes,
        notice: Option<Arc<Notice>>,
        memory: Option<MemoryWatch>,
    ) -> Result<Self, Error> {
        Ok(Self {
            words,
            pipes,
            plan: Mutex::default(),
            has_begun: AtomicBool::new(false),
            alarm: Alarm::new()?,
            is_over: AtomicBool::new(false),
            is_called: AtomicBool::new(false),
            life: Arc::new(Life::new()),
            notice,
            memory: memory.map(Mutex::new),
        })
    }

    fn memory(&self) -> Option<MutexGuard<'_, MemoryWatch>> {
        Some(self.memory.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells whether the session was killed since it had more memory than it may have; it is written down by then.
    pub(super) fn is_past_memory(&self) -> bool {
        self.memory().is_some_and(|memory| memory.was_past())
    }

    /// Has its files counted as memory, where they are in memory. No code has run by now.
    pub(super) fn counts_files(&self, session: u32) -> io::Result<()> {
        self.memory().map_or(Ok(()), |mut memory| memory.counts_files(session))
    }

    /// Looks at its memory, if it is time, and ends it where there is too much.
    fn look_at_memory(&self, process: &Process) {
        let Some(mut memory) = self.memory() else { return };
        if memory.is_past(process.id()) {
            process.kill();
            // The run is under way until somebody has asked whether this was so, and waits for that.
            memory.tell(process.id());
        }
    }

    fn plan(&self) -> MutexGuard<'_, Option<Plan>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begins(&self, plan: Plan) {
        self.life.runs(plan.request);
        self.has_begun.store(true, SeqCst);
        let is_bounded = plan.due().is_some();
        *self.plan() = Some(plan);
        self.pipes.set_taken(true);
        if is_bounded {
            self.alarm.sound();
        }
    }

    /// Ends the plan of a run, and says how far it went.
    pub(super) fn end(&self) -> Option<Stopped> {
        self.pipes.set_taken(false);
        self.plan().take().and_then(|plan| plan.reached())
    }

    /// Returns the steps that were taken to stop the run, after the first so many, and when.
    pub(super) fn taken_after(&self, known: usize) -> Vec<(Stopped, Moment)> {
        self.plan().as_ref().map_or(Vec::new(), |plan| plan.taken_after(known).to_vec())
    }

    /// Does what is due to stop the run, and returns how long until the next step.
    pub(super) fn take_steps(&self, process: &Process) -> Option<Duration> {
        let mut plan = self.plan();
        let plan = plan.as_mut()?;
        self.step(plan, process);
        Some(plan.due()?.saturating_duration_since(Instant::now()))
    }

    fn step(&self, plan: &mut Plan, process: &Process) {
        let step = plan.step(Instant::now());
        if let Some(step) = step {
            log(CIRCLET, || {
                let how = match step {
                    Stopped::Interrupted => "SIGINT",
                    Stopped::GroupInterrupted => "SIGINT to its group",
                    Stopped::Killed => "SIGKILL",
                };
                format!("session {} is to stop run {}: {how}", process.id(), plan.request)
            });
            // For those who want to know of it at once.
            self.words.wake_surely();
        }
        match step {
            None => {}
            Some(Stopped::Interrupted) => {
                self.life.stops();
                self.words.stop(plan.request);
                process.interrupt();
            }
            Some(Stopped::GroupInterrupted) => process.interrupt_group(),
            Some(Stopped::Killed) => process.kill(),
        }
    }
}

impl Witness for Shared {
    fn has_begun(&self) -> bool {
        self.has_begun.load(SeqCst)
    }

    fn run(&self) -> Option<u32> {
        self.plan().as_ref().map(|plan| plan.request)
    }

    fn reported(&self, session: u32, thread: libc::pid_t) -> Option<SelfReported> {
        let (id, thread) = (thread, thread.unsigned_abs());
        // The first thread of a process that the code has made, which has not said anything: who made it did.
        let is_new = || thread != session && procfs::process_of(id).is_ok_and(|process| process == id);
        self.words.reported(thread, is_new())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Attendant for Shared {
    fn descriptors(&self) -> [Option<libc::c_int>; 3] {
        let [output, errors] = self.pipes.descriptors();
        [output, errors, Some(self.alarm.0.as_raw_fd())]
    }

    fn until(&self) -> Deadline {
        let step = self.plan().as_ref().and_then(Plan::due);
        let look = self.memory().and_then(|memory| memory.due());
        match step.into_iter().chain(look).min() {
            Some(due) => Deadline::after(due.saturating_duration_since(Instant::now())),
            None => Deadline::NEVER,
        }
    }

    fn attend(&self, process: &Process, ready: [bool; 3]) {
        let [output, errors, is_called] = ready;
        for (stream, has_more) in Stream::BOTH.into_iter().zip([output, errors]) {
            if has_more && self.pipes.read(stream) {
                self.words.ring(false);
            }
        }
        if is_called {
            self.alarm.hush();
        }
        self.take_steps(process);
        self.look_at_memory(process);
    }

    fn ended(&self) {
        // What it wrote last.
        self.pipes.read_all();
        self.life.ends();
        if let Some(mut memory) = self.memory() {
            memory.end();
        }
        self.is_over.store(true, SeqCst);
        self.words.wake_surely();
        if let Some(notice) = &self.notice {
            notice.give();
        }
    }

    fn finish(&self) {}

    fn said(&self, _has_ended: bool) -> String {
        self.pipes.tail()
    }
}

/// Tells one thread that there is something to see to.
#[derive(Debug, Default)]
pub(in crate::exec) struct Notice {
    is_given: Mutex<bool>,
    given: Condvar,
}

impl Notice {
    pub(in crate::exec) fn give(&self) {
        *self.is_given.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.given.notify_all();
    }

    /// Waits until it was given, or for that long.
    pub(in crate::exec) fn take(&self, at_most: Option<Duration>) {
        let is_given = self.is_given.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |is_given: &mut bool| !*is_given;
        let mut is_given = match at_most {
            Some(at_most) => {
                let waited = self.given.wait_timeout_while(is_given, at_most, missing);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.given.wait_while(is_given, missing).unwrap_or_else(PoisonError::into_inner),
        };
        *is_given = false;
    }
}

/// An event that wakes the thread that watches a session.
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    fn new() -> Result<Self, Error> {
        // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
        unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fd < 0 {
                return Err(Error::os("eventfd")(io::Error::last_os_error()));
            }
            Ok(Self(OwnedFd::from_raw_fd(fd)))
        }
    }

    pub(super) fn sound(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the bytes outlive the call. Where the count is full it is readable already.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn hush(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the buffer outlives the call and is as long as said.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

/// Stops what a session runs, from any thread.
#[derive(Clone)]
pub struct Interrupter {
    shared: Arc<Shared>,
    process: Arc<Process>,
}

impl Interrupter {
    pub(super) fn new(shared: Arc<Shared>, process: Arc<Process>) -> Self {
        Self { shared, process }
    }

    /// Stops the run that is under way: by SIGINT at first, which the code sees as `KeyboardInterrupt`, and then as
    /// [`Grace`](super::Grace) says. Asked again, it sends SIGINT again, and the steps stay as they are. `false` where no run
    /// is under way. The next run never gets the signal of this one.
    pub fn interrupt(&self) -> bool {
        let Some(plan) = &mut *self.shared.plan() else { return false };
        if plan.reached().is_some() {
            self.process.interrupt();
        }
        plan.stop(Instant::now());
        self.shared.step(plan, &self.process);
        self.shared.alarm.sound();
        true
    }

    /// Sends a signal to the session and to what it has started, as a terminal does to a program; nothing once it has ended.
    ///
    /// No step follows it. The run that is under way sees SIGINT as `KeyboardInterrupt`, unless it has a handler of its own.
    pub fn signal(&self, signal: i32) {
        if signal == libc::SIGINT
            && let Some(plan) = &*self.shared.plan()
        {
            self.shared.words.stop(plan.request);
        }
        self.process.signal_group(signal);
    }

    /// Has [`Session::next`](super::Session::next), whichever thread waits there now or does so next, return without an event.
    pub fn wake(&self) {
        self.shared.is_called.store(true, SeqCst);
        self.shared.words.wake_surely();
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupter").field("process", &self.process).finish_non_exhaustive()
    }
}
