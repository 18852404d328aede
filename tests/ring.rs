//! What a ring promises, between two sides in one process and in two.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a hostile peer writes through the bare mapping")]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use circlet::ring::{self, Error, Options, PeerState, Poison, Receiver, Ring, Sender, Wait};
use circlet::shm::{self, layout};

const SOON: Duration = Duration::from_secs(20);

fn pair(capacity: u64) -> (Ring, Sender, Receiver) {
    let ring = ring::anonymous(&Options::new().capacity(capacity)).unwrap();
    let (sender, receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    (ring, sender, receiver)
}

fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("circlet-test-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A payload whose length and bytes follow from its number.
fn payload(number: u64, longest: u64) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..(mixed >> 40) % (longest + 1)).map(|i| (mixed >> (i % 57)) as u8).collect()
}

#[test]
fn frames_of_every_length_arrive_whole_and_in_order() {
    let (_, mut sender, mut receiver) = pair(4096);
    let longest = u64::from(sender.max_frame());
    let writer = thread::spawn(move || {
        for number in 0..20_000 {
            sender.send(&payload(number, longest)).unwrap();
        }
    });
    for number in 0..20_000 {
        assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), payload(number, longest), "frame {number}");
    }
    writer.join().unwrap();
    assert!(matches!(receiver.recv(), Err(Error::Closed)));
}

#[test]
fn the_counters_tell_of_every_frame_at_once() {
    let (ring, mut sender, mut receiver) = pair(1 << 16);
    let mut bytes = 0;
    for number in 1..=5000_u64 {
        let payload = payload(number, 120);
        sender.send(&payload).unwrap();
        bytes += payload.len() as u64;
        let stats = ring.stats();
        assert_eq!((stats.frames_sent, stats.payload_bytes_sent), (number, bytes));
        if number % 100 == 0 {
            assert!(stats.used_bytes > 0);
            for _ in 0..100 {
                drop(receiver.recv().unwrap());
            }
            assert_eq!(ring.stats().used_bytes, 0);
        }
    }
    drop(sender);
    let mut successor = ring.sender().unwrap();
    successor.send(b"more").unwrap();
    assert_eq!((ring.stats().frames_sent, ring.stats().payload_bytes_sent), (5001, bytes + 4));
}

#[test]
fn batches_carry_what_single_calls_carry() {
    let (_, mut sender, mut receiver) = pair(8192);
    let writer = thread::spawn(move || {
        let payloads: Vec<_> = (0..30_000).map(|number| payload(number, 100)).collect();
        assert_eq!(sender.send_many(payloads.iter().map(Vec::as_slice)).unwrap(), payloads.len());
    });
    let mut number = 0;
    loop {
        match receiver.recv_many(17) {
            Ok(mut batch) => {
                let before = number;
                for frame in &mut batch {
                    assert_eq!(frame, payload(number, 100));
                    number += 1;
                }
                assert!((1..=17).contains(&(number - before)));
            }
            Err(Error::Closed) => break,
            Err(other) => panic!("{other}"),
        }
    }
    writer.join().unwrap();
    assert_eq!(number, 30_000);
}

#[test]
fn every_payload_is_aligned_to_eight_bytes() {
    let (_, mut sender, mut receiver) = pair(4096);
    for len in [0, 1, 7, 8, 9, 100, 2044] {
        assert_eq!(sender.claim(len).unwrap().as_ptr() as usize % 8, 0);
        sender.send(&vec![1; len]).unwrap();
        assert_eq!(receiver.recv().unwrap().as_ptr() as usize % 8, 0);
    }
}

#[test]
fn the_longest_frame_fits_wherever_the_ring_stands() {
    let (_, mut sender, mut receiver) = pair(4096);
    let longest = vec![9; sender.max_frame() as usize];
    for step in 0..600 {
        sender.try_send(&vec![0; step % 40]).unwrap();
        drop(receiver.recv().unwrap());
        sender.try_send(&longest).unwrap_or_else(|error| panic!("step {step}: {error}"));
        assert_eq!(&*receiver.recv().unwrap(), longest);
    }
}

#[test]
fn a_frame_beyond_the_longest_is_refused_with_the_limit() {
    let (_, mut sender, _receiver) = pair(4096);
    let error = sender.send(&[0; 2045]).unwrap_err();
    assert!(matches!(error, Error::TooLarge { len: 2045, max: 2044 }));
    assert!(error.to_string().contains("2045") && error.to_string().contains("2044"));
}

