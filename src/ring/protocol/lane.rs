//! One producer's way through the ring: its tail, its commits, and what it notes of them.
//!
//! The words of the frames say where the ring ends. The shared tail and the counters only note it now and then, for
//! successors and for people: while a cache line comes from the other core the stores behind it wait in a buffer of some
//! dozens, and with three stores fewer for each frame more frames fit in there. Whoever reads the notes walks on over the
//! few frames behind them ([`Noted::read`]).

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Memory, Shared};
use crate::ring::Poison;
use crate::ring::frame::{self, COMMITTED, EMPTY, Found, PAD, Rules};
use crate::shm::layout::{producer, slot};

/// The tail is noted once it is so far ahead of its note,
const NOTE_BYTES: u64 = 4096;
/// or a share of the capacity.
const NOTE_SHARE: u64 = 4;
/// The records of a note take turns: they lie in the first slots.
const RECORDS: usize = 2;
/// One frame, in the high half of [`Lane::since`].
const FRAME: u64 = 1 << 32;

/// A position in a ring of one producer, and what was committed before it since the ring was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) tail: u64,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

impl Noted {
    /// Loads the shared tail, and the record that is of it. A new one is written whole before the tail follows, so that there
    /// is always one, whenever the producer was killed; what a hostile one makes of it are wrong numbers.
    fn load<M: Memory>(memory: &M) -> Self {
        let tail = memory.u64_at(producer::TAIL).load(Acquire);
        let read = |record, field| memory.u64_at(slot::at(record, field)).load(Acquire);
        let record = (0..RECORDS).find(|record| read(*record, slot::CLAIM) == tail).unwrap_or(0);
        Self { tail, frames: read(record, slot::FRAMES), bytes: read(record, slot::BYTES) }
    }

    /// Reads what the producer of an spsc ring has committed by about now, whoever it is.
    pub(crate) fn read<M: Memory>(memory: &M, rules: &Rules) -> Self {
        let mut noted = Self::load(memory);
        // Frames behind a note are written over only after the next note.
        for _ in 0..8 {
            let walked = noted.walk(memory, rules, note_step(rules));
            let now = Self::load(memory);
            if now == noted {
                return walked.unwrap_or(noted);
            }
            noted = now;
        }
        noted
    }

    /// Goes on over the committed frames that begin within so many bytes of here.
    fn walk<M: Memory>(mut self, memory: &M, rules: &Rules, bytes: u64) -> Result<Self, Poison> {
        let begin = self.tail;
        frame::check_positions(begin, begin, rules.capacity)?;
        while self.tail.wrapping_sub(begin) < bytes {
            let word = memory.frame_word(self.tail).load(Acquire);
            match rules.judge(word, self.tail)? {
                Found::Nothing => break,
                Found::Frame(len) | Found::Fragment(len) => {
                    self.frames = self.frames.wrapping_add(1);
                    self.bytes = self.bytes.wrapping_add(len.into());
                    self.tail = self.tail.wrapping_add(frame::frame_bytes(len));
                }
                Found::Padding(bytes) => self.tail = self.tail.wrapping_add(bytes),
                Found::Claimed(_) => return Err(Poison::State { position: self.tail, word }),
            }
        }
        Ok(self)
    }
}

fn note_step(rules: &Rules) -> u64 {
    NOTE_BYTES.min(rules.capacity / NOTE_SHARE)
}

/// The tail of a ring that has one producer, and what was committed there.
#[derive(Debug)]
pub(crate) struct Lane<M> {
    pub(crate) memory: M,
    pub(crate) rules: Rules,
    /// Where the next frame goes.
    pub(crate) tail: u64,
    pub(crate) noted: Noted,
    /// Which record the next note is written to.
    record: usize,
    /// The frames since the note, in the high half, and their payload bytes: one word, as each store counts.
    since: u64,
    step: u64,
}

impl<M: Memory> Lane<M> {
    /// Begins where the predecessors ended, as their words tell it: whoever was killed left frames behind its note.
    /// `at_least` is a position up to which all is known to be committed.
    pub(crate) fn resume(memory: M, rules: Rules, at_least: Option<u64>) -> Result<Self, Poison> {
        let stored = Noted::load(&memory);
        let begin = Noted { tail: at_least.unwrap_or(stored.tail), ..stored };
        let noted = begin.walk(&memory, &rules, rules.capacity)?;
        let word = memory.frame_word(noted.tail).load(Acquire);
        if word != EMPTY {
            let (head, tail) = (begin.tail, noted.tail);
            return Err(Poison::Positions { head, tail, capacity: rules.capacity });
        }
        // The record that the shared tail does not lead to is free.
        let is_first = memory.u64_at(slot::at(0, slot::CLAIM)).load(Acquire) == stored.tail;
        let step = note_step(&rules);
        let mut lane =
            Self { tail: noted.tail, noted, record: usize::from(is_first), since: 0, step, rules, memory };
        if lane.noted != stored {
            lane.write_note();
        }
        Ok(lane)
    }

    /// Fills the rest before the end, so that the next frame begins where the ring begins.
    #[cold]
    pub(crate) fn pad(&mut self, bytes: u64) {
        self.store_frame(PAD | (bytes - frame::WORD_BYTES) as u32, bytes);
        self.note();
    }

    /// Makes the payload of `len` bytes that was written at the tail a frame. `flags` go into its word.
    #[inline]
    pub(crate) fn publish(&mut self, len: u32, flags: u32) {
        self.store_frame(COMMITTED | flags | len, frame::frame_bytes(len));
        self.since += FRAME | u64::from(len);
        if self.tail.wrapping_sub(self.noted.tail) >= self.step {
            self.note();
        }
    }

    /// Stores a frame's word, after the zero word that ends the ring behind it, and moves the tail.
    #[inline]
    fn store_frame(&mut self, word: u32, bytes: u64) {
        let next = self.tail.wrapping_add(bytes);
        self.memory.frame_word(next).store(EMPTY, Relaxed);
        // Release: whoever acquires this word sees the payload and the zero word. Pairs with `Consumer::take`.
        self.memory.frame_word(self.tail).store(word, Release);
        self.tail = next;
    }

    /// Notes the tail and the counters, unless the last note says it all.
    pub(crate) fn note(&mut self) {
        if self.tail == self.noted.tail {
            return;
        }
        let Noted { frames, bytes, .. } = self.noted;
        self.noted = Noted {
            tail: self.tail,
            frames: frames.wrapping_add(self.since / FRAME),
            bytes: bytes.wrapping_add(self.since % FRAME),
        };
        self.since = 0;
        self.write_note();
    }

    fn write_note(&mut self) {
        let Noted { tail, frames, bytes } = self.noted;
        let store = |field, value| self.memory.u64_at(slot::at(self.record, field)).store(value, Release);
        store(slot::FRAMES, frames);
        store(slot::BYTES, bytes);
        store(slot::CLAIM, tail);
        // Release: whoever acquires the tail sees its record, and the frames before it.
        self.memory.u64_at(producer::TAIL).store(tail, Release);
        self.record = (self.record + 1) % RECORDS;
    }
}
