//! What the modes of a ring promise, each between threads of this process; `tests/ring_processes.rs` has the processes.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "poll takes a pointer")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use circlet::ring::{self, Deadline, Error, Mode, Options, Overflow, PeerState, Receiver, Ring, Wait};
use circlet::shm;

const SOON: Duration = Duration::from_secs(20);

fn ring(options: Options) -> Ring {
    ring::anonymous(&options).unwrap()
}

fn small(mode: Mode) -> Options {
    Options::new().mode(mode).capacity(4096)
}

/// A payload that says who sent it as the how-manieth, and whose length and other bytes follow from that.
fn payload(producer: u64, number: u64) -> Vec<u8> {
    let mixed = (producer << 40 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [producer.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend((0..(mixed >> 40) % 200).map(|i| (mixed >> (i % 57)) as u8));
    bytes
}

fn sender_and_number(frame: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().unwrap());
    (word(0), word(8))
}

/// Receives until the ring closes, and checks that each producer's frames come whole, in order, without a gap.
fn check_all(receiver: &mut Receiver, producers: usize) -> Vec<u64> {
    let mut next = vec![0; producers];
    loop {
        match receiver.recv_timeout(SOON) {
            Ok(frame) => {
                let (producer, number) = sender_and_number(&frame);
                assert_eq!(number, next[producer as usize], "producer {producer}");
                assert_eq!(&*frame, payload(producer, number));
                next[producer as usize] += 1;
            }
            Err(Error::Closed) => return next,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn many_producers_lose_nothing_and_keep_each_ones_order() {
    const FRAMES: u64 = 5000;
    for wait in [Wait::default(), Wait::SLEEP] {
        let ring = ring(small(Mode::Mpsc));
        let mut receiver = ring.receiver().unwrap();
        receiver.set_wait(wait);
        // All sit down before one of them can be the last to close.
        let senders: Vec<_> = (0..4).map(|_| ring.sender().unwrap()).collect();
        thread::scope(|scope| {
            for (producer, mut sender) in senders.into_iter().enumerate() {
                sender.set_wait(wait);
                scope.spawn(move || {
                    for number in 0..FRAMES {
                        sender.send(&payload(producer as u64, number)).unwrap();
                    }
                });
            }
            assert_eq!(check_all(&mut receiver, 4), [FRAMES; 4]);
        });
        let stats = ring.stats();
        assert_eq!((stats.frames_sent, stats.frames_received, stats.producers), (4 * FRAMES, 4 * FRAMES, 0));
        assert!(stats.high_water_bytes > 0 && stats.high_water_bytes <= 4096);
    }
}

#[test]
fn a_ring_takes_as_many_producers_as_it_has_slots() {
    let ring = ring(small(Mode::Mpsc));
    let senders: Vec<_> = (0..32).map(|_| ring.sender().unwrap()).collect();
    let refused = ring.sender().unwrap_err();
    assert!(matches!(refused, Error::Segment(shm::Error::Busy { takes: 32, .. })), "{refused}");
    assert_eq!(ring.stats().producers, 32);
    drop(senders);
    ring.sender().unwrap();
}

#[test]
fn an_open_claim_holds_the_reader_and_not_the_other_producers() {
    let ring = ring(small(Mode::Mpsc));
    let (mut first, mut second) = (ring.sender().unwrap(), ring.sender().unwrap());
    let mut receiver = ring.receiver().unwrap();
    let mut claim = first.claim(5).unwrap();
    second.send(b"second").unwrap();
    assert!(receiver.try_recv().unwrap().is_none());
    claim.copy_from_slice(b"first");
    claim.commit();
    assert_eq!(&*receiver.recv().unwrap(), b"first");
    assert_eq!(&*receiver.recv().unwrap(), b"second");
}

#[test]
fn what_lies_behind_ever_so_many_claims_that_were_given_up_comes_before_the_end() {
    let ring = ring(Options::new().mode(Mode::Mpsc).capacity(1 << 17));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    for _ in 0..10_000 {
        drop(sender.claim(1).unwrap());
    }
    sender.send(b"last").unwrap();
    drop(sender);
    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"last");
    assert!(matches!(receiver.recv_timeout(SOON), Err(Error::Closed)));
}

#[test]
fn a_claim_that_was_forgotten_is_given_up_by_the_next_call() {
    let ring = ring(small(Mode::Mpsc));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    std::mem::forget(sender.claim(100).unwrap());
    sender.send(b"next").unwrap();
    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"next");
    std::mem::forget(sender.claim(100).unwrap());
    drop(sender);
    assert!(matches!(receiver.recv_timeout(SOON), Err(Error::Closed)));
}

#[test]
fn arming_beside_busy_producers_poisons_nobody() {
    let ring = ring(small(Mode::Mpsc));
    let mut receiver = ring.receiver().unwrap();
    let (mut busy, mut armed) = (ring.sender().unwrap(), ring.sender().unwrap());
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                busy.send(&[1; 300]).unwrap();
            }
        });
        scope.spawn(|| {
            for _ in 0..100_000 {
                armed.arm(100).unwrap();
            }
            armed.send(b"last").unwrap();
            over.store(true, Ordering::Relaxed);
        });
        while *receiver.recv_timeout(SOON).unwrap() != *b"last" {}
        // The busy one may wait for room.
        while !over.load(Ordering::Relaxed) || receiver.try_recv().unwrap().is_some() {
            let _ = receiver.recv_timeout(Duration::from_millis(1));
        }
    });
}