#[test]
fn a_full_ring_says_what_is_needed_and_what_is_free() {
    let (ring, mut sender, mut receiver) = pair(4096);
    let mut sent = 0;
    let error = loop {
        match sender.try_send(&[0; 60]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full { needed, free } if needed > free));
    assert!(matches!(sender.send_timeout(&[0; 60], Duration::from_millis(5)), Err(Error::TimedOut { .. })));
    assert_eq!(ring.stats().full_events, 2, "the try and the wait");
    for _ in 0..sent {
        assert_eq!(receiver.recv().unwrap().len(), 60);
    }
    sender.try_send(&[0; 60]).unwrap();
}

#[test]
fn a_dropped_claim_leaves_no_frame() {
    let (_, mut sender, mut receiver) = pair(4096);
    sender.claim(100).unwrap().fill(1);
    sender.send(b"kept").unwrap();
    let mut claim = sender.claim(64).unwrap();
    claim[..2].copy_from_slice(b"ab");
    claim.commit_len(2).unwrap();
    assert!(matches!(sender.claim(8).unwrap().commit_len(9), Err(Error::TooLarge { len: 9, max: 8 })));
    assert_eq!(&*receiver.recv().unwrap(), b"kept");
    assert_eq!(&*receiver.recv().unwrap(), b"ab");
    assert!(receiver.try_recv().unwrap().is_none());
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let (_, _sender, mut receiver) = pair(4096);
    for wait in [Wait::default(), Wait::SLEEP, Wait::SPIN] {
        receiver.set_wait(wait);
        let begin = Instant::now();
        assert!(matches!(receiver.recv_timeout(Duration::from_millis(30)), Err(Error::TimedOut { .. })));
        assert!(begin.elapsed() >= Duration::from_millis(30), "{wait:?}");
    }
}

#[test]
fn a_sleeper_is_woken_by_every_frame() {
    let (_, mut sender, mut receiver) = pair(4096);
    let (_, mut back, mut answers) = pair(4096);
    for wait in [Wait::SLEEP, Wait::default()] {
        receiver.set_wait(wait);
        answers.set_wait(wait);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..2000_u32 {
                    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), number.to_le_bytes());
                    back.send(&number.to_le_bytes()).unwrap();
                }
            });
            for number in 0..2000_u32 {
                sender.send(&number.to_le_bytes()).unwrap();
                assert_eq!(&*answers.recv_timeout(SOON).unwrap(), number.to_le_bytes());
            }
        });
    }
}

#[test]
fn a_closed_ring_drains_before_it_says_so() {
    let (ring, mut sender, mut receiver) = pair(4096);
    sender.send(b"last").unwrap();
    drop(sender);
    assert_eq!(&*receiver.recv().unwrap(), b"last");
    assert!(matches!(receiver.recv(), Err(Error::Closed)));
    assert!(matches!(receiver.try_recv(), Err(Error::Closed)));
    let mut successor = ring.sender().unwrap();
    successor.send(b"again").unwrap();
    assert_eq!(&*receiver.recv().unwrap(), b"again");
}

#[test]
fn a_writer_learns_that_its_reader_closed() {
    let (_, mut sender, receiver) = pair(4096);
    drop(receiver);
    let error = loop {
        if let Err(error) = sender.send(&[0; 500]) {
            break error;
        }
    };
    assert!(matches!(error, Error::Closed));
}

#[test]
fn each_side_takes_one_at_a_time() {
    let name = unique("seats");
    let ring = ring::create(&name, &Options::new()).unwrap();
    let other = ring::open(&name).unwrap();
    let sender = ring.sender().unwrap();
    for taken in [ring.sender(), other.sender()] {
        assert!(matches!(taken, Err(Error::Segment(shm::Error::Busy { .. }))));
    }
    drop(sender);
    drop(other.sender().unwrap());
    drop(ring.sender().unwrap());
}

#[test]
fn a_successor_reads_on_after_the_last_released_frame() {
    let (ring, mut sender, mut receiver) = pair(4096);
    for number in 0..4_u8 {
        sender.send(&[number]).unwrap();
    }
    drop(receiver.recv().unwrap());
    drop(receiver);
    assert_eq!(&*ring.receiver().unwrap().recv().unwrap(), [1]);
}

#[test]
fn a_name_ends_with_its_creator() {
    let name = unique("name");
    let ring = ring::create(&name, &Options::new()).unwrap();
    assert!(matches!(
        ring::create(&name, &Options::new()),
        Err(Error::Segment(shm::Error::NameTaken { .. }))
    ));
    let sender = ring.sender().unwrap();
    drop(ring);
    assert!(ring::open(&name).is_ok(), "the sender still has it");
    drop(sender);
    assert!(matches!(ring::open(&name), Err(Error::Segment(shm::Error::NotFound { .. }))));
}

