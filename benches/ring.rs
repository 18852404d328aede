//! The ring across two pinned processes: throughput by payload, and the round trip with its percentiles.
//!
//! `cargo bench --bench ring`. Every payload is written by one process and read by the other. Beside the ring stand the
//! physical limits of the same run: a copy within the cache, and one cache line that goes there and back.
#![allow(unsafe_code, reason = "pinning a process to a core, and a bare cache line in shared memory")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot set itself up has nothing to say")]

use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, hint, mem};

use circlet::ring::{self, Options, Receiver, Ring, Sender, Wait};
use criterion::{BenchmarkId, Criterion, Throughput};
use hdrhistogram::Histogram;

/// Says to this program that it is the other process: which ring pair it is to serve.
const PEER: &str = "CIRCLET_BENCH_PEER";
const CAPACITY: u64 = 4 << 20;
const SIZES: [usize; 3] = [64, 1024, 64 << 10];
/// A word in the header page behind the header, which nobody else uses.
const LINE: usize = 0x800;

fn main() {
    if let Ok(name) = env::var(PEER) {
        return serve(&name);
    }
    pin(0);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    throughput(&mut criterion);
    round_trip(&mut criterion);
    criterion.final_summary();
    // As criterion has it: `--test` runs everything once and measures nothing.
    if !env::args().any(|argument| argument == "--test" || argument == "--list") {
        percentiles();
    }
}

/// Two rings to another process on the other core, which answers there.
struct Peer {
    rings: (Ring, Ring),
    to: Sender,
    from: Receiver,
    child: Child,
}

impl Peer {
    fn start(wait: Wait) -> Self {
        let name = format!("circlet-bench-{}", std::process::id());
        let create =
            |way: &str| ring::create(&format!("{name}-{way}"), &Options::new().capacity(CAPACITY)).unwrap();
        let rings = (create("to"), create("from"));
        let (mut to, mut from) = (rings.0.sender().unwrap(), rings.1.receiver().unwrap());
        to.set_wait(wait);
        from.set_wait(wait);
        let sleeps = if wait == Wait::SLEEP { "sleep" } else { "spin" };
        let child =
            Command::new(env::current_exe().unwrap()).env(PEER, format!("{name} {sleeps}")).spawn().unwrap();
        Self { rings, to, from, child }
    }

    /// Writes `count` payloads of `size` bytes and waits until the other process has read the last.
    fn stream(&mut self, size: usize, count: u64) -> Duration {
        let begin = Instant::now();
        for number in 0..count {
            let mut claim = self.to.claim(size).unwrap();
            claim.fill(number as u8);
            claim.commit();
        }
        self.to.send(&[]).unwrap();
        drop(self.from.recv().unwrap());
        begin.elapsed()
    }

    fn ask(&mut self) -> Duration {
        let begin = Instant::now();
        self.to.send(&[1; 8]).unwrap();
        drop(self.from.recv().unwrap());
        begin.elapsed()
    }

    /// Sends a bare cache line there and back.
    fn bounce(&self, number: u64) -> Duration {
        let begin = Instant::now();
        line(&self.rings.0).store(number, Ordering::Release);
        while line(&self.rings.1).load(Ordering::Acquire) != number {
            hint::spin_loop();
        }
        begin.elapsed()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The other process ends when the ring closes under it.
        self.to.send(&[0; 4]).unwrap();
        self.child.wait().unwrap();
    }
}

/// The other process: reads every byte; an empty frame asks whether all is read, one of 8 bytes asks for an echo, one of
/// 4 ends it, one of 2 has it bounce the cache line until a zero comes.
fn serve(task: &str) {
    pin(1);
    let (name, wait) = task.split_once(' ').unwrap();
    let wait = if wait == "sleep" { Wait::SLEEP } else { Wait::SPIN };
    let rings = (ring::open(&format!("{name}-to")).unwrap(), ring::open(&format!("{name}-from")).unwrap());
    let (mut from, mut to) = (rings.0.receiver().unwrap(), rings.1.sender().unwrap());
    from.set_wait(wait);
    let mut sum = 0_u64;
    loop {
        let mut echo = false;
        for frame in &mut from.recv_many(256).unwrap() {
            match frame.len() {
                0 | 8 => echo = true,
                4 => return,
                2 => bounce_until_zero(&rings),
                _ => sum = sum.wrapping_add(add_up(frame)),
            }
        }
        if echo {
            to.send(&hint::black_box(sum).to_le_bytes()).unwrap();
        }
    }
}

fn bounce_until_zero(rings: &(Ring, Ring)) {
    let mut seen = 0;
    loop {
        match line(&rings.0).load(Ordering::Acquire) {
            u64::MAX => return,
            number if number != seen => {
                seen = number;
                line(&rings.1).store(number, Ordering::Release);
            }
            _ => hint::spin_loop(),
        }
    }
}

fn add_up(frame: &[u8]) -> u64 {
    frame.chunks_exact(8).fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(word.try_into().unwrap())))
}

fn line(ring: &Ring) -> &AtomicU64 {
    // SAFETY: the offset is aligned and inside the header page, and only ever accessed as an atomic.
    unsafe { &*ring.segment().base().as_ptr().add(LINE).cast() }
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    for size in SIZES {
        group.throughput(Throughput::BytesDecimal(size as u64));
        let mut peer = Peer::start(Wait::default());
        group.bench_function(BenchmarkId::new("two processes", size), |bencher| {
            bencher.iter_custom(|count| peer.stream(size, count));
        });
        let (source, mut target) = (vec![1_u8; size], vec![0; size]);
        group.bench_function(BenchmarkId::new("limit: a copy within the cache", size), |bencher| {
            bencher.iter(|| hint::black_box(&mut target).copy_from_slice(hint::black_box(&source)));
        });
    }
}

fn round_trip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round trip");
    for (name, wait) in [("spinning", Wait::SPIN), ("sleeping", Wait::SLEEP)] {
        let mut peer = Peer::start(wait);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| (0..count).map(|_| peer.ask()).sum());
        });
    }
}

/// Prints the percentiles of the round trip, medians of 5 runs, beside the bare cache line's.
fn percentiles() {
    println!("\nround trip of 8 bytes, medians of 5 runs of 100,000 (sleeping: 20,000)   p50       p99");
    report("limit: one cache line there and back", || {
        let mut peer = Peer::start(Wait::SPIN);
        peer.to.send(&[0; 2]).unwrap();
        let histogram = record(100_000, |number| peer.bounce(number));
        line(&peer.rings.0).store(u64::MAX, Ordering::Release);
        histogram
    });
    for (name, wait, count) in [("spinning", Wait::SPIN, 100_000), ("sleeping", Wait::SLEEP, 20_000)] {
        report(name, || {
            let mut peer = Peer::start(wait);
            record(count, |_| peer.ask())
        });
    }
}

fn record(count: u64, mut measure: impl FnMut(u64) -> Duration) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).unwrap();
    for number in 1..=1000 {
        measure(number);
    }
    for number in 1..=count {
        histogram.record(measure(1000 + number).as_nanos() as u64).unwrap();
    }
    histogram
}

fn report(name: &str, mut run: impl FnMut() -> Histogram<u64>) {
    let runs: Vec<_> = (0..5).map(|_| run()).collect();
    let median = |quantile: f64| {
        let mut values: Vec<_> = runs.iter().map(|run| run.value_at_quantile(quantile)).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    println!("{name:<68} {:>6} ns {:>6} ns", median(0.5), median(0.99));
}

fn pin(core: usize) {
    // SAFETY: the set is plain integers, is whole, and outlives the calls. On one core the call fails, which is fine.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}
