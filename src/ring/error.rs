//! What can happen to a frame.

use crate::shm;

/// What happened, with the numbers to act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ring has no room for the frame now.
    #[error("the ring is full: the frame needs {needed} bytes and {free} are free")]
    Full {
        /// Bytes that the frame takes with its word, its padding and what must be skipped before the end.
        needed: u64,
        /// Bytes that the reader has released.
        free: u64,
    },
    /// This ring takes no payload that is so long.
    #[error("a payload of {len} bytes is too large: this ring takes at most {max}")]
    TooLarge {
        /// The length as given.
        len: usize,
        /// The longest that is taken: a claim is one frame, a message may be several.
        max: u32,
    },
    /// The writer has overtaken this reader (broadcast). The next receive goes on with the oldest frame that is safe.
    #[error("the reader was overtaken and missed {frames} frames ({bytes} bytes of the ring)")]
    Lagged {
        /// Frames that this reader will never see.
        frames: u64,
        /// Bytes of the ring that they took.
        bytes: u64,
    },
    /// The deadline passed before there was a frame, or room for one.
    #[error("the deadline passed: {waited_for}")]
    TimedOut {
        /// What did not come.
        waited_for: &'static str,
    },
    /// The other side closed, and everything that it committed has been read.
    #[error("the other side closed the ring")]
    Closed,
    /// The other side died, and everything that it committed has been read.
    #[error("the other side of the ring died without closing it")]
    PeerDied,
    /// The other side wrote what no ring may hold. The ring is unusable from here on; nothing was read outside it.
    #[error("the ring is poisoned: {what}")]
    Poisoned {
        /// What was seen.
        what: Poison,
    },
    /// The segment could not be made or opened, or the seat is taken.
    #[error(transparent)]
    Segment(#[from] shm::Error),
}

/// What a reader or a writer saw that the other side may never write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Poison {
    /// A frame that is longer than a frame may be.
    #[error("the frame at {position} says it has {len} bytes, and the longest may have {max}")]
    TooLong {
        /// Byte position of the frame.
        position: u64,
        /// Length in its word.
        len: u32,
        /// The longest payload.
        max: u32,
    },
    /// A frame that runs over the end of the data area.
    #[error("the frame at {position} takes {bytes} bytes, and only {rest} are left before the end")]
    CrossesEnd {
        /// Byte position of the frame.
        position: u64,
        /// Bytes it takes.
        bytes: u64,
        /// Bytes before the end.
        rest: u64,
    },
    /// A frame to be skipped that does not end where it must.
    #[error(
        "{bytes} bytes are to be skipped at {position}, and only {rest} are left before the end, or all of them must be"
    )]
    Padding {
        /// Byte position of the padding.
        position: u64,
        /// Bytes it takes.
        bytes: u64,
        /// Bytes before the end.
        rest: u64,
    },
    /// A frame in a state that this mode does not have.
    #[error("the frame at {position} has the word {word:#010x}, which this mode never writes")]
    State {
        /// Byte position of the frame.
        position: u64,
        /// Its word.
        word: u32,
    },
    /// A claim whose producer is dead and has no record of it.
    #[error(
        "the frame at {position} is claimed by slot {slot}, whose record says {recorded} and {bytes} bytes"
    )]
    Claim {
        /// Byte position of the frame.
        position: u64,
        /// The slot in its word.
        slot: usize,
        /// The position in the slot's record.
        recorded: u64,
        /// The bytes in the slot's record.
        bytes: u64,
    },
    /// A claim lock that nobody can hold.
    #[error("the claim lock says {holder}, which is no other producer")]
    Lock {
        /// One more than the slot that it names.
        holder: u32,
    },
    /// A fragment that belongs to no message.
    #[error("a fragment of {len} bytes says that it is for slot {slot}, at {offset} of {total} bytes")]
    Fragment {
        /// Bytes of the fragment without its header.
        len: u32,
        /// The slot in its header.
        slot: u32,
        /// Where in the message it is to begin.
        offset: u32,
        /// Bytes of the whole message.
        total: u32,
    },
    /// Head and tail that contradict each other.
    #[error(
        "head {head} and tail {tail} are not within one capacity ({capacity}) of each other, in steps of 8"
    )]
    Positions {
        /// The head found.
        head: u64,
        /// The tail found.
        tail: u64,
        /// Bytes of the data area.
        capacity: u64,
    },
}

impl From<Poison> for Error {
    fn from(what: Poison) -> Self {
        Self::Poisoned { what }
    }
}