#[test]
fn only_an_abandoned_segment_is_removed_for_its_name() {
    let name = unique("abandoned");
    let path = format!("/dev/shm/{name}");
    let ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
    assert!(!shm::Segment::remove_abandoned(&name).unwrap(), "somebody has it open");
    // As a killed creator leaves it: the file without its locks.
    let contents = std::fs::read(&path).unwrap();
    drop(ring);
    std::fs::write(&path, contents).unwrap();
    assert!(shm::Segment::remove_abandoned(&name).unwrap());
    assert!(matches!(shm::Segment::remove_abandoned(&name), Err(shm::Error::NotFound { .. })));
    std::fs::write(&path, "not ours").unwrap();
    assert!(!shm::Segment::remove_abandoned(&name).unwrap());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_creator_does_not_remove_the_name_of_its_successor() {
    let name = unique("successor");
    let first = ring::create(&name, &Options::new()).unwrap();
    shm::Segment::unlink(&name).unwrap();
    let _second = ring::create(&name, &Options::new()).unwrap();
    drop(first);
    assert!(ring::open(&name).is_ok());
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    for name in ["", "a/b", ".hidden", "a\0b", &"x".repeat(201)] {
        assert!(
            matches!(ring::create(name, &Options::new()), Err(Error::Segment(shm::Error::Name { .. }))),
            "{name:?}"
        );
        assert!(matches!(ring::open(name), Err(Error::Segment(shm::Error::Name { .. }))), "{name:?}");
    }
}

#[test]
fn a_file_that_is_no_ring_is_refused_with_its_own_error() {
    let name = unique("strange");
    let path = format!("/dev/shm/{name}");
    let open = |contents: &[u8]| {
        std::fs::write(&path, contents).unwrap();
        let error = ring::open(&name).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        match error {
            Error::Segment(error) => error,
            other => panic!("{other}"),
        }
    };
    let whole = {
        let name = unique("whole");
        let _ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
        std::fs::read(format!("/dev/shm/{name}")).unwrap()
    };
    assert!(matches!(open(b""), shm::Error::Truncated { found: 0, .. }));
    assert!(matches!(open(&[b'x'; 5000]), shm::Error::Magic { .. }));
    assert!(matches!(open(&whole[..whole.len() - 1]), shm::Error::Truncated { .. }));
    let mut later = whole.clone();
    later[layout::header::MAJOR] = 2;
    assert!(matches!(open(&later), shm::Error::Version { major: 2, minor: 0 }));
    let mut other_mode = whole.clone();
    other_mode[layout::header::MODE] = 200;
    assert!(matches!(open(&other_mode), shm::Error::UnknownMode { found: 200 }));
}

#[test]
fn a_descriptor_that_can_be_truncated_is_refused() {
    let name = unique("unsealed");
    let ring = ring::create(&name, &Options::new()).unwrap();
    let error = ring::from_fd(ring.export_fd().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Segment(shm::Error::NotSealed { .. })));
}

#[test]
fn an_anonymous_ring_works_through_its_descriptor() {
    let ring = ring::anonymous(&Options::new()).unwrap();
    let far = ring::from_fd(ring.export_fd().unwrap()).unwrap();
    let (mut sender, mut receiver) = (ring.sender().unwrap(), far.receiver().unwrap());
    assert_eq!(receiver.peer_state(), PeerState::Alive);
    sender.send(b"through").unwrap();
    assert_eq!(&*receiver.recv().unwrap(), b"through");
}

#[test]
fn copies_of_a_descriptor_are_told_apart() {
    let ring = ring::anonymous(&Options::new()).unwrap();
    let descriptor = ring.export_fd().unwrap();
    let one = ring::from_fd(descriptor.try_clone().unwrap()).unwrap();
    let two = ring::from_fd(descriptor).unwrap();
    let _sender = one.sender().unwrap();
    assert!(matches!(two.sender(), Err(Error::Segment(shm::Error::Busy { .. }))));
}

#[test]
fn a_spoilt_word_poisons_the_reader_and_nothing_else_happens() {
    for (word, position) in [(ring::frame::COMMITTED | 3000, 0_u64), (ring::frame::CLAIMED | 8, 0), (77, 0)] {
        let (ring, _sender, mut receiver) = pair(4096);
        shared_u32(&ring, layout::DATA).store(word, Ordering::Release);
        let first = receiver.recv().unwrap_err();
        assert!(matches!(first, Error::Poisoned { .. }), "{position}: {first}");
        assert!(matches!(receiver.try_recv(), Err(Error::Poisoned { .. })), "it stays poisoned");
    }
}

