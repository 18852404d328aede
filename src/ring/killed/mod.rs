//! A process is really killed at every store of the protocols, and what the others see then is checked.
//!
//! Every store to a segment passes a fail point (`shm::kill`). A test runs a script in a child process (this test
//! program again, with [`SCRIPT`] set), killed before its first store, its second, and so on until one run comes to its
//! end. That the scripts together reach every place in the source that stores is checked as well.

#[cfg(feature = "exec")]
mod lent;
mod places;

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::time::Duration;

use super::{Deadline, Error, Mode, Options, PeerState, Receiver, Ring, Sender, Wait};
use crate::page;
use crate::shm::layout::{consumer, producer, waiting};
use crate::shm::{Memory, Shared, View, kill};

/// Says which script the child runs, on which ring, before which store it dies, and where it notes what it has done.
const SCRIPT: &str = "CIRCLET_KILL_SCRIPT";
const SOON: Duration = Duration::from_secs(20);
/// Frames that a producer's script sends, which take it round the smallest ring more than once.
const FRAMES: u64 = 12;

/// What a child does on the ring of this name until it dies; it is given what notes how many steps are behind it.
type Script = fn(&str, &dyn Fn(u64));

/// The scripts, by name.
const SCRIPTS: [(&str, Script); 9] = [
    ("send", |name, done| send_all(&open(name), done)),
    ("claim", |name, done| claim_all(&open(name), done)),
    ("fragments", |name, done| {
        let mut sender = open(name).sender().unwrap();
        for number in 0..2 {
            sender.send_timeout(&long(number), SOON).unwrap();
            done(number + 1);
        }
    }),
    ("overflow", |name, done| {
        let mut sender = open(name).sender().unwrap();
        sender.set_wait(Wait::SLEEP);
        assert!(sender.send_timeout(&[0; 1000], Duration::from_millis(1)).is_err());
        sender.set_overflow(super::Overflow::DropNewest);
        sender.send(&[0; 1000]).unwrap();
        sender.arm(1000).unwrap();
        done(1);
    }),
    ("recv", |name, done| receive_all(&open(name), done)),
    ("wait", |name, done| {
        let mut receiver = open(name).receiver().unwrap();
        receiver.set_wait(Wait::SLEEP);
        assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
        receiver.arm().unwrap();
        done(1);
    }),
    ("bury", |name, done| {
        // Takes the reader's seat, finds a claim of the dead, and turns it into padding.
        let mut receiver = open(name).receiver().unwrap();
        let _ = receiver.recv_timeout(Duration::from_millis(1));
        done(1);
    }),
    ("locked", |name, done| {
        // The first producer is as one that died with the lock; the second waits for it, and settles that.
        let ring = open(name);
        let (first, mut second) = (ring.sender().unwrap(), ring.sender().unwrap());
        let view = View::new(ring.segment().clone());
        view.u32_at(producer::LOCK).store(1, Release);
        view.let_go_of_seat(0);
        std::mem::forget(first);
        send(&mut second, 0);
        done(1);
    }),
    ("page", |name, done| {
        let mut writer = page::open(name, &page::Options::new()).unwrap().writer().unwrap();
        for number in 0..FRAMES {
            writer.write(&frame(number)).unwrap();
            done(number + 1);
        }
    }),
];

fn send_all(ring: &Ring, done: &dyn Fn(u64)) {
    let mut sender = ring.sender().unwrap();
    for number in 0..FRAMES {
        send(&mut sender, number);
        done(number + 1);
    }
}

fn claim_all(ring: &Ring, done: &dyn Fn(u64)) {
    let mut sender = ring.sender().unwrap();
    for number in 0..FRAMES {
        drop(sender.claim_timeout(300, SOON).unwrap());
        let mut claim = sender.claim_timeout(900, SOON).unwrap();
        claim[..frame(number).len()].copy_from_slice(&frame(number));
        claim.commit_len(frame(number).len()).unwrap();
        done(number + 1);
    }
}

fn receive_all(ring: &Ring, done: &dyn Fn(u64)) {
    let mut receiver = ring.receiver().unwrap();
    for number in 0..FRAMES {
        assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), frame(number));
        done(number + 1);
    }
}

fn open(name: &str) -> Ring {
    super::open(name).unwrap()
}

fn send(sender: &mut Sender, number: u64) {
    sender.send_timeout(&frame(number), SOON).unwrap();
}

/// A payload of a length that makes padding necessary now and then.
fn frame(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(30 + 10 * (number as usize % 3))
}

fn long(number: u64) -> Vec<u8> {
    (number + 7).to_le_bytes().repeat(300)
}

