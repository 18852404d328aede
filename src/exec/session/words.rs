//! What a session and its supervisor share beside their rings: who sleeps, what is to stop, and what went through the pipes.
//!
//! 32-bit words, each 8 bytes from the next, in the data area of an anonymous segment.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::time::Duration;

use super::pipes::READ_BYTES;
use crate::exec::outputs::Stream;
use crate::shm::{Backing, Deadline, Error, Geometry, Memory, Mode, Segment, Shared, View, Wait};

/// Bytes of the words, and of what a session reports after them.
const BYTES: u64 = 8192;
/// Where what it reports begins.
pub(super) const REPORTS: u64 = 4096;
/// Where the supervisor sleeps: see [`Sleep`].
const BELL: u64 = 0;
/// The request that is to stop, with bit 31 set so that 0 is none.
const STOP: u64 = 8;
/// 1 while the session sends a frame for which there was no room.
const LONG: u64 = 56;
/// How the session waits for requests. Written by the supervisor, before the session starts.
const WAIT: u64 = 16;
/// Bytes that were read from each pipe, modulo 2^32, and a count that is odd while somebody reads. Written by the
/// supervisor alone.
const DRAINED: [u64; 2] = [24, 32];
const READING: [u64; 2] = [40, 48];

/// What a supervisor that sleeps is to be woken for.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Sleep {
    /// Anything that comes.
    Any = 0,
    /// What the code waits for, or the end of a run: it looks for output by itself in a moment.
    Urgent = 1,
}

/// The id of the process, where it was forked: written by it, before anything else.
const PROCESS: u64 = 64;

/// Of a session that is confined: 1, written by the supervisor before it starts.
const CONFINED: u64 = 72;
/// Of a session that could not be confined: the step that failed, and the kernel's error, 16 bits each. Written by its process.
const REFUSED: u64 = 80;
/// Of a session that is confined: what its supervisor is to be asked. Written by the supervisor before it starts.
const ASKS: u64 = 88;
/// A descriptor of the session's, and one more, until the supervisor has a copy.
const OFFER: u64 = 96;
const TAKEN: u32 = u32::MAX;
/// The socket by which a session hands over what it offers, and one more. Written before the session's shell begins.
const HAND: u64 = 104;
/// Of a session that is confined: 1 where somebody wants to know which code asks. Written by the supervisor before it starts.
const WATCHED: u64 = 112;
/// From here on what a confined session is to try to open: four bytes of the path in each word.
const CANARY: u64 = 1024;

/// Nobody sleeps, or somebody has rung.
const AWAKE: u32 = 2;
/// An event loop looks at the descriptor, and wants to know of anything.
const AWAY: u32 = 3;

/// The words that a session and its supervisor share.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    view: View,
    /// What is written to where an event loop is to be told.
    bell: Option<Arc<OwnedFd>>,
}

impl Words {
    /// Makes the words of a new session.
    pub(crate) fn new(wait: Wait) -> Result<Self, Error> {
        let segment = Segment::anonymous(&Geometry::new(Mode::Spsc, BYTES)?, &Backing::default())?;
        let words = Self { view: View::new(Arc::new(segment)), bell: None };
        words.word(BELL).store(AWAKE, SeqCst);
        words.word(WAIT).store(wait.to_word(), SeqCst);
        Ok(words)
    }

    /// Opens them on the other side.
    pub(crate) fn open(fd: OwnedFd) -> Result<Self, Error> {
        Ok(Self { view: View::new(Arc::new(Segment::from_fd(fd, &Backing::default())?)), bell: None })
    }

    /// Says that the session is confined, and what it is to try to open: a path that is not longer than there is room for.
    pub(crate) fn set_confined(&self, canary: &[u8], asks: u32, wants_reports: bool) {
        for (at, part) in (CANARY..REPORTS).step_by(8).zip(canary.chunks(4)) {
            let mut bytes = [0; 4];
            bytes[..part.len()].copy_from_slice(part);
            self.word(at).store(u32::from_le_bytes(bytes), SeqCst);
        }
        self.word(ASKS).store(asks, SeqCst);
        self.word(WATCHED).store(wants_reports.into(), SeqCst);
        self.word(CONFINED).store(1, SeqCst);
    }

    /// Returns what the supervisor is to be asked.
    pub(crate) fn asks(&self) -> u32 {
        self.word(ASKS).load(SeqCst)
    }

    /// Tells whether somebody wants to know which code asks.
    pub(crate) fn wants_reports(&self) -> bool {
        self.word(WATCHED).load(SeqCst) != 0
    }

    /// Offers the supervisor a descriptor of this process's, and waits until it has a copy; `false` where it takes none in time.
    pub(crate) fn offer(&self, descriptor: RawFd, within: Duration) -> bool {
        let (offer, offered) = (self.view.frame_word(OFFER), descriptor.unsigned_abs() + 1);
        offer.store(offered, SeqCst);
        self.wake_surely();
        let deadline = Deadline::after(within);
        while offer.load(SeqCst) == offered && !deadline.passed() {
            self.view.futex_wait(offer, offered, within);
        }
        offer.load(SeqCst) == TAKEN
    }

