//! ringfire: rings of equal slots, held back by their readers; blobs in an arena; and its queue of several producers.

use std::hint;

use ringfire::{
    BlobConsumer, BlobProducer, BlobProducerBuilder, BusySpin, FlowControl, FutexWait, MpmcProducer,
    MpmcQueueConsumer, RingConsumer, RingProducer, RingProducerBuilder,
};

use crate::peer::{self, Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::row::Row;
use crate::work::{self, Tally};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    OneByOne,
    Batches,
}

impl Peer for Fixed {
    fn name(&self) -> &'static str {
        match self {
            Self::OneByOne => "ringfire, slots, push and recv_batch",
            Self::Batches => "ringfire, slots, push_batch and recv_batch",
        }
    }

    fn part(&self, row: Row) -> Part {
        match (self, row) {
            // Its slots are copied by value twice; at 64 KiB its blobs are what it has.
            (_, Row::Bytes64k | Row::Mpsc) => Part::No,
            (Self::OneByOne, _) => Part::Yes,
            (Self::Batches, _) => Part::yes_if(!row.is_round_trip()),
        }
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        Shared::named(name).file("to").file("from")
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        match self {
            Self::OneByOne => sized!(row, N => Box::new(OneByOne(lossless::<N>(row, place, "to")))),
            Self::Batches => sized!(row, N => {
                Box::new(Batches { producer: lossless::<N>(row, place, "to"), batch: vec![[0; N]; row.batch()] })
            }),
        }
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        sized!(row, N => Box::new(Reader { consumer: attach::<N>(place, "to"), batch: vec![[0; N]; row.batch()] }))
    }

    fn asker(&self, row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both {
            producer: lossless(row, place, "to"),
            consumer: attach(place, "from"),
            waits: Waits::new(row),
        })
    }

    fn echoer(&self, row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both {
            producer: lossless(row, place, "from"),
            consumer: attach(place, "to"),
            waits: Waits::new(row),
        })
    }
}

fn lossless<const N: usize>(row: Row, place: &Place, way: &str) -> RingProducer<[u64; N]> {
    RingProducerBuilder::new(row.slots() as u64)
        .flow_control(FlowControl::LosslessBackpressure)
        .build(place.path(way))
        .expect("shared memory has room")
}

fn attach<const N: usize>(place: &Place, way: &str) -> RingConsumer<[u64; N]> {
    peer::once_there(|| RingConsumer::attach(place.path(way)))
}

struct OneByOne<const N: usize>(RingProducer<[u64; N]>);

impl<const N: usize> Produce for OneByOne<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            self.0.push(&[number; N]);
        }
    }
}

struct Batches<const N: usize> {
    producer: RingProducer<[u64; N]>,
    batch: Vec<[u64; N]>,
}

impl<const N: usize> Produce for Batches<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let len = self.batch.len().min((first + count - number) as usize);
            for frame in &mut self.batch[..len] {
                frame.fill(number);
                number += 1;
            }
            self.producer.push_batch(&self.batch[..len]);
        }
    }
}

struct Reader<const N: usize> {
    consumer: RingConsumer<[u64; N]>,
    batch: Vec<[u64; N]>,
}

impl<const N: usize> Consume for Reader<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let lapped = self.consumer.lapped_count();
        let mut read = 0;
        while read + (self.consumer.lapped_count() - lapped) < count {
            let len = self.consumer.recv_batch(&mut self.batch);
            if len == 0 {
                hint::spin_loop();
            }
            for frame in &self.batch[..len] {
                tally.words(frame);
            }
            read += len as u64;
        }
        tally.lost = self.consumer.lapped_count() - lapped;
    }
}

/// Its two ways of waiting, which are two types.
enum Waits {
    Spin(BusySpin),
    Sleep(FutexWait),
}

impl Waits {
    fn new(row: Row) -> Self {
        if row == Row::Block { Self::Sleep(FutexWait::new(0, None)) } else { Self::Spin(BusySpin::new()) }
    }
}