#[test]
fn what_is_given_up_of_a_claim_is_skipped() {
    let ring = ring(small(Mode::Mpsc));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    for round in 0..100 {
        drop(sender.claim(500).unwrap());
        let mut claim = sender.claim(300).unwrap();
        claim[..3].copy_from_slice(b"abc");
        claim.commit_len(3).unwrap();
        assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"abc", "round {round}");
    }
    // Nothing but what was given up: its room comes back all the same.
    for _ in 0..100 {
        drop(sender.claim_timeout(1000, SOON).unwrap());
        assert!(receiver.try_recv().unwrap().is_none());
    }
}

#[test]
fn every_receiver_of_a_broadcast_gets_every_frame() {
    let ring = ring(Options::new().mode(Mode::Broadcast).capacity(1 << 20));
    let mut sender = ring.sender().unwrap();
    let receivers: Vec<_> = (0..3).map(|_| ring.receiver().unwrap()).collect();
    thread::scope(|scope| {
        for mut receiver in receivers {
            scope.spawn(move || assert_eq!(check_all(&mut receiver, 1), [2000]));
        }
        for number in 0..2000 {
            sender.send(&payload(0, number)).unwrap();
        }
        drop(sender);
    });
}

#[test]
fn what_each_receiver_has_not_read_is_its_own_in_a_broadcast_and_one_for_all_else() {
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        let ring = ring(small(mode));
        let mut sender = ring.sender().unwrap();
        let mut receiver = ring.receiver().unwrap();
        let send = |sender: &mut ring::Sender| sender.send(b"frame").unwrap();
        assert_eq!(receiver.unread_frames(), 0);
        (0..3).for_each(|_| send(&mut sender));
        assert_eq!(receiver.unread_frames(), 3, "{mode:?}");
        drop(receiver.recv().unwrap());
        assert_eq!(receiver.unread_frames(), 2, "{mode:?}");
        if mode == Mode::Broadcast {
            assert_eq!(ring.receiver().unwrap().unread_frames(), 0, "it begins now");
            // It is overtaken, and goes on with what is there.
            (0..10_000).for_each(|_| send(&mut sender));
            assert_eq!(receiver.unread_frames(), 10_002);
            assert!(matches!(receiver.recv(), Err(Error::Lagged { .. })));
            let unread = receiver.unread_frames();
            assert!(unread < 10_002);
            assert_eq!(
                (0..).take_while(|_| matches!(receiver.try_recv(), Ok(Some(_)))).count() as u64,
                unread
            );
        }
    }
}

