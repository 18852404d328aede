//! What can happen to a value.

use crate::shm;

/// What happened, with the numbers to act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The page has no room for the value.
    #[error("a value of {len} bytes is too large: this page takes at most {max}")]
    TooLarge {
        /// The length as given.
        len: usize,
        /// The longest value.
        max: u32,
    },
    /// The deadline passed before there was a newer value.
    #[error("the deadline passed: no newer value came")]
    TimedOut,
    /// The writer closed, and there is no newer value.
    #[error("the writer closed the page")]
    Closed,
    /// The writer died, and there is no newer value.
    #[error("the writer of the page died without closing it")]
    PeerDied,
    /// The writer published so fast that no copy was whole.
    #[error(
        "{tries} copies were overwritten while they were made: the writer publishes faster than this reader copies"
    )]
    Overtaken {
        /// How often it was tried.
        tries: u32,
    },
    /// The writer stored a length that no value has.
    #[error(
        "the page is poisoned: its value says it has the word {word:#010x}, and the longest has {max} bytes"
    )]
    Poisoned {
        /// The word found.
        word: u32,
        /// The longest value.
        max: u32,
    },
    /// The segment could not be made or opened, or it has a writer already.
    #[error(transparent)]
    Segment(#[from] shm::Error),
}
