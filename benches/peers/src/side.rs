//! The other processes: one side of one peer each, which does what its standard input says.

use std::io::{self, BufRead, Write};
use std::os::fd::RawFd;
use std::sync::Barrier;
use std::thread;

use clap::ValueEnum;
use hdrhistogram::Histogram;

use crate::limits;
use crate::peer::{Ask, Consume, Echo, Peer, Place, Produce};
use crate::peers;
use crate::row::Row;
use crate::work::{self, Tally};

/// Says to this program that it is a side: see [`Task`].
pub(crate) const SIDE: &str = "CIRCLET_PEERS_SIDE";
/// Round trips before those that count.
const WARM_UP: u64 = 1000;
const PRODUCER_CORE: usize = 0;
const CONSUMER_CORE: usize = 1;

/// What a process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Producer(usize),
    Consumer,
    Asker,
    Echoer,
    /// All sides, as threads.
    All,
    /// Measures a copy within the cache, of no peer.
    Copier,
}

/// A role as the environment carries it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) peer: String,
    pub(crate) row: Row,
    pub(crate) role: Role,
    pub(crate) place: Place,
}

impl Task {
    pub(crate) fn to_text(&self) -> String {
        let role = match self.role {
            Role::Producer(index) => index.to_string(),
            Role::Consumer => "consumer".into(),
            Role::Asker => "asker".into(),
            Role::Echoer => "echoer".into(),
            Role::All => "all".into(),
            Role::Copier => "copier".into(),
        };
        let row = self.row.to_possible_value().expect("no row is skipped");
        let fds: Vec<_> = self.place.fds.iter().map(RawFd::to_string).collect();
        [&self.peer, row.get_name(), &role, &self.place.name, &fds.join(",")].join("|")
    }

    fn from_text(text: &str) -> Self {
        let fields: Vec<_> = text.split('|').collect();
        let [peer, row, role, name, fds] = fields[..] else {
            panic!("{SIDE} is {text:?}: five fields are needed")
        };
        let role = match role {
            "consumer" => Role::Consumer,
            "asker" => Role::Asker,
            "echoer" => Role::Echoer,
            "all" => Role::All,
            "copier" => Role::Copier,
            index => Role::Producer(index.parse().expect("a role is a name or a producer's index")),
        };
        let row = Row::from_str(row, false).expect("the row is one of ours");
        let fds =
            fds.split(',').filter(|fd| !fd.is_empty()).map(|fd| fd.parse().expect("a descriptor")).collect();
        Self { peer: peer.into(), row, role, place: Place { name: name.into(), fds } }
    }
}

pub(crate) fn serve(task: &str) {
    let task = Task::from_text(task);
    let (row, place) = (task.row, &task.place);
    if task.role == Role::Copier {
        work::pin(PRODUCER_CORE);
        return answer(|_| limits::copy_bytes_per_second(row).to_string());
    }
    let all = peers::all();
    let peer = all.iter().find(|peer| peer.name() == task.peer).expect("the peer is one of ours").as_ref();
    match task.role {
        Role::Producer(index) => {
            // Producers beyond the first have cores of their own where there are more than two.
            let cores = thread::available_parallelism().map_or(1, usize::from);
            work::pin(if index > 0 && cores > 2 { CONSUMER_CORE + index } else { PRODUCER_CORE });
            let mut producer = peer.producer(row, place, index);
            answer(|count| produce(&mut *producer, index, count).to_string());
        }
        Role::Consumer => {
            work::pin(CONSUMER_CORE);
            let mut consumer = peer.consumer(row, place);
            answer(|count| consume(&mut *consumer, row, count));
        }
        Role::Asker => {
            work::pin(PRODUCER_CORE);
            let mut asker = peer.asker(row, place);
            answer(|count| ask(&mut *asker, count));
        }
        Role::Echoer => {
            work::pin(CONSUMER_CORE);
            let mut echoer = peer.echoer(row, place);
            answer(|count| echo(&mut *echoer, count));
        }
        Role::All if row.is_round_trip() => answer(|count| round_trip_of_threads(peer, row, count)),
        Role::All => answer(|count| stream_of_threads(peer, row, count)),
        Role::Copier => unreachable!("answered above"),
    }
}

/// Says that this side is ready, and then answers each count on standard input with a line.
fn answer(mut measure: impl FnMut(u64) -> String) {
    let say = |line: &str| {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent listens");
    };
    say("ready");
    for line in io::stdin().lock().lines() {
        let count = line.expect("the parent speaks text").parse().expect("a count");
        say(&measure(count));
    }
}

/// Returns when it began.
fn produce(producer: &mut dyn Produce, index: usize, count: u64) -> u64 {
    let begin = work::now_ns();
    producer.produce(work::first_number(index), count);
    begin
}

/// Returns when it ended, and what was read.
fn consume(consumer: &mut dyn Consume, row: Row, count: u64) -> String {
    let mut tally = Tally::new(row.producers());
    consumer.consume(count * row.producers() as u64, &mut tally);
    let end = work::now_ns();
    format!("{end} {} {} {}", tally.sum, tally.lost, tally.out_of_order)
}

/// Returns the percentiles of the round trips in nanoseconds.
fn ask(asker: &mut dyn Ask, count: u64) -> String {
    let mut histogram = Histogram::<u64>::new(3).expect("3 digits are allowed");
    for number in 1..=WARM_UP + count {
        let begin = work::now_ns();
        let answer = asker.ask(number);
        let end = work::now_ns();
        assert_eq!(answer, number, "another number came back");
        if number > WARM_UP {
            histogram.record(end - begin).expect("the histogram grows");
        }
    }
    format!("{} {}", histogram.value_at_quantile(0.5), histogram.value_at_quantile(0.99))
}

fn echo(echoer: &mut dyn Echo, count: u64) -> String {
    for _ in 0..WARM_UP + count {
        echoer.echo();
    }
    "done".into()
}

fn stream_of_threads(peer: &dyn Peer, row: Row, count: u64) -> String {
    let (mut producers, mut consumer) = peer.threads(row);
    let barrier = &Barrier::new(producers.len() + 1);
    thread::scope(|scope| {
        let producing: Vec<_> = producers
            .iter_mut()
            .enumerate()
            .map(|(index, producer)| {
                scope.spawn(move || {
                    work::pin(PRODUCER_CORE);
                    barrier.wait();
                    produce(&mut **producer, index, count)
                })
            })
            .collect();
        let consuming = scope.spawn(move || {
            work::pin(CONSUMER_CORE);
            barrier.wait();
            consume(&mut *consumer, row, count)
        });
        let begin = producing.into_iter().map(|thread| thread.join().expect("a producer")).min();
        format!("{} {}", begin.expect("a producer"), consuming.join().expect("the consumer"))
    })
}

fn round_trip_of_threads(peer: &dyn Peer, row: Row, count: u64) -> String {
    let (mut asker, mut echoer) = peer.round_trip_threads(row);
    thread::scope(|scope| {
        scope.spawn(move || {
            work::pin(CONSUMER_CORE);
            echo(&mut *echoer, count)
        });
        work::pin(PRODUCER_CORE);
        ask(&mut *asker, count)
    })
}
