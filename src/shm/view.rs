//! A mapped segment as the protocols see it.

use std::mem::align_of;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, compiler_fence, fence};
use std::time::Duration;
use std::{hint, thread};

use super::layout::DATA;
use super::memory::{Memory, Shared};
use super::{Segment, presence, sys, wait};

/// A word in a mapping, which is reached through [`Shared`] alone.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Word<Atomic>(Atomic);

macro_rules! share {
    ($atomic:ty, $value:ty) => {
        impl Shared<$value> for Word<$atomic> {
            #[inline]
            fn load(&self, order: Ordering) -> $value {
                self.0.load(order)
            }

            #[inline]
            #[cfg_attr(test, track_caller)]
            fn store(&self, value: $value, order: Ordering) {
                #[cfg(test)]
                super::kill::point();
                self.0.store(value, order);
            }

            #[inline]
            #[cfg_attr(test, track_caller)]
            fn swap(&self, value: $value, order: Ordering) -> $value {
                #[cfg(test)]
                super::kill::point();
                self.0.swap(value, order)
            }

            #[inline]
            #[cfg_attr(test, track_caller)]
            fn fetch_or(&self, bits: $value, order: Ordering) -> $value {
                #[cfg(test)]
                super::kill::point();
                self.0.fetch_or(bits, order)
            }

            #[inline]
            #[cfg_attr(test, track_caller)]
            fn fetch_and(&self, bits: $value, order: Ordering) -> $value {
                #[cfg(test)]
                super::kill::point();
                self.0.fetch_and(bits, order)
            }

            #[inline]
            #[cfg_attr(test, track_caller)]
            fn replace(&self, current: $value, new: $value, success: Ordering) -> bool {
                #[cfg(test)]
                super::kill::point();
                self.0.compare_exchange(current, new, success, Relaxed).is_ok()
            }
        }
    };
}

share!(AtomicU32, u32);
share!(AtomicU64, u64);

/// A segment and a private copy of where things are in it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    base: NonNull<u8>,
    capacity: u64,
    /// Whether this process publishes without a fence.
    unfenced: bool,
    segment: Arc<Segment>,
}

// SAFETY: the base leads into the mapping that the segment keeps, and is reached through atomics or by who owns a frame.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    pub(crate) fn new(segment: Arc<Segment>) -> Self {
        Self {
            base: segment.base(),
            capacity: segment.geometry().capacity(),
            unfenced: wait::publishes_unfenced(),
            segment,
        }
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Returns the bytes of the data area, a power of two.
    #[inline]
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Returns where the payload of the frame at a position begins.
    #[inline]
    pub(crate) fn payload(&self, position: u64) -> NonNull<u8> {
        // SAFETY: a word lies at the offset, so that the byte after it is inside, or one past the end.
        unsafe { self.base.add(DATA + self.offset(position) + 4) }
    }

    /// Asks the cache for the line at a position, before it is needed.
    #[inline]
    pub(crate) fn prefetch(&self, position: u64) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: it reads nothing that the program could see, and the pointer leads into the mapping.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.payload(position).as_ptr().cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = position;
    }

    /// Tells whether a pointer leads into the mapping.
    pub(crate) fn contains(&self, pointer: NonNull<u8>) -> bool {
        let offset = pointer.addr().get().wrapping_sub(self.base.addr().get());
        (offset as u64) < self.segment.geometry().segment_bytes()
    }

    /// Copies bytes into the frame at a position, `at` bytes into its payload.
    ///
    /// # Safety
    /// The frame is this side's to write, and has room for them.
    #[inline]
    pub(crate) unsafe fn write(&self, position: u64, at: usize, bytes: &[u8]) {
        // SAFETY: the caller's promise; the caller's bytes do not lie in the mapping, or are not those written.
        unsafe { self.payload(position).as_ptr().add(at).copy_from(bytes.as_ptr(), bytes.len()) };
    }

    #[inline]
    fn offset(&self, position: u64) -> usize {
        (position & (self.capacity - 1)) as usize
    }

    #[inline]
    fn word<T>(&self, offset: usize) -> &T {
        assert!(offset.is_multiple_of(align_of::<T>()) && offset + size_of::<T>() <= DATA);
        // SAFETY: the offset is aligned and inside the mapping, which lives as long as the segment and whose every
        // byte is initialised; words that several processes write are only ever accessed as atomics.
        unsafe { &*self.base.as_ptr().add(offset).cast() }
    }
}

impl Memory for View {
    type U32 = Word<AtomicU32>;
    type U64 = Word<AtomicU64>;

    #[inline]
    fn u32_at(&self, offset: usize) -> &Word<AtomicU32> {
        self.word(offset)
    }

    #[inline]
    fn u64_at(&self, offset: usize) -> &Word<AtomicU64> {
        self.word(offset)
    }

    #[inline]
    fn frame_word(&self, position: u64) -> &Word<AtomicU32> {
        // Whatever a peer made of a position, the word is an aligned one inside.
        let offset = self.offset(position) & !7;
        // SAFETY: the offset is below the capacity and a multiple of 8, the data area begins at 4 (mod 8) in a page-aligned
        // mapping, so that the word is aligned and inside; it lives as long as the segment.
        unsafe { &*self.base.as_ptr().add(DATA + offset).cast() }
    }

    #[inline]
    fn fence(&self, order: Ordering) {
        fence(order);
    }

    #[inline]
    fn order_publish(&self) {
        if self.unfenced {
            compiler_fence(SeqCst);
        } else {
            fence(SeqCst);
        }
    }

    fn order_sleep(&self) -> bool {
        fence(SeqCst);
        sys::barrier_everywhere()
    }

    fn futex_wait(&self, word: &Word<AtomicU32>, expected: u32, at_most: Duration) {
        sys::futex_wait(&word.0, expected, at_most);
    }

    fn futex_wake(&self, word: &Word<AtomicU32>) {
        sys::futex_wake(&word.0);
    }

    fn ring_bell(&self) {
        sys::touch(self.segment.file());
    }

    fn relax(&self, round: u32) {
        match round {
            0..6 => (0..1 << round).for_each(|_| hint::spin_loop()),
            6..40 => thread::yield_now(),
            _ => thread::sleep(Duration::from_micros(50)),
        }
    }

    fn seat_is_held(&self, seat: usize) -> bool {
        let here = self.segment.seated_here[seat].load(Acquire);
        // Where the kernel cannot be asked, nobody is declared dead.
        here || sys::is_locked_by_another(self.segment.file(), presence::lock_byte(seat)).unwrap_or(true)
    }

    fn hold_seat(&self, seat: usize) -> bool {
        if self.segment.seated_here[seat].swap(true, Acquire) {
            return false;
        }
        let held = sys::lock_exclusive(self.segment.file(), presence::lock_byte(seat)).unwrap_or(false);
        if !held {
            self.segment.seated_here[seat].store(false, Release);
        }
        held
    }

    fn let_go_of_seat(&self, seat: usize) {
        sys::unlock(self.segment.file(), presence::lock_byte(seat));
        self.segment.seated_here[seat].store(false, Release);
    }
}
