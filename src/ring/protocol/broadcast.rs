//! Broadcast: a lane that overwrites, and readers whose positions are their own.
//!
//! Before the writer overwrites anything it says how far it will go (the intent): everything one capacity before that
//! is lost. A reader copies first and then looks at the intent, so that what it has is whole or known to be lost (the
//! writer's side of a sequence lock, Boehm 2012). To go on, and to know how many frames it missed, it takes the next
//! signpost: now and then the writer notes the position and the number of a frame.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Lane, Memory, Shared, Taken};
use crate::ring::frame::{self, ALIGN, Found, Rules};
use crate::ring::{Error, Poison};
use crate::shm::layout::{SIGNPOSTS, producer, signpost};

/// The writer says once in so many parts of the capacity how far it will go: readers have so much less of the ring.
const INTENT_SHARE: u64 = 32;
/// A signpost that is being written.
const NO_POSITION: u64 = u64::MAX;
/// How often a reader looks for a way back in, in one call, from a writer that overtakes it meanwhile.
const TRIES: usize = 64;

fn signpost_at(index: u64, field: usize) -> usize {
    signpost::BASE + (index % SIGNPOSTS as u64) as usize * signpost::STRIDE + field
}

/// The part of the ring, counted on for ever, that a position is in: each has a signpost.
fn part_of(position: u64, rules: &Rules) -> u64 {
    position / (rules.capacity / SIGNPOSTS as u64)
}

/// Reads a signpost: the position of a frame and its number.
fn read_signpost<M: Memory>(memory: &M, index: u64) -> Option<(u64, u64)> {
    let position = memory.u64_at(signpost_at(index, 0)).load(Acquire);
    let number = memory.u64_at(signpost_at(index, 8)).load(Relaxed);
    memory.fence(Acquire);
    let again = memory.u64_at(signpost_at(index, 0)).load(Relaxed);
    // A position is stored with its lowest bit set, so that a signpost never written is none.
    let is_one = position == again && position != NO_POSITION && position & 7 == 1;
    is_one.then(|| (position - 1, number))
}

/// The writer of a broadcast ring.
#[derive(Debug)]
pub(crate) struct Writer<M> {
    lane: Lane<M>,
    intent: u64,
    part: u64,
}

impl<M: Memory> Writer<M> {
    /// Goes on where the predecessors ended.
    pub(crate) fn new(memory: M, rules: Rules) -> Result<Self, Poison> {
        // The counter may be one off after a kill; the newest signpost and the words behind it are not.
        let mut reader = Reader { memory, rules, next: 0, number: 0 };
        let end = reader.skip_to_end().then_some((reader.next, reader.number));
        let mut lane = Lane::resume(reader.memory, rules, end.map(|end| end.0))?;
        if let Some((_, number)) = end {
            lane.noted.frames = number;
        }
        let intent = lane.memory.u64_at(producer::INTENT).load(Acquire);
        let part = part_of(lane.tail, &rules).wrapping_sub(1);
        Ok(Self { lane, intent, part })
    }

    /// Returns the position where a payload of `len` bytes, at most the longest frame, is to be written.
    #[inline]
    pub(crate) fn reserve(&mut self, len: u32) -> u64 {
        let lane = &mut self.lane;
        let bytes = frame::frame_bytes(len);
        let padding = lane.rules.padding(lane.tail, bytes);
        let end = lane.tail.wrapping_add(padding + bytes + ALIGN);
        if end.wrapping_sub(self.intent) as i64 > 0 {
            self.intent = end.wrapping_add(lane.rules.capacity / INTENT_SHARE);
            lane.memory.u64_at(producer::INTENT).store(self.intent, Relaxed);
            // The intent comes before everything that is written over. Pairs with the fence in `Reader::is_overtaken`.
            lane.memory.fence(Release);
        }
        if padding > 0 {
            lane.pad(padding);
        }
        lane.tail
    }

    /// Makes the first `len` bytes of what was reserved last a frame.
    #[inline(never)]
    pub(crate) fn publish(&mut self, len: u32) {
        let (position, number) = (self.lane.tail, self.lane.noted.frames);
        self.lane.publish(len, 0);
        // Each one: readers that begin at the end go by the tail.
        self.lane.note();
        if part_of(position, &self.lane.rules) != self.part {
            self.put_signpost(position, number);
        }
    }