#[test]
fn a_broadcast_receiver_begins_with_the_next_frame_or_with_the_oldest() {
    let ring = ring(small(Mode::Broadcast));
    let mut sender = ring.sender().unwrap();
    for number in 0..5_u8 {
        sender.send(&[number]).unwrap();
    }
    let (mut next, mut oldest) = (ring.receiver().unwrap(), ring.receiver_from_oldest().unwrap());
    assert!(next.try_recv().unwrap().is_none());
    sender.send(&[5]).unwrap();
    assert_eq!(&*next.recv().unwrap(), [5]);
    for number in 0..=5_u8 {
        assert_eq!(&*oldest.recv().unwrap(), [number]);
    }
}

#[test]
fn a_receiver_that_lags_learns_exactly_how_many_frames_it_missed() {
    let ring = ring(small(Mode::Broadcast));
    let mut sender = ring.sender().unwrap();
    let mut receiver = ring.receiver().unwrap();
    let mut sent = 0_u64;
    let mut expected = 0_u64;
    for round in 1..200 {
        for _ in 0..round {
            sender.send(&payload(0, sent)).unwrap();
            sent += 1;
        }
        for _ in 0..3 {
            match receiver.try_recv() {
                Ok(Some(frame)) => {
                    assert_eq!(&*frame, payload(0, expected));
                    expected += 1;
                }
                Ok(None) => break,
                Err(Error::Lagged { frames, bytes }) => {
                    assert!(frames > 0 && bytes >= 20 * frames);
                    expected += frames;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    // A batch stops before a gap, and the next one tells of it.
    while expected < sent {
        match receiver.recv_many_by(10, Deadline::now()) {
            Ok(mut batch) => {
                for frame in &mut batch {
                    assert_eq!(frame, payload(0, expected));
                    expected += 1;
                }
            }
            Err(Error::Lagged { frames, .. }) => expected += frames,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn frames_of_a_broadcast_are_never_torn_however_fast_the_writer() {
    let ring = ring(small(Mode::Broadcast));
    let mut sender = ring.sender().unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let mut receiver = ring.receiver_from_oldest().unwrap();
                let over = &over;
                scope.spawn(move || {
                    let (mut expected, mut seen, mut missed) = (0, 0_u64, 0);
                    loop {
                        match receiver.recv_timeout(SOON) {
                            Ok(frame) => {
                                assert_eq!(&*frame, payload(0, expected));
                                expected += 1;
                                seen += 1;
                            }
                            Err(Error::Lagged { frames, .. }) => {
                                expected += frames;
                                missed += frames;
                            }
                            Err(Error::Closed) => break,
                            Err(other) => panic!("{other}"),
                        }
                        if seen == 20_000 {
                            over.store(true, Ordering::Relaxed);
                        }
                    }
                    (expected, seen, missed)
                })
            })
            .collect();
        let mut sent = 0;
        while !over.load(Ordering::Relaxed) {
            sender.send(&payload(0, sent)).unwrap();
            sent += 1;
        }
        drop(sender);
        for reader in readers {
            let (expected, seen, missed) = reader.join().unwrap();
            assert_eq!((expected, seen + missed), (sent, sent));
        }
    });
}

#[test]
fn a_successor_of_a_broadcast_writer_goes_on_counting() {
    let ring = ring(small(Mode::Broadcast));
    let mut receiver = ring.receiver_from_oldest().unwrap();
    let mut number = 0;
    for writer in 0..30 {
        let mut sender = ring.sender().unwrap();
        for _ in 0..writer {
            sender.send(&payload(0, number)).unwrap();
            number += 1;
        }
    }
    let mut expected = 0;
    loop {
        match receiver.recv() {
            Ok(frame) => {
                assert_eq!(&*frame, payload(0, expected));
                expected += 1;
            }
            Err(Error::Lagged { frames, .. }) => expected += frames,
            Err(Error::Closed) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((expected, ring.stats().frames_sent), (number, number));
}

#[test]
fn messages_longer_than_the_ring_arrive_whole() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        let ring = ring(small(mode).max_message(1 << 20));
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        let messages: Vec<Vec<u8>> = [0, 1, 2044, 2045, 5000, 1 << 20, 3, 100_000]
            .iter()
            .map(|len| (0..*len).map(|i: u32| (i / 7) as u8).collect())
            .collect();
        thread::scope(|scope| {
            let messages = &messages;
            scope.spawn(move || {
                for message in messages {
                    sender.send(message).unwrap();
                }
                sender.send_many(messages.iter().map(Vec::as_slice)).unwrap();
                let error = sender.send(&vec![0; (1 << 20) + 1]).unwrap_err();
                assert!(matches!(error, Error::TooLarge { max: 0x10_0000, .. }), "{error}");
                assert!(matches!(sender.claim(2045), Err(Error::TooLarge { max: 2044, .. })));
            });
            for message in messages {
                assert!(
                    *receiver.recv_timeout(SOON).unwrap() == **message,
                    "{mode}: {} bytes",
                    message.len()
                );
            }
            let mut rest = messages.iter();
            while rest.len() > 0 {
                for message in &mut receiver.recv_many(3).unwrap() {
                    assert!(message == rest.next().unwrap(), "{mode}, in batches");
                }
            }
        });
    }
}

#[test]
fn a_message_of_thousands_of_fragments_arrives_whole() {
    let ring = ring(small(Mode::Spsc).max_message(4 << 20));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let message: Vec<u8> = (0..4_u32 << 20).map(|i| (i / 13) as u8).collect();
    thread::scope(|scope| {
        scope.spawn(|| sender.send(&message).unwrap());
        assert!(*receiver.recv_timeout(SOON).unwrap() == *message);
    });
}

#[test]
fn a_try_sends_a_long_message_whole_or_leaves_no_piece_of_it() {
    for start in (0..4096).step_by(200) {
        let ring = ring(small(Mode::Spsc).max_message(10_000));
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        for _ in 0..start / 200 {
            sender.send(&[0; 196]).unwrap();
            drop(receiver.recv().unwrap());
        }
        sender.try_send(&[1; 3000]).unwrap_or_else(|error| panic!("at {start}: {error}"));
        let used = ring.stats().used_bytes;
        for refused in [sender.try_send(&[2; 3000]), sender.send_timeout(&[2; 5000], Duration::ZERO)] {
            assert!(matches!(refused, Err(Error::Full { .. })), "{refused:?}");
        }
        assert_eq!(ring.stats().used_bytes, used);
        assert_eq!(&*receiver.recv().unwrap(), [1; 3000]);
        sender.set_overflow(Overflow::DropNewest);
        sender.send(&[3; 9000]).unwrap();
        assert_eq!((ring.stats().used_bytes, sender.dropped()), (0, 1));
    }
}

#[test]
fn long_messages_of_several_producers_do_not_mix() {
    let ring = ring(small(Mode::Mpsc).max_message(1 << 16));
    let mut receiver = ring.receiver().unwrap();
    let senders: Vec<_> = (0..3).map(|_| ring.sender().unwrap()).collect();
    thread::scope(|scope| {
        for (producer, mut sender) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                for number in 0..50_u32 {
                    let len = if number % 3 == 0 { 20 } else { 3000 + 100 * number };
                    sender.send(&vec![producer as u8; len as usize]).unwrap();
                }
            });
        }
        let mut received = [0_u32; 3];
        for _ in 0..150 {
            let message = receiver.recv_timeout(SOON).unwrap();
            let producer = message[0];
            let number = received[producer as usize];
            let len = if number % 3 == 0 { 20 } else { 3000 + 100 * number };
            assert!(message.len() == len as usize && message.iter().all(|byte| *byte == producer));
            received[producer as usize] += 1;
        }
    });
}

