//! Looking at the frames of a ring that others use, without taking a seat and without writing a byte.
//!
//! What is looked at may be written over meanwhile: a frame is copied first, and counts only if the ring's reader had
//! not passed it by then (or, in a broadcast ring, the writer). Nothing that a peer stores makes the walk leave the data
//! area, or go on for longer than once round it.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

use super::fragment::{self, Header};
use super::frame::{self, ALIGN, Found, Rules};
use super::protocol::{Reader, Taken};
use super::{Error, Poison};
use crate::shm::layout::{consumer, producer, slot};
use crate::shm::{Memory, Mode, Segment, Shared, View};

/// How often, in one dump, a writer may be too fast for it before it ends.
const TRIES: u32 = 64;

/// A frame as it lay in a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedFrame {
    /// Its byte position, counted from the ring's first byte for ever.
    pub position: u64,
    /// What it is.
    pub state: FrameState,
    /// Bytes of the ring that it takes, with its word and what fills it up.
    pub ring_bytes: u64,
    /// A private copy of its payload, without a fragment's header; empty unless it is committed.
    pub payload: Vec<u8>,
}

/// What a frame is when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameState {
    /// A whole message, ready to be read.
    Committed,
    /// A piece of a message that is longer than a frame may be, ready to be read.
    Fragment(Header),
    /// A producer writes it at this moment (mpsc).
    Claimed {
        /// The producer's slot.
        slot: usize,
    },
    /// Bytes to skip.
    Padding,
}

impl fmt::Display for FrameState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => f.write_str("committed"),
            Self::Fragment(_) => f.write_str("fragment"),
            Self::Claimed { .. } => f.write_str("claimed"),
            Self::Padding => f.write_str("padding"),
        }
    }
}

/// Goes through the frames of a ring, oldest first: see [`super::Ring::dump`].
#[derive(Debug)]
pub struct Dump {
    view: View,
    rules: Rules,
    walk: Walk,
    /// Where the first frame was.
    begin: Option<u64>,
    tries: u32,
}

#[derive(Debug)]
enum Walk {
    /// From the reader's head on.
    Queue {
        next: u64,
    },
    /// As a reader of its own, which has no seat.
    Broadcast(Reader<View>),
    Over,
}

impl Dump {
    pub(super) fn new(segment: &Arc<Segment>) -> Self {
        let view = View::new(Arc::clone(segment));
        let rules = Rules::of(segment.geometry());
        let walk = if segment.geometry().mode() == Mode::Broadcast {
            Walk::Broadcast(Reader::new(view.clone(), rules, true))
        } else {
            Walk::Queue { next: view.u64_at(consumer::HEAD).load(Acquire) }
        };
        Self { view, rules, walk, begin: None, tries: TRIES }
    }

    /// Returns the next frame of an spsc or mpsc ring, and where it goes on behind it.
    fn next_of_queue(&mut self, mut position: u64) -> Result<Option<(DumpedFrame, u64)>, Poison> {
        while self.is_within_one_round(position) {
            // Acquire: pairs with the release of the word in `Lane::store_frame` and `Many::publish`. Read once: it may change.
            let word = self.view.frame_word(position).load(Acquire);
            let found = self.rules.judge(word, position).and_then(|found| self.read(found, position));
            // What was read, sound or not, may be the middle of a later frame.
            if let Some(head) = self.passed(position)? {
                position = head;
                // From the first frame on, going forward by at least 8 bytes ends it.
                match (self.begin, self.tries) {
                    (Some(_), _) => {}
                    (None, 0) => break,
                    (None, _) => self.tries -= 1,
                }
                continue;
            }
            match found? {
                Some(frame) => {
                    self.begin.get_or_insert(position);
                    let next = position.wrapping_add(frame.ring_bytes);
                    return Ok(Some((frame, next)));
                }
                // Committed, or given up, while we looked at its claim.
                None if self.view.frame_word(position).load(Acquire) != word && self.tries > 0 => {
                    self.tries -= 1;
                }
                None => break,
            }
        }
        Ok(None)
    }

    fn is_within_one_round(&self, position: u64) -> bool {
        self.begin.is_none_or(|begin| position.wrapping_sub(begin) < self.rules.capacity)
    }

