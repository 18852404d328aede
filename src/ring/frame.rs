//! The word that begins every frame, and the rules that a reader holds it to: pure functions of their arguments.

use super::Poison;
use crate::shm::layout::{self, SLOTS};
use crate::shm::{Geometry, Mode};

/// No frame yet; the word at the tail is always this.
pub const EMPTY: u32 = 0;
/// A frame that may be read.
pub const COMMITTED: u32 = 1 << 30;
/// A frame that a producer writes at this moment (mpsc); the rest of the word is its slot.
pub const CLAIMED: u32 = 2 << 30;
/// Bytes to skip: the rest before the end, or a frame that was given up (mpsc).
pub const PAD: u32 = 3 << 30;
/// The bits of the state.
pub const STATE_MASK: u32 = 3 << 30;
/// The payload is a fragment of a message and begins with a [`super::fragment`] header.
pub const FRAGMENT: u32 = 1 << 29;
/// The bits of the payload's length.
pub const LEN_MASK: u32 = (1 << 29) - 1;
/// Bytes of the word.
pub const WORD_BYTES: u64 = 4;
/// Every frame takes a multiple of this.
pub const ALIGN: u64 = 8;

const _: () = assert!(layout::CAPACITY_MAX / 2 - WORD_BYTES <= LEN_MASK as u64);

/// Returns the bytes that a payload of `len` takes, with its word and its padding.
#[inline]
pub fn frame_bytes(len: u32) -> u64 {
    // As `next_multiple_of`, which checks for an overflow that cannot be.
    (WORD_BYTES + u64::from(len) + ALIGN - 1) & !(ALIGN - 1)
}

/// What a word may be in one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of the data area, a power of two.
    pub capacity: u64,
    /// The longest payload of one frame in bytes; no longer than a message may be.
    pub max_frame: u32,
    /// Whether frames are claimed before they are committed, and given up in place (mpsc).
    pub claims: bool,
    /// Whether messages go in fragments.
    pub fragments: bool,
}

impl Rules {
    /// Returns the rules of a segment.
    pub fn of(geometry: &Geometry) -> Self {
        Self {
            capacity: geometry.capacity(),
            max_frame: geometry.max_frame().min(geometry.max_message()),
            claims: geometry.mode() == Mode::Mpsc,
            fragments: geometry.max_message() > geometry.max_frame(),
        }
    }

    /// Returns the bytes from a position to the end of the data area.
    #[inline]
    pub fn rest(&self, position: u64) -> u64 {
        self.capacity - (position & (self.capacity - 1))
    }

    /// Returns how many bytes must be skipped at a position before a frame of so many.
    #[inline]
    pub fn padding(&self, position: u64, bytes: u64) -> u64 {
        let rest = self.rest(position);
        if bytes > rest { rest } else { 0 }
    }

    /// Returns the length of a whole message's frame, as nearly all are, and nothing where [`Rules::judge`] has to say what
    /// the word is.
    #[inline]
    pub fn whole_frame(&self, word: u32, position: u64) -> Option<u32> {
        let len = word.wrapping_sub(COMMITTED);
        (len <= self.max_frame && frame_bytes(len) <= self.rest(position)).then_some(len)
    }

    /// Judges the word at `position`, believing nothing. A frame that passes lies inside the data area.
    ///
    /// # Errors
    /// The [`Poison`] that the word shows.
    #[inline]
    pub fn judge(&self, word: u32, position: u64) -> Result<Found, Poison> {
        if word == EMPTY {
            return Ok(Found::Nothing);
        }
        let len = word & LEN_MASK;
        let bytes = frame_bytes(len);
        let rest = self.rest(position);
        let fragment = word & FRAGMENT != 0;
        if word & STATE_MASK == COMMITTED && fragment <= self.fragments {
            if len > self.max_frame {
                return Err(Poison::TooLong { position, len, max: self.max_frame });
            }
            if bytes > rest {
                return Err(Poison::CrossesEnd { position, bytes, rest });
            }
            return Ok(if fragment { Found::Fragment(len) } else { Found::Frame(len) });
        }
        if word == PAD | len {
            // Without claims, padding is shorter than the frame it makes room for: none begins where the ring begins.
            let sound = if self.claims { bytes <= rest } else { bytes == rest && bytes < self.capacity / 2 };
            return if sound {
                Ok(Found::Padding(bytes))
            } else {
                Err(Poison::Padding { position, bytes, rest })
            };
        }
        if self.claims && word == CLAIMED | len && (len as usize) < SLOTS {
            return Ok(Found::Claimed(len as usize));
        }
        Err(Poison::State { position, word })
    }
}

