//! crossbeam-channel, between threads of one process: what several producers reach there.

use crossbeam_channel::{Receiver, Sender};

use crate::peer::{Consume, Part, Peer, Produce, Threads};
use crate::row::Row;
use crate::work::Tally;

pub(crate) struct Crossbeam;

impl Peer for Crossbeam {
    fn name(&self) -> &'static str {
        "in one process: crossbeam-channel"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(row == Row::Mpsc)
    }

    fn is_in_process(&self) -> bool {
        true
    }

    fn threads(&self, row: Row) -> Threads {
        let (sender, receiver) = crossbeam_channel::bounded(row.slots());
        let producers =
            (0..row.producers()).map(|_| Box::new(Sending(sender.clone())) as Box<dyn Produce + Send>);
        (producers.collect(), Box::new(Receiving(receiver)))
    }
}

struct Sending(Sender<[u64; 8]>);

impl Produce for Sending {
    fn produce(&mut self, first: u64, count: u64) {
        for number in first..first + count {
            self.0.send([number; 8]).expect("the receiver lives");
        }
    }
}

struct Receiving(Receiver<[u64; 8]>);

impl Consume for Receiving {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        for _ in 0..count {
            tally.words(&self.0.recv().expect("the senders live"));
        }
    }
}
