//! Segments whose every byte somebody else chose: what the fuzzers and the tests of hostile peers share.
#![allow(dead_code, unreachable_pub, reason = "each program has it as a module and uses a part of it")]
#![allow(unsafe_code, reason = "a memfd is made, and a mapping written, behind the library's back")]

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use circlet::page::{self, Page};
use circlet::ring::{self, Deadline, Error, Mode, Options, Receiver, Ring, Sender};

/// A call may take so long where it was to give up after [`PATIENCE`]: the machine may be busy.
const LIMIT: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_micros(50);
const MODES: [Mode; 3] = [Mode::Spsc, Mode::Mpsc, Mode::Broadcast];

/// Returns a sealed memfd with these bytes.
fn sealed(bytes: &[u8]) -> OwnedFd {
    // SAFETY: the name is a NUL-terminated literal, and the descriptor that comes back belongs to nobody else.
    let fd = unsafe {
        let fd = libc::memfd_create(c"hostile".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
        assert!(fd >= 0);
        OwnedFd::from_raw_fd(fd)
    };
    File::from(fd.try_clone().unwrap()).write_all(bytes).unwrap();
    // SAFETY: the call takes integers.
    let done =
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW) };
    assert_eq!(done, 0);
    fd
}

/// Opens whatever the bytes are, and uses what opens.
pub fn attach(bytes: &[u8]) {
    if let Ok(ring) = ring::from_fd(sealed(bytes)) {
        use_ring(&ring, 20);
    }
    if let Ok(page) = page::from_fd(sealed(bytes), &page::Options::new()) {
        use_page(&page, 20);
    }
}

/// Reads and writes a ring of the smallest size with a sound header, whose other bytes are these.
pub fn read(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let options = Options::new().mode(MODES[*choice as usize % 3]).capacity(4096);
    let options = if choice & 4 != 0 && choice % 3 != 2 { options.max_message(20_000) } else { options };
    let ring = ring::anonymous(&options).unwrap();
    let segment = ring.segment();
    let room = segment.geometry().segment_bytes() as usize - 4096;
    let bytes = &bytes[..bytes.len().min(room)];
    // SAFETY: the bytes fit behind the header page, and nobody else has the segment.
    unsafe { segment.base().as_ptr().add(4096).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    use_ring(&ring, 20);
}

/// Makes the words of a ring sound again: empty, and nobody there.
pub fn mend(ring: &Ring) {
    for offset in (0x1000..=0x4004).step_by(4) {
        // SAFETY: the offset is aligned and inside; words are only ever accessed as atomics here.
        let word: &AtomicU32 = unsafe { &*ring.segment().base().as_ptr().add(offset).cast() };
        word.store(0, Ordering::Relaxed);
    }
}

/// Calls whatever a ring has, a number of times, and holds each call to its promise: it returns, with an error or with
/// bytes of a length that can be.
pub fn use_ring(ring: &Ring, times: usize) {
    let _ = ring.stats();
    let max = ring.max_message() as usize;
    if let Ok(mut receiver) = within(|| ring.receiver_from_oldest()) {
        receive(&mut receiver, times, max);
    }
    if let Ok(mut sender) = within(|| ring.sender()) {
        send(&mut sender, times);
    }
    if let Ok(mut receiver) = within(|| ring.receiver()) {
        receive(&mut receiver, times, max);
    }
}

fn receive(receiver: &mut Receiver, times: usize, max: usize) {
    let _ = receiver.arm();
    for _ in 0..times {
        match within(|| receiver.recv_timeout(PATIENCE).map(|frame| (frame.len(), sum(&frame)))) {
            Ok((len, _)) => assert!(len <= max),
            Err(Error::Lagged { .. }) => {}
            Err(_) => break,
        }
        let Ok(mut batch) = within(|| receiver.recv_many_by(5, Deadline::now())) else { break };
        for frame in &mut batch {
            assert!(frame.len() <= max);
            sum(frame);
        }
    }
}

fn send(sender: &mut Sender, times: usize) {
    let _ = sender.arm(100);
    for number in 0..times {
        let payload = vec![number as u8; number * 37 % 400];
        if within(|| sender.send_timeout(&payload, PATIENCE)).is_err() {
            break;
        }
        if let Ok(claim) = within(|| sender.claim_timeout(100, PATIENCE)) {
            let _ = claim.commit_len(number % 100);
        }
        let _ = within(|| sender.send_timeout(&[1; 5000], PATIENCE));
    }
}

pub fn use_page(page: &Page, times: usize) {
    let mut reader = page.reader();
    let max = page.max_bytes() as usize;
    for _ in 0..times {
        if let Ok(Some(value)) =
            within(|| reader.read().map(|value| value.map(|value| (value.bytes.len(), sum(value.bytes)))))
        {
            assert!(value.0 <= max);
        }
        let _ = within(|| reader.wait(Deadline::after(PATIENCE)).map(|_| ()));
    }
    if let Ok(mut writer) = page.writer() {
        let _ = writer.write(&[7; 100]);
    }
}

/// Holds a call to its deadline.
fn within<T>(call: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let returned = call();
    assert!(begin.elapsed() < LIMIT, "a call took {:?}", begin.elapsed());
    returned
}

/// Reads every byte.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum + u64::from(std::hint::black_box(*byte)))
}

/// Scribbles over a mapping, without end: whole words, single bits, and what nearly is right. `random` is its seed.
pub fn scribble(ring: &Ring, mut random: u64, until: impl Fn() -> bool) {
    let bytes = ring.segment().geometry().segment_bytes();
    let near: [u32; 8] =
        [0, 1, 1 << 30 | 60, 2 << 30 | 3, 3 << 30 | 4, 1 << 30 | 1 << 29 | 40, u32::MAX, 4096];
    while !until() {
        for _ in 0..10 {
            // xorshift (Marsaglia 2003)
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // The control pages as often as the data, and the first words of each page most of all.
            let spread = if random & 3 == 0 {
                64
            } else if random & 4 == 0 {
                0x4000
            } else {
                bytes
            };
            let page = if spread == 64 { random >> 8 & 3 } else { 0 } << 12;
            let offset = (page + (random >> 16) % spread) & !3;
            // SAFETY: the offset is aligned and inside; words are only ever accessed as atomics here.
            let word: &AtomicU32 = unsafe { &*ring.segment().base().as_ptr().add(offset as usize).cast() };
            let value = match random >> 56 & 3 {
                0 => random as u32,
                1 => near[(random >> 40) as usize % near.len()],
                2 => word.load(Ordering::Relaxed) ^ 1 << (random >> 40 & 31),
                _ => word.load(Ordering::Relaxed).wrapping_add(8),
            };
            word.store(value, Ordering::Relaxed);
            // Now and then long enough that the other side is in the middle of something sound.
            (0..random >> 20 & 0x3fff).for_each(|_| std::hint::spin_loop());
        }
    }
}