    /// Names the socket by which this session is to hand over what it offers.
    pub(crate) fn set_hand(&self, socket: Option<RawFd>) {
        self.word(HAND).store(socket.map_or(0, |socket| socket.unsigned_abs() + 1), SeqCst);
    }

    /// Returns that socket's number, once.
    pub(crate) fn take_hand(&self) -> Option<RawFd> {
        self.word(HAND).swap(0, SeqCst).checked_sub(1).and_then(|number| RawFd::try_from(number).ok())
    }

    /// Returns the number of the descriptor that is offered.
    pub(crate) fn offered(&self) -> Option<RawFd> {
        let word = self.word(OFFER).load(SeqCst);
        if word == TAKEN { None } else { word.checked_sub(1).and_then(|number| RawFd::try_from(number).ok()) }
    }

    /// Says that there is a copy of what is offered.
    pub(crate) fn take_offer(&self) {
        let offer = self.view.frame_word(OFFER);
        offer.store(TAKEN, SeqCst);
        self.view.futex_wake(offer);
    }

    /// Returns what it is to try to open, if it is confined.
    pub(crate) fn confined(&self) -> Option<CString> {
        (self.word(CONFINED).load(SeqCst) != 0).then(|| {
            let words = (CANARY..REPORTS).step_by(8).map(|at| self.word(at).load(SeqCst));
            let path = words.flat_map(u32::to_le_bytes).take_while(|byte| *byte != 0).collect::<Vec<u8>>();
            CString::new(path).unwrap_or_default()
        })
    }

    /// Says which step into confinement failed, and why: one store, as a process between fork and exec may make.
    pub(crate) fn refuse(&self, step: u8, error: u16) {
        self.word(REFUSED).store(u32::from(step) << 16 | u32::from(error), SeqCst);
    }

    /// Returns the step into confinement that failed, 0 for none, and why.
    pub(crate) fn refusal(&self) -> (u8, u16) {
        let word = self.word(REFUSED).load(SeqCst);
        ((word >> 16) as u8, word as u16)
    }

    /// Names this side's end of the bell's pipe, which is not to wait for room.
    pub(crate) fn set_bell(&mut self, bell: Arc<OwnedFd>) {
        self.bell = Some(bell);
    }

    pub(crate) fn export_fd(&self) -> Result<OwnedFd, Error> {
        self.view.segment().export_fd()
    }

    pub(super) fn word(&self, position: u64) -> &impl Shared<u32> {
        self.view.frame_word(position)
    }

    /// Tells a supervisor that sleeps of what was just published.
    #[inline]
    pub(crate) fn ring(&self, is_urgent: bool) {
        // What was published is seen by whoever goes to sleep after this look: a fence on either side, and no barrier for all
        // processors, which would cost the supervisor's sleep more than all of these.
        self.view.fence(SeqCst);
        let bell = self.word(BELL).load(Relaxed);
        if bell == Sleep::Any as u32 || bell == AWAY || is_urgent && bell != AWAKE {
            self.wake();
        }
    }

    /// Wakes the supervisor.
    #[cold]
    pub(crate) fn wake(&self) {
        let bell = self.view.frame_word(BELL);
        match bell.swap(AWAKE, SeqCst) {
            AWAKE => {}
            AWAY => self.write_to_bell(),
            _ => self.view.futex_wake(bell),
        }
    }

    /// Wakes the supervisor, or its event loop, whatever the word says: a session that has stored that it did so may have ended
    /// before it could, or may never have meant it.
    pub(crate) fn wake_surely(&self) {
        let bell = self.view.frame_word(BELL);
        bell.swap(AWAKE, SeqCst);
        self.view.futex_wake(bell);
        self.write_to_bell();
    }

    fn write_to_bell(&self) {
        let Some(bell) = &self.bell else { return };
        // SAFETY: the byte outlives the call. Where there is no room there is something to read.
        unsafe { libc::write(bell.as_raw_fd(), [1_u8].as_ptr().cast(), 1) };
    }

    /// Has the bell's pipe written to for what comes from now on. `true` if `is_ready` finds that something has come already:
    /// nothing is written then.
    pub(crate) fn arm(&self, is_ready: impl FnOnce() -> bool) -> bool {
        let bell = self.view.frame_word(BELL);
        bell.swap(AWAY, SeqCst);
        self.view.fence(SeqCst);
        let is_ready = is_ready();
        if is_ready {
            bell.swap(AWAKE, SeqCst);
        }
        is_ready
    }

