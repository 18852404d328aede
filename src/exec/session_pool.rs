//! Sessions that are kept ready.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;

use super::fork_server::ForkServer;
use super::process::Killer;
use super::session::{Life, Notice};
use super::{Builder, Error, Executor, Session};
use crate::pool::{WorkerEnd, WorkerEntry, WorkerId, WorkerState};
use crate::shm::Deadline;

/// How long to wait before what has failed is tried again: at first, and at the most.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// How many of the sessions that have ended the registry has.
const ENDED_MAX: usize = 64;

/// Makes sessions by a fork server, and keeps some ready. A handle, of which there may be many; `Sync`.
///
/// A server or a session that ends while nobody uses it is replaced. All processes end when the last handle and the last
/// executor are dropped.
#[derive(Clone, Debug)]
pub struct SessionPool(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    inside: Arc<Inside>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inside {
    builder: Builder,
    ready: usize,
    /// For the thread that keeps sessions ready.
    notice: Arc<Notice>,
    stock: Mutex<Stock>,
    /// A session has become ready, or cannot.
    changed: Condvar,
}

/// What all sessions of a pool do. It serializes as the `worker_threads` of a session payload.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionSnapshot {
    /// How many sessions are in which state.
    pub pool: SessionCounts,
    /// The sessions that there are, and the last 64 of those that have ended.
    pub registry: BTreeMap<WorkerId, WorkerEntry>,
}

/// How many sessions are in which state: `active + idle + ready + draining == size`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionCounts {
    /// Those that there are.
    pub size: usize,
    /// Those that run something.
    pub active: usize,
    /// Those of an executor that run nothing.
    pub idle: usize,
    /// Those that wait for an executor.
    pub ready: usize,
    /// Those that are about to end.
    pub draining: usize,
    /// Those that have ended since the pool was started. They are no part of the size.
    pub terminated: u64,
}

#[derive(Debug, Default)]
struct Stock {
    ready: VecDeque<Session>,
    /// All sessions, but for those that ended long ago.
    lives: Vec<Arc<Life>>,
    /// How many of those have ended that are not among them any more.
    forgotten: u64,
    server: Option<Arc<ForkServer>>,
    /// Ends the server that was started last, which may not be ready yet.
    starting: Option<Killer>,
    retired: Vec<Session>,
    is_closing: bool,
    /// How often in a row no session could be made, and why not the last time.
    failures: u32,
    failure: Option<Error>,
}

impl SessionPool {
    pub(super) fn start(builder: Builder, ready: usize) -> Result<Self, Error> {
        let notice = Arc::<Notice>::default();
        let server = builder.fork_server(notice.clone(), drop)?;
        let stock = Stock { server: Some(Arc::new(server)), ..Stock::default() };
        let (stock, changed) = (Mutex::new(stock), Condvar::new());
        let inside = Arc::new(Inside { builder, ready, notice, stock, changed });
        inside.notice.give();
        let own = inside.clone();
        let thread = thread::Builder::new().name("circlet-sessions".to_owned());
        let thread = Some(thread.spawn(move || own.keep_ready()).map_err(Error::os("clone"))?);
        Ok(Self(Arc::new(Handle { inside, thread })))
    }

    /// Opens an executor with a session of its own: one that is ready, else one that is forked now.
    ///
    /// # Errors
    /// [`Error::NotReady`], [`Error::Died`], [`Error::Os`].
    pub fn open(&self) -> Result<Executor, Error> {
        Executor::of(self.clone())
    }