    #[cold]
    fn put_signpost(&mut self, position: u64, number: u64) {
        self.part = part_of(position, &self.lane.rules);
        let memory = &self.lane.memory;
        let place = memory.u64_at(signpost_at(self.part, 0));
        place.store(NO_POSITION, Relaxed);
        memory.fence(Release);
        memory.u64_at(signpost_at(self.part, 8)).store(number, Relaxed);
        // Release: whoever acquires the position sees the number. Pairs with `read_signpost`.
        place.store(position | 1, Release);
    }
}

/// A reader of a broadcast ring.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    memory: M,
    rules: Rules,
    /// Where the next frame is.
    next: u64,
    /// The number of that frame, counted from the ring's first.
    number: u64,
}

impl<M: Memory> Reader<M> {
    /// Begins with the next frame that is written, or with the oldest that is there.
    pub(crate) fn new(memory: M, rules: Rules, from_oldest: bool) -> Self {
        let mut reader = Self { memory, rules, next: 0, number: 0 };
        if from_oldest {
            reader.skip_to_oldest(rules.capacity);
        } else {
            reader.skip_to_end();
        }
        reader
    }

    /// Returns the number of the next frame, counted from the ring's first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Takes the next frame: `copy` is given it to copy, and what it returns counts only if the frame was still whole
    /// then.
    #[inline]
    pub(crate) fn take<T>(&mut self, copy: impl FnOnce(Taken) -> T) -> Result<Option<T>, Error> {
        // At most one padding, and then a frame.
        for _ in 0..2 {
            let position = self.next;
            // Acquire: pairs with the release of the word in `Lane::store_frame`. Read once: it may change.
            let word = self.memory.frame_word(position).load(Acquire);
            let found = self.rules.judge(word, position);
            if let Ok(Found::Frame(len)) = found {
                let copied = copy(Taken { position, len, is_fragment: false });
                if self.is_overtaken() {
                    return Err(self.catch_up());
                }
                self.next = position.wrapping_add(frame::frame_bytes(len));
                self.number = self.number.wrapping_add(1);
                return Ok(Some(copied));
            }
            // What was read may be the middle of a later frame.
            if self.is_overtaken() {
                return Err(self.catch_up());
            }
            match found? {
                Found::Padding(bytes) => self.next = position.wrapping_add(bytes),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Tells whether [`Reader::take`] would find something, or an error.
    pub(crate) fn is_ready(&self) -> bool {
        self.memory.frame_word(self.next).load(Acquire) != frame::EMPTY || self.is_overtaken()
    }

    /// Tells whether the frame at the reader's position may be overwritten, after everything read of it.
    #[inline]
    fn is_overtaken(&self) -> bool {
        self.memory.fence(Acquire);
        let intent = self.memory.u64_at(producer::INTENT).load(Relaxed);
        intent.wrapping_sub(self.next) as i64 > self.rules.capacity as i64
    }

    /// Goes to a frame that is safe for a while, and says what was missed.
    #[cold]
    fn catch_up(&mut self) -> Error {
        let (next, number) = (self.next, self.number);
        // Half the ring behind, or it would be overtaken again at once.
        self.skip_to_oldest(self.rules.capacity / 2);
        Error::Lagged { frames: self.number.wrapping_sub(number), bytes: self.next.wrapping_sub(next) }
    }

    /// Goes to the oldest signpost at most `reach` bytes before the writer's intent, or to the newest there is.
    fn skip_to_oldest(&mut self, reach: u64) {
        for _ in 0..TRIES {
            let intent = self.memory.u64_at(producer::INTENT).load(Acquire);
            let age = |position: u64| intent.wrapping_sub(position);
            let posts = (0..SIGNPOSTS as u64).filter_map(|index| read_signpost(&self.memory, index));
            let oldest = posts.clone().filter(|post| age(post.0) <= reach).max_by_key(|post| age(post.0));
            let Some(post) = oldest.or_else(|| posts.min_by_key(|post| age(post.0))) else { return };
            (self.next, self.number) = post;
            if !self.is_overtaken() {
                return;
            }
        }
    }

    /// Goes behind the last frame; `false` where the writer was too fast for that.
    fn skip_to_end(&mut self) -> bool {
        for _ in 0..TRIES {
            self.skip_to_oldest(0);
            let begin = self.next;
            while self.next.wrapping_sub(begin) <= self.rules.capacity {
                match self.take(|_| ()) {
                    Ok(Some(())) => {}
                    Ok(None) => return true,
                    Err(_) => break,
                }
            }
        }
        false
    }
}
