//! What a supervisor and its worker share beside their rings: who has which call, and who waits for what.
//!
//! Calls are sent ahead of their turn, so each has a word here. The worker makes it *started* before it runs the call, the
//! supervisor makes it *taken back*; both with a compare-and-swap over *waiting*, so that one of the two has the call
//! whatever becomes of the other. Each word is 8 bytes from the next, in an anonymous segment.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use crate::shm::{Backing, Error, Geometry, Memory, Mode, Segment, Shared, View};

/// Calls that may have a word at once. A call's word is that of its number modulo this.
pub(super) const WINDOW: u32 = 256;
/// Bytes of the words.
const BYTES: u64 = 4096;
/// How many calls the worker has answered, modulo 2^32. Written by the worker alone.
const ANSWERED: u64 = 0;
/// Of which count on an answer rings the bell. Written by the supervisor alone.
const WANTED: u64 = 8;
/// Where the supervisor sleeps: 1 once somebody rang.
const BELL: u64 = 16;
/// The number of the call that is to be aborted, and 1 above 2^31 so that 0 is none.
const ABORT: u64 = 24;
/// 1 while the worker sends an answer for which there was no room.
const LONG: u64 = 32;
/// 1 while the worker's event loop waits for a line.
const AWAY: u64 = 40;
/// How many requests for ports the worker has sent, modulo 2^32. Written by the worker alone.
const ASKED: u64 = 48;
/// The first of the calls' words.
const CALLS: u64 = 64;
/// Bits of a call's number: the others are its state.
const NUMBER: u32 = (1 << 30) - 1;
const STARTED: u32 = 1 << 30;
const TAKEN_BACK: u32 = 2 << 30;

/// The words that a supervisor and its worker share.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    view: View,
}

impl Claims {
    /// Makes the words of a new worker.
    pub(super) fn new() -> Result<Self, Error> {
        let segment = Segment::anonymous(&Geometry::new(Mode::Spsc, BYTES)?, &Backing::default())?;
        Ok(Self { view: View::new(Arc::new(segment)) })
    }

    /// Opens them on the other side.
    pub(super) fn open(fd: OwnedFd) -> Result<Self, Error> {
        Ok(Self { view: View::new(Arc::new(Segment::from_fd(fd, &Backing::default())?)) })
    }

    pub(super) fn export_fd(&self) -> Result<OwnedFd, Error> {
        self.view.segment().export_fd()
    }

    fn word(&self, position: u64) -> &impl Shared<u32> {
        self.view.frame_word(position)
    }

    fn of(&self, number: u32) -> &impl Shared<u32> {
        self.word(CALLS + 8 * u64::from(number % WINDOW))
    }

    /// Lets a call be claimed, before it is sent.
    pub(super) fn offer(&self, number: u32) {
        self.of(number).store(number & NUMBER, Release);
    }

    /// Claims a call for the worker. `false` if it was taken back.
    pub(super) fn start(&self, number: u32) -> bool {
        let number = number & NUMBER;
        self.of(number).replace(number, number | STARTED, SeqCst)
    }

    /// Claims a call for the supervisor. `false` if the worker has started it.
    pub(super) fn take_back(&self, number: u32) -> bool {
        let number = number & NUMBER;
        self.of(number).replace(number, number | TAKEN_BACK, SeqCst)
    }

    /// Counts an answer that has just been sent; rings if it was waited for.
    pub(super) fn count_answer(&self) {
        let answered = self.word(ANSWERED).load(Relaxed).wrapping_add(1);
        self.word(ANSWERED).swap(answered, SeqCst);
        if answered.wrapping_sub(self.word(WANTED).load(SeqCst)) as i32 >= 0 {
            self.ring();
        }
    }

    /// Returns how many calls have been answered, modulo 2^32.
    pub(super) fn answered(&self) -> u32 {
        self.word(ANSWERED).load(SeqCst)
    }

    /// Counts a request for a port that has just been sent, and rings.
    pub(super) fn count_request(&self) {
        self.word(ASKED).swap(self.asked().wrapping_add(1), SeqCst);
        self.ring();
    }

    /// Returns how many requests for ports the worker has sent, modulo 2^32.
    pub(super) fn asked(&self) -> u32 {
        self.word(ASKED).load(SeqCst)
    }

    /// Wakes the supervisor.
    pub(super) fn ring(&self) {
        let bell = self.view.frame_word(BELL);
        if bell.swap(1, SeqCst) == 0 {
            self.view.futex_wake(bell);
        }
    }

    /// Sleeps until the worker has answered `wanted` calls in all, somebody else rings, or the time is over; not at all if
    /// `is_ready` finds something first.
    pub(super) fn sleep(&self, wanted: u32, at_most: Duration, is_ready: impl FnOnce() -> bool) {
        self.word(WANTED).swap(wanted, SeqCst);
        let bell = self.view.frame_word(BELL);
        bell.swap(0, SeqCst);
        let is_answered = self.answered().wrapping_sub(wanted) as i32 >= 0;
        if !is_answered && !is_ready() {
            self.view.futex_wait(bell, 0, at_most);
        }
    }

    /// Asks the call of this number to stop.
    pub(super) fn abort(&self, number: u32) {
        self.word(ABORT).store(number | 1 << 31, Release);
    }

    /// Tells whether the call of this number was asked to stop.
    pub(super) fn is_aborted(&self, number: u32) -> bool {
        self.word(ABORT).load(Acquire) == number | 1 << 31
    }

    /// Says whether an answer is under way for which the ring has no room.
    pub(super) fn set_long(&self, is_long: bool) {
        self.word(LONG).store(is_long.into(), SeqCst);
    }

    pub(super) fn is_long(&self) -> bool {
        self.word(LONG).load(SeqCst) != 0
    }

    /// Says that the worker waits for a line.
    pub(super) fn go_away(&self) {
        self.word(AWAY).swap(1, SeqCst);
        // What is sent without a fence is seen by the look that follows.
        self.view.order_sleep();
    }

    /// Tells whether the worker waited for a line, which it is to be sent then.
    pub(super) fn come_back(&self) -> bool {
        self.word(AWAY).swap(0, SeqCst) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_has_each_call() {
        let claims = Claims::new().unwrap();
        let other = Claims::open(claims.export_fd().unwrap()).unwrap();
        let mut started = 0;
        for round in 0..2000_u32 {
            claims.offer(round);
            let (ours, theirs) = std::thread::scope(|scope| {
                let theirs = scope.spawn(|| other.start(round));
                (claims.take_back(round), theirs.join().unwrap())
            });
            assert!(ours != theirs, "both or neither has call {round}");
            started += u32::from(theirs);
        }
        assert!(started <= 2000);
    }

    #[test]
    fn a_word_that_another_call_has_by_now_is_not_claimed() {
        let claims = Claims::new().unwrap();
        claims.offer(3);
        assert!(claims.take_back(3));
        claims.offer(3 + WINDOW);
        assert!(!claims.start(3), "it was taken back long ago");
        assert!(claims.start(3 + WINDOW));
    }

    #[test]
    fn an_abort_is_of_one_call() {
        let claims = Claims::new().unwrap();
        assert!(!claims.is_aborted(0));
        claims.abort(0);
        assert!(claims.is_aborted(0) && !claims.is_aborted(1));
    }
}
