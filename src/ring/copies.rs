//! Private copies of frames, kept until they are released: of a broadcast ring, whose frames may be overwritten under
//! their reader, and of messages that came in fragments.

use std::ptr::NonNull;

use super::receiver::RawFrame;

/// How much is asked of the allocator at a time, at the least.
const BLOCK_BYTES: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Where the next copy goes. Its buffer never moves while a copy lies in it.
    block: Vec<u64>,
    used: usize,
    /// Blocks that are full, and whole messages.
    full: Vec<Vec<u64>>,
    messages: Vec<Vec<u8>>,
}

impl Copies {
    /// Finds room for a copy of `len` bytes, aligned to eight as in the ring, and has it filled.
    #[inline]
    pub(super) fn add(&mut self, len: u32, fill: impl FnOnce(NonNull<u8>)) -> RawFrame {
        let words = (len as usize).div_ceil(8).max(1);
        if self.used + words > self.block.len() {
            self.full.push(std::mem::replace(&mut self.block, vec![0; words.max(BLOCK_BYTES / 8)]));
            self.used = 0;
        }
        // SAFETY: so many words are left in the block. Of the pointer to all of it, as others lead there too.
        let start = unsafe { NonNull::new_unchecked(self.block.as_mut_ptr().add(self.used)) }.cast();
        self.used += words;
        fill(start);
        RawFrame { start, len }
    }

    /// Keeps a message as it is, if it is aligned as a frame would be.
    pub(super) fn keep(&mut self, mut message: Vec<u8>) -> RawFrame {
        let len = message.len() as u32;
        if !message.as_ptr().addr().is_multiple_of(align_of::<u64>()) {
            // SAFETY: the room has as many bytes as the message.
            return self.add(len, |start| unsafe {
                start.as_ptr().copy_from_nonoverlapping(message.as_ptr(), message.len());
            });
        }
        let start = NonNull::new(message.as_mut_ptr()).unwrap_or(NonNull::dangling());
        self.messages.push(message);
        RawFrame { start, len }
    }

    /// Forgets all of them.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.used = 0;
        if !self.full.is_empty() || !self.messages.is_empty() {
            self.full.clear();
            self.messages.clear();
        }
    }
}
