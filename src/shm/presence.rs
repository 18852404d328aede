//! Who sits at a ring, and whether they still live.
//!
//! A seat is held by a lock of the kernel on one byte of the segment's file. The kernel drops it when the last
//! descriptor of the holder is closed, however the process ended; it needs no process ids and works across pid
//! namespaces. A process that forks without exec shares the lock with its child: the seat is then free when both are gone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::layout::{Mode, SLOTS, consumer, producer, seat};
use super::memory::{Memory, Shared};
use super::{Error, Loan, Segment, View, wait};

/// A side of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes frames.
    Producer,
    /// Reads frames.
    Consumer,
}

/// The seat of the consumer; those of the producers are numbered as their slots.
pub(crate) const CONSUMER: usize = SLOTS;
/// How many seats a segment has.
pub(super) const SEATS: usize = SLOTS + 1;

impl Role {
    /// Returns the other side.
    pub fn peer(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }

    fn seats(self, mode: Mode) -> std::ops::Range<usize> {
        match self {
            Self::Producer => 0..mode.slots(),
            Self::Consumer => CONSUMER..CONSUMER + 1,
        }
    }

    /// Returns where this side waits.
    pub(crate) fn waiting(self) -> usize {
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

impl fmt::Display for PeerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "never",
            Self::Alive => "alive",
            Self::Closed => "closed",
            Self::Dead => "died",
        })
    }
}

/// What one side has seen of the other.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: AtomicBool,
}

impl Watch {
    /// Looks at a side. Loads where it never came or has closed, a call to the kernel else.
    pub(crate) fn state(&self, view: &View, role: Role) -> PeerState {
        let state = state(view, view.segment().geometry().mode(), role);
        if state != PeerState::Never {
            self.seen.store(true, Relaxed);
        } else if self.seen.load(Relaxed) {
            // A seat that was taken once is never as if nobody had come, whatever its word says.
            return PeerState::Dead;
        }
        state
    }
}

/// A taken seat: dropping it says "closed" to the other side, unless somebody else keeps it.
#[derive(Debug)]
pub(crate) struct Seat {
    view: View,
    role: Role,
    index: usize,
    watch: Watch,
    loan: Option<Arc<Loan>>,
}

impl Seat {
    /// Sits down, also where the last one died.
    ///
    /// # Errors
    /// [`Error::Busy`] while every seat of the role is held by somebody alive.
    pub(crate) fn take(segment: Arc<Segment>, role: Role) -> Result<Self, Error> {
        if !segment.is_of_this_process() {
            return Err(Error::Forked);
        }
        let view = View::new(segment);
        let seats = role.seats(view.segment().geometry().mode());
        let takes = seats.len();
        let first = view.u32_at(word_offset(seats.start) + 4);
        // The seats of the dead first, so that a successor's end is what is told in the end.
        let is_of_the_dead = |seat: &usize| match view.u32_at(word_offset(*seat)).load(Relaxed) & seat::STATE
        {
            seat::DIED => true,
            seat::TAKEN => !view.seat_is_held(*seat),
            _ => false,
        };
        let (dead, others): (Vec<_>, Vec<_>) = seats.partition(is_of_the_dead);
        let Some(index) = dead.into_iter().chain(others).find(|seat| view.hold_seat(*seat)) else {
            return Err(Error::Busy { role, pid: first.load(Relaxed), takes });
        };
        Ok(Self::sit(view, role, index, None))
    }

    /// Sits down in a seat that somebody else keeps, in the description that holds it.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub(super) fn lent(segment: &Arc<Segment>, index: usize, loan: Arc<Loan>) -> Result<Self, Error> {
        if !segment.is_of_this_process() {
            return Err(Error::Forked);
        }
        segment.has_seat(index);
        Ok(Self::sit(View::new(Arc::clone(segment)), loan.role(), index, Some(loan)))
    }

    fn sit(view: View, role: Role, index: usize, loan: Option<Arc<Loan>>) -> Self {
        view.u32_at(word_offset(index) + 4).store(std::process::id(), Relaxed);
        let unfenced = if wait::publishes_unfenced() { seat::UNFENCED } else { 0 };
        view.u32_at(word_offset(index)).store(seat::TAKEN | unfenced, Release);
        Self { view, role, index, watch: Watch::default(), loan }
    }

    /// Returns the segment as the protocols see it.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Returns the seat's number, which for a producer is its slot.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Returns the side that it is of.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Looks at the other side.
    pub(crate) fn peer_state(&self) -> PeerState {
        self.watch.state(&self.view, self.role.peer())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A fork's copy is not the one who sits here.
        if !self.view.segment().is_of_this_process() {
            return;
        }
        if let Some(loan) = &self.loan {
            return loan.stand_up();
        }
        self.view.u32_at(word_offset(self.index)).store(seat::CLOSED, Release);
        wait::wake(&self.view, self.role.peer().waiting());
        self.view.let_go_of_seat(self.index);
    }
}

/// Returns the offset of a seat's word.
pub(crate) fn word_offset(seat: usize) -> usize {
    if seat == CONSUMER { consumer::SEAT } else { producer::SEATS + 8 * seat }
}

/// Returns the byte of the file whose lock holds a seat: the first of its word.
pub(super) fn lock_byte(seat: usize) -> usize {
    word_offset(seat)
}

/// Tells whether anybody who sits there publishes without a fence.
pub(crate) fn is_unfenced<M: Memory>(memory: &M, mode: Mode, role: Role) -> bool {
    role.seats(mode).any(|seat| memory.u32_at(word_offset(seat)).load(Relaxed) & seat::UNFENCED != 0)
}

/// Looks at a side: alive where one of its seats is, else the worst that one of them tells.
pub(crate) fn state<M: Memory>(memory: &M, mode: Mode, role: Role) -> PeerState {
    let mut worst = PeerState::Never;
    for seat in role.seats(mode) {
        match (seat_state(memory, seat), worst) {
            (PeerState::Alive, _) => return PeerState::Alive,
            (PeerState::Dead, _) => worst = PeerState::Dead,
            (PeerState::Closed, PeerState::Never) => worst = PeerState::Closed,
            _ => {}
        }
    }
    worst
}

/// Looks at one seat.
pub(crate) fn seat_state<M: Memory>(memory: &M, seat: usize) -> PeerState {
    let word = memory.u32_at(word_offset(seat));
    let settled = |word: u32| match word & seat::STATE {
        seat::NEVER => Some(PeerState::Never),
        seat::CLOSED => Some(PeerState::Closed),
        seat::DIED => Some(PeerState::Dead),
        _ => None,
    };
    if let Some(state) = settled(word.load(Acquire)) {
        return state;
    }
    if memory.seat_is_held(seat) {
        return PeerState::Alive;
    }
    // It says "closed" before it drops the lock, so that only a death leaves the word as it was.
    settled(word.load(Acquire)).unwrap_or(PeerState::Dead)
}
