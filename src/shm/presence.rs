//! Who sits at a ring, and whether they still live.
//!
//! A seat is held by a lock of the kernel on one byte of the segment's file. The kernel drops it when the last
//! descriptor of the holder is closed, however the process ended; it needs no process ids and works across pid
//! namespaces. A process that forks without exec shares the lock with its child: the seat is then free when both are gone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::layout::{consumer, producer, seat};
use super::{Error, Segment, sys, wait};

/// A side of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes frames.
    Producer,
    /// Reads frames.
    Consumer,
}

impl Role {
    /// Returns the other side.
    pub fn peer(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }

    fn seat_offset(self) -> usize {
        match self {
            Self::Producer => producer::SEAT,
            Self::Consumer => consumer::SEAT,
        }
    }

    fn waiting_offset(self) -> usize {
        match self {
            Self::Producer => producer::WAITING,
            Self::Consumer => consumer::WAITING,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// What is known of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Nobody has come yet.
    Never,
    /// Somebody is there.
    Alive,
    /// The last one closed in order.
    Closed,
    /// The last one went without closing.
    Dead,
}

/// A taken seat: dropping it says "closed" to the other side.
#[derive(Debug)]
pub struct Seat {
    segment: Arc<Segment>,
    role: Role,
    peer_seen: AtomicBool,
}

impl Seat {
    /// Sits down, also where the last one died.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody alive sits there.
    pub fn take(segment: Arc<Segment>, role: Role) -> Result<Self, Error> {
        let word = segment.u32_at(role.seat_offset());
        let pid = segment.u32_at(role.seat_offset() + 4);
        let busy = || Error::Busy { role, pid: pid.load(Relaxed) };
        if segment.seated_here[role as usize].swap(true, Acquire) {
            return Err(busy());
        }
        match sys::lock_exclusive(segment.file(), role.seat_offset()) {
            Ok(true) => {}
            refused => {
                segment.seated_here[role as usize].store(false, Release);
                return Err(refused.err().unwrap_or_else(busy));
            }
        }
        pid.store(std::process::id(), Relaxed);
        let unfenced = if wait::publishes_unfenced() { seat::UNFENCED } else { 0 };
        word.store(seat::TAKEN | unfenced, Release);
        Ok(Self { segment, role, peer_seen: AtomicBool::new(false) })
    }

    /// Returns the segment.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Looks at the other side. One load where it never came or has closed, a call to the kernel else.
    pub fn peer_state(&self) -> PeerState {
        let state = state(&self.segment, self.role.peer());
        if state != PeerState::Never {
            self.peer_seen.store(true, Relaxed);
        } else if self.peer_seen.load(Relaxed) {
            // A seat that was taken once is never as if nobody had come, whatever its word says.
            return PeerState::Dead;
        }
        state
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A fork's copy is not the one who sits here.
        if !self.segment.is_of_this_process() {
            return;
        }
        self.segment.u32_at(self.role.seat_offset()).store(seat::CLOSED, Release);
        let peer_waits = self.segment.u32_at(self.role.peer().waiting_offset());
        peer_waits.store(0, Release);
        sys::futex_wake(peer_waits);
        sys::unlock(self.segment.file(), self.role.seat_offset());
        self.segment.seated_here[self.role as usize].store(false, Release);
    }
}

/// Tells whether whoever sits there publishes without a fence.
pub(crate) fn is_unfenced(segment: &Segment, role: Role) -> bool {
    segment.u32_at(role.seat_offset()).load(Relaxed) & seat::UNFENCED != 0
}

/// Looks at a seat from outside.
pub(crate) fn state(segment: &Segment, role: Role) -> PeerState {
    let word = segment.u32_at(role.seat_offset());
    let settled = |word: u32| match word & seat::STATE {
        seat::NEVER => Some(PeerState::Never),
        seat::CLOSED => Some(PeerState::Closed),
        _ => None,
    };
    if let Some(state) = settled(word.load(Acquire)) {
        return state;
    }
    let here = segment.seated_here[role as usize].load(Acquire);
    // Where the kernel cannot be asked, nobody is declared dead.
    if here || sys::is_locked_by_another(segment.file(), role.seat_offset()).unwrap_or(true) {
        return PeerState::Alive;
    }
    // It says "closed" before it drops the lock, so that only a death leaves the word as it was.
    settled(word.load(Acquire)).unwrap_or(PeerState::Dead)
}