#[test]
fn a_message_that_was_given_up_half_way_is_not_delivered() {
    let ring = ring(small(Mode::Spsc).max_message(1 << 16));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let error = sender.send_timeout(&[1; 10_000], Duration::from_millis(5)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }));
    thread::scope(|scope| {
        scope.spawn(|| sender.send(&[2; 6000]).unwrap());
        assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), [2; 6000]);
    });
}

#[test]
fn a_full_ring_blocks_fails_or_drops_as_it_was_made() {
    let fill = |overflow| {
        let ring = ring(small(Mode::Spsc).overflow(overflow));
        let mut sender = ring.sender().unwrap();
        let results: Vec<_> =
            (0..100).map(|_| sender.send_timeout(&[0; 60], Duration::from_millis(1))).collect();
        let failed = results.into_iter().find_map(Result::err);
        (ring.stats(), failed, sender.dropped())
    };
    let (stats, failed, _) = fill(Overflow::Block);
    assert!(matches!(failed, Some(Error::TimedOut { .. })) && stats.dropped == 0);
    let (stats, failed, _) = fill(Overflow::Fail);
    assert!(matches!(failed, Some(Error::Full { .. })) && stats.dropped == 0 && stats.producer_waits == 0);
    let (stats, failed, dropped) = fill(Overflow::DropNewest);
    assert!(failed.is_none() && dropped == 100 - stats.frames_sent && stats.dropped == dropped);
    assert!(stats.full_events == dropped && stats.high_water_bytes > 3900);
}

