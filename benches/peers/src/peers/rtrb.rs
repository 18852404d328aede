//! rtrb, between two threads of one process: what a ring reaches that need not be found by another process.

use std::hint;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Produce, Threads, sized};
use crate::row::Row;
use crate::work::{self, Tally};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rtrb {
    OneByOne,
    Chunks,
}

impl Peer for Rtrb {
    fn name(&self) -> &'static str {
        match self {
            Self::OneByOne => "in one process: rtrb, push and read_chunk",
            Self::Chunks => "in one process: rtrb, write_chunk and read_chunk",
        }
    }

    fn part(&self, row: Row) -> Part {
        match row {
            Row::Block => Part::No,
            Row::Mpsc => Part::No,
            Row::Spin => Part::yes_if(*self == Self::OneByOne),
            // A push would copy the frame; a chunk of one is written in place.
            Row::Bytes64k => Part::yes_if(*self == Self::Chunks),
            Row::Bytes64 | Row::Bytes1k => Part::Yes,
        }
    }

    fn is_in_process(&self) -> bool {
        true
    }

    fn threads(&self, row: Row) -> Threads {
        sized!(row, N => {
            let (producer, consumer) = RingBuffer::<[u64; N]>::new(row.slots());
            let reader = Box::new(Reader { consumer, batch: row.batch() });
            match self {
                Self::OneByOne => (vec![Box::new(OneByOne(producer))], reader),
                Self::Chunks => (vec![Box::new(Chunks { producer, batch: row.batch() })], reader),
            }
        })
    }

    fn round_trip_threads(&self, row: Row) -> (Box<dyn Ask + Send>, Box<dyn Echo + Send>) {
        let (to, asked) = RingBuffer::new(row.slots());
        let (back, answered) = RingBuffer::new(row.slots());
        (
            Box::new(Both { producer: to, consumer: answered }),
            Box::new(Both { producer: back, consumer: asked }),
        )
    }
}

struct OneByOne<const N: usize>(Producer<[u64; N]>);

impl<const N: usize> Produce for OneByOne<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            while let Err(PushError::Full(_)) = self.0.push([number; N]) {
                hint::spin_loop();
            }
        }
    }
}

struct Chunks<const N: usize> {
    producer: Producer<[u64; N]>,
    batch: usize,
}

impl<const N: usize> Produce for Chunks<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let wanted = self.batch.min((first + count - number) as usize);
            let free = work::spin(|| Some(wanted.min(self.producer.slots())).filter(|free| *free > 0));
            let mut chunk = self.producer.write_chunk_uninit(free).expect("so many are free");
            let (one, two) = chunk.as_mut_slices();
            for slot in one.iter_mut().chain(two) {
                work::write_slot(slot, number);
                number += 1;
            }
            // SAFETY: every slot of the chunk was written.
            unsafe { chunk.commit_all() };
        }
    }
}

struct Reader<const N: usize> {
    consumer: Consumer<[u64; N]>,
    batch: usize,
}

impl<const N: usize> Consume for Reader<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            let filled =
                work::spin(|| Some(self.batch.min(self.consumer.slots())).filter(|filled| *filled > 0));
            let chunk = self.consumer.read_chunk(filled).expect("so many are filled");
            let (one, two) = chunk.as_slices();
            for frame in one.iter().chain(two) {
                tally.words(frame);
            }
            left -= chunk.len() as u64;
            chunk.commit_all();
        }
    }
}

struct Both {
    producer: Producer<u64>,
    consumer: Consumer<u64>,
}

impl Both {
    fn receive(&mut self) -> u64 {
        work::spin(|| self.consumer.pop().ok())
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        self.producer.push(number).expect("one number is on its way");
        self.receive()
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        let number = self.receive();
        self.producer.push(number).expect("one number is on its way");
    }
}
