//! Bare loops over shared memory, which check nothing and cannot close: what a plain loop reaches.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::slice;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use memmap2::{MmapOptions, MmapRaw};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::peers::stream::file;
use crate::row::Row;
use crate::work::{self, Tally};

/// A page for the indices, each on a line of its own and out of the reach of the neighbouring line's prefetch.
const HEADER_BYTES: usize = 4096;
const TAIL: usize = 0;
const HEAD: usize = 256;

/// Shared memory that both sides map.
struct Memory(MmapRaw);

impl Memory {
    fn share(name: String, bytes: usize) -> Shared {
        // SAFETY: the name is a string with its end, and the descriptor belongs to nobody else.
        let fd = unsafe {
            let fd = libc::memfd_create(c"circlet-peers".as_ptr(), 0);
            assert!(fd >= 0, "memory has room");
            OwnedFd::from_raw_fd(fd)
        };
        let file = File::from(fd);
        file.set_len((HEADER_BYTES + bytes) as u64).expect("memory has room");
        Shared::named(name).fd(file.as_raw_fd()).keep(file)
    }

    fn open(place: &Place) -> Self {
        Self(MmapOptions::new().map_raw(&file(place.fds[0])).expect("memory has room"))
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.0.len());
        // SAFETY: the word is aligned and inside of the mapping, and is only ever used as an atomic.
        unsafe { &*self.0.as_mut_ptr().add(offset).cast() }
    }

    /// Returns where a slot begins.
    #[inline(always)]
    fn slot(&self, offset: usize) -> *mut u8 {
        // SAFETY: the callers' offsets are those of slots, which lie inside of the mapping.
        unsafe { self.0.as_mut_ptr().add(HEADER_BYTES + offset) }
    }
}

/// Slots with a word that is not zero while they are full.
pub(crate) struct FlagPerSlot;

impl Peer for FlagPerSlot {
    fn name(&self) -> &'static str {
        "bare loop: a flag for each slot"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(matches!(row, Row::Bytes64 | Row::Bytes1k | Row::Bytes64k))
    }

    fn prepare(&self, row: Row, name: String) -> Shared {
        Memory::share(name, row.slots() * (8 + row.frame_bytes()))
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        sized!(row, N => Box::new(Flags::<N>::new(row, place)))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        sized!(row, N => Box::new(Flags::<N>::new(row, place)))
    }
}

struct Flags<const N: usize> {
    memory: Memory,
    slots: usize,
    next: usize,
}

impl<const N: usize> Flags<N> {
    fn new(row: Row, place: &Place) -> Self {
        Self { memory: Memory::open(place), slots: row.slots(), next: 0 }
    }

    /// Returns the next slot's flag and its frame.
    #[inline(always)]
    fn step(&mut self) -> (&AtomicU64, *mut u8) {
        let flag = self.memory.slot(self.next * (8 + N * 8));
        self.next = if self.next + 1 == self.slots { 0 } else { self.next + 1 };
        // SAFETY: the flag lies before its frame in the mapping, at a multiple of 8, and is only ever an atomic.
        unsafe { (&*flag.cast(), flag.add(8)) }
    }
}

impl<const N: usize> Produce for Flags<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            let (flag, frame) = self.step();
            work::spin(|| (flag.load(Acquire) == 0).then_some(()));
            // SAFETY: the slot is empty, and so this side's alone.
            work::write_bytes::<N>(unsafe { slice::from_raw_parts_mut(frame, N * 8) }, number);
            flag.store(1, Release);
        }
    }
}

impl<const N: usize> Consume for Flags<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        for _ in 0..count {
            let (flag, frame) = self.step();
            work::spin(|| (flag.load(Acquire) != 0).then_some(()));
            // SAFETY: the slot is full, and so this side's alone.
            tally.bytes::<N>(unsafe { slice::from_raw_parts(frame, N * 8) });
            flag.store(0, Release);
        }
    }
}

/// Slots between a head and a tail, of which each side keeps what it saw last of the other's.
pub(crate) struct SharedIndex {
    /// The tail moves once for a batch.
    pub(crate) batches: bool,
}

impl Peer for SharedIndex {
    fn name(&self) -> &'static str {
        if self.batches {
            "bare loop: a shared index, moved for a batch"
        } else {
            "bare loop: a shared index"
        }
    }

    fn part(&self, row: Row) -> Part {
        let batches = matches!(row, Row::Bytes64 | Row::Bytes1k);
        Part::yes_if(batches || (row == Row::Bytes64k && !self.batches))
    }

    fn prepare(&self, row: Row, name: String) -> Shared {
        Memory::share(name, row.slots() * row.frame_bytes())
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let batch = if self.batches { row.batch() } else { 1 };
        sized!(row, N => Box::new(Index::<N>::new(row, place, batch)))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        sized!(row, N => Box::new(Index::<N>::new(row, place, row.batch())))
    }
}

