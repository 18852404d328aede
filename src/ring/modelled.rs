//! The protocols under a model checker: every order of their loads and stores that the memory model allows, up to a number
//! of preemptions (loom; Norris and Demsky, CDSChecker, 2013).
//!
//! A frame that is read before it was written is a data race, a wake-up that is lost is a deadlock, and either ends the
//! model. A process that dies is a thread whose stores no longer happen. The asymmetric fence of the mapping
//! (`membarrier`) is a full fence on both sides here, which is what it amounts to.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::frame::{COMMITTED, EMPTY, Rules};
use super::protocol::{Consumer, Many, Memory, Reader, Shared, Single, Taken, Writer};
use super::{Deadline, Error, Wait};
use crate::shm::layout::{SIGNPOSTS, consumer, producer, signpost, slot};
use crate::shm::{self, Patience, Place, seat_word};

const CAPACITY: u64 = 64;
/// A frame with this payload takes 16 bytes: three fit into the ring.
const LEN: u32 = 8;
const RULES: Rules = Rules { capacity: CAPACITY, max_frame: 12, claims: false, fragments: false };
const CLAIMS: Rules = Rules { claims: true, ..RULES };
/// What lies where no frame has been written this time round.
const STALE: u32 = COMMITTED | LEN;
/// Producers that a model has at the most.
const SLOTS: usize = 2;

/// A word, whose stores no longer happen once their thread is dead.
struct Word<Atomic>(Atomic);

loom::thread_local! {
    /// How many stores this thread still makes before it dies, if it dies.
    static LEFT: std::cell::Cell<Option<u32>> = std::cell::Cell::new(None);
}

/// Counts a store of this thread; `false` if it is dead.
fn lives() -> bool {
    LEFT.with(|left| match left.get() {
        Some(0) => false,
        Some(stores) => {
            left.set(Some(stores - 1));
            true
        }
        None => true,
    })
}

macro_rules! share {
    ($atomic:ty, $value:ty) => {
        impl Shared<$value> for Word<$atomic> {
            fn load(&self, order: Ordering) -> $value {
                self.0.load(order)
            }

            fn store(&self, value: $value, order: Ordering) {
                if lives() {
                    self.0.store(value, order);
                }
            }

            fn swap(&self, value: $value, order: Ordering) -> $value {
                if lives() { self.0.swap(value, order) } else { self.0.load(Ordering::Relaxed) }
            }

            fn fetch_or(&self, bits: $value, order: Ordering) -> $value {
                if lives() { self.0.fetch_or(bits, order) } else { self.0.load(Ordering::Relaxed) }
            }

            fn fetch_and(&self, bits: $value, order: Ordering) -> $value {
                if lives() { self.0.fetch_and(bits, order) } else { self.0.load(Ordering::Relaxed) }
            }

            fn replace(&self, current: $value, new: $value, success: Ordering) -> bool {
                // Whoever is dead sees what lets it come to its end.
                !lives() || self.0.compare_exchange(current, new, success, Ordering::Relaxed).is_ok()
            }
        }
    };
}

share!(AtomicU32, u32);
share!(AtomicU64, u64);

/// A segment of the model.
struct Model {
    small: HashMap<usize, Word<AtomicU32>>,
    large: HashMap<usize, Word<AtomicU64>>,
    words: Vec<Word<AtomicU32>>,
    /// One for each place where a payload can begin, as the payloads are all of eight bytes.
    payloads: Vec<UnsafeCell<u64>>,
    /// The same for broadcast, where reader and writer meet.
    open_payloads: Vec<AtomicU64>,
    held: Vec<AtomicBool>,
    asleep: Mutex<()>,
    woken: Condvar,
}

/// The model's threads are coroutines of one.
#[derive(Clone)]
struct Segment(Rc<Model>);

impl Segment {
    fn new() -> Self {
        let mut small = vec![producer::LOCK, producer::WAITING, consumer::WAITING];
        small.extend((0..SLOTS).map(seat_word));
        let mut large = vec![producer::TAIL, producer::INTENT, consumer::HEAD, consumer::FRAMES];
        large.extend(
            (0..SLOTS).flat_map(|index| (0..slot::STRIDE / 2).step_by(8).map(move |at| slot::at(index, at))),
        );
        large.extend((0..2 * SIGNPOSTS).map(|index| signpost::BASE + 8 * index));
        let places = 0..CAPACITY / 8;
        Self(Rc::new(Model {
            small: small.into_iter().map(|offset| (offset, Word(AtomicU32::new(0)))).collect(),
            large: large.into_iter().map(|offset| (offset, Word(AtomicU64::new(0)))).collect(),
            // As an earlier way round left them: all but the word at the tail.
            words: places
                .clone()
                .map(|place| Word(AtomicU32::new(if place == 0 { EMPTY } else { STALE })))
                .collect(),
            payloads: places.clone().map(|_| UnsafeCell::new(0)).collect(),
            open_payloads: places.map(|_| AtomicU64::new(0)).collect(),
            held: (0..SLOTS).map(|_| AtomicBool::new(false)).collect(),
            asleep: Mutex::new(()),
            woken: Condvar::new(),
        }))
    }

