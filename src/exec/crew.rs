//! The workers of a pool of processes as others than their threads reach them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use super::claims::Claims;
use super::outputs::{Observer, Stream};
use super::setup::Output;
use super::{Codec, Error, message};
use crate::pool::{Closure, Lane, Message, Station, WorkerId};

/// The workers that there are, booting ones included, and when they are to be over.
#[derive(Default)]
pub(super) struct Crew {
    members: Mutex<HashMap<WorkerId, Arc<Remote>>>,
    end: OnceLock<Instant>,
}

/// A worker's membership, which ends with this.
pub(super) struct Membership {
    crew: Arc<Crew>,
    worker: WorkerId,
}

impl Crew {
    /// Adds a worker, before it is looked for an end.
    pub(super) fn join(self: &Arc<Self>, remote: &Arc<Remote>) -> Membership {
        let worker = remote.lane.worker;
        self.members().insert(worker, remote.clone());
        Membership { crew: self.clone(), worker }
    }

    /// Has every worker be over within so long, whatever it runs.
    pub(super) fn end(&self, within: Duration) {
        if let Some(at) = Instant::now().checked_add(within) {
            let _ = self.end.set(at);
        }
        self.members().values().for_each(|remote| remote.call());
    }

    /// Returns when what runs is to be killed, once nobody has the pool any more.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.end.get().copied()
    }

    /// Has a worker run a function of its shell between two calls, and waits for what that gives.
    ///
    /// # Errors
    /// [`Error::NoSuchWorker`], [`Error::NotTaken`], [`Error::Raised`], [`Error::Died`], or what broke the worker.
    pub(super) fn order(
        &self,
        worker: WorkerId,
        function: &str,
        arguments: &[u8],
        within: Duration,
    ) -> Result<Vec<u8>, Error> {
        let bytes = message::request(function, Codec::Json, arguments)?;
        let (answer, answered) = mpsc::sync_channel(1);
        let asker = Arc::new(());
        let order = Order { message: Message::new(bytes), answer, asker: Arc::downgrade(&asker) };
        let remote = self.members().get(&worker).cloned().ok_or(Error::NoSuchWorker { worker })?;
        remote.orders().push_back(order);
        remote.is_ordered.store(true, SeqCst);
        remote.lane.call();
        // Whoever ends a worker ends its membership first, and then gives up its orders.
        if !self.members().contains_key(&worker) {
            remote.orders().clear();
        }
        drop(remote);
        answered.recv_timeout(within).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => Error::NotTaken { worker, within },
            mpsc::RecvTimeoutError::Disconnected => Error::NoSuchWorker { worker },
        })?
    }

    fn members(&self) -> MutexGuard<'_, HashMap<WorkerId, Arc<Remote>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let remote = self.crew.members().remove(&self.worker);
        if let Some(remote) = remote {
            remote.orders().clear();
        }
    }
}

/// What a worker is asked to do between two calls.
pub(super) struct Order {
    pub(super) message: Message,
    /// Takes the body of the answer, once.
    pub(super) answer: mpsc::SyncSender<Result<Vec<u8>, Error>>,
    asker: Weak<()>,
}

/// What others than the worker's thread reach of it.
pub(super) struct Remote {
    pub(super) claims: Claims,
    pub(super) lane: Arc<Lane<dyn Closure>>,
    pub(super) is_called: AtomicBool,
    pub(super) taken_back: AtomicU32,
    orders: Mutex<VecDeque<Order>>,
    is_ordered: AtomicBool,
    output: Option<Output>,
}

impl Remote {
    pub(super) fn new(claims: Claims, lane: Arc<Lane<dyn Closure>>, output: Option<Output>) -> Self {
        Self {
            claims,
            lane,
            is_called: AtomicBool::new(false),
            taken_back: AtomicU32::new(0),
            orders: Mutex::default(),
            is_ordered: AtomicBool::new(false),
            output,
        }
    }

    fn orders(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the worker may have been asked for something beside its calls.
    pub(super) fn is_ordered(&self) -> bool {
        self.is_ordered.load(SeqCst)
    }

    /// Returns the next order that somebody waits for still.
    pub(super) fn next_order(&self) -> Option<Order> {
        self.is_ordered.store(false, SeqCst);
        let mut orders = self.orders();
        let order = std::iter::from_fn(|| orders.pop_front()).find(|order| order.asker.strong_count() > 0);
        self.is_ordered.store(!orders.is_empty(), SeqCst);
        order
    }
}

impl Station for Remote {
    fn take_back(&self, number: u32) -> bool {
        let is_back = self.claims.take_back(number);
        if is_back {
            self.taken_back.fetch_add(1, SeqCst);
            // Its thread may wait for more answers than will come now.
            self.claims.ring();
        }
        is_back
    }

    fn call(&self) {
        self.is_called.store(true, SeqCst);
        self.claims.ring();
    }
}

impl Observer for Remote {
    fn printed(&self, stream: Stream, bytes: &[u8]) {
        if let Some(output) = &self.output {
            output.pass_on(self.lane.worker, stream, bytes);
        }
    }

    fn ended(&self) {
        self.claims.ring();
        // One that waits for calls is replaced now, and not when the next one comes.
        self.lane.call();
    }
}