    /// Sleeps until somebody rings, or the time is over; not at all if `is_ready` finds something first.
    pub(crate) fn sleep(&self, sleep: Sleep, at_most: Duration, is_ready: impl FnOnce() -> bool) {
        let bell = self.view.frame_word(BELL);
        bell.swap(sleep as u32, SeqCst);
        self.view.fence(SeqCst);
        if !is_ready() {
            self.view.futex_wait(bell, sleep as u32, at_most);
        }
        bell.swap(AWAKE, SeqCst);
    }

    /// Returns how the session is to wait for requests.
    pub(crate) fn wait(&self) -> Wait {
        Wait::from_word(self.word(WAIT).load(SeqCst))
    }

    /// Says that this process is the session.
    pub(crate) fn set_process(&self, id: u32) {
        self.word(PROCESS).store(id, SeqCst);
    }

    /// Returns the process that has said that it is the session; 0 for none.
    pub(crate) fn process(&self) -> u32 {
        self.word(PROCESS).load(SeqCst)
    }

    /// Asks the request of this number to stop.
    pub(crate) fn stop(&self, request: u32) {
        self.word(STOP).store(request | 1 << 31, SeqCst);
    }

    /// Tells whether the request of this number was asked to stop.
    pub(crate) fn is_stopped(&self, request: u32) -> bool {
        self.word(STOP).load(Acquire) == request | 1 << 31
    }

    /// Returns the request that was last asked to stop; 0 for none.
    pub(crate) fn last_stopped(&self) -> u32 {
        self.word(STOP).load(Acquire) & !(1 << 31)
    }

    /// Says whether a frame is under way for which the ring has no room.
    pub(crate) fn set_long(&self, is_long: bool) {
        self.word(LONG).store(is_long.into(), SeqCst);
    }

    pub(crate) fn is_long(&self) -> bool {
        self.word(LONG).load(SeqCst) != 0
    }

    /// Reads from a pipe; `read` says how many bytes came.
    pub(crate) fn drain(&self, stream: Stream, read: impl FnOnce() -> usize) -> usize {
        let (drained, reading) = (self.word(DRAINED[stream as usize]), self.word(READING[stream as usize]));
        reading.store(reading.load(Relaxed).wrapping_add(1), SeqCst);
        let count = read();
        drained.store(drained.load(Relaxed).wrapping_add(count as u32), SeqCst);
        reading.store(reading.load(Relaxed).wrapping_add(1), SeqCst);
        count
    }

    /// Returns how many bytes were ever written to a pipe, modulo 2^32: those that were read and those that wait in it.
    /// `None` where it is read all the while.
    pub(crate) fn written(&self, stream: Stream, waiting: impl Fn() -> u32) -> Option<u32> {
        let (drained, reading) = (self.word(DRAINED[stream as usize]), self.word(READING[stream as usize]));
        for round in 0..64 {
            let before = reading.load(SeqCst);
            let count = drained.load(SeqCst).wrapping_add(waiting());
            if before.is_multiple_of(2) && reading.load(SeqCst) == before {
                return Some(count);
            }
            self.view.relax(round % 8);
        }
        None
    }

    /// As [`written`](Self::written); where a pipe is read all the while, no less than that: what is under way to its reader counts as
    /// if it were as much as that reads at once.
    pub(crate) fn written_at_most(&self, stream: Stream, waiting: impl Fn() -> u32) -> u32 {
        self.written(stream, &waiting).unwrap_or_else(|| {
            // In this order: what is read in between is counted twice, and not passed over.
            let waits = waiting();
            self.word(DRAINED[stream as usize])
                .load(SeqCst)
                .wrapping_add(waits)
                .wrapping_add(READ_BYTES as u32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_for_one_request() {
        let words = Words::new(Wait::SLEEP).unwrap();
        let other = Words::open(words.export_fd().unwrap()).unwrap();
        assert!(!other.is_stopped(0));
        words.stop(0);
        assert!(other.is_stopped(0) && !other.is_stopped(1));
    }

    #[test]
    fn what_waits_in_a_pipe_counts_as_written() {
        let words = Words::new(Wait::SLEEP).unwrap();
        assert_eq!(words.written(Stream::Stderr, || 5), Some(5));
        words.drain(Stream::Stderr, || 3);
        assert_eq!(words.written(Stream::Stderr, || 2), Some(5));
        assert_eq!(words.written(Stream::Stdout, || 2), Some(2));
    }

    #[test]
    fn nothing_that_was_written_is_passed_over_while_a_pipe_is_being_read() {
        let words = Words::new(Wait::SLEEP).unwrap();
        let other = Words::open(words.export_fd().unwrap()).unwrap();
        words.drain(Stream::Stdout, || {
            // 700 bytes of 1,000 are on their way to the reader.
            assert_eq!(other.written(Stream::Stdout, || 300), None);
            assert!(other.written_at_most(Stream::Stdout, || 300) >= 1_000);
            700
        });
        assert_eq!(other.written_at_most(Stream::Stdout, || 300), 1_000);
    }
}
