//! Sessions that are kept ready.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::fork_server::ForkServer;
use super::session::Notice;
use super::{Builder, Error, Executor, Session};
use crate::shm::Deadline;

/// How long to wait before what has failed is tried again: at first, and at the most.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(10);

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

#[derive(Debug, Default)]
struct Stock {
    ready: VecDeque<Session>,
    server: Option<Arc<ForkServer>>,
    retired: Vec<Session>,
    is_closing: bool,
    /// How often in a row no session could be made, and why not the last time.
    failures: u32,
    failure: Option<Error>,
}

impl SessionPool {
    pub(super) fn start(builder: Builder, ready: usize) -> Result<Self, Error> {
        let notice = Arc::<Notice>::default();
        let server = builder.fork_server(notice.clone())?;
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

    pub(super) fn builder(&self) -> &Builder {
        &self.0.inside.builder
    }

    pub(super) fn session(&self) -> Result<Session, Error> {
        self.0.inside.session()
    }

    pub(super) fn retire(&self, session: Session) {
        self.0.inside.stock().retired.push(session);
        self.0.inside.notice.give();
    }
}

impl Inside {
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
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
        match server {
            // It died meanwhile: the next one will take longer than a start without one.
            Some(server) if made.is_err() && server.has_ended() => self.builder.session(None, None),
            _ => made,
        }
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
                let server = Arc::new(self.builder.fork_server(self.notice.clone())?);
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

impl Drop for Handle {
    fn drop(&mut self) {
        self.inside.stock().is_closing = true;
        self.inside.notice.give();
        let _ = self.thread.take().map(JoinHandle::join);
        self.inside.stock().server = None;
    }
}
