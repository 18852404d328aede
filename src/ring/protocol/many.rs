//! The producers of an mpsc ring: claims under a lock that outlives its holder.
//!
//! A producer takes the claim lock, notes position and size of its claim in its slot, writes the zero word behind the
//! claim and "claimed by my slot" at it, moves the tail, and lets the lock go; writing the payload and committing need
//! no lock. A claim is invisible before the tail has moved. Whoever finds a dead producer in the way takes its seat for
//! a moment and settles what it left ([`settle`]).

use std::iter;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::single::Room;
use super::{Memory, Shared};
use crate::ring::frame::{self, ALIGN, CLAIMED, COMMITTED, EMPTY, Found, PAD, Rules};
use crate::ring::{Error, Poison};
use crate::shm::layout::{SLOTS, consumer, producer, seat, slot};
use crate::shm::{self, Deadline, seat_word};

/// Looks whether the lock's holder lives once in so many rounds of waiting for it.
const ROUNDS_PER_LOOK: u32 = 64;

/// One of the producers of an mpsc ring.
#[derive(Debug)]
pub(crate) struct Many<M> {
    memory: M,
    rules: Rules,
    slot: usize,
    room: Room,
    frames: u64,
    bytes: u64,
}

impl<M: Memory> Many<M> {
    /// Settles what the slot's last holder left, and goes on in its place. The caller holds the slot's seat.
    pub(crate) fn new(memory: M, rules: Rules, slot: usize) -> Result<Self, Poison> {
        settle(&memory, &rules, slot)?;
        shm::wake(&memory, consumer::WAITING);
        let read = |field| memory.u64_at(slot::at(slot, field)).load(Relaxed);
        let (frames, bytes) = (read(slot::FRAMES), read(slot::BYTES));
        Ok(Self { room: Room::new(&memory, slot), memory, rules, slot, frames, bytes })
    }

    /// Claims room for a payload of `len` bytes, at most the longest frame, and returns its position and the bytes it
    /// takes. Waits for the claim lock, which is held for some nanoseconds unless its holder is stopped, and no longer
    /// than the deadline.
    // A call of its own, so that the way of the single producer stays short where it is inlined.
    #[inline(never)]
    pub(crate) fn reserve(&mut self, len: u32, deadline: Deadline) -> Result<(u64, u64), Error> {
        self.lock(deadline)?;
        let claimed = self.claim(len);
        self.memory.u32_at(producer::LOCK).store(0, Release);
        claimed
    }

    #[inline]
    fn claim(&mut self, len: u32) -> Result<(u64, u64), Error> {
        let (memory, rules) = (&self.memory, &self.rules);
        let mut tail = memory.u64_at(producer::TAIL).load(Relaxed);
        if !tail.is_multiple_of(ALIGN) {
            let head = memory.u64_at(consumer::HEAD).load(Relaxed);
            return Err(Poison::Positions { head, tail, capacity: rules.capacity }.into());
        }
        let bytes = frame::frame_bytes(len);
        let padding = rules.padding(tail, bytes);
        self.room.check(memory, rules, tail, padding + bytes + ALIGN)?;
        if padding > 0 {
            let next = tail.wrapping_add(padding);
            memory.frame_word(next).store(EMPTY, Relaxed);
            memory.frame_word(tail).store(PAD | (padding - frame::WORD_BYTES) as u32, Release);
            memory.u64_at(producer::TAIL).store(next, Release);
            tail = next;
        }
        // The note first: once the tail has moved, it says how long the claim is.
        memory.u64_at(slot::at(self.slot, slot::CLAIM)).store(tail, Relaxed);
        memory.u64_at(slot::at(self.slot, slot::CLAIM_BYTES)).store(bytes, Relaxed);
        let next = tail.wrapping_add(bytes);
        memory.frame_word(next).store(EMPTY, Relaxed);
        memory.frame_word(tail).store(CLAIMED | self.slot as u32, Relaxed);
        // Release: whoever acquires this tail sees the claim and its note. Pairs with `settle` and `Consumer::look_at_claim`.
        memory.u64_at(producer::TAIL).store(next, Release);
        Ok((tail, bytes))
    }

    /// Tells whether frames that take so many bytes each would have room now, or an error to tell of. Without the
    /// lock: others may take it meanwhile.
    pub(crate) fn has_room(&mut self, frames: impl Iterator<Item = u64>) -> bool {
        // The head first: it only grows, so that the room is only underrated. The two may be far apart by now, which is no
        // proof of anything: whoever claims looks again.
        let head = self.memory.u64_at(consumer::HEAD).load(Acquire);
        let tail = self.memory.u64_at(producer::TAIL).load(Acquire);
        let end = frames.fold(tail, |at, bytes| at.wrapping_add(self.rules.padding(at, bytes) + bytes));
        let (used, needed) = (tail.wrapping_sub(head), end.wrapping_sub(tail).saturating_add(ALIGN));
        used > self.rules.capacity || needed <= self.rules.capacity - used
    }

