//! The tables: what each measures, and the sizes that all of its peers share.

use clap::ValueEnum;

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// Throughput of 64-byte frames
    #[value(name = "64")]
    Bytes64,
    /// Throughput of 1 KiB frames
    #[value(name = "1k")]
    Bytes1k,
    /// Throughput of 64 KiB frames
    #[value(name = "64k")]
    Bytes64k,
    /// Round trip of 8 bytes, both sides spinning
    Spin,
    /// Round trip of 8 bytes, both sides sleeping in the kernel
    Block,
    /// Throughput of 64-byte frames from two producers
    Mpsc,
}

/// Bytes that a ring holds, without what the peer adds to each frame.
const CAPACITY_BYTES: usize = 4 << 20;
/// A batch is at most so many frames,
const BATCH_FRAMES: usize = 256;
/// and at most so many bytes, so that it stays in the first cache.
const BATCH_BYTES: usize = 16 << 10;

impl Row {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bytes64, Self::Bytes1k, Self::Bytes64k, Self::Spin, Self::Block, Self::Mpsc];

    /// Tells a round trip from a stream of frames.
    pub(crate) fn is_round_trip(self) -> bool {
        matches!(self, Self::Spin | Self::Block)
    }

    pub(crate) fn producers(self) -> usize {
        if self == Self::Mpsc { 2 } else { 1 }
    }

    /// Returns the words of 8 bytes in a frame.
    pub(crate) fn words(self) -> usize {
        match self {
            Self::Spin | Self::Block => 1,
            Self::Bytes64 | Self::Mpsc => 8,
            Self::Bytes1k => 128,
            Self::Bytes64k => 8192,
        }
    }

    pub(crate) fn frame_bytes(self) -> usize {
        self.words() * 8
    }

    /// Returns how many frames a ring of equal slots has.
    pub(crate) fn slots(self) -> usize {
        if self.is_round_trip() { 64 } else { CAPACITY_BYTES / self.frame_bytes() }
    }

    /// Returns the bytes of a ring of frames of any length.
    pub(crate) fn capacity_bytes(self) -> usize {
        CAPACITY_BYTES
    }

    /// Returns how many frames a batch has at most.
    pub(crate) fn batch(self) -> usize {
        (BATCH_BYTES / self.frame_bytes()).clamp(1, BATCH_FRAMES)
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Bytes64 => "64 B, one producer, one consumer",
            Self::Bytes1k => "1 KiB, one producer, one consumer",
            Self::Bytes64k => "64 KiB, one producer, one consumer",
            Self::Spin => "round trip of 8 bytes, spinning",
            Self::Block => "round trip of 8 bytes, each side asleep in the kernel until the other wakes it",
            Self::Mpsc => "64 B, two producers, one consumer",
        }
    }
}
