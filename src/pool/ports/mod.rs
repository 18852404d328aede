//! The ports of a pool: ends of rings that go from one worker to another with nothing lost.
//!
//! The pool keeps the seat of each port itself, in an open file description of its own ([`KeptSeat`]), and lends it to one
//! worker at a time. The other side of the ring sees one that lives, whoever sits there, and nobody at times. How far the ring
//! has been written and read is in the ring: the next one goes on where the last one stopped, however that ended.

mod port;
mod standing;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::message::Station;
use super::{Error, WorkerId};
use crate::ring::{self, Mode, Ring, Role};
use crate::shm::{KeptSeat, Loan};

pub use port::{End, Port};
use standing::{Answer, Standing};

/// So many closed ports stay in the registry.
const CLOSED_MAX: usize = 64;

/// Names one port of a pool. Displays as `p_1a2b`, and is read from that; no two of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(u32);

impl PortId {
    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self(NEXT.fetch_add(1, Relaxed))
    }

    /// Returns the number alone.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for PortId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl FromStr for PortId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text.strip_prefix("p_").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| Error::NoPort { given: text.to_owned() })
    }
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p_{:04x}", self.0)
    }
}

impl Serialize for PortId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What has become of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PortState {
    /// Any worker may use it.
    Open,
    /// It was handed to one worker, which alone may use it.
    Transferred,
    /// Nobody may use it any more.
    Closed,
}

/// One port as a [`Snapshot`](super::Snapshot) has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PortEntry {
    /// Its id.
    pub id: PortId,
    /// The worker that it was transferred to; of an open one, the worker that uses it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<WorkerId>,
    /// What has become of it.
    pub state: PortState,
    /// Which end of its ring it is. Not in JSON.
    #[serde(skip)]
    pub role: Role,
    /// Frames that were sent into the ring and not yet released by its receiver: each fragment of a message is one. Of a closed
    /// port, as it was then; unknown for a broadcast ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_queued: Option<u64>,
}

/// The ports of a pool, in the order in which they were opened, with the last 64 closed ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PortRegistry {
    /// Each port.
    pub ports: Vec<PortEntry>,
}

impl PortRegistry {
    pub(super) fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }
}

/// What the pool, its workers and their jobs share of its ports.
#[derive(Default)]
pub(crate) struct Ports {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<PortId, Entry>,
    workers: HashSet<WorkerId>,
    /// Workers elsewhere that wait for a change; each is called once.
    waiting: Vec<(WorkerId, Arc<dyn Station>)>,
    /// Why nobody waits any more.
    is_over: bool,
}

struct Entry {
    role: Role,
    standing: Standing,
    /// Gone once the end is closed.
    seat: Option<KeptSeat>,
    loan: Option<Arc<Loan>>,
    /// What was queued when it was closed.
    queued: Option<u64>,
}

impl Entry {
    /// Gives up the seat, for its caller to drop.
    fn close_end(&mut self) -> Option<KeptSeat> {
        self.queued = self.messages_queued();
        self.seat.take()
    }

    fn messages_queued(&self) -> Option<u64> {
        let Some(seat) = &self.seat else { return self.queued };
        let stats = Ring::lent(Arc::clone(seat.segment()), seat.lend()).stats();
        (stats.mode != Mode::Broadcast).then(|| stats.frames_sent.saturating_sub(stats.frames_received))
    }
}

/// A seat that was granted.
pub(crate) struct Granted {
    pub(crate) seat: Ring,
    pub(crate) role: Role,
    /// The seat's number.
    pub(crate) index: usize,
}