/// What the child runs. Without a script it is a test that has nothing to do.
#[test]
fn child() {
    let Ok(task) = env::var(SCRIPT) else { return };
    let words: Vec<_> = task.split(' ').collect();
    let [script, name, stores, note] = words[..] else { panic!("{task:?}") };
    let note = File::options().write(true).open(note).unwrap();
    let known = SCRIPTS.iter();
    #[cfg(feature = "exec")]
    let known = known.chain(&lent::SCRIPTS);
    let (_, run) = known.into_iter().find(|known| known.0 == script).unwrap();
    kill::watch();
    if let Ok(stores) = stores.parse() {
        kill::before(stores);
    }
    run(name, &|done| note.write_all_at(&done.to_le_bytes(), 0).unwrap());
    let places: Vec<_> = kill::places().into_iter().map(|(file, line)| format!("{file}:{line}")).collect();
    note.write_all_at(places.join("\n").as_bytes(), 8).unwrap();
}

/// A name of its own, and a file for what the child has done; both end with it.
struct Case {
    name: String,
    note: PathBuf,
}

impl Case {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("circlet-kill-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let note = env::temp_dir().join(&name);
        fs::write(&note, [0; 8]).unwrap();
        Self { name, note }
    }

    fn ring(&self, options: &Options) -> Ring {
        super::create(&self.name, options).unwrap()
    }

    /// Runs a script, killed before a store of it; tells whether it was killed, and the steps that were behind it.
    fn run(&self, script: &str, stores: Option<u64>) -> (bool, u64) {
        self.run_with(script, stores, Stdio::null())
    }

    fn run_with(&self, script: &str, stores: Option<u64>, input: Stdio) -> (bool, u64) {
        fs::write(&self.note, [0; 8]).unwrap();
        let stores = stores.map_or("never".to_owned(), |stores| stores.to_string());
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ring::killed::child", "--nocapture", "--test-threads=1"])
            .env(SCRIPT, format!("{script} {} {stores} {}", self.name, self.note.display()))
            .stdin(input)
            .output()
            .unwrap();
        let killed = output.status.signal() == Some(libc::SIGKILL);
        assert!(killed || output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        let note = fs::read(&self.note).unwrap();
        (killed, u64::from_le_bytes(*note.first_chunk().unwrap()))
    }

    fn places(&self) -> BTreeSet<String> {
        String::from_utf8(fs::read(&self.note).unwrap()[8..].to_vec())
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.note);
    }
}

/// Kills `script` before each of its stores; `check` is given the case, whether it was killed, and the steps done.
fn at_every_store<T>(script: &str, prepare: impl Fn(&Case) -> T, check: impl Fn(T, bool, u64)) {
    for stores in 0.. {
        let case = Case::new();
        let prepared = prepare(&case);
        let (killed, done) = case.run(script, Some(stores));
        check(prepared, killed, done);
        if !killed {
            println!("{script}: killed at {stores} stores");
            break;
        }
    }
}

/// Says that somebody sleeps on the word, and wants the bell, so that whoever publishes has somebody to wake.
fn pretend_to_wait(ring: &Ring, word: usize) {
    View::new(ring.segment().clone()).u32_at(word).fetch_or(waiting::SLEEPS | waiting::BELL, AcqRel);
}

fn options(mode: Mode) -> Options {
    Options::new().mode(mode).capacity(1 << 14).max_message(if mode == Mode::Broadcast {
        508
    } else {
        100_000
    })
}

/// Takes the ring so far round that the next frames need padding.
fn near_the_end(ring: &Ring) {
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    for _ in 0..ring.capacity() / 512 - 2 {
        sender.send(&[0; 508]).unwrap();
        drop(receiver.recv().unwrap());
    }
}

/// Receives what a producer left: frames 0, 1, ..., at least those that it knew to be sent and at most one more.
fn check_drained(receiver: &mut Receiver, killed: bool, done: u64, payload: impl Fn(u64) -> Vec<u8>) -> u64 {
    let mut next = 0;
    loop {
        match receiver.recv_timeout(SOON) {
            Ok(found) => {
                assert!(*found == *payload(next), "frame {next}");
                next += 1;
            }
            Err(Error::PeerDied) if killed => break,
            Err(Error::Closed) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert!((done..=done + 1).contains(&next), "{next} frames came, and {done} were sent");
    assert!(killed || next == done);
    next
}

#[test]
fn a_killed_producer_leaves_whole_frames_and_its_seat() {
    for (mode, script) in
        [(Mode::Spsc, "send"), (Mode::Mpsc, "send"), (Mode::Mpsc, "claim"), (Mode::Spsc, "claim")]
    {
        at_every_store(
            script,
            |case| {
                let ring = case.ring(&options(mode));
                near_the_end(&ring);
                pretend_to_wait(&ring, consumer::WAITING);
                ring
            },
            |ring, killed, done| {
                let mut receiver = ring.receiver().unwrap();
                if killed && done == 0 && receiver.peer_state() == PeerState::Closed {
                    // It had not sat down: the seat is as it was.
                } else {
                    check_drained(&mut receiver, killed, done, frame);
                }
                // A successor goes on, whether or not the reader was at it before.
                let mut sender = ring.sender().unwrap();
                for number in 0..FRAMES {
                    send(&mut sender, number);
                    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), frame(number));
                }
                drop(sender);
                assert!(matches!(receiver.recv(), Err(Error::Closed)));
            },
        );
    }
}