struct Both {
    producer: RingProducer<[u64; 1]>,
    consumer: RingConsumer<[u64; 1]>,
    waits: Waits,
}

impl Both {
    fn receive(&mut self) -> [u64; 1] {
        match &mut self.waits {
            Waits::Spin(wait) => self.consumer.recv_blocking(wait),
            Waits::Sleep(wait) => self.consumer.recv_blocking(wait),
        }
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        self.producer.push(&[number]);
        self.receive()[0]
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        let number = self.receive();
        self.producer.push(&number);
    }
}

/// Frames of any length. They never wait for a reader by themselves: the producer looks at the headroom that it is told.
pub(crate) struct Blobs;

impl Peer for Blobs {
    fn name(&self) -> &'static str {
        "ringfire, blobs, push_with and view"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(matches!(row, Row::Bytes64 | Row::Bytes1k | Row::Bytes64k))
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        Shared::named(name).file("to")
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let slots = row.slots() as u64;
        // Half the slots that the arena has bytes for, so that the ring and not the arena is what fills up.
        let producer = BlobProducerBuilder::new(slots / 2, row.capacity_bytes())
            .build(place.path("to"))
            .expect("shared memory has room");
        sized!(row, N => Box::new(BlobSender::<N> { producer, slots: slots / 2 }))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        let consumer = peer::once_there(|| BlobConsumer::attach(place.path("to")));
        sized!(row, N => Box::new(BlobReader::<N>(consumer)))
    }
}

struct BlobSender<const N: usize> {
    producer: BlobProducer<()>,
    slots: u64,
}

impl<const N: usize> Produce for BlobSender<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut room = 0;
        for number in first..first + count {
            if room == 0 {
                // An eighth, as looking costs a walk over the readers' lines.
                room = work::spin(|| Some(self.producer.headroom()).filter(|room| *room >= self.slots / 8));
            }
            let write = |frame: &mut [u8]| work::write_bytes::<N>(frame, number);
            self.producer.push_with(&(), N * 8, write).expect("the arena has room");
            room -= 1;
        }
    }
}

struct BlobReader<const N: usize>(BlobConsumer<()>);

impl<const N: usize> Consume for BlobReader<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let lapped = self.0.lapped_count();
        let mut read = 0;
        while read + (self.0.lapped_count() - lapped) < count {
            match self.0.view(|(), frame| tally.bytes::<N>(frame)).expect("the ring is sound") {
                Some(()) => read += 1,
                None => hint::spin_loop(),
            }
        }
        tally.lost = self.0.lapped_count() - lapped;
    }
}

/// Its queue of several producers, which overwrites what the reader has not taken.
pub(crate) struct Mpmc;

impl Peer for Mpmc {
    fn name(&self) -> &'static str {
        "ringfire, mpmc queue"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(row == Row::Mpsc)
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        Shared::named(name).file("to")
    }

    fn producer(&self, row: Row, place: &Place, index: usize) -> Box<dyn Produce> {
        let path = place.path("to");
        Box::new(MpmcSender(match index {
            0 => MpmcProducer::create(path, row.slots() as u64).expect("shared memory has room"),
            _ => peer::once_there(|| MpmcProducer::attach(&path)),
        }))
    }

    fn consumer(&self, _row: Row, place: &Place) -> Box<dyn Consume> {
        Box::new(MpmcReader(peer::once_there(|| MpmcQueueConsumer::attach(place.path("to")))))
    }
}

struct MpmcSender(MpmcProducer<[u64; 8]>);

impl Produce for MpmcSender {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            self.0.push(&[number; 8]);
        }
    }
}

struct MpmcReader(MpmcQueueConsumer<[u64; 8]>);

impl Consume for MpmcReader {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let dropped = self.0.dropped_count();
        let mut read = 0;
        while read + (self.0.dropped_count() - dropped) < count {
            match self.0.try_recv() {
                Some(frame) => {
                    tally.words(&frame);
                    read += 1;
                }
                None => hint::spin_loop(),
            }
        }
        tally.lost = self.0.dropped_count() - dropped;
    }
}