    #[inline]
    fn lock(&mut self, deadline: Deadline) -> Result<(), Error> {
        if self.memory.u32_at(producer::LOCK).replace(0, self.slot as u32 + 1, Acquire) {
            return Ok(());
        }
        self.lock_slowly(deadline)
    }

    #[cold]
    fn lock_slowly(&mut self, deadline: Deadline) -> Result<(), Error> {
        let lock = self.memory.u32_at(producer::LOCK);
        for round in (1_u32..u32::MAX).chain(iter::repeat(ROUNDS_PER_LOOK)) {
            self.memory.relax(round);
            let holder = lock.load(Relaxed);
            if holder as usize > SLOTS || holder == self.slot as u32 + 1 {
                return Err(Poison::Lock { holder }.into());
            }
            if holder == 0 && lock.replace(0, self.slot as u32 + 1, Acquire) {
                return Ok(());
            }
            if round % ROUNDS_PER_LOOK == 0 {
                if holder != 0 {
                    bury(&self.memory, &self.rules, holder as usize - 1)?;
                }
                if deadline.passed() {
                    break;
                }
            }
        }
        Err(Error::TimedOut { waited_for: "another producer, which lives, holds the claim lock" })
    }

    /// Makes the first `len` bytes of a claim at `position` that takes `bytes` a frame, and the rest padding.
    #[inline(never)]
    pub(crate) fn publish(&mut self, position: u64, bytes: u64, len: u32, flags: u32) {
        let taken = frame::frame_bytes(len);
        if taken < bytes {
            self.give_up(position.wrapping_add(taken), bytes - taken);
        }
        // Release: whoever acquires this word sees the payload. Pairs with `Consumer::take`.
        self.memory.frame_word(position).store(COMMITTED | flags | len, Release);
        self.frames = self.frames.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(len.into());
        self.memory.u64_at(slot::at(self.slot, slot::FRAMES)).store(self.frames, Relaxed);
        self.memory.u64_at(slot::at(self.slot, slot::BYTES)).store(self.bytes, Relaxed);
    }

    /// Gives so many bytes of a claim up: the reader skips them.
    #[cold]
    pub(crate) fn give_up(&mut self, position: u64, bytes: u64) {
        self.memory.frame_word(position).store(PAD | (bytes - frame::WORD_BYTES) as u32, Release);
    }
}

/// Settles what a dead producer left, if it is dead and nobody else is at it; the reader is woken where that helps it.
pub(crate) fn bury<M: Memory>(memory: &M, rules: &Rules, slot: usize) -> Result<(), Poison> {
    if slot >= SLOTS || !memory.hold_seat(slot) {
        return Ok(());
    }
    let settled = settle(memory, rules, slot);
    let word = memory.u32_at(seat_word(slot));
    let unfenced = word.load(Relaxed) & !seat::STATE;
    if word.load(Relaxed) & seat::STATE == seat::TAKEN {
        word.store(seat::DIED | unfenced, Release);
    }
    memory.let_go_of_seat(slot);
    shm::wake(memory, consumer::WAITING);
    settled
}

/// Finishes or undoes what the last holder of a slot was doing when it died. The caller holds the slot's seat.
///
/// Each step leaves what a later try needs, so that whoever settles may die as well.
pub(crate) fn settle<M: Memory>(memory: &M, rules: &Rules, slot: usize) -> Result<(), Poison> {
    let lock = memory.u32_at(producer::LOCK);
    if lock.load(Acquire) == slot as u32 + 1 {
        let mut tail = memory.u64_at(producer::TAIL).load(Acquire);
        // It may have written the padding and not moved the tail: the reader may be past it.
        if let Found::Padding(bytes) = rules.judge(memory.frame_word(tail).load(Acquire), tail)? {
            tail = tail.wrapping_add(bytes);
            memory.u64_at(producer::TAIL).store(tail, Release);
        }
        // A claim that the tail does not tell of was never made.
        memory.frame_word(tail).store(EMPTY, Relaxed);
        // Release: the next holder sees all that. Pairs with `Many::lock`.
        lock.store(0, Release);
    }
    let note = |field| memory.u64_at(slot::at(slot, field)).load(Acquire);
    let tail = memory.u64_at(producer::TAIL).load(Acquire);
    let head = memory.u64_at(consumer::HEAD).load(Acquire);
    let (position, bytes) = (note(slot::CLAIM), note(slot::CLAIM_BYTES));
    // Positions are never used twice, and the reader cannot pass a claim: within these bounds the note still holds.
    let is_unreleased = position.wrapping_sub(head) < tail.wrapping_sub(head);
    let is_sound = position.is_multiple_of(ALIGN) && bytes.is_multiple_of(ALIGN);
    if is_unreleased && is_sound && (ALIGN..=rules.rest(position)).contains(&bytes) {
        let pad = PAD | (bytes - frame::WORD_BYTES) as u32;
        memory.frame_word(position).replace(CLAIMED | slot as u32, pad, AcqRel);
    }
    Ok(())
}