#[test]
fn a_successor_finds_what_a_killed_producer_left_unread() {
    for (mode, script) in [(Mode::Spsc, "send"), (Mode::Mpsc, "send"), (Mode::Mpsc, "claim")] {
        at_every_store(
            script,
            |case| case.ring(&options(mode).capacity(1 << 16)),
            |ring, _, done| {
                let mut sender = ring.sender().unwrap();
                sender.send(b"successor").unwrap();
                drop(sender);
                let mut receiver = ring.receiver().unwrap();
                let mut next = 0;
                loop {
                    let found = receiver.recv_timeout(SOON).unwrap();
                    if *found == *b"successor" {
                        break;
                    }
                    assert_eq!(&*found, frame(next));
                    next += 1;
                }
                assert!((done..=done + 1).contains(&next), "{next} frames came, and {done} were sent");
                drop(receiver);
                assert!(matches!(ring.receiver().unwrap().try_recv(), Err(Error::Closed)));
            },
        );
    }
}

#[test]
fn a_producer_killed_anywhere_stops_no_other_producer() {
    for script in ["send", "claim"] {
        at_every_store(
            script,
            |case| {
                let ring = case.ring(&options(Mode::Mpsc).capacity(1 << 16));
                near_the_end(&ring);
                // Its slot is not that of the dead: it finds the lock taken, and settles what they left.
                let sender = ring.sender().unwrap();
                (ring, sender)
            },
            |(ring, mut sender), _, done| {
                for number in 100..110 {
                    send(&mut sender, number);
                }
                let mut receiver = ring.receiver().unwrap();
                let (mut of_the_dead, mut others) = (0, 100);
                while others < 110 {
                    let found = receiver.recv_timeout(SOON).unwrap();
                    let number = u64::from_le_bytes(*found.first_chunk().unwrap());
                    let expected = if number < 100 { &mut of_the_dead } else { &mut others };
                    assert_eq!((number, &*found), (*expected, &*frame(number)));
                    *expected += 1;
                }
                assert!((done..=done + 1).contains(&of_the_dead), "{of_the_dead} of {done}");
            },
        );
    }
}

#[test]
fn one_killed_while_it_waits_for_a_dead_holder_of_the_lock_leaves_it_to_the_next() {
    at_every_store(
        "locked",
        |case| case.ring(&options(Mode::Mpsc)),
        |ring, _, done| {
            let mut sender = ring.sender().unwrap();
            sender.send_timeout(b"after", SOON).unwrap();
            let mut receiver = ring.receiver().unwrap();
            let mut before = 0;
            while *receiver.recv_timeout(SOON).unwrap() != *b"after" {
                before += 1;
            }
            assert!((done..=1).contains(&before));
        },
    );
}

#[test]
fn an_undertaker_may_be_killed_as_well() {
    // Every place in the first claims where a producer can die, and every store of the one who settles that: the reader,
    // or the next producer, whose slot is another.
    for undertaker in ["bury", "claim"] {
        for stores in 0.. {
            let mut undertaken = 0;
            loop {
                let case = Case::new();
                let ring = case.ring(&options(Mode::Mpsc));
                near_the_end(&ring);
                let other = ring.sender().unwrap();
                let (_, done) = case.run("send", Some(stores));
                if done > 0 {
                    break;
                }
                if undertaker == "claim" {
                    drop(other);
                }
                let (killed, _) = case.run(undertaker, Some(undertaken));
                let mut sender = ring.sender().unwrap();
                sender.send_timeout(b"after", SOON).unwrap();
                let mut receiver = ring.receiver().unwrap();
                let mut numbers = Vec::new();
                loop {
                    let found = receiver.recv_timeout(SOON).unwrap();
                    if *found == *b"after" {
                        break;
                    }
                    let number = u64::from_le_bytes(*found.first_chunk().unwrap());
                    assert_eq!(&*found, frame(number));
                    numbers.push(number);
                }
                // Of the first: what it had sent, and at most one more. Then, in order, what the second sent.
                let second =
                    numbers.iter().skip(1).position(|number| *number == 0).map_or(numbers.len(), |at| at + 1);
                let is_run = |numbers: &[u64]| numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
                assert!(is_run(&numbers[..second]) && is_run(&numbers[second..]), "{numbers:?}");
                if !killed || undertaken > 60 {
                    break;
                }
                undertaken += 1;
            }
            if undertaken == 0 {
                break;
            }
        }
    }
}