/// What a reader finds at its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet.
    Nothing,
    /// A frame with a payload of so many bytes.
    Frame(u32),
    /// The same, which is a fragment of a message.
    Fragment(u32),
    /// So many bytes to skip.
    Padding(u64),
    /// A frame that the producer of this slot writes.
    Claimed(usize),
}

/// Checks two positions of the other side's making: multiples of 8, and at most one capacity apart.
///
/// # Errors
/// [`Poison::Positions`].
#[inline]
pub fn check_positions(head: u64, tail: u64, capacity: u64) -> Result<(), Poison> {
    let sound = tail.wrapping_sub(head) <= capacity && (head | tail).is_multiple_of(ALIGN);
    if sound { Ok(()) } else { Err(Poison::Positions { head, tail, capacity }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules { capacity: 4096, max_frame: 2044, claims: false, fragments: false };

    #[test]
    fn a_frame_takes_whole_steps_of_eight() {
        assert_eq!([0, 1, 4, 5, 12, 13].map(frame_bytes), [8, 8, 8, 16, 16, 24]);
    }

    #[test]
    fn each_kind_of_word_is_told_apart() {
        let judge = |word, position| RULES.judge(word, position);
        assert_eq!(judge(EMPTY, 0), Ok(Found::Nothing));
        assert_eq!(judge(COMMITTED | 64, 8), Ok(Found::Frame(64)));
        assert_eq!(judge(COMMITTED, 8), Ok(Found::Frame(0)));
        assert_eq!(judge(PAD | 92, 4000), Ok(Found::Padding(96)));
        assert!(matches!(judge(COMMITTED | 2045, 0), Err(Poison::TooLong { .. })));
        assert!(matches!(judge(COMMITTED | 2000, 4000), Err(Poison::CrossesEnd { .. })));
        assert!(matches!(judge(PAD | 84, 4000), Err(Poison::Padding { .. })));
        assert!(matches!(judge(PAD | 4092, 0), Err(Poison::Padding { .. })));
        assert!(matches!(judge(CLAIMED | 3, 0), Err(Poison::State { .. })));
        assert!(matches!(judge(COMMITTED | FRAGMENT | 64, 0), Err(Poison::State { .. })));
        assert!(matches!(judge(FRAGMENT | 64, 0), Err(Poison::State { .. })));
        assert!(matches!(judge(64, 0), Err(Poison::State { .. })));
    }

    #[test]
    fn claims_and_fragments_are_read_where_the_ring_has_them() {
        let rules = Rules { claims: true, fragments: true, ..RULES };
        assert_eq!(rules.judge(CLAIMED | 31, 0), Ok(Found::Claimed(31)));
        assert!(matches!(rules.judge(CLAIMED | 32, 0), Err(Poison::State { .. })));
        assert_eq!(rules.judge(PAD | 4, 0), Ok(Found::Padding(8)));
        assert!(matches!(rules.judge(PAD | 100, 4000), Err(Poison::Padding { .. })));
        assert_eq!(rules.judge(COMMITTED | FRAGMENT | 64, 0), Ok(Found::Fragment(64)));
        assert!(matches!(rules.judge(PAD | FRAGMENT | 4, 0), Err(Poison::State { .. })));
    }

    proptest! {
        #[test]
        fn a_frame_that_passes_lies_inside_the_ring(
            word: u32, position: u64, power in 12_u32..31, claims: bool, fragments: bool,
        ) {
            let capacity = 1_u64 << power;
            let position = position & !7;
            let max_frame = u32::try_from(capacity / 2 - 4).unwrap();
            let rules = Rules { capacity, max_frame, claims, fragments };
            let offset = position & (capacity - 1);
            match rules.judge(word, position) {
                Ok(Found::Frame(len) | Found::Fragment(len)) => {
                    prop_assert!(offset + 4 + u64::from(len) <= capacity && len <= max_frame);
                }
                Ok(Found::Padding(bytes)) => {
                    prop_assert!(offset + bytes <= capacity && bytes > 0 && (claims || offset + bytes == capacity));
                }
                Ok(Found::Nothing) => prop_assert_eq!(word, EMPTY),
                Ok(Found::Claimed(slot)) => prop_assert!(claims && slot < SLOTS),
                Err(_) => {}
            }
        }
    }
}