impl Ports {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that something has changed.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        waiting.iter().for_each(|(_, station)| station.call());
    }

    /// Makes an end of a ring a port.
    pub(super) fn open(&self, ring: &Ring, role: Role) -> Result<PortId, Error> {
        if role == Role::Consumer && ring.mode() == Mode::Broadcast {
            return Err(Error::PortCannotMove {
                why: "a broadcast ring's readers keep their places to themselves",
            });
        }
        if role == Role::Consumer && ring.max_message() > ring.max_frame() {
            return Err(Error::PortCannotMove {
                why: "a reader keeps the fragments of an unfinished message to itself",
            });
        }
        let seat = ring.keep(role)?;
        let mut state = self.lock();
        if state.is_over {
            return Err(Error::Closed);
        }
        let id = PortId::next();
        let standing = Standing::default();
        state.entries.insert(id, Entry { role, standing, seat: Some(seat), loan: None, queued: None });
        Ok(id)
    }

    /// Lends a port to a worker if that may have it now. If it is to wait, `station` is called after the next change.
    pub(crate) fn try_take(
        &self,
        id: PortId,
        worker: WorkerId,
        station: Option<&Arc<dyn Station>>,
    ) -> Result<Granted, Error> {
        self.take_now(&mut self.lock(), id, worker, station)
    }

    fn take_now(
        &self,
        state: &mut State,
        id: PortId,
        worker: WorkerId,
        station: Option<&Arc<dyn Station>>,
    ) -> Result<Granted, Error> {
        if state.is_over {
            return Err(Error::Closed);
        }
        let entry = state.entries.get_mut(&id);
        let entry = entry.ok_or_else(|| Error::NoPort { given: id.to_string() })?;
        match entry.standing.ask(worker) {
            Answer::Granted => {}
            Answer::Wait(with) => {
                let is_noted = state.waiting.iter().any(|(waiting, _)| *waiting == worker);
                let station = station.filter(|_| !is_noted);
                state.waiting.extend(station.map(|station| (worker, Arc::clone(station))));
                return Err(Error::PortElsewhere { port: id, with });
            }
            Answer::Had => return Err(Error::PortInUse { port: id }),
            Answer::Closed => return Err(Error::NoPort { given: id.to_string() }),
        }
        let seat = entry.seat.as_ref().expect("a port that is not closed has its seat");
        let loan = seat.lend();
        entry.loan = Some(Arc::clone(&loan));
        Ok(Granted {
            seat: Ring::lent(Arc::clone(seat.segment()), loan),
            role: entry.role,
            index: seat.index(),
        })
    }

    /// Waits until a worker may have a port, and lends it.
    pub(super) fn take(&self, id: PortId, worker: WorkerId, within: Duration) -> Result<Granted, Error> {
        let until = Instant::now().checked_add(within);
        let mut state = self.lock();
        loop {
            let refusal = match self.take_now(&mut state, id, worker, None) {
                Err(refusal @ Error::PortElsewhere { .. }) => refusal,
                other => return other,
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                Some(Duration::ZERO) => return Err(refusal),
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Takes a port back from a worker whose end is gone by now.
    pub(crate) fn give_back(&self, id: PortId, worker: WorkerId) {
        let mut state = self.lock();
        let Some(entry) = state.entries.get_mut(&id) else { return };
        let closes = entry.standing.give_back(worker);
        let seat = if closes { entry.close_end() } else { None };
        self.tell(state);
        drop(seat);
    }

    /// Makes a port a worker's, or everybody's.
    pub(crate) fn transfer(&self, id: PortId, to: Option<WorkerId>) -> Result<(), Error> {
        self.transfer_in(self.lock(), id, to)
    }

    /// As [`Ports::transfer`], by the worker that uses it.
    pub(crate) fn hand_on(&self, id: PortId, from: WorkerId, to: Option<WorkerId>) -> Result<(), Error> {
        let state = self.lock();
        let is_used = state.entries.get(&id).is_some_and(|entry| entry.standing.is_used_by(from));
        if is_used { self.transfer_in(state, id, to) } else { Err(Error::NoPort { given: id.to_string() }) }
    }

    fn transfer_in(
        &self,
        mut state: MutexGuard<'_, State>,
        id: PortId,
        to: Option<WorkerId>,
    ) -> Result<(), Error> {
        if let Some(given) = to.filter(|to| !state.workers.contains(to)) {
            return Err(Error::NoSuchWorker { given: given.to_string() });
        }
        let is_open = state.entries.get_mut(&id).is_some_and(|entry| entry.standing.transfer(to));
        if !is_open {
            return Err(Error::NoPort { given: id.to_string() });
        }
        self.tell(state);
        Ok(())
    }

    /// Closes a port: at once, or when whoever uses it gives it back.
    pub(super) fn close(&self, id: PortId) -> Result<(), Error> {
        let mut state = self.lock();
        let entry = state.entries.get_mut(&id).filter(|entry| !entry.standing.is_closed());
        let entry = entry.ok_or_else(|| Error::NoPort { given: id.to_string() })?;
        let seat = if entry.standing.close() { entry.close_end() } else { None };
        let closed = state.entries.iter().filter(|(_, entry)| entry.standing.is_over()).map(|(id, _)| *id);
        let surplus: Vec<_> = closed.collect();
        for oldest in surplus.iter().take(surplus.len().saturating_sub(CLOSED_MAX)) {
            state.entries.remove(oldest);
        }
        self.tell(state);
        drop(seat);
        Ok(())
    }

    /// Notes that there is a worker.
    pub(super) fn began(&self, worker: WorkerId) {
        self.lock().workers.insert(worker);
    }

    /// Takes back what a worker had that is no more, nor anything that ran in it.
    pub(super) fn ended(&self, worker: WorkerId) {
        let mut state = self.lock();
        state.workers.remove(&worker);
        state.waiting.retain(|(waiting, _)| *waiting != worker);
        let mut closing = Vec::new();
        for entry in state.entries.values_mut() {
            entry.standing.disown(worker);
            // What somebody still sits in, in this process, is in use whatever became of the worker.
            if !entry.standing.is_used_by(worker)
                || entry.loan.take_if(|loan| loan.end_unless_seated()).is_none()
            {
                continue;
            }
            // It may have died with a claim that bars the way, or with the claim lock of an mpsc ring.
            entry.seat.iter().for_each(ring::mend);
            if entry.standing.give_back(worker) {
                closing.extend(entry.close_end());
            }
        }
        self.tell(state);
        drop(closing);
    }

    /// Has everybody who waits for a port give up, now and from now on.
    pub(super) fn stop_waiting(&self) {
        let mut state = self.lock();
        state.is_over = true;
        self.tell(state);
    }

    /// Closes every port, those in use when they are given back.
    pub(super) fn shut(&self) {
        let mut state = self.lock();
        state.is_over = true;
        let closing: Vec<_> = state
            .entries
            .values_mut()
            .filter_map(|entry| if entry.standing.close() { entry.close_end() } else { None })
            .collect();
        self.tell(state);
        drop(closing);
    }

    /// Looks at every port.
    pub(super) fn registry(&self) -> PortRegistry {
        let state = self.lock();
        let ports = state.entries.iter().map(|(id, entry)| PortEntry {
            id: *id,
            owner: entry.standing.shown_owner(),
            state: match entry.standing {
                standing if standing.is_closed() => PortState::Closed,
                standing if standing.is_transferred() => PortState::Transferred,
                _ => PortState::Open,
            },
            role: entry.role,
            messages_queued: entry.messages_queued(),
        });
        PortRegistry { ports: ports.collect() }
    }
}