#[test]
fn a_long_message_of_a_killed_producer_comes_whole_or_not_at_all() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        at_every_store(
            "fragments",
            |case| case.ring(&options(mode).capacity(1 << 14).max_message(100_000)),
            |ring, killed, done| {
                let mut receiver = ring.receiver().unwrap();
                if receiver.peer_state() != PeerState::Never {
                    check_drained(&mut receiver, killed, done, long);
                }
                let mut sender = ring.sender().unwrap();
                sender.send(&long(9)).unwrap();
                assert!(*receiver.recv_timeout(SOON).unwrap() == *long(9));
            },
        );
    }
}

#[test]
fn a_killed_reader_loses_nothing_and_repeats_only_what_it_had_not_released() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        at_every_store(
            "recv",
            |case| {
                let ring = case.ring(&options(mode));
                let mut sender = ring.sender().unwrap();
                for number in 0..FRAMES {
                    // What is given up lies between the frames, and the reader skips it.
                    drop(sender.claim(16).unwrap());
                    send(&mut sender, number);
                }
                pretend_to_wait(&ring, producer::WAITING);
                ring
            },
            |ring, killed, done| {
                let mut receiver = ring.receiver().unwrap();
                let mut next = None;
                while let Ok(found) = receiver.recv_timeout(SOON) {
                    let number = u64::from_le_bytes(*found.first_chunk().unwrap());
                    assert!(
                        *found == *frame(number) && next.is_none_or(|next| next == number),
                        "frame {number}"
                    );
                    let first = next.is_none();
                    assert!(
                        !first || (done..=done + 1).contains(&number),
                        "{number} after {done} were released"
                    );
                    next = Some(number + 1);
                }
                // Nothing may come again only if everything was released.
                let all_read = if killed { FRAMES - 1..=FRAMES } else { FRAMES..=FRAMES };
                assert!(next.map_or(all_read.contains(&done), |next| next == FRAMES));
            },
        );
    }
}

#[test]
fn one_killed_while_it_waits_leaves_its_seat_and_nothing_else() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        at_every_store(
            "wait",
            |case| case.ring(&options(mode)),
            |ring, _, _| {
                let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
                send(&mut sender, 1);
                assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), frame(1));
            },
        );
        at_every_store(
            "overflow",
            |case| {
                let ring = case.ring(&options(mode));
                let mut sender = ring.sender().unwrap();
                while sender.try_send(&[1; 500]).is_ok() {}
                ring
            },
            |ring, _, _| {
                let mut receiver = ring.receiver().unwrap();
                let mut sender = ring.sender().unwrap();
                while receiver.recv_timeout(Duration::ZERO).is_ok() {}
                send(&mut sender, 1);
                assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), frame(1));
            },
        );
    }
}

#[test]
fn a_killed_broadcaster_leaves_whole_frames_and_their_numbers() {
    at_every_store(
        "send",
        |case| case.ring(&options(Mode::Broadcast).capacity(1 << 14)),
        |ring, killed, done| {
            let mut receiver = ring.receiver_from_oldest().unwrap();
            let mut next = 0;
            if receiver.peer_state() != PeerState::Never {
                next = check_drained(&mut receiver, killed, done, frame);
            }
            // The successor's numbers go on from there: whoever lags counts right.
            let mut sender = ring.sender().unwrap();
            for number in next..next + 100 {
                send(&mut sender, number);
            }
            let missed = match receiver.recv() {
                Err(Error::Lagged { frames, .. }) => frames,
                other => panic!("{other:?}"),
            };
            for number in next + missed..next + 100 {
                assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), frame(number));
            }
        },
    );
}

#[test]
fn a_killed_page_writer_leaves_the_last_whole_value() {
    for stores in 0.. {
        let case = Case::new();
        let page = page::create(&case.name, &page::Options::new().max_bytes(2000)).unwrap();
        let (killed, done) = case.run("page", Some(stores));
        let mut reader = page.reader();
        let version = match reader.read().unwrap() {
            None => 0,
            Some(value) => {
                assert_eq!(value.bytes, frame(value.version - 1));
                value.version
            }
        };
        assert!((done..=done + 1).contains(&version), "version {version}, and {done} were written");
        if reader.writer_state() != PeerState::Never {
            let end = reader.wait(Deadline::after(SOON)).unwrap_err();
            assert_eq!(matches!(end, page::Error::PeerDied), killed);
        }
        assert_eq!(page.writer().unwrap().write(b"next").unwrap(), version + 1);
        assert_eq!(reader.read().unwrap().unwrap().bytes, b"next");
        if !killed {
            println!("page: killed at {stores} stores");
            break;
        }
    }
}