    /// Copies what was found; `None` for what is not to be seen yet.
    fn read(&self, found: Found, position: u64) -> Result<Option<DumpedFrame>, Poison> {
        let frame = |state, ring_bytes| DumpedFrame { position, state, ring_bytes, payload: Vec::new() };
        Ok(match found {
            Found::Nothing => None,
            Found::Padding(bytes) => Some(frame(FrameState::Padding, bytes)),
            Found::Claimed(slot) => {
                let bytes = self.claimed_bytes(position, slot)?;
                bytes.map(|bytes| frame(FrameState::Claimed { slot }, bytes))
            }
            Found::Frame(len) => Some(DumpedFrame {
                payload: self.copy(position, len),
                ..frame(FrameState::Committed, frame::frame_bytes(len))
            }),
            Found::Fragment(len) => {
                let mut payload = self.copy(position, len);
                let Some(header) = payload.first_chunk().map(Header::decode) else {
                    return Err(Poison::Fragment { len, slot: u32::MAX, offset: 0, total: 0 });
                };
                payload.drain(..fragment::HEADER_BYTES);
                Some(DumpedFrame { payload, ..frame(FrameState::Fragment(header), frame::frame_bytes(len)) })
            }
        })
    }

    /// Copies a payload that was judged to lie inside the data area.
    fn copy(&self, position: u64, len: u32) -> Vec<u8> {
        let mut payload = Vec::<u8>::with_capacity(len as usize);
        // SAFETY: the buffer has room for `len` bytes, which lie inside the mapping. A writer may write them meanwhile:
        // then the copy is thrown away.
        unsafe {
            let start = self.view.payload(position);
            payload.as_mut_ptr().copy_from_nonoverlapping(start.as_ptr(), len as usize);
            payload.set_len(len as usize);
        }
        payload
    }

    /// Returns how many bytes a claim takes, as its producer's note says it; `None` where it is not made yet.
    fn claimed_bytes(&self, position: u64, slot: usize) -> Result<Option<u64>, Poison> {
        // Acquire: pairs with the release of the tail in `Many::claim`, before which a claim is invisible.
        if self.view.u64_at(producer::TAIL).load(Acquire) == position {
            return Ok(None);
        }
        let note = |field| self.view.u64_at(slot::at(slot, field)).load(Acquire);
        let (recorded, bytes) = (note(slot::CLAIM), note(slot::CLAIM_BYTES));
        // Its producer has gone on to another claim, unless the word still says that it is at this one.
        let word = self.view.frame_word(position).load(Acquire);
        if self.rules.judge(word, position) != Ok(Found::Claimed(slot)) {
            return Ok(None);
        }
        let is_sound = recorded == position && bytes.is_multiple_of(ALIGN);
        if is_sound && (ALIGN..=self.rules.rest(position)).contains(&bytes) {
            return Ok(Some(bytes));
        }
        Err(Poison::Claim { position, slot, recorded, bytes })
    }

    /// Returns where the reader is by now, if it has passed a position.
    fn passed(&self, position: u64) -> Result<Option<u64>, Poison> {
        // The copy comes before the look at the head: whoever writes over what it was made of has seen a later head.
        self.view.fence(Acquire);
        let head = self.view.u64_at(consumer::HEAD).load(Acquire);
        let is_passed = head.wrapping_sub(position) as i64 > 0 && head.is_multiple_of(ALIGN);
        if is_passed {
            return Ok(Some(head));
        }
        frame::check_positions(head, position, self.rules.capacity).map(|()| None)
    }

    /// Returns the next frame of a broadcast ring.
    fn next_of_broadcast(&mut self, reader: &mut Reader<View>) -> Result<Option<DumpedFrame>, Poison> {
        loop {
            let taken = reader.take(|Taken { position, len, .. }| DumpedFrame {
                position,
                state: FrameState::Committed,
                ring_bytes: frame::frame_bytes(len),
                payload: self.copy(position, len),
            });
            match taken {
                Ok(Some(frame)) if self.is_within_one_round(frame.position) => {
                    self.begin.get_or_insert(frame.position);
                    return Ok(Some(frame));
                }
                Ok(_) => return Ok(None),
                Err(Error::Poisoned { what }) => return Err(what),
                // Overtaken: the reader has gone on to where it is safe for a while.
                Err(_) if self.tries > 0 => self.tries -= 1,
                Err(_) => return Ok(None),
            }
        }
    }
}

impl Iterator for Dump {
    type Item = Result<DumpedFrame, Poison>;

    fn next(&mut self) -> Option<Self::Item> {
        let walk = std::mem::replace(&mut self.walk, Walk::Over);
        let found = match walk {
            Walk::Over => return None,
            Walk::Queue { next } => self.next_of_queue(next).map(|found| {
                found.map(|(frame, next)| {
                    self.walk = Walk::Queue { next };
                    frame
                })
            }),
            Walk::Broadcast(mut reader) => {
                let found = self.next_of_broadcast(&mut reader);
                if matches!(found, Ok(Some(_))) {
                    self.walk = Walk::Broadcast(reader);
                }
                found
            }
        };
        found.transpose()
    }
}

