//! shmem-ipc: slots that are written and read in place through raw pointers, with eventfds for those who sleep.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::slice;

use shmem_ipc::sharedring::{Receiver, Sender};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::peers::stream::{file, inheritable};
use crate::row::Row;
use crate::work::{self, Tally};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShmemIpc {
    OneByOne,
    Batches,
}

impl Peer for ShmemIpc {
    fn name(&self) -> &'static str {
        match self {
            Self::OneByOne => "shmem-ipc, one by one",
            Self::Batches => "shmem-ipc, many at a time",
        }
    }

    fn part(&self, row: Row) -> Part {
        match (self, row) {
            (Self::OneByOne, Row::Mpsc) => Part::Cannot("it has one producer"),
            (Self::OneByOne, _) => Part::Yes,
            (Self::Batches, _) => Part::yes_if(matches!(row, Row::Bytes64 | Row::Bytes1k)),
        }
    }

    fn prepare(&self, row: Row, name: String) -> Shared {
        let ways = if row.is_round_trip() { 2 } else { 1 };
        sized!(row, N => (0..ways).fold(Shared::named(name), |shared, _| share::<N>(row, shared)))
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let batch = if *self == Self::Batches { row.batch() } else { 1 };
        sized!(row, N => Box::new(Sending { sender: sender::<N>(row, place, 0), batch }))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        sized!(row, N => Box::new(Receiving { receiver: receiver::<N>(row, place, 0), batch: row.batch() }))
    }

    fn asker(&self, row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both {
            sender: sender(row, place, 0),
            receiver: receiver(row, place, 1),
            sleeps: row == Row::Block,
        })
    }

    fn echoer(&self, row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both {
            sender: sender(row, place, 1),
            receiver: receiver(row, place, 0),
            sleeps: row == Row::Block,
        })
    }
}

/// Makes a ring and its three descriptors.
fn share<const N: usize>(row: Row, shared: Shared) -> Shared {
    let made = Sender::<[u64; N]>::new(row.slots()).expect("memory has room");
    [made.memfd().as_file(), made.empty_signal(), made.full_signal()].into_iter().fold(
        shared,
        |shared, file| {
            let fd = inheritable(file);
            shared.fd(fd.as_raw_fd()).keep(fd)
        },
    )
}

/// Returns the three descriptors of a ring, of which `which` were before it.
fn files(place: &Place, which: usize) -> [File; 3] {
    [0, 1, 2].map(|index| file(place.fds[which * 3 + index]))
}

fn sender<const N: usize>(row: Row, place: &Place, which: usize) -> Sender<[u64; N]> {
    let [memory, empty, full] = files(place, which);
    Sender::open(row.slots(), memory, empty, full).expect("the ring is sound")
}

fn receiver<const N: usize>(row: Row, place: &Place, which: usize) -> Receiver<[u64; N]> {
    let [memory, empty, full] = files(place, which);
    Receiver::open(row.slots(), memory, empty, full).expect("the ring is sound")
}

/// Writes slots from `first` on into the free ones at `start`.
///
/// # Safety
/// `len` slots from `start` on are this side's to write.
#[inline(always)]
unsafe fn write<const N: usize>(start: *mut [u64; N], len: usize, first: u64) {
    // SAFETY: the caller's; slots that nobody has written yet may be as they are.
    let slots = unsafe { slice::from_raw_parts_mut(start.cast::<MaybeUninit<[u64; N]>>(), len) };
    for (slot, number) in slots.iter_mut().zip(first..) {
        work::write_slot(slot, number);
    }
}

struct Sending<const N: usize> {
    sender: Sender<[u64; N]>,
    batch: usize,
}

impl<const N: usize> Produce for Sending<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let wanted = self.batch.min((first + count - number) as usize);
            // Its low level: the reader spins and needs no signal.
            let sent = work::spin(|| {
                let mut sent = None;
                let send = |start, free: usize| {
                    let len = wanted.min(free);
                    // SAFETY: so many slots from there on are free.
                    unsafe { write(start, len, number) };
                    sent = Some(len);
                    len
                };
                self.sender.sender_mut().send(send).expect("the ring is sound");
                sent
            });
            number += sent as u64;
        }
    }
}

struct Receiving<const N: usize> {
    receiver: Receiver<[u64; N]>,
    batch: usize,
}

impl<const N: usize> Consume for Receiving<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            left -= work::spin(|| {
                let mut read = None;
                let receive = |start, filled: usize| {
                    let len = self.batch.min(filled);
                    // SAFETY: so many slots from there on are filled, and the writer lets them be.
                    unsafe { slice::from_raw_parts(start, len) }
                        .iter()
                        .for_each(|frame: &[u64; N]| tally.words(frame));
                    read = Some(len as u64);
                    len
                };
                self.receiver.receiver_mut().recv(receive).expect("the ring is sound");
                read
            });
        }
    }
}

struct Both {
    sender: Sender<[u64; 1]>,
    receiver: Receiver<[u64; 1]>,
    sleeps: bool,
}

impl Both {
    fn send(&mut self, number: u64) {
        let send = |start, _| {
            // SAFETY: at least one slot is free, or it is not called.
            unsafe { write(start, 1, number) };
            1
        };
        if self.sleeps {
            self.sender.send_raw(send).expect("the ring is sound");
        } else {
            self.sender.sender_mut().send(send).expect("the ring is sound");
        }
    }

    fn receive(&mut self) -> u64 {
        let mut number = None;
        while number.is_none() {
            let receive = |start: *const [u64; 1], _| {
                // SAFETY: at least one slot is filled, or it is not called.
                number = Some(unsafe { start.read() }[0]);
                1
            };
            if self.sleeps {
                self.receiver.block_until_readable().expect("the ring is sound");
                self.receiver.receive_raw(receive).expect("the ring is sound");
            } else {
                self.receiver.receiver_mut().recv(receive).expect("the ring is sound");
            }
        }
        number.expect("the loop ends with one")
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        self.send(number);
        self.receive()
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        let number = self.receive();
        self.send(number);
    }
}
