//! The work that every peer does: writing frames, reading them, telling the time.

use std::mem::{self, MaybeUninit};
use std::{hint, slice};

/// Which producer a frame is of, in its number.
const PRODUCER_SHIFT: u32 = 48;

/// Returns the number of a producer's first frame.
pub(crate) fn first_number(producer: usize) -> u64 {
    (producer as u64) << PRODUCER_SHIFT
}

/// Writes a frame of N words: its number in each. All peers know the length when they are compiled, as some of them must.
#[inline(always)]
pub(crate) fn write_bytes<const N: usize>(frame: &mut [u8], number: u64) {
    let (words, _) = frame.as_chunks_mut::<8>();
    let words: &mut [[u8; 8]; N] = words.try_into().expect("a frame of N words");
    words.fill(number.to_ne_bytes());
}

/// As [`write_bytes`] for a slot of words that nobody has written yet.
#[inline(always)]
pub(crate) fn write_slot<const N: usize>(slot: &mut MaybeUninit<[u64; N]>, number: u64) {
    // SAFETY: an array of N words has room for N words, which need not be initialised as such.
    let words = unsafe { slice::from_raw_parts_mut(slot.as_mut_ptr().cast::<MaybeUninit<u64>>(), N) };
    words.fill(MaybeUninit::new(number));
}

/// What a consumer read.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The sum of all words.
    pub(crate) sum: u64,
    /// The frames that a peer says it lost.
    pub(crate) lost: u64,
    /// The number that each producer's next frame should have, where several producers are checked for their order.
    next: Option<[u64; 2]>,
    /// The frames that came out of order, or after a gap.
    pub(crate) out_of_order: u64,
}

impl Tally {
    pub(crate) fn new(producers: usize) -> Self {
        let next = (producers > 1).then(|| [first_number(0), first_number(1)]);
        Self { sum: 0, lost: 0, next, out_of_order: 0 }
    }

    /// Reads every word of a frame.
    #[inline(always)]
    pub(crate) fn words<const N: usize>(&mut self, frame: &[u64; N]) {
        self.sum = frame.iter().fold(self.sum, |sum, word| sum.wrapping_add(*word));
        self.check(frame[0]);
    }

    /// As [`Tally::words`] for the bytes of N words.
    #[inline(always)]
    pub(crate) fn bytes<const N: usize>(&mut self, frame: &[u8]) {
        let (words, _) = frame.as_chunks::<8>();
        let words: &[[u8; 8]; N] = words.try_into().expect("a frame of N words");
        self.sum = words.iter().fold(self.sum, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)));
        self.check(u64::from_ne_bytes(words[0]));
    }

    #[inline(always)]
    fn check(&mut self, number: u64) {
        if let Some(next) = &mut self.next {
            let next = &mut next[(number >> PRODUCER_SHIFT) as usize & 1];
            self.out_of_order += u64::from(*next != number);
            *next = number + 1;
        }
    }
}

/// Returns what the sum of all words is if nothing is lost.
pub(crate) fn expected_sum(words: usize, producers: usize, count: u64) -> u64 {
    let numbers = (0..producers).fold(0_u64, |sum, producer| {
        let first = first_number(producer).wrapping_mul(count);
        sum.wrapping_add(first)
            .wrapping_add((u128::from(count) * u128::from(count.saturating_sub(1)) / 2) as u64)
    });
    numbers.wrapping_mul(words as u64)
}

/// Tries until something is there.
#[inline(always)]
pub(crate) fn spin<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        hint::spin_loop();
    }
}

/// Returns the monotonic clock, which all processes share, in nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours that outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Keeps this thread on a core.
pub(crate) fn pin(core: usize) {
    // SAFETY: a cpu_set_t is plain integers, for which zeroes are a value; it outlives the calls.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set)
    };
    assert_eq!(failed, 0, "core {core} cannot be had: two cores are needed");
}
