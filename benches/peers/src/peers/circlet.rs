//! circlet's own ring: written in place one by one, copied in many at a time, or with many records written in place in
//! one frame; always read in place.

use circlet::ring::{self, Mode, Options, Receiver, Ring, Sender, Wait};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::row::Row;
use crate::work::{self, Tally};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circlet {
    OneByOne,
    Batches,
    /// As the peers do that write a run of slots: a frame of many records of the row's size.
    Records,
}

fn options(row: Row) -> Options {
    let mode = if row == Row::Mpsc { Mode::Mpsc } else { Mode::Spsc };
    Options::new().mode(mode).capacity(row.capacity_bytes() as u64)
}

fn wait(row: Row) -> Wait {
    if row == Row::Block { Wait::SLEEP } else { Wait::SPIN }
}

fn open(place: &Place, way: &str) -> Ring {
    ring::open(&format!("{}-{way}", place.name)).expect("the parent made it")
}

fn sender(row: Row, place: &Place, way: &str) -> Sender {
    let mut sender = open(place, way).sender().expect("the seat is free");
    sender.set_wait(wait(row));
    sender
}

fn receiver(row: Row, place: &Place, way: &str) -> Receiver {
    let mut receiver = open(place, way).receiver().expect("the seat is free");
    receiver.set_wait(wait(row));
    receiver
}

impl Peer for Circlet {
    fn name(&self) -> &'static str {
        match self {
            Self::OneByOne => "circlet, claim and commit",
            Self::Batches => "circlet, send_many",
            Self::Records => "circlet, many records in a claim",
        }
    }

    fn part(&self, row: Row) -> Part {
        match (self, row) {
            (Self::OneByOne, _) => Part::Yes,
            (Self::Batches, _) => Part::yes_if(matches!(row, Row::Bytes64 | Row::Bytes1k | Row::Mpsc)),
            (Self::Records, _) => Part::yes_if(matches!(row, Row::Bytes64 | Row::Bytes1k)),
        }
    }

    fn prepare(&self, row: Row, name: String) -> Shared {
        let create = |way: &str| {
            ring::create(&format!("{name}-{way}"), &options(row)).expect("shared memory has room")
        };
        let rings = (create("to"), create("from"));
        Shared::named(name).keep(rings)
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let sender = sender(row, place, "to");
        let batch = row.batch();
        match self {
            Self::OneByOne => sized!(row, N => Box::new(OneByOne::<N> { sender })),
            Self::Batches => {
                sized!(row, N => Box::new(Batches::<N> { sender, batch: vec![0; batch * N * 8] }))
            }
            Self::Records => sized!(row, N => Box::new(Records::<N> { sender, records: batch })),
        }
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        let (receiver, batch) = (receiver(row, place, "to"), row.batch());
        match self {
            Self::Records => sized!(row, N => Box::new(RecordsReader::<N> { receiver })),
            _ => sized!(row, N => Box::new(Reader::<N> { receiver, batch })),
        }
    }

    fn asker(&self, row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both { sender: sender(row, place, "to"), receiver: receiver(row, place, "from") })
    }

    fn echoer(&self, row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both { sender: sender(row, place, "from"), receiver: receiver(row, place, "to") })
    }
}

struct OneByOne<const N: usize> {
    sender: Sender,
}

impl<const N: usize> Produce for OneByOne<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            let mut claim = self.sender.claim(N * 8).expect("the reader lives");
            work::write_bytes::<N>(&mut claim, number);
            claim.commit();
        }
    }
}

struct Batches<const N: usize> {
    sender: Sender,
    batch: Vec<u8>,
}

impl<const N: usize> Produce for Batches<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let left = (first + count - number) as usize;
            let len = self.batch.len().min(left.saturating_mul(N * 8));
            for frame in self.batch[..len].chunks_exact_mut(N * 8) {
                work::write_bytes::<N>(frame, number);
                number += 1;
            }
            let frames = self.batch[..len].chunks_exact(N * 8);
            self.sender.send_many(frames).expect("the reader lives");
        }
    }
}

struct Reader<const N: usize> {
    receiver: Receiver,
    batch: usize,
}

impl<const N: usize> Consume for Reader<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            for frame in &mut self.receiver.recv_many(self.batch).expect("the writer lives") {
                tally.bytes::<N>(frame);
                left -= 1;
            }
        }
    }
}

struct Records<const N: usize> {
    sender: Sender,
    records: usize,
}

impl<const N: usize> Produce for Records<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let records = self.records.min((first + count - number) as usize);
            let mut claim = self.sender.claim(records * N * 8).expect("the reader lives");
            for record in claim.chunks_exact_mut(N * 8) {
                work::write_bytes::<N>(record, number);
                number += 1;
            }
            claim.commit();
        }
    }
}

struct RecordsReader<const N: usize> {
    receiver: Receiver,
}

impl<const N: usize> Consume for RecordsReader<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            let frame = self.receiver.recv().expect("the writer lives");
            for record in frame.chunks_exact(N * 8) {
                tally.bytes::<N>(record);
                left -= 1;
            }
        }
    }
}

struct Both {
    sender: Sender,
    receiver: Receiver,
}

impl Both {
    fn send(&mut self, number: u64) {
        self.sender.send(&number.to_ne_bytes()).expect("the reader lives");
    }

    fn receive(&mut self) -> u64 {
        let frame = self.receiver.recv().expect("the writer lives");
        u64::from_ne_bytes(frame[..].try_into().expect("8 bytes"))
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
