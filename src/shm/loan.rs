//! A seat that stays taken while one after the other sits in it, so that the other side never sees it empty.
//!
//! The lock that holds a seat belongs to an open file description. Whoever keeps the seat has one of its own, and passes the
//! very same one on to a process that is to sit there: however that process ends, the seat is held. Where the last one
//! stopped is in the segment, and the next goes on there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use super::presence::{SEATS, lock_byte};
use super::{Error, Role, Seat, Segment, sys};

/// A seat that is kept. Dropping it says "closed" to the other side.
#[derive(Debug)]
pub(crate) struct KeptSeat(Seat);

impl KeptSeat {
    /// Takes a seat in a description of its own.
    ///
    /// # Errors
    /// As [`Seat::take`], and what the kernel said.
    pub(crate) fn take(segment: &Segment, role: Role) -> Result<Self, Error> {
        Ok(Self(Seat::take(Arc::new(segment.again()?), role)?))
    }

    /// Returns the segment with the description that holds the seat.
    pub(crate) fn segment(&self) -> &Arc<Segment> {
        self.0.view().segment()
    }

    /// Returns the side that it is of.
    pub(crate) fn role(&self) -> Role {
        self.0.role()
    }

    /// Returns the seat's number.
    pub(crate) fn index(&self) -> usize {
        self.0.index()
    }

    /// Lets somebody sit there. Nobody else may meanwhile.
    pub(crate) fn lend(&self) -> Arc<Loan> {
        Loan::new(self.0.role(), self.0.index())
    }

    /// Drops the other locks that whoever sat there and died may have taken for a moment.
    pub(crate) fn let_go_of_others(&self) {
        for other in (0..SEATS).filter(|seat| *seat != self.0.index()) {
            sys::unlock(self.segment().file(), lock_byte(other));
        }
    }
}

/// The right to sit in a seat that somebody else keeps, one at a time, until it is over.
#[derive(Debug)]
pub(crate) struct Loan {
    role: Role,
    index: usize,
    state: AtomicU8,
}

const FREE: u8 = 0;
const SEATED: u8 = 1;
const OVER: u8 = 2;

impl Loan {
    /// Makes one of what the keeper says.
    pub(crate) fn new(role: Role, index: usize) -> Arc<Self> {
        Arc::new(Self { role, index, state: AtomicU8::new(FREE) })
    }

    /// Returns the side that the seat is of.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Sits down, in a segment that has the keeper's description.
    ///
    /// # Errors
    /// [`Error::Lent`] for another side, while somebody sits there, and when it is over.
    pub(crate) fn sit(self: &Arc<Self>, segment: &Arc<Segment>, role: Role) -> Result<Seat, Error> {
        let may = role == self.role && self.state.compare_exchange(FREE, SEATED, SeqCst, SeqCst).is_ok();
        if !may {
            return Err(Error::Lent { role: self.role });
        }
        Seat::lent(segment, self.index, Arc::clone(self)).inspect_err(|_| self.stand_up())
    }

    /// Notes that nobody sits there now.
    pub(super) fn stand_up(&self) {
        let _ = self.state.compare_exchange(SEATED, FREE, SeqCst, SeqCst);
    }

    /// Ends it unless somebody sits there. `false` if somebody does.
    pub(crate) fn end_unless_seated(&self) -> bool {
        self.state.compare_exchange(FREE, OVER, SeqCst, SeqCst) != Err(SEATED)
    }

    /// Ends it: nobody sits down any more.
    pub(crate) fn end(&self) {
        self.state.store(OVER, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::super::layout::seat;
    use super::super::{Backing, Geometry, Memory, Mode, PeerState, Shared, View, seat_state, seat_word};
    use super::*;

    fn segment() -> Segment {
        Segment::anonymous(&Geometry::new(Mode::Spsc, 4096).unwrap(), &Backing::default()).unwrap()
    }

    #[test]
    fn a_kept_seat_looks_alive_between_those_who_sit_there_and_closed_after_it() {
        let segment = Arc::new(segment());
        let view = View::new(Arc::clone(&segment));
        let kept = KeptSeat::take(&segment, Role::Producer).unwrap();
        for _ in 0..2 {
            let loan = kept.lend();
            let seat = loan.sit(kept.segment(), Role::Producer).unwrap();
            assert!(
                matches!(loan.sit(kept.segment(), Role::Producer), Err(Error::Lent { .. })),
                "one at a time"
            );
            assert_eq!(seat_state(&view, 0), PeerState::Alive);
            drop(seat);
            assert_eq!(seat_state(&view, 0), PeerState::Alive);
            loan.end();
            assert!(
                matches!(loan.sit(kept.segment(), Role::Producer), Err(Error::Lent { .. })),
                "it is over"
            );
        }
        assert!(matches!(Seat::take(Arc::clone(&segment), Role::Producer), Err(Error::Busy { .. })));
        assert!(
            matches!(kept.lend().sit(kept.segment(), Role::Consumer), Err(Error::Lent { .. })),
            "the other end"
        );
        drop(kept);
        assert_eq!(view.u32_at(seat_word(0)).load(Relaxed) & seat::STATE, seat::CLOSED);
        assert!(Seat::take(segment, Role::Producer).is_ok());
    }

    #[test]
    fn what_a_holder_locked_for_a_moment_is_let_go_of() {
        let segment = Arc::new(segment());
        let kept = KeptSeat::take(&segment, Role::Producer).unwrap();
        assert!(sys::lock_exclusive(kept.segment().file(), lock_byte(3)).unwrap());
        assert!(sys::is_locked_by_another(segment.file(), lock_byte(3)).unwrap());
        kept.let_go_of_others();
        assert!(!sys::is_locked_by_another(segment.file(), lock_byte(3)).unwrap());
        assert!(sys::is_locked_by_another(segment.file(), lock_byte(0)).unwrap(), "its own stays");
    }
}
