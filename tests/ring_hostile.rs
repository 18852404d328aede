//! Nothing that another process writes into a segment makes this one crash, hang or read outside it.
//!
//! The same calls are fuzzed with coverage by `tests/fuzz`; here they get random bytes, and a process that scribbles over
//! every field while they run.
#![cfg(target_os = "linux")]

mod hostile;

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use circlet::ring::{self, Mode, Options};
use proptest::prelude::*;

/// Says on which ring the other process is to scribble, and its seed.
const TASK: &str = "CIRCLET_TEST_SCRIBBLE";

/// What the scribbling process runs. Without a task it is a test that has nothing to do.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    let (name, seed) = task.split_once(' ').unwrap();
    let ring = ring::open(name).unwrap();
    hostile::scribble(&ring, seed.parse().unwrap(), || false);
}

#[test]
fn a_process_that_scribbles_over_every_field_does_no_harm() {
    for (mode, max_message) in [
        (Mode::Spsc, None),
        (Mode::Mpsc, None),
        (Mode::Broadcast, None),
        (Mode::Spsc, Some(50_000)),
        (Mode::Mpsc, Some(50_000)),
    ] {
        let name = format!("circlet-test-scribble-{}-{mode}-{}", std::process::id(), max_message.is_some());
        let options = Options::new().mode(mode).capacity(4096);
        let options = max_message.map_or(options.clone(), |bytes| options.max_message(bytes));
        let ring = ring::create(&name, &options).unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(TASK, format!("{name} {}", 88_172_645_463_325_252_u64 + mode as u64))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(2);
        let mut rounds = 0;
        while Instant::now() < end {
            // Or nothing would be sound again after the first moment.
            hostile::mend(&ring);
            hostile::use_ring(&ring, 50);
            rounds += 1;
        }
        assert!(child.try_wait().unwrap().is_none(), "it scribbled to the end");
        child.kill().unwrap();
        child.wait().unwrap();
        println!("{mode}: {rounds} rounds");
    }
}

#[test]
fn a_claim_lock_that_nobody_can_hold_poisons_the_producer() {
    use std::sync::atomic::{AtomicU32, Ordering};
    for holder in [77, 1, u32::MAX] {
        let ring = ring::anonymous(&Options::new().mode(Mode::Mpsc).capacity(4096)).unwrap();
        let mut sender = ring.sender().unwrap();
        let lock = circlet::shm::layout::producer::LOCK;
        // SAFETY: the offset is aligned and inside; the word is only ever accessed as an atomic.
        #[allow(unsafe_code, reason = "a hostile peer writes through the bare mapping")]
        let lock: &AtomicU32 = unsafe { &*ring.segment().base().as_ptr().add(lock).cast() };
        lock.store(holder, Ordering::Relaxed);
        assert!(matches!(sender.send(b"x"), Err(ring::Error::Poisoned { what: ring::Poison::Lock { .. } })));
    }
}

#[test]
fn a_tail_between_two_frames_poisons_the_next_producer_that_goes_by_it() {
    use std::sync::atomic::{AtomicU32, Ordering};
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        let ring = ring::anonymous(&Options::new().mode(mode).capacity(4096)).unwrap();
        let tail = circlet::shm::layout::producer::TAIL;
        // SAFETY: the offset is aligned and inside; the word is only ever accessed as an atomic.
        #[allow(unsafe_code, reason = "a hostile peer writes through the bare mapping")]
        let tail: &AtomicU32 = unsafe { &*ring.segment().base().as_ptr().add(tail).cast() };
        tail.store(4095, Ordering::Relaxed);
        let sent = ring.sender().and_then(|mut sender| sender.send(&[0; 100]));
        // The writer of a broadcast goes by the signposts and the words.
        let is_sound = matches!(sent, Err(ring::Error::Poisoned { .. })) || mode == Mode::Broadcast;
        assert!(is_sound, "{mode}: {sent:?}");
    }
}

#[test]
fn a_frame_longer_than_any_message_of_its_ring_poisons_the_reader() {
    use std::sync::atomic::{AtomicU32, Ordering};
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        let ring = ring::anonymous(&Options::new().mode(mode).capacity(4096).max_message(100)).unwrap();
        let mut receiver = ring.receiver_from_oldest().unwrap();
        // SAFETY: the offset is aligned and inside; the word is only ever accessed as an atomic.
        #[allow(unsafe_code, reason = "a hostile peer writes through the bare mapping")]
        let word: &AtomicU32 =
            unsafe { &*ring.segment().base().as_ptr().add(circlet::shm::layout::DATA).cast() };
        word.store(1 << 30 | 101, Ordering::Relaxed);
        let found = receiver.try_recv().map(|frame| frame.map(|frame| frame.len()));
        let too_long = |what: &ring::Poison| matches!(what, ring::Poison::TooLong { len: 101, max: 100, .. });
        assert!(matches!(&found, Err(ring::Error::Poisoned { what }) if too_long(what)), "{mode}: {found:?}");
    }
}

/// The bytes of a sound segment, with some of them changed.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let mode = prop_oneof![Just(Mode::Spsc), Just(Mode::Mpsc), Just(Mode::Broadcast)];
    let changes = prop::collection::vec((0..0x80_usize, any::<u8>()), 0..4);
    (mode, changes, prop::collection::vec(any::<u8>(), 0..2000), 0x1000..0x5000_usize).prop_map(
        |(mode, changes, noise, at)| {
            let ring = ring::anonymous(&Options::new().mode(mode).capacity(4096)).unwrap();
            let mut sender = ring.sender().unwrap();
            (0..30).for_each(|number| drop(sender.try_send(&vec![number; 10 * number as usize])));
            let file = std::fs::File::from(ring.export_fd().unwrap());
            let mut bytes = vec![0; ring.segment().geometry().segment_bytes() as usize];
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
            changes.into_iter().for_each(|(at, value)| bytes[at] = value);
            let end = (at + noise.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&noise[..end - at]);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_segment_of_any_bytes_is_refused_or_used_without_harm(bytes in spoilt()) {
        hostile::attach(&bytes);
    }

    #[test]
    fn a_ring_of_any_words_is_used_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..0x5000)) {
        hostile::read(&bytes);
    }
}
