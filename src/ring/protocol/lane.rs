//! One producer's way through the ring: its tail, and its commits.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Memory, Shared};
use crate::ring::Poison;
use crate::ring::frame::{self, COMMITTED, EMPTY, Found, PAD, Rules};
use crate::shm::layout::{producer, slot};

/// The tail of a ring that has one producer, and what was committed there.
#[derive(Debug)]
pub(crate) struct Lane<M> {
    pub(crate) memory: M,
    pub(crate) rules: Rules,
    /// Where the next frame goes. The shared tail follows each commit.
    pub(crate) tail: u64,
    pub(crate) frames: u64,
    bytes: u64,
}

impl<M: Memory> Lane<M> {
    /// Begins where the predecessors ended, as their words tell it: one that was killed between the word and the tail
    /// left one frame behind its tail. `at_least` is a position up to which all is known to be committed.
    pub(crate) fn resume(memory: M, rules: Rules, at_least: Option<u64>) -> Result<Self, Poison> {
        let read = |offset| memory.u64_at(offset).load(Acquire);
        let stored = read(producer::TAIL);
        let (frames, bytes) = (read(slot::at(0, slot::FRAMES)), read(slot::at(0, slot::BYTES)));
        let mut lane = Self { tail: at_least.unwrap_or(stored), frames, bytes, rules, memory };
        let begin = lane.tail;
        frame::check_positions(begin, begin, rules.capacity)?;
        while lane.tail.wrapping_sub(begin) <= rules.capacity {
            let word = lane.memory.frame_word(lane.tail).load(Acquire);
            match rules.judge(word, lane.tail)? {
                Found::Nothing => {
                    lane.store_tail();
                    return Ok(lane);
                }
                Found::Frame(len) | Found::Fragment(len) => {
                    lane.frames = lane.frames.wrapping_add(1);
                    lane.bytes = lane.bytes.wrapping_add(len.into());
                    lane.tail = lane.tail.wrapping_add(frame::frame_bytes(len));
                }
                Found::Padding(bytes) => lane.tail = lane.tail.wrapping_add(bytes),
                Found::Claimed(_) => return Err(Poison::State { position: lane.tail, word }),
            }
        }
        Err(Poison::Positions { head: begin, tail: lane.tail, capacity: rules.capacity })
    }

    /// Fills the rest before the end, so that the next frame begins where the ring begins.
    #[cold]
    pub(crate) fn pad(&mut self, bytes: u64) {
        self.store_frame(PAD | (bytes - frame::WORD_BYTES) as u32, bytes);
    }

    /// Makes the payload of `len` bytes that was written at the tail a frame. `flags` go into its word.
    #[inline]
    pub(crate) fn publish(&mut self, len: u32, flags: u32) {
        self.store_frame(COMMITTED | flags | len, frame::frame_bytes(len));
        self.frames = self.frames.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(len.into());
        self.memory.u64_at(slot::at(0, slot::FRAMES)).store(self.frames, Relaxed);
        self.memory.u64_at(slot::at(0, slot::BYTES)).store(self.bytes, Relaxed);
    }

    /// Stores a frame's word, after the zero word that ends the ring behind it, and moves the tail.
    #[inline]
    fn store_frame(&mut self, word: u32, bytes: u64) {
        let next = self.tail.wrapping_add(bytes);
        self.memory.frame_word(next).store(EMPTY, Relaxed);
        // Release: whoever acquires this word sees the payload and the zero word. Pairs with `Consumer::take`.
        self.memory.frame_word(self.tail).store(word, Release);
        self.tail = next;
        self.store_tail();
    }

    #[inline]
    fn store_tail(&self) {
        self.memory.u64_at(producer::TAIL).store(self.tail, Release);
    }
}
