//! ipc_ring: frames of any length, copied in and out. Every push and every pop is a call to the kernel.

use ipc_ring::{IpcError, RingReader, RingWriter};

use crate::peer::{self, Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::row::Row;
use crate::work::{self, Tally};

pub(crate) struct IpcRing;

impl Peer for IpcRing {
    fn name(&self) -> &'static str {
        "ipc_ring"
    }

    fn part(&self, row: Row) -> Part {
        if row == Row::Mpsc { Part::Cannot("it has one producer") } else { Part::Yes }
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        Shared::named(name).file("to").file("from")
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let (writer, frame) = (create(row, place, "to"), vec![0; row.frame_bytes()]);
        sized!(row, N => Box::new(Sending::<N> { writer, frame }))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        let (reader, frame) = (open(place, "to"), Vec::with_capacity(row.frame_bytes()));
        sized!(row, N => Box::new(Receiving::<N> { reader, frame }))
    }

    fn asker(&self, row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both::new(row, place, ("to", "from")))
    }

    fn echoer(&self, row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both::new(row, place, ("from", "to")))
    }
}

fn create(row: Row, place: &Place, way: &str) -> RingWriter {
    RingWriter::create(place.path(way), row.capacity_bytes()).expect("shared memory has room")
}

fn open(place: &Place, way: &str) -> RingReader {
    peer::once_there(|| RingReader::open(place.path(way)))
}

fn push(writer: &mut RingWriter, frame: &[u8]) {
    work::spin(|| match writer.try_push(frame) {
        Ok(()) => Some(()),
        Err(IpcError::Full) => None,
        Err(error) => panic!("{error}"),
    });
}

fn pop(reader: &mut RingReader, frame: &mut Vec<u8>) {
    work::spin(|| reader.try_pop(frame).expect("the ring is sound"));
}

struct Sending<const N: usize> {
    writer: RingWriter,
    frame: Vec<u8>,
}

impl<const N: usize> Produce for Sending<N> {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            work::write_bytes::<N>(&mut self.frame, number);
            push(&mut self.writer, &self.frame);
        }
    }
}

struct Receiving<const N: usize> {
    reader: RingReader,
    frame: Vec<u8>,
}

impl<const N: usize> Consume for Receiving<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        for _ in 0..count {
            pop(&mut self.reader, &mut self.frame);
            tally.bytes::<N>(&self.frame);
        }
    }
}

struct Both {
    writer: RingWriter,
    reader: RingReader,
    frame: Vec<u8>,
    sleeps: bool,
}

impl Both {
    fn new(row: Row, place: &Place, (out, back): (&str, &str)) -> Self {
        let writer = create(row, place, out);
        Self { writer, reader: open(place, back), frame: Vec::new(), sleeps: row == Row::Block }
    }

    fn receive(&mut self) -> u64 {
        if self.sleeps {
            self.reader.pop(&mut self.frame, None).expect("the ring is sound");
        } else {
            pop(&mut self.reader, &mut self.frame);
        }
        u64::from_ne_bytes(self.frame[..].try_into().expect("8 bytes"))
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        push(&mut self.writer, &number.to_ne_bytes());
        self.receive()
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        let number = self.receive();
        push(&mut self.writer, &number.to_ne_bytes());
    }
}
