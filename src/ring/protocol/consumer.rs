//! The reader of an spsc or mpsc ring.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::many::bury;
use super::{Memory, Shared};
use crate::ring::Poison;
use crate::ring::frame::{self, Found, Rules};
use crate::shm::layout::{consumer, producer, slot};
use crate::shm::{self, PeerState, seat_state};

/// How many frames to be skipped the reader skips in one call: so few that it comes back to its deadline.
pub(crate) const SKIPS: usize = 4096;

/// A frame that was taken: its payload is the reader's until it releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) position: u64,
    pub(crate) len: u32,
    pub(crate) is_fragment: bool,
}

/// The reader's way through the ring.
#[derive(Debug)]
pub(crate) struct Consumer<M> {
    memory: M,
    rules: Rules,
    /// Where the next frame is.
    next: u64,
    /// What the shared head says: everything before it is the writer's again.
    released: u64,
    frames: u64,
    poison: Option<Poison>,
}

impl<M: Memory> Consumer<M> {
    /// Goes on after what the predecessors released.
    pub(crate) fn new(memory: M, rules: Rules) -> Result<Self, Poison> {
        let head = memory.u64_at(consumer::HEAD).load(Acquire);
        let tail = memory.u64_at(producer::TAIL).load(Acquire);
        // The tail of a writer that was killed may stand behind a frame that was committed, and even released.
        frame::check_positions(head, tail, rules.capacity)
            .or_else(|_| frame::check_positions(tail, head, rules.capacity))?;
        let frames = memory.u64_at(consumer::FRAMES).load(Relaxed);
        Ok(Self { memory, rules, next: head, released: head, frames, poison: None })
    }

    /// Takes the next frame. It is the reader's until [`Consumer::release`].
    #[inline]
    pub(crate) fn take(&mut self) -> Result<Option<Taken>, Poison> {
        let position = self.next;
        // Acquire: pairs with the release of the word in `Lane::store_frame` and `Many::publish`. Read once: it may change.
        let word = self.memory.frame_word(position).load(Acquire);
        match self.rules.whole_frame(word, position) {
            Some(len) if self.poison.is_none() => Ok(Some(self.step_over(len, false))),
            _ => self.take_slowly(),
        }
    }

    #[inline]
    fn step_over(&mut self, len: u32, is_fragment: bool) -> Taken {
        let position = self.next;
        self.next = position.wrapping_add(frame::frame_bytes(len));
        self.frames = self.frames.wrapping_add(1);
        Taken { position, len, is_fragment }
    }

    /// Takes the next frame where it is none that may be taken at a glance.
    #[inline(never)]
    fn take_slowly(&mut self) -> Result<Option<Taken>, Poison> {
        let begin = self.next;
        // A writer that pads without end does not keep the reader here.
        for _ in 0..SKIPS {
            let position = self.next;
            // Acquire, and read once: as in `take`.
            let word = self.memory.frame_word(position).load(Acquire);
            match self.judge(word, position)? {
                Found::Frame(len) => return Ok(Some(self.step_over(len, false))),
                Found::Fragment(len) => return Ok(Some(self.step_over(len, true))),
                Found::Nothing | Found::Claimed(_) => break,
                Found::Padding(bytes) => self.next = position.wrapping_add(bytes),
            }
        }
        // Producers may wait for the room of what was only skipped.
        if begin == self.released {
            self.release();
        }
        Ok(None)
    }

    /// Puts the frame that was taken last, of `len` bytes, back.
    pub(crate) fn put_back(&mut self, len: u32) {
        self.next = self.next.wrapping_sub(frame::frame_bytes(len));
        self.frames = self.frames.wrapping_sub(1);
    }

    /// Turns the next frame into padding if it was claimed by a producer that is dead, and tells whether it did. Calls the
    /// kernel.
    pub(crate) fn look_at_claim(&mut self) -> Result<bool, Poison> {
        let claimant = |position| {
            let word = self.memory.frame_word(position).load(Acquire);
            match self.rules.judge(word, position) {
                Ok(Found::Claimed(slot)) => Some(slot),
                _ => None,
            }
        };
        let position = self.next;
        if claimant(position).is_none() || self.memory.u64_at(producer::TAIL).load(Acquire) == position {
            return Ok(false);
        }
        // Once more, now that the tail tells of it: before, it may have been somebody's who died before the tail moved.
        let Some(slot) = claimant(position) else { return Ok(false) };
        if seat_state(&self.memory, slot) == PeerState::Alive {
            return Ok(false);
        }
        bury(&self.memory, &self.rules, slot)?;
        // Where the note does not fit, nobody will ever finish the frame.
        let note = |field| self.memory.u64_at(slot::at(slot, field)).load(Acquire);
        let (recorded, bytes) = (note(slot::CLAIM), note(slot::CLAIM_BYTES));
        if claimant(position) == Some(slot)
            && recorded != position
            && seat_state(&self.memory, slot) != PeerState::Alive
        {
            return Err(self.poisoned(Poison::Claim { position, slot, recorded, bytes }));
        }
        Ok(claimant(position).is_none())
    }

    /// Returns how many frames were taken, in this ring's whole life.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Tells whether [`Consumer::take`] would find something, or an error.
    pub(crate) fn is_ready(&self) -> bool {
        let word = self.memory.frame_word(self.next).load(Acquire);
        self.poison.is_some()
            || !matches!(self.rules.judge(word, self.next), Ok(Found::Nothing | Found::Claimed(_)))
    }

    /// Gives everything that was taken back to the writer.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.released == self.next {
            return;
        }
        self.released = self.next;
        // Release: our reads of the frames come before the writer's next writes there. Pairs with `Room::look`.
        self.memory.u64_at(consumer::HEAD).store(self.released, Release);
        self.memory.u64_at(consumer::FRAMES).store(self.frames, Relaxed);
        shm::wake(&self.memory, producer::WAITING);
    }

    fn judge(&mut self, word: u32, position: u64) -> Result<Found, Poison> {
        if let Some(poison) = self.poison {
            return Err(poison);
        }
        self.rules.judge(word, position).map_err(|poison| self.poisoned(poison))
    }

    #[cold]
    fn poisoned(&mut self, poison: Poison) -> Poison {
        self.poison = Some(poison);
        poison
    }

    pub(crate) fn poison(&mut self, poison: Poison) {
        self.poison = Some(poison);
    }
}
