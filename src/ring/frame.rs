//! The word that begins every frame, and the rules that a reader holds it to: pure functions of their arguments.

use super::Poison;
use crate::shm::layout;

/// No frame yet; the word at the tail is always this.
pub const EMPTY: u32 = 0;
/// A frame that may be read.
pub const COMMITTED: u32 = 1 << 30;
/// A frame that somebody writes at this moment.
pub const CLAIMED: u32 = 2 << 30;
/// Bytes to skip: the rest before the end, or a frame that was given up.
pub const PAD: u32 = 3 << 30;
/// The bits of the state.
pub const STATE_MASK: u32 = 3 << 30;
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
    (WORD_BYTES + u64::from(len)).next_multiple_of(ALIGN)
}

/// What a reader finds at its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet.
    Nothing,
    /// A frame with a payload of so many bytes.
    Frame(u32),
    /// So many bytes to skip.
    Padding(u64),
}

/// Judges the word at `position`, believing nothing.
///
/// `capacity` is a power of two and `max_frame` the longest payload; a frame that passes lies inside the data area.
///
/// # Errors
/// The [`Poison`] that the word shows.
#[inline]
pub fn judge(word: u32, position: u64, capacity: u64, max_frame: u32) -> Result<Found, Poison> {
    if word == EMPTY {
        return Ok(Found::Nothing);
    }
    let len = word & LEN_MASK;
    let bytes = frame_bytes(len);
    let rest = capacity - (position & (capacity - 1));
    if word == COMMITTED | len {
        if len > max_frame {
            return Err(Poison::TooLong { position, len, max: max_frame });
        }
        if bytes > rest {
            return Err(Poison::CrossesEnd { position, bytes, rest });
        }
        return Ok(Found::Frame(len));
    }
    if word == PAD | len {
        // Padding is shorter than the frame it makes room for, so that none can begin where the ring begins.
        if bytes != rest || bytes >= capacity / 2 {
            return Err(Poison::Padding { position, bytes, rest });
        }
        return Ok(Found::Padding(bytes));
    }
    Err(Poison::State { position, word })
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

    #[test]
    fn a_frame_takes_whole_steps_of_eight() {
        assert_eq!([0, 1, 4, 5, 12, 13].map(frame_bytes), [8, 8, 8, 16, 16, 24]);
    }

    #[test]
    fn each_kind_of_word_is_told_apart() {
        let judge = |word, position| judge(word, position, 4096, 2044);
        assert_eq!(judge(EMPTY, 0), Ok(Found::Nothing));
        assert_eq!(judge(COMMITTED | 64, 8), Ok(Found::Frame(64)));
        assert_eq!(judge(COMMITTED, 8), Ok(Found::Frame(0)));
        assert_eq!(judge(PAD | 92, 4000), Ok(Found::Padding(96)));
        assert!(matches!(judge(COMMITTED | 2045, 0), Err(Poison::TooLong { .. })));
        assert!(matches!(judge(COMMITTED | 2000, 4000), Err(Poison::CrossesEnd { .. })));
        assert!(matches!(judge(PAD | 84, 4000), Err(Poison::Padding { .. })));
        assert!(matches!(judge(PAD | 4092, 0), Err(Poison::Padding { .. })));
        assert!(matches!(judge(CLAIMED | 64, 0), Err(Poison::State { .. })));
        assert!(matches!(judge(COMMITTED | 1 << 29 | 64, 0), Err(Poison::State { .. })));
        assert!(matches!(judge(64, 0), Err(Poison::State { .. })));
    }

    proptest! {
        #[test]
        fn a_frame_that_passes_lies_inside_the_ring(word: u32, position: u64, power in 12_u32..31) {
            let capacity = 1_u64 << power;
            let position = position & !7;
            let max = u32::try_from(capacity / 2 - 4).unwrap();
            let offset = position & (capacity - 1);
            match judge(word, position, capacity, max) {
                Ok(Found::Frame(len)) => prop_assert!(offset + 4 + u64::from(len) <= capacity && len <= max),
                Ok(Found::Padding(bytes)) => prop_assert_eq!(offset + bytes, capacity),
                Ok(Found::Nothing) => prop_assert_eq!(word, EMPTY),
                Err(_) => {}
            }
        }
    }
}
