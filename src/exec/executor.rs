//! Sessions for whoever has code to run: started, and started again where they end.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::policy::Policy;
use super::session::Life;
use super::{
    AuditTrail, Builder, Error, HeapOptions, HeapSnapshot, Interrupter, Killer, Language, Outcome, Recycled,
    RunOptions, Session, SessionPool,
};
use crate::pool::WorkerEntry;
use crate::usage::Probe;

/// Runs code in a session, whose names stay from run to run. `Send`.
///
/// Where the session ends, whatever the reason, the run that was under way fails with that, and the next one has a new
/// session, without the names of the last. Dropping it stops the session, and kills it where it does not stop.
#[derive(Debug)]
pub struct Executor {
    source: Source,
    session: Session,
    /// Bytes that the session had in memory at its start, where that is looked at.
    memory: u64,
    /// What the session does, for those who look from elsewhere.
    life: Arc<Mutex<Arc<Life>>>,
}

/// Looks at an executor from elsewhere, as long as that is there. It keeps no session.
#[derive(Clone, Debug)]
pub(crate) struct ExecutorWatcher {
    life: Weak<Mutex<Arc<Life>>>,
    pub(crate) language: Language,
    pub(crate) policies: Vec<Policy>,
    /// What those denied and warned of.
    pub(crate) trail: Option<AuditTrail>,
}

impl ExecutorWatcher {
    /// Says what [`Executor::entry`] does; `None` once the executor has gone.
    pub(crate) fn look(&self) -> Option<WorkerEntry> {
        let life = self.life.upgrade()?;
        let life = life.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(life.entry())
    }
}

/// Where an executor has its sessions from.
#[derive(Debug)]
enum Source {
    Alone(Box<Builder>),
    Pool(SessionPool),
}

impl Executor {
    /// Begins with the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts sessions one by one.
    pub(super) fn alone(builder: Builder) -> Result<Self, Error> {
        Self::new(Source::Alone(Box::new(builder)))
    }

    /// Takes sessions from a pool.
    pub(super) fn of(pool: SessionPool) -> Result<Self, Error> {
        Self::new(Source::Pool(pool))
    }

    fn new(source: Source) -> Result<Self, Error> {
        let session = source.session()?;
        let memory = source.memory(&session);
        let life = Arc::new(Mutex::new(session.life().clone()));
        Ok(Self { source, session, memory, life })
    }

    /// Returns the session; a new one where it has ended, or is to be replaced between two runs.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn session(&mut self) -> Result<&mut Session, Error> {
        let has_ended = self.session.has_ended();
        if has_ended || self.is_worn() {
            self.renew(if has_ended { Recycled::Ended } else { Recycled::Worn })?;
        }
        Ok(&mut self.session)
    }

    fn renew(&mut self, why: Recycled) -> Result<(), Error> {
        let session = self.source.session()?.recycled(why);
        self.memory = self.source.memory(&session);
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = session.life().clone();
        self.source.retire(std::mem::replace(&mut self.session, session));
        Ok(())
    }

    /// Tells whether the session has run as often, or has grown as much, as it may.
    fn is_worn(&self) -> bool {
        let recycle = self.source.builder().recycle;
        let (runs, usage) = self.session.last();
        if self.session.is_running() || runs == 0 {
            return false;
        }
        let is_old = recycle.runs.is_some_and(|most| runs >= most);
        is_old
            || recycle.growth.is_some_and(|growth| {
                let most = self.memory.saturating_add(growth);
                // Without a look at what it has now where it never had so much.
                usage.memory_peak > most && resident(&self.session) > most
            })
    }

    /// Returns the session as it is, also where it has ended and its end was not taken yet.
    pub fn current(&mut self) -> &mut Session {
        &mut self.session
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
    /// `KeyboardInterrupt` of Python or an `AbortError` of Bun for an error. Where it does not end after that, its session does,
    /// as [`Grace`](super::Grace) says.
    ///
    /// # Errors
    /// [`Error::Stopped`], and those of [`Executor::run`].
    pub fn run_timeout(&mut self, code: &str, within: Duration) -> Result<Outcome, Error> {
        self.session()?.run(code, RunOptions::new().within(within))
    }

    /// As [`Session::heap_snapshot`]; of a new session where the last has ended.
    ///
    /// # Errors
    /// Those of [`Session::heap_snapshot`] and [`Builder::start`].
    pub fn heap_snapshot(&mut self, options: &HeapOptions) -> Result<HeapSnapshot, Error> {
        self.session()?.heap_snapshot(options)
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
        self.renew(Recycled::Restarted)
    }

    /// Returns the session's process id, while it has one.
    pub fn process_id(&self) -> Option<u32> {
        (!self.session.has_ended()).then(|| self.session.process_id())
    }

    /// Says what the session does and has done, as the `registry` of a session payload has it.
    ///
    /// ```no_run
    /// use circlet::exec::Executor;
    /// use circlet::payload::ExecutorState;
    ///
    /// let mut python = Executor::builder().start()?;
    /// python.run("1 + 1")?;
    /// let state = ExecutorState { language: Some("python".to_owned()), ..ExecutorState::from(&python.entry()) };
    /// assert_eq!(state.calls, Some(1));
    /// # Ok::<(), circlet::exec::Error>(())
    /// ```
    pub fn entry(&self) -> WorkerEntry {
        self.session.life().entry()
    }

    /// Returns what looks at this executor from elsewhere.
    pub(crate) fn watcher(&self) -> ExecutorWatcher {
        let builder = self.source.builder();
        let (language, policies, trail) =
            (builder.language, builder.policies.clone(), builder.watched.clone());
        ExecutorWatcher { life: Arc::downgrade(&self.life), language, policies, trail }
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

impl Source {
    fn builder(&self) -> &Builder {
        match self {
            Self::Alone(builder) => builder,
            Self::Pool(pool) => pool.builder(),
        }
    }

    fn session(&self) -> Result<Session, Error> {
        match self {
            Self::Alone(builder) => builder.session(None, None),
            Self::Pool(pool) => pool.session(),
        }
    }

    /// Ends a session that is not needed any more.
    fn retire(&self, session: Session) {
        match self {
            Self::Alone(_) => drop(session),
            Self::Pool(pool) => pool.retire(session),
        }
    }

    fn memory(&self, session: &Session) -> u64 {
        self.builder().recycle.growth.map_or(0, |_| resident(session))
    }
}

/// Returns how many bytes a session has in memory.
fn resident(session: &Session) -> u64 {
    let usage = Probe::Process { pid: session.process_id() }.usage();
    usage.and_then(|usage| usage.resident).unwrap_or(0)
}