    fn place(position: u64) -> usize {
        (position % CAPACITY / 8) as usize
    }

    fn write(&self, position: u64, value: u64) {
        if LEFT.with(std::cell::Cell::get) != Some(0) {
            // SAFETY: the model checker holds against it that nobody else is at it.
            self.0.payloads[Self::place(position)].with_mut(|payload| unsafe { *payload = value });
        }
    }

    fn read(&self, position: u64) -> u64 {
        // SAFETY: as above.
        self.0.payloads[Self::place(position)].with(|payload| unsafe { *payload })
    }

    /// Sits down in a slot, as a process does.
    fn sit(&self, slot: usize) {
        assert!(self.hold_seat(slot));
        self.u32_at(seat_word(slot)).store(shm::layout::seat::TAKEN, Ordering::Release);
    }

    /// As the kernel does it when a process has died.
    fn die(&self, slot: usize) {
        self.0.held[slot].store(false, Ordering::Release);
    }
}

impl Memory for Segment {
    type U32 = Word<AtomicU32>;
    type U64 = Word<AtomicU64>;

    fn u32_at(&self, offset: usize) -> &Self::U32 {
        &self.0.small[&offset]
    }

    fn u64_at(&self, offset: usize) -> &Self::U64 {
        &self.0.large[&offset]
    }

    fn frame_word(&self, position: u64) -> &Self::U32 {
        &self.0.words[Self::place(position)]
    }

    fn fence(&self, order: Ordering) {
        fence(order);
    }

    fn order_publish(&self) {
        fence(Ordering::SeqCst);
    }

    fn order_sleep(&self) -> bool {
        fence(Ordering::SeqCst);
        true
    }

    fn futex_wait(&self, word: &Self::U32, expected: u32, _: Duration) {
        let asleep = self.0.asleep.lock().unwrap();
        if word.load(Ordering::Relaxed) == expected {
            drop(self.0.woken.wait(asleep).unwrap());
        }
    }

    fn futex_wake(&self, _: &Self::U32) {
        drop(self.0.asleep.lock().unwrap());
        self.0.woken.notify_all();
    }

    fn ring_bell(&self) {}

    fn relax(&self, _: u32) {
        thread::yield_now();
    }

    fn seat_is_held(&self, seat: usize) -> bool {
        self.0.held[seat].load(Ordering::Acquire)
    }

    fn hold_seat(&self, seat: usize) -> bool {
        self.0.held[seat].compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn let_go_of_seat(&self, seat: usize) {
        self.0.held[seat].store(false, Ordering::Release);
    }
}

/// Runs a model with every schedule of up to so many preemptions.
fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(run);
}

fn wait<T>(
    segment: &Segment,
    word: usize,
    is_shared: bool,
    attempt: impl FnMut(bool) -> Result<Option<T>, Error>,
) -> T {
    let mut patience = Patience::new(Wait::SLEEP, 0);
    let place = Place { word, is_shared };
    shm::sleep_until(segment, place, &mut patience, Deadline::NEVER, || true, attempt).unwrap().unwrap()
}

fn receive(segment: &Segment, consumer: &mut Consumer<Segment>) -> Taken {
    consumer.release();
    wait(segment, consumer::WAITING, false, |look_at_peer| {
        if look_at_peer {
            consumer.look_at_claim()?;
        }
        Ok(consumer.take()?)
    })
}

fn room<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(Error::Full { .. }) => Ok(None),
        other => other.map(Some),
    }
}

fn send(segment: &Segment, single: &mut Single<Segment>, value: u64) {
    let position = wait(segment, producer::WAITING, false, |_| room(single.reserve(LEN)));
    segment.write(position, value);
    single.publish(LEN, 0);
    shm::wake(segment, consumer::WAITING);
}

#[test]
fn one_producer_and_one_consumer_lose_and_repeat_nothing() {
    model(3, || {
        let segment = Segment::new();
        let far = segment.clone();
        let writer = thread::spawn(move || {
            let mut single = Single::new(far.clone(), RULES).unwrap();
            // More than fit: it waits for room, and goes round the end.
            for value in 1..=4 {
                send(&far, &mut single, value);
            }
        });
        let mut reader = Consumer::new(segment.clone(), RULES).unwrap();
        for value in 1..=4 {
            let taken = receive(&segment, &mut reader);
            assert_eq!((taken.len, segment.read(taken.position)), (LEN, value));
        }
        reader.release();
        writer.join().unwrap();
    });
}