#[test]
fn a_side_may_choose_another_overflow_for_itself() {
    let ring = ring(small(Mode::Spsc).overflow(Overflow::DropNewest));
    let mut sender = ring.sender().unwrap();
    while sender.dropped() == 0 {
        sender.send(&[0; 500]).unwrap();
    }
    sender.set_overflow(Overflow::Fail);
    assert!(matches!(sender.send(&[0; 500]), Err(Error::Full { .. })));
}

fn is_readable(fd: BorrowedFd<'_>, timeout_ms: i32) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the struct is whole and outlives the call.
    unsafe { libc::poll(&raw mut poll, 1, timeout_ms) == 1 }
}

#[test]
fn a_doorbell_rings_for_frames_for_room_and_for_an_end() {
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        let ring = ring(small(mode));
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        assert!(!receiver.arm().unwrap(), "{mode}: nothing yet");
        assert!(!is_readable(receiver.fd().unwrap(), 0));
        sender.send(b"one").unwrap();
        assert!(is_readable(receiver.fd().unwrap(), 20_000), "{mode}: a frame");
        assert!(receiver.arm().unwrap(), "{mode}: it is still there");
        assert_eq!(&*receiver.recv().unwrap(), b"one");
        assert!(!receiver.arm().unwrap());
        if mode != Mode::Broadcast {
            while sender.try_send(&[0; 100]).is_ok() {}
            assert!(!sender.arm(100).unwrap());
            assert!(!is_readable(sender.fd().unwrap(), 0) || !sender.arm(100).unwrap());
            for _ in 0..3 {
                drop(receiver.recv().unwrap());
            }
            assert!(is_readable(sender.fd().unwrap(), 20_000), "{mode}: room");
            assert!(sender.arm(100).unwrap());
            while receiver.try_recv().unwrap().is_some() {}
        } else {
            assert!(sender.arm(100).unwrap(), "a broadcast always has room");
        }
        receiver.arm().unwrap();
        drop(sender);
        assert!(is_readable(receiver.fd().unwrap(), 20_000), "{mode}: the end");
        assert!(receiver.arm().unwrap());
        assert!(matches!(receiver.try_recv(), Err(Error::Closed)));
    }
}

#[test]
fn a_doorbell_is_never_missed() {
    let ring = ring(small(Mode::Spsc));
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..20_000_u32 {
                sender.send(&number.to_le_bytes()).unwrap();
            }
        });
        let mut expected = 0_u32;
        while expected < 20_000 {
            if !receiver.arm().unwrap() {
                assert!(is_readable(receiver.fd().unwrap(), 20_000), "frame {expected}");
            }
            while let Ok(Some(frame)) = receiver.try_recv() {
                assert_eq!(*frame, expected.to_le_bytes());
                expected += 1;
            }
        }
    });
}

