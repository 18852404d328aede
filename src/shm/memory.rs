//! What the protocols need of a segment, and no more: its words, the order of its stores, its sleepers, its seats.
//!
//! The rings' algorithms are generic over this, so that the very code which runs over a mapping also runs over a model
//! checker's memory, and so that each store of the protocol passes one place.

use std::sync::atomic::Ordering;
use std::time::Duration;

/// A word that several processes load and store.
pub(crate) trait Shared<T: Copy> {
    fn load(&self, order: Ordering) -> T;
    fn store(&self, value: T, order: Ordering);
    fn swap(&self, value: T, order: Ordering) -> T;
    fn fetch_or(&self, bits: T, order: Ordering) -> T;
    fn fetch_and(&self, bits: T, order: Ordering) -> T;
    /// Stores `new` over `current` and tells whether it did.
    fn replace(&self, current: T, new: T, success: Ordering) -> bool;
}

/// A segment as a protocol sees it.
pub(crate) trait Memory {
    type U32: Shared<u32>;
    type U64: Shared<u64>;

    /// Returns a word by its offset in the layout, before the data area.
    fn u32_at(&self, offset: usize) -> &Self::U32;
    /// As [`Memory::u32_at`], for 64 bits.
    fn u64_at(&self, offset: usize) -> &Self::U64;
    /// Returns the word of the frame at a position, which is a multiple of eight.
    fn frame_word(&self, position: u64) -> &Self::U32;

    /// A fence of this thread alone.
    fn fence(&self, order: Ordering);
    /// Orders a publishing store before the look at the peer's waiting word; pairs with [`Memory::order_sleep`].
    fn order_publish(&self);
    /// Orders the store of the own waiting word before the last look, also against peers that publish without a
    /// fence; `false` where it cannot.
    fn order_sleep(&self) -> bool;

    /// Sleeps until somebody wakes the word, the time is over, or for no reason; returns at once if it is not `expected`.
    fn futex_wait(&self, word: &Self::U32, expected: u32, at_most: Duration);
    /// Wakes everybody who sleeps on the word.
    fn futex_wake(&self, word: &Self::U32);
    /// Wakes everybody who waits for the file to change.
    fn ring_bell(&self);
    /// Passes the time for a moment: `round` tells how often it was called before.
    fn relax(&self, round: u32);

    /// Tells whether somebody who lives holds a seat, by the index of it.
    fn seat_is_held(&self, seat: usize) -> bool;
    /// Takes a seat for the time of settling what its dead holder left; `false` where somebody holds it.
    fn hold_seat(&self, seat: usize) -> bool;
    /// Gives a seat back that [`Memory::hold_seat`] took.
    fn let_go_of_seat(&self, seat: usize);
}
