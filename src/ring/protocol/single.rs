//! The producer of an spsc ring: a lane that ends where the reader has not released.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::{Lane, Memory, Shared};
use crate::ring::frame::{self, ALIGN, Rules};
use crate::ring::{Error, Poison};
use crate::shm::layout::{consumer, producer, slot};

/// How much of the capacity a producer goes on without a look at the reader's head: so fine is the high-water mark.
pub(super) const LOOK_SHARE: u64 = 16;

/// How much room there is, as a producer last saw it.
#[derive(Debug)]
pub(super) struct Room {
    slot: usize,
    /// The reader's head when it was last looked at. It may lag behind, so that room is only ever underrated.
    head_seen: u64,
    /// How far from there a frame may end before the head must be looked at again.
    allowance: u64,
    high_water: u64,
    poison: Option<Poison>,
}

impl Room {
    pub(super) fn new<M: Memory>(memory: &M, slot: usize) -> Self {
        Self {
            slot,
            head_seen: memory.u64_at(consumer::HEAD).load(Acquire),
            allowance: 0,
            high_water: memory.u64_at(slot::at(slot, slot::HIGH_WATER)).load(Relaxed),
            poison: None,
        }
    }

    /// Checks that `needed` bytes at `tail` are free.
    #[inline]
    pub(super) fn check<M: Memory>(
        &mut self,
        memory: &M,
        rules: &Rules,
        tail: u64,
        needed: u64,
    ) -> Result<(), Error> {
        if self.is_known(tail, needed) { Ok(()) } else { self.look(memory, rules, tail, needed) }
    }

    /// Tells whether `needed` bytes at `tail` are known to be free.
    #[inline]
    fn is_known(&self, tail: u64, needed: u64) -> bool {
        tail.wrapping_sub(self.head_seen).saturating_add(needed) <= self.allowance
    }

    /// Tells whether frames that take so many bytes each have room at `tail` one after the other.
    pub(super) fn has<M: Memory>(
        &mut self,
        memory: &M,
        rules: &Rules,
        tail: u64,
        frames: impl Iterator<Item = u64>,
    ) -> bool {
        let end = frames.fold(tail, |at, bytes| at.wrapping_add(rules.padding(at, bytes) + bytes));
        !matches!(self.check(memory, rules, tail, end.wrapping_sub(tail) + ALIGN), Err(Error::Full { .. }))
    }

    #[cold]
    fn look<M: Memory>(&mut self, memory: &M, rules: &Rules, tail: u64, needed: u64) -> Result<(), Error> {
        if let Some(poison) = self.poison {
            return Err(poison.into());
        }
        // Acquire: the reader's last reads of what it released come before our writes there. Pairs with `Consumer::release`.
        let head = memory.u64_at(consumer::HEAD).load(Acquire);
        if let Err(poison) = frame::check_positions(head, tail, rules.capacity) {
            self.poison = Some(poison);
            self.allowance = 0;
            return Err(poison.into());
        }
        self.head_seen = head;
        let used = tail.wrapping_sub(head);
        if used > self.high_water {
            self.high_water = used;
            memory.u64_at(slot::at(self.slot, slot::HIGH_WATER)).store(used, Relaxed);
        }
        let free = rules.capacity - used;
        if needed > free {
            return Err(Error::Full { needed, free });
        }
        self.allowance = rules.capacity.min(used + needed.max(rules.capacity / LOOK_SHARE));
        Ok(())
    }
}

/// The producer of an spsc ring. A claim is invisible until it is published, so that giving it up costs nothing.
#[derive(Debug)]
pub(crate) struct Single<M> {
    lane: Lane<M>,
    room: Room,
}

impl<M: Memory> Single<M> {
    /// Goes on where the predecessors ended. The reader may even have released what their tail does not tell of.
    pub(crate) fn new(memory: M, rules: Rules) -> Result<Self, Poison> {
        let tail = memory.u64_at(producer::TAIL).load(Acquire);
        let head = memory.u64_at(consumer::HEAD).load(Acquire);
        let head_is_ahead = frame::check_positions(tail, head, rules.capacity).is_ok();
        if !head_is_ahead {
            frame::check_positions(head, tail, rules.capacity)?;
        }
        let mut lane = Lane::resume(memory, rules, None)?;
        // Only where somebody wrote over what lies between.
        if lane.tail.wrapping_sub(head) > rules.capacity {
            lane = Lane::resume(lane.memory, rules, Some(head))?;
        }
        let room = Room::new(&lane.memory, 0);
        Ok(Self { lane, room })
    }

    /// As [`Single::reserve`] where there is certainly room, as there nearly always is.
    #[inline]
    pub(crate) fn reserve_at_once(&mut self, len: u32) -> Option<u64> {
        let Lane { tail, rules, .. } = &self.lane;
        let bytes = frame::frame_bytes(len);
        (self.room.is_known(*tail, bytes + ALIGN) && bytes <= rules.rest(*tail)).then_some(*tail)
    }

    /// Returns the position where a payload of `len` bytes, at most the longest frame, is to be written.
    pub(crate) fn reserve(&mut self, len: u32) -> Result<u64, Error> {
        let lane = &mut self.lane;
        let bytes = frame::frame_bytes(len);
        let padding = lane.rules.padding(lane.tail, bytes);
        // The word after the frame is kept zero, and needs room too.
        self.room.check(&lane.memory, &lane.rules, lane.tail, padding + bytes + ALIGN)?;
        if padding > 0 {
            lane.pad(padding);
        }
        Ok(lane.tail)
    }

    /// Tells whether frames that take so many bytes each would have room now, or an error to tell of.
    pub(crate) fn has_room(&mut self, frames: impl Iterator<Item = u64>) -> bool {
        let lane = &self.lane;
        self.room.has(&lane.memory, &lane.rules, lane.tail, frames)
    }

    /// Returns where the next frame goes, or what is to be skipped before it.
    pub(crate) fn tail(&self) -> u64 {
        self.lane.tail
    }

    /// Notes what was committed, for whoever reads the counters while this side does nothing.
    pub(crate) fn note(&mut self) {
        self.lane.note();
    }

    /// Makes the first `len` bytes of what was reserved last a frame.
    #[inline]
    pub(crate) fn publish(&mut self, len: u32, flags: u32) {
        self.lane.publish(len, flags);
    }
}