impl FusedIterator for Dump {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::*;
    use crate::ring::{self, Options, Ring, Sender};
    use crate::shm::layout::DATA;

    fn made(mode: Mode) -> Ring {
        let options = Options::new().mode(mode).capacity(4096);
        let options = if mode == Mode::Broadcast { options } else { options.max_message(10_000) };
        ring::anonymous(&options).unwrap()
    }

    fn dumped(ring: &Ring) -> Vec<DumpedFrame> {
        ring.dump().collect::<Result<_, _>>().unwrap()
    }

    fn payloads(ring: &Ring) -> Vec<Vec<u8>> {
        dumped(ring).into_iter().map(|frame| frame.payload).collect()
    }

    fn bytes_of(ring: &Ring) -> Vec<u8> {
        let segment = ring.segment();
        // SAFETY: the mapping is so long, and nobody else has this ring.
        unsafe { slice::from_raw_parts(segment.base().as_ptr(), segment.geometry().segment_bytes() as usize) }
            .to_vec()
    }

    fn put(ring: &Ring, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= ring.segment().geometry().segment_bytes() as usize);
        // SAFETY: the mapping is so long, and nobody else has this ring.
        unsafe { ring.segment().base().add(at).as_ptr().copy_from(bytes.as_ptr(), bytes.len()) };
    }

    #[test]
    fn what_lies_in_the_ring_is_shown_and_stays_there() {
        for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
            let ring = made(mode);
            assert_eq!(payloads(&ring), Vec::<Vec<u8>>::new(), "{mode}");
            let mut sender = ring.sender().unwrap();
            let sent: Vec<_> = (0..5_u8).map(|i| vec![i; 10 * usize::from(i)]).collect();
            for payload in &sent {
                sender.send(payload).unwrap();
            }
            let before = bytes_of(&ring);
            assert_eq!(payloads(&ring), sent, "{mode}");
            assert_eq!(bytes_of(&ring), before, "{mode}: nothing is written");
            let mut receiver = ring.receiver_from_oldest().unwrap();
            for payload in &sent {
                assert_eq!(&*receiver.recv().unwrap(), payload, "{mode}");
            }
        }
    }

    #[test]
    fn only_what_is_unreleased_is_shown_with_the_padding_at_the_end() {
        let ring = made(Mode::Spsc);
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        let states = |ring: &Ring| dumped(ring).iter().map(|frame| frame.state).collect::<Vec<_>>();
        for round in 0..50_u8 {
            sender.send(&[round; 900]).unwrap();
            sender.send(&[round; 900]).unwrap();
            drop(receiver.recv().unwrap());
            let frames = dumped(&ring);
            let last = frames.last().unwrap();
            assert_eq!((last.state, last.payload[0]), (FrameState::Committed, round));
            for pair in frames.windows(2) {
                assert_eq!(pair[0].position + pair[0].ring_bytes, pair[1].position, "no hole");
            }
            let padding = frames.iter().filter(|frame| frame.state == FrameState::Padding);
            assert_eq!(frames.len() - padding.count(), 1);
            drop(receiver.recv().unwrap());
            assert_eq!(states(&ring), []);
        }
    }

    #[test]
    fn a_claim_is_shown_with_its_slot_and_what_lies_behind_it() {
        let ring = made(Mode::Mpsc);
        let (mut first, mut second) = (ring.sender().unwrap(), ring.sender().unwrap());
        first.send(b"before").unwrap();
        let claim = second.claim(20).unwrap();
        first.send(b"behind").unwrap();
        let frames = dumped(&ring);
        assert_eq!(frames[1].state, FrameState::Claimed { slot: 1 });
        assert_eq!((frames[1].ring_bytes, frames[1].payload.len()), (24, 0));
        assert_eq!(frames[2].payload, b"behind");
        drop(claim);
        let frames = dumped(&ring);
        assert_eq!((frames.len(), frames[1].state), (3, FrameState::Padding));
    }

    #[test]
    fn the_fragments_of_a_message_come_with_their_places_in_it() {
        let ring = made(Mode::Spsc);
        let message: Vec<_> = (0..3000_u32).map(|i| i as u8).collect();
        ring.sender().unwrap().send(&message).unwrap();
        let mut whole = Vec::new();
        for frame in dumped(&ring) {
            if let FrameState::Fragment(header) = frame.state {
                assert_eq!((header.total, header.offset as usize), (3000, whole.len()));
                whole.extend_from_slice(&frame.payload);
            }
        }
        assert_eq!(whole, message);
    }

    #[test]
    fn a_broadcast_ring_shows_the_newest_frames_in_order() {
        let ring = made(Mode::Broadcast);
        let mut sender = ring.sender().unwrap();
        for number in 0..1000_u32 {
            sender.send(&number.to_le_bytes()).unwrap();
        }
        let numbers: Vec<_> = payloads(&ring)
            .iter()
            .map(|payload| u32::from_le_bytes(payload[..].try_into().unwrap()))
            .collect();
        assert_eq!(numbers.last(), Some(&999));
        assert!(numbers.len() > 4096 / 16 / 2, "{} of 256", numbers.len());
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }

    /// Sends whole frames of one byte each, whose length follows from the byte.
    fn send_frames(sender: &mut Sender, frames: u32) {
        for number in 0..frames {
            sender.send(&vec![number as u8; 1 + number as usize % 300]).unwrap();
        }
    }

    #[test]
    fn frames_are_whole_while_the_ring_goes_on_under_the_dump() {
        for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
            let ring = made(mode);
            let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
            let mut shown = 0;
            std::thread::scope(|scope| {
                let sends = scope.spawn(move || send_frames(&mut sender, 100_000));
                let reads = scope.spawn(move || {
                    while !matches!(
                        receiver.recv_timeout(std::time::Duration::from_secs(30)),
                        Err(Error::Closed | Error::PeerDied | Error::TimedOut { .. })
                    ) {}
                });
                while !(sends.is_finished() && reads.is_finished()) {
                    let mut next = 0;
                    for frame in ring.dump() {
                        let frame = frame.unwrap();
                        assert!(frame.position >= next, "{mode}");
                        next = frame.position + frame.ring_bytes;
                        let first = frame.payload.first();
                        assert!(frame.payload.iter().all(|byte| Some(byte) == first), "{mode}: torn");
                        shown += frame.payload.len();
                    }
                }
            });
            assert!(shown > 0, "{mode}");
        }
    }

    #[test]
    fn a_head_that_stands_behind_where_it_stood_ends_the_dump() {
        let ring = made(Mode::Spsc);
        let mut sender = ring.sender().unwrap();
        put(&ring, consumer::HEAD, &4_u64.to_le_bytes());
        assert!(matches!(ring.dump().next(), Some(Err(Poison::Positions { head: 4, .. }))));
        put(&ring, consumer::HEAD, &0_u64.to_le_bytes());
        sender.send(b"x").unwrap();
        sender.send(b"y").unwrap();
        let mut dump = ring.dump();
        dump.next().unwrap().unwrap();
        put(&ring, consumer::HEAD, &u64::MAX.wrapping_sub(1 << 40).to_le_bytes()[..]);
        assert!(matches!(dump.next(), Some(Err(Poison::Positions { .. }))));
        assert!(dump.next().is_none());
    }

    #[test]
    fn a_ring_that_is_full_all_the_way_round_and_a_reader_that_goes_along_are_shown_once() {
        for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
            let ring = made(mode);
            for offset in (0..4096).step_by(8) {
                put(&ring, DATA + offset, &(frame::COMMITTED | 4).to_le_bytes());
            }
            let mut shown = 0;
            for frame in ring.dump().take(10_000) {
                shown += 1;
                put(&ring, consumer::HEAD, &(frame.unwrap().position + 8).to_le_bytes());
            }
            assert_eq!(shown, 512, "{mode}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_dump_leave_the_ring_or_go_on_for_ever(
            mode in prop_oneof![Just(Mode::Spsc), Just(Mode::Mpsc), Just(Mode::Broadcast)],
            // Mostly words that are near to sound ones.
            words in prop::collection::vec((0_u32..4, prop_oneof![0_u32..64, 0_u32..1 << 30]), 512),
            sides in prop::collection::vec(prop_oneof![0_u64..9000, any::<u64>()], 512),
            head in prop_oneof![(0_u64..1000).prop_map(|head| head * 8), any::<u64>()],
        ) {
            let ring = made(mode);
            for (index, (state, len)) in words.iter().enumerate() {
                put(&ring, DATA + 8 * index, &(state << 30 | len).to_le_bytes());
            }
            for (index, side) in sides.iter().enumerate() {
                // The slots, the signposts, and what the producers share.
                put(&ring, slot::BASE + 8 * index, &side.to_le_bytes());
            }
            put(&ring, producer::TAIL, &sides[0].to_le_bytes());
            put(&ring, producer::INTENT, &sides[1].to_le_bytes());
            put(&ring, consumer::HEAD, &head.to_le_bytes());
            let mut bytes = 0;
            for frame in ring.dump().map_while(Result::ok) {
                prop_assert!((ALIGN..=4096).contains(&frame.ring_bytes));
                prop_assert!(frame.payload.len() as u64 <= frame.ring_bytes);
                bytes += frame.ring_bytes;
            }
            prop_assert!(bytes <= 2 * 4096);
        }
    }
}