#[test]
fn a_successor_of_a_producer_that_died_at_any_store_goes_on() {
    for stores in 0..12 {
        model(2, move || {
            let segment = Segment::new();
            let far = segment.clone();
            let writer = thread::spawn(move || {
                LEFT.with(|left| left.set(Some(stores)));
                let mut single = Single::new(far.clone(), RULES).unwrap();
                for value in 1..=2 {
                    send(&far, &mut single, value);
                }
                LEFT.with(|left| left.set(None));
                let mut single = Single::new(far.clone(), RULES).unwrap();
                send(&far, &mut single, 9);
            });
            let mut reader = Consumer::new(segment.clone(), RULES).unwrap();
            let mut next = 1;
            loop {
                let taken = receive(&segment, &mut reader);
                let value = segment.read(taken.position);
                if value == 9 {
                    break;
                }
                assert_eq!(value, next);
                next += 1;
            }
            writer.join().unwrap();
        });
    }
}

fn claim(segment: &Segment, many: &mut Many<Segment>, value: u64) {
    let claimed = wait(segment, producer::WAITING, true, |_| room(many.reserve(LEN, Deadline::NEVER)));
    segment.write(claimed.0, value);
    many.publish(claimed.0, claimed.1, LEN, 0);
    shm::wake(segment, consumer::WAITING);
}

#[test]
fn two_producers_and_one_consumer_lose_and_repeat_nothing() {
    model(2, || {
        let segment = Segment::new();
        let writers: Vec<_> = (0..2)
            .map(|slot| {
                let far = segment.clone();
                far.sit(slot);
                let mut many = Many::new(far.clone(), CLAIMS, slot).unwrap();
                thread::spawn(move || claim(&far, &mut many, slot as u64))
            })
            .collect();
        let mut reader = Consumer::new(segment.clone(), CLAIMS).unwrap();
        let mut seen: Vec<_> = (0..2)
            .map(|_| {
                let taken = receive(&segment, &mut reader);
                segment.read(taken.position)
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1]);
        reader.release();
        for writer in writers {
            writer.join().unwrap();
        }
    });
}

#[test]
fn a_producer_that_dies_at_any_store_of_a_claim_costs_its_own_frame_alone() {
    // Lock, two notes, zero word, claim, tail, unlock, commit, two counters, waking.
    for stores in 0..12 {
        model(2, move || {
            let segment = Segment::new();
            segment.sit(0);
            segment.sit(1);
            let far = segment.clone();
            let mut many = Many::new(far.clone(), CLAIMS, 0).unwrap();
            let dying = thread::spawn(move || {
                LEFT.with(|left| left.set(Some(stores)));
                claim(&far, &mut many, 1);
                LEFT.with(|left| left.set(None));
                far.die(0);
                // The kernel wakes nobody: here the look that a sleeper takes now and then is this.
                shm::wake(&far, consumer::WAITING);
            });
            let far = segment.clone();
            let mut many = Many::new(far.clone(), CLAIMS, 1).unwrap();
            let living = thread::spawn(move || claim(&far, &mut many, 2));
            let mut reader = Consumer::new(segment.clone(), CLAIMS).unwrap();
            let mut seen = Vec::new();
            while seen.last() != Some(&2) {
                let taken = receive(&segment, &mut reader);
                seen.push(segment.read(taken.position));
            }
            dying.join().unwrap();
            living.join().unwrap();
            reader.release();
            // What the dying one committed may come after the other's; nothing comes twice.
            reader.look_at_claim().unwrap();
            while let Some(taken) = reader.take().unwrap() {
                seen.push(segment.read(taken.position));
                reader.look_at_claim().unwrap();
            }
            seen.sort_unstable();
            assert!(seen == [2] || seen == [1, 2], "{seen:?}");
        });
    }
}

#[test]
fn what_a_broadcast_reader_takes_is_whole_and_what_it_misses_is_counted() {
    model(2, || {
        let segment = Segment::new();
        let far = segment.clone();
        let mut reader = Reader::new(segment.clone(), RULES, true);
        let mut writer = Writer::new(far.clone(), RULES).unwrap();
        let send = |writer: &mut Writer<Segment>, far: &Segment, value| {
            let position = writer.reserve(LEN);
            far.0.open_payloads[Segment::place(position)].store(value, Ordering::Relaxed);
            // Nobody is woken: that would order what must be in order without it.
            writer.publish(LEN);
        };
        for value in 0..3 {
            send(&mut writer, &far, value);
        }
        // The fourth ends where the first began, and the fifth is written over it.
        let writer = thread::spawn(move || {
            for value in 3..5 {
                send(&mut writer, &far, value);
            }
        });
        let mut next = 0;
        let copy =
            |taken: Taken| segment.0.open_payloads[Segment::place(taken.position)].load(Ordering::Relaxed);
        while next < 5 {
            match reader.take(copy) {
                Ok(Some(value)) => {
                    assert_eq!(value, next);
                    next += 1;
                }
                Ok(None) => thread::yield_now(),
                Err(Error::Lagged { frames, .. }) => next += frames,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(next, 5);
        writer.join().unwrap();
    });
}