    /// Waits until as many sessions are ready as are to be kept; `false` if they are not in time.
    ///
    /// # Errors
    /// Why the last one could not be made.
    pub fn wait_ready(&self, deadline: Deadline) -> Result<bool, Error> {
        let inside = &self.0.inside;
        let mut stock = inside.stock();
        loop {
            if let Some(failure) = stock.failure.take() {
                return Err(failure);
            }
            if stock.ready.len() >= inside.ready {
                return Ok(true);
            }
            let left = deadline.left().unwrap_or(Duration::from_secs(1));
            if left.is_zero() {
                return Ok(false);
            }
            stock = inside.changed.wait_timeout(stock, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells what every session does. It looks at each process: some 20 us for each.
    pub fn snapshot(&self) -> SessionSnapshot {
        self.0.inside.snapshot()
    }

    /// Returns what looks as [`SessionPool::snapshot`] does, and returns `None` once the pool has ended. It keeps no session.
    pub(crate) fn watcher(&self) -> impl Fn() -> Option<SessionSnapshot> + Send + use<> {
        let inside = Arc::downgrade(&self.0.inside);
        move || {
            let inside = inside.upgrade().filter(|inside| !inside.stock().is_closing)?;
            Some(inside.snapshot())
        }
    }

    pub(crate) fn builder(&self) -> &Builder {
        &self.0.inside.builder
    }

    pub(super) fn session(&self) -> Result<Session, Error> {
        self.0.inside.session()
    }

    pub(super) fn retire(&self, session: Session) {
        session.life().leaves(WorkerEnd::Recycled);
        self.0.inside.stock().retired.push(session);
        self.0.inside.notice.give();
    }
}

impl Inside {
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> SessionSnapshot {
        let (lives, ready, forgotten) = {
            let stock = self.stock();
            let ready: Vec<WorkerId> = stock.ready.iter().map(|session| session.life().id).collect();
            (stock.lives.clone(), ready, stock.forgotten)
        };
        let registry: BTreeMap<_, _> = lives.iter().map(|life| (life.id, life.entry())).collect();
        let mut pool = SessionCounts { terminated: forgotten, ..SessionCounts::default() };
        for (id, entry) in &registry {
            match entry.state {
                WorkerState::Terminated => pool.terminated += 1,
                WorkerState::Processing => pool.active += 1,
                WorkerState::Draining => pool.draining += 1,
                WorkerState::Booting | WorkerState::Idle if ready.contains(id) => pool.ready += 1,
                WorkerState::Booting | WorkerState::Idle => pool.idle += 1,
            }
        }
        pool.size = pool.active + pool.idle + pool.ready + pool.draining;
        SessionSnapshot { pool, registry }
    }

    /// Returns a session that is ready, else a new one.
    fn session(&self) -> Result<Session, Error> {
        loop {
            let next = self.stock().ready.pop_front();
            self.notice.give();
            match next {
                Some(session) if session.has_ended() => drop(session),
                Some(session) => return Ok(session),
                None => break,
            }
        }
        let server = self.stock().server.clone().filter(|server| !server.has_ended());
        let made = self.builder.session(server.as_ref(), None);
        let session = match server {
            // It died meanwhile: the next one will take longer than a start without one.
            Some(server) if made.is_err() && server.has_ended() => self.builder.session(None, None),
            _ => made,
        }?;
        self.stock().knows(&session);
        Ok(session)
    }

    /// Keeps sessions ready until the pool is closed.
    fn keep_ready(&self) {
        loop {
            let failures = self.stock().failures;
            let again = (failures > 0).then(|| (AGAIN * 2_u32.pow(failures.min(8) - 1)).min(AGAIN_MAX));
            self.notice.take(again);
            let (ended, is_closing) = self.take_ended();
            drop(ended);
            if is_closing {
                return;
            }
            let made = self.make();
            let mut stock = self.stock();
            match made {
                Ok(None) => stock.failures = 0,
                Ok(Some(session)) => {
                    stock.failures = 0;
                    stock.knows(&session);
                    stock.ready.push_back(session);
                    self.notice.give();
                }
                Err(failure) => {
                    stock.failures = stock.failures.saturating_add(1);
                    stock.failure = Some(failure);
                }
            }
            drop(stock);
            self.changed.notify_all();
        }
    }

    /// Takes out what is of no use any more; tells whether the pool is closed, and then takes out everything.
    fn take_ended(&self) -> (Vec<Session>, bool) {
        let mut stock = self.stock();
        let mut ended = std::mem::take(&mut stock.retired);
        let is_closing = stock.is_closing;
        for session in std::mem::take(&mut stock.ready) {
            if is_closing || session.has_ended() {
                ended.push(session);
            } else {
                stock.ready.push_back(session);
            }
        }
        (ended, is_closing)
    }

    /// Makes one session if there are too few.
    fn make(&self) -> Result<Option<Session>, Error> {
        let (server, is_enough) = {
            let stock = self.stock();
            (stock.server.clone().filter(|server| !server.has_ended()), stock.ready.len() >= self.ready)
        };
        let server = match server {
            Some(server) => server,
            None => {
                let started = |killer| self.stock().starts(killer);
                let server = Arc::new(self.builder.fork_server(self.notice.clone(), started)?);
                self.stock().server = Some(server.clone());
                server
            }
        };
        if is_enough {
            Ok(None)
        } else {
            self.builder.session(Some(&server), Some(self.notice.clone())).map(Some)
        }
    }
}

impl Stock {
    fn starts(&mut self, server: Killer) {
        if self.is_closing {
            server.kill();
        }
        self.starting = Some(server);
    }

    /// Has nothing wait for the server any more.
    fn close(&mut self) {
        self.is_closing = true;
        self.server.iter().for_each(|server| server.kill());
        self.starting.iter().for_each(Killer::kill);
    }

    fn knows(&mut self, session: &Session) {
        self.lives.push(session.life().clone());
        let ended = self.lives.iter().filter(|life| life.has_ended()).count();
        let mut surplus = ended.saturating_sub(ENDED_MAX);
        self.forgotten += surplus as u64;
        self.lives.retain(|life| {
            let is_dropped = surplus > 0 && life.has_ended();
            surplus -= usize::from(is_dropped);
            !is_dropped
        });
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.inside.stock().close();
        self.inside.notice.give();
        let _ = self.thread.take().map(JoinHandle::join);
        self.inside.stock().server = None;
    }
}