#[test]
fn both_sides_must_agree_on_the_schema() {
    let ring = ring(small(Mode::Spsc).schema("prices v1"));
    let open = |options: &Options| ring::from_fd_with(ring.export_fd().unwrap(), options);
    open(&Options::new().schema("prices v1")).unwrap();
    for wrong in ["", "prices v2"] {
        let error = open(&Options::new().schema(wrong)).unwrap_err();
        assert!(error.to_string().contains("prices v1") && error.to_string().contains(wrong), "{error}");
    }
    let long = "x".repeat(57);
    for tag in ["a\0b", &long] {
        let error = ring::anonymous(&Options::new().schema(tag)).unwrap_err();
        assert!(matches!(error, Error::Segment(shm::Error::SchemaTag { .. })), "{error}");
    }
}

#[test]
fn options_that_a_mode_does_not_have_are_refused() {
    let refused = |options: Options| match ring::anonymous(&options) {
        Err(Error::Segment(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        refused(small(Mode::Broadcast).max_message(4096)),
        shm::Error::MaxMessage { max: 508, .. }
    ));
    assert!(matches!(refused(small(Mode::Spsc).max_message(0)), shm::Error::MaxMessage { .. }));
    assert!(matches!(refused(small(Mode::Spsc).max_message(u32::MAX)), shm::Error::MaxMessage { .. }));
    assert!(matches!(refused(small(Mode::Page)), shm::Error::Mode { .. }));
}

#[test]
fn a_named_ring_has_the_permissions_that_were_asked_for() {
    let name = format!("circlet-test-permissions-{}", std::process::id());
    let bits = |options: &Options| {
        let _ring = ring::create(&name, options).unwrap();
        std::fs::metadata(format!("/dev/shm/{name}")).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!(bits(&Options::new()), 0o600);
    assert_eq!(bits(&Options::new().permissions(0o660)), 0o660);
    for wrong in [0o060, 0o777, 0o4600] {
        let error = ring::create(&name, &Options::new().permissions(wrong)).unwrap_err();
        assert!(matches!(error, Error::Segment(shm::Error::Permissions { .. })), "{error}");
    }
}

#[test]
fn a_prefaulted_ring_has_all_its_pages() {
    let ring = ring(Options::new().capacity(8 << 20).prefault(true));
    let base = ring.segment().base().as_ptr();
    let mut resident = vec![0_u8; (8 << 20) / 4096];
    // SAFETY: the range lies inside the mapping, and there is a byte for each of its pages.
    let done = unsafe { libc::mincore(base.cast(), 8 << 20, resident.as_mut_ptr()) };
    assert!(done == 0 && resident.iter().all(|page| page & 1 == 1));
}

#[test]
fn huge_pages_are_had_or_refused_with_advice() {
    let options = Options::new().capacity(4 << 20).huge_pages(true);
    let name = format!("circlet-test-huge-{}", std::process::id());
    for made in [ring::anonymous(&options), ring::create(&name, &options)] {
        match made {
            Ok(ring) => {
                let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
                sender.send(&[7; 1000]).unwrap();
                assert_eq!(&*receiver.recv().unwrap(), [7; 1000]);
            }
            Err(Error::Segment(shm::Error::NoHugePages { advice })) => assert!(!advice.is_empty()),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_ring_tells_what_became_of_its_producers() {
    let ring = ring(small(Mode::Mpsc));
    let mut receiver = ring.receiver().unwrap();
    assert_eq!(receiver.peer_state(), PeerState::Never);
    let (mut first, second) = (ring.sender().unwrap(), ring.sender().unwrap());
    assert_eq!((receiver.peer_state(), ring.stats().producers), (PeerState::Alive, 2));
    drop(second);
    first.send(b"last").unwrap();
    assert_eq!(receiver.peer_state(), PeerState::Alive);
    drop(first);
    assert_eq!(&*receiver.recv().unwrap(), b"last");
    assert!(matches!(receiver.recv(), Err(Error::Closed)));
}