#[test]
fn a_head_out_of_range_poisons_the_writer() {
    let (ring, mut sender, _receiver) = pair(4096);
    shared_u64(&ring, layout::consumer::HEAD).store(1 << 40, Ordering::Release);
    let error = loop {
        if let Err(error) = sender.try_send(&[0; 1000]) {
            break error;
        }
    };
    assert!(matches!(error, Error::Poisoned { what: Poison::Positions { .. } }), "{error}");
}

#[test]
fn a_successor_of_a_writer_killed_before_its_tail_keeps_the_frame() {
    let (ring, mut sender, mut receiver) = pair(4096);
    sender.send(b"seen by its word alone").unwrap();
    drop(sender);
    // As a kill between the store of the word and the store of the tail leaves it.
    shared_u64(&ring, layout::producer::TAIL).store(0, Ordering::Release);
    ring.sender().unwrap().send(b"next").unwrap();
    assert_eq!(&*receiver.recv().unwrap(), b"seen by its word alone");
    assert_eq!(&*receiver.recv().unwrap(), b"next");
}

#[test]
fn a_successor_goes_on_where_the_reader_has_released_what_the_tail_does_not_tell() {
    let (ring, mut sender, mut receiver) = pair(4096);
    sender.send(b"seen by its word alone").unwrap();
    drop(receiver.recv().unwrap());
    drop(sender);
    shared_u64(&ring, layout::producer::TAIL).store(0, Ordering::Release);
    let mut successor = ring.sender().unwrap();
    successor.send(b"next").unwrap();
    assert_eq!(&*receiver.recv().unwrap(), b"next");
    assert_eq!((ring.stats().frames_sent, ring.stats().frames_received), (2, 2));
    drop(receiver);
    drop(ring.receiver().unwrap());
}

#[test]
fn positions_and_counters_at_their_end_do_no_harm() {
    let ring = ring::anonymous(&Options::new().capacity(4096)).unwrap();
    let near_the_end = 0_u64.wrapping_sub(64);
    for offset in [layout::consumer::HEAD, layout::producer::TAIL] {
        shared_u64(&ring, offset).store(near_the_end, Ordering::Release);
    }
    let slot = |field| layout::slot::at(0, field);
    for offset in [layout::consumer::FRAMES, slot(layout::slot::FRAMES), slot(layout::slot::BYTES)] {
        shared_u64(&ring, offset).store(u64::MAX, Ordering::Release);
    }
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    // The frame does not fit before the end: padding takes both sides over it.
    for number in 0..20_u8 {
        sender.send(&[number; 100]).unwrap();
        assert_eq!(&*receiver.recv().unwrap(), [number; 100]);
    }
}

#[test]
fn a_batch_that_nobody_takes_from_loses_nothing() {
    let (ring, mut sender, mut receiver) = pair(4096);
    sender.send_many([b"one".as_slice(), b"two"]).unwrap();
    drop(receiver.recv_many(16).unwrap());
    assert_eq!((&mut receiver.recv_many(16).unwrap()).into_iter().take(0).count(), 0);
    assert_eq!(ring.stats().frames_received, 0);
    for frame in (&mut receiver.recv_many(16).unwrap()).into_iter().take(1) {
        assert_eq!(frame, b"one");
    }
    assert_eq!(&*receiver.recv().unwrap(), b"two");
}

#[test]
fn a_peer_that_strikes_its_seat_from_the_record_is_dead() {
    let (ring, mut sender, mut receiver) = pair(4096);
    sender.send(b"x").unwrap();
    drop(receiver.recv().unwrap());
    assert_eq!(receiver.peer_state(), PeerState::Alive);
    drop(sender);
    shared_u32(&ring, layout::producer::SEATS).store(layout::seat::NEVER, Ordering::Release);
    assert!(matches!(receiver.recv(), Err(Error::PeerDied)));
}

#[test]
fn the_counters_say_what_went_through() {
    let (ring, mut sender, mut receiver) = pair(4096);
    for _ in 0..3 {
        sender.send(&[0; 10]).unwrap();
    }
    drop(receiver.recv().unwrap());
    let stats = ring.stats();
    assert_eq!((stats.frames_sent, stats.frames_received, stats.payload_bytes_sent), (3, 1, 30));
    assert_eq!((stats.used_bytes, stats.capacity_bytes), (32, 4096));
    assert_eq!((stats.producer, stats.consumer), (PeerState::Alive, PeerState::Alive));
}

fn shared_u32(ring: &Ring, offset: usize) -> &AtomicU32 {
    // SAFETY: the offset lies inside the segment and is aligned.
    unsafe { &*ring.segment().base().as_ptr().add(offset).cast() }
}

fn shared_u64(ring: &Ring, offset: usize) -> &AtomicU64 {
    // SAFETY: as above.
    unsafe { &*ring.segment().base().as_ptr().add(offset).cast() }
}