struct Index<const N: usize> {
    memory: Memory,
    slots: u64,
    batch: u64,
    /// Frames that this side has written or read.
    own: u64,
    /// The other side's, when it was last looked at.
    seen: u64,
}

impl<const N: usize> Index<N> {
    fn new(row: Row, place: &Place, batch: usize) -> Self {
        let memory = Memory::open(place);
        Self { memory, slots: row.slots() as u64, batch: batch as u64, own: 0, seen: 0 }
    }

    #[inline(always)]
    fn frame(&self) -> *mut u8 {
        self.memory.slot((self.own & (self.slots - 1)) as usize * N * 8)
    }
}

impl<const N: usize> Produce for Index<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            if self.own - self.seen == self.slots {
                let full = self.seen;
                self.seen =
                    work::spin(|| Some(self.memory.word(HEAD).load(Acquire)).filter(|head| *head != full));
            }
            let len = self.batch.min(self.slots - (self.own - self.seen)).min(first + count - number);
            for _ in 0..len {
                // SAFETY: the slot lies beyond the reader's head, and so is this side's alone.
                work::write_bytes::<N>(unsafe { slice::from_raw_parts_mut(self.frame(), N * 8) }, number);
                self.own += 1;
                number += 1;
            }
            self.memory.word(TAIL).store(self.own, Release);
        }
    }
}

impl<const N: usize> Consume for Index<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            if self.own == self.seen {
                let empty = self.seen;
                self.seen =
                    work::spin(|| Some(self.memory.word(TAIL).load(Acquire)).filter(|tail| *tail != empty));
            }
            let len = self.batch.min(self.seen - self.own);
            for _ in 0..len {
                // SAFETY: the slot lies before the writer's tail, and so is this side's until its head passes it.
                tally.bytes::<N>(unsafe { slice::from_raw_parts(self.frame(), N * 8) });
                self.own += 1;
            }
            self.memory.word(HEAD).store(self.own, Release);
            left -= len;
        }
    }
}

/// A word each way, each on its own cache line: the limit of every round trip.
pub(crate) struct Line;

impl Peer for Line {
    fn name(&self) -> &'static str {
        "bare loop: a cache line each way"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(row == Row::Spin)
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        Memory::share(name, 0)
    }

    fn asker(&self, _row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Lines { memory: Memory::open(place), seen: 0 })
    }

    fn echoer(&self, _row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Lines { memory: Memory::open(place), seen: 0 })
    }
}

struct Lines {
    memory: Memory,
    seen: u64,
}

impl Ask for Lines {
    fn ask(&mut self, number: u64) -> u64 {
        self.memory.word(TAIL).store(number, Release);
        work::spin(|| Some(self.memory.word(HEAD).load(Acquire)).filter(|answer| *answer == number))
    }
}

impl Echo for Lines {
    fn echo(&mut self) {
        self.seen =
            work::spin(|| Some(self.memory.word(TAIL).load(Acquire)).filter(|number| *number != self.seen));
        self.memory.word(HEAD).store(self.seen, Release);
    }
}

/// An eventfd each way: what waking a sleeper costs at the least.
pub(crate) struct EventFds;

impl Peer for EventFds {
    fn name(&self) -> &'static str {
        "bare loop: an eventfd each way"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(row == Row::Block)
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        [(), ()].iter().fold(Shared::named(name), |shared, ()| {
            // SAFETY: the call touches no memory, and its descriptor belongs to nobody else.
            let fd = unsafe {
                let fd = libc::eventfd(0, 0);
                assert!(fd >= 0, "no eventfd is free");
                OwnedFd::from_raw_fd(fd)
            };
            shared.fd(fd.as_raw_fd()).keep(fd)
        })
    }

    fn asker(&self, _row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Events { writes: file(place.fds[0]), reads: file(place.fds[1]) })
    }

    fn echoer(&self, _row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Events { writes: file(place.fds[1]), reads: file(place.fds[0]) })
    }
}

struct Events {
    writes: File,
    reads: File,
}

impl Events {
    fn send(&mut self, number: u64) {
        self.writes.write_all(&number.to_ne_bytes()).expect("the reader lives");
    }

    fn receive(&mut self) -> u64 {
        let mut number = [0; 8];
        self.reads.read_exact(&mut number).expect("the writer lives");
        u64::from_ne_bytes(number)
    }
}

impl Ask for Events {
    fn ask(&mut self, number: u64) -> u64 {
        self.send(number);
        self.receive()
    }
}

impl Echo for Events {
    fn echo(&mut self) {
        let number = self.receive();
        self.send(number);
    }
}
