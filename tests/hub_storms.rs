//! The hub as a process of its own, under storms: viewers that come all at once, that go and come again, and that read nothing. The
//! crowd is the benchmark's.
#![cfg(all(target_os = "linux", feature = "cli", not(loom)))]
#![allow(dead_code, reason = "the benchmark uses more of the crowd than is used here")]

#[path = "../benches/hub/crowd.rs"]
mod crowd;
#[path = "../benches/hub/frames.rs"]
mod frames;
#[path = "common/hub_process.rs"]
mod hub_process;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;
#[path = "../benches/hub/meter.rs"]
mod meter;
#[path = "../benches/hub/protocol.rs"]
mod protocol;
#[path = "../benches/hub/system.rs"]
mod system;
#[path = "../benches/hub/viewer.rs"]
mod viewer;
#[path = "../benches/hub/websocket.rs"]
mod websocket;

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crowd::Crowd;
use frames::{Frame, ROOM};
use hub_process::Process;
use hub_protocol::{SOON, Viewer};
use protocol::{Join, Protocol};
use viewer::Kind;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// These tests measure: one of them at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Publishes frames of so many bytes at 30 Hz until it is dropped.
struct Publisher<'scope> {
    is_over: &'scope AtomicBool,
}

impl<'scope> Publisher<'scope> {
    fn start(
        scope: &'scope std::thread::Scope<'scope, '_>,
        is_over: &'scope AtomicBool,
        addr: SocketAddr,
        bytes: usize,
    ) -> Self {
        scope.spawn(move || {
            let mut emitter = Viewer::emitter(addr);
            let begin = Instant::now();
            for n in 1.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let update = json!({"room": ROOM, "set": {"frame": Frame::next(bytes)}});
                emitter.say(&format!("420[\"game-state-update\",{update}]"));
                // Its answers and pings are read, so that it never has too many.
                while !emitter.text().starts_with("430") {}
                let due = begin + Duration::from_secs(n) / 30;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Self { is_over }
    }
}

impl Drop for Publisher<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn crowd(hub: &Process) -> Crowd {
    Crowd::new(Protocol::SocketIo, hub.addr.port()).unwrap()
}

/// Has viewers come and join, all of them.
#[track_caller]
fn come(crowd: &mut Crowd, count: usize) {
    let joined = crowd.stages().joined;
    crowd.connect(count, Kind::joining(Join::AfterConnect)).unwrap();
    crowd.wait_for_joins().unwrap();
    let stages = crowd.stages();
    assert_eq!((stages.joined, stages.closed), (joined + count, 0), "{stages:?}");
}

/// Attends to a crowd until something holds.
#[track_caller]
fn attend_until(what: &str, crowd: &mut Crowd, mut holds: impl FnMut(&Crowd) -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds(crowd) {
        assert!(Instant::now() < deadline, "{what}");
        crowd.stay(Duration::from_millis(5)).unwrap();
    }
}

/// Has those who are there read on while something is done, and returns them: none of them is closed or misses ticks, but for
/// a few that this machine may have given it no time for.
fn undisturbed(hub: &Process, mut there: Crowd, act: impl FnOnce()) -> Crowd {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    there.begin();
    let ticks = hub.metric("ticks_total");
    let is_over = AtomicBool::new(false);
    let mut there = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                there.stay(Duration::from_millis(5)).unwrap();
            }
            there
        });
        let over = Over(&is_over);
        act();
        drop(over);
        watching.join().unwrap()
    });
    let ticks = hub.metric("ticks_total") - ticks;
    assert!(ticks > 0);
    let fewest = |crowd: &Crowd| crowd.viewers().iter().map(|viewer| viewer.frames).min().unwrap();
    attend_until("each tick comes to those who were there", &mut there, |crowd| fewest(crowd) + 5 >= ticks);
    assert_eq!(there.stages().closed, 0);
    there
}

#[test]
fn a_viewer_that_reads_nothing_costs_nobody_else_a_tick_and_is_current_when_it_reads_or_closed() {
    const OTHERS: usize = 20;
    let _alone = ALONE.lock();
    let hub = Process::start(&["--stalled-after", "3s"]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut crowd = crowd(&hub);
        come(&mut crowd, OTHERS);
        crowd.connect(2, Kind { join: Join::AfterConnect, receive_buffer: Some(4 << 10) }).unwrap();
        crowd.wait_for_joins().unwrap();
        let _publisher = Publisher::start(scope, &is_over, hub.addr, 32 << 10);
        attend_until("frames come", &mut crowd, |crowd| crowd.meter.newest > 30);
        let phase = |crowd: &mut Crowd| {
            crowd.begin();
            let ticks = hub.metric("ticks_total");
            crowd.stay(Duration::from_millis(1_500)).unwrap();
            let ticks = hub.metric("ticks_total") - ticks;
            let fewest = crowd.viewers()[..OTHERS].iter().map(|viewer| viewer.frames).min().unwrap();
            // A few may still be on their way.
            assert!(fewest + 5 >= ticks && ticks > 20, "{fewest} of {ticks} ticks");
            crowd.meter.latency_ms(50.0)
        };
        let before = phase(&mut crowd);
        let kib = hub.kib();
        crowd.stop_reading(OTHERS);
        let beside = phase(&mut crowd);
        let grown = hub.kib().saturating_sub(kib);
        assert!(grown <= 1_024, "{grown} KiB more for viewers that read nothing");
        assert!(beside <= before * 2.0 + 10.0, "{before} ms without, {beside} ms beside slow ones");

        // One of them reads again, the other does not.
        let newest = crowd.meter.newest;
        crowd.read_again(OTHERS + 1, 1 << 20);
        attend_until("it has what is current", &mut crowd, |crowd| {
            crowd.viewers()[OTHERS + 1].newest > newest
        });
        let behind = crowd.meter.newest - crowd.viewers()[OTHERS + 1].newest;
        assert!(behind <= 3, "it is {behind} frames behind when it is told the newest");
        attend_until("the other one is closed", &mut crowd, |_| hub.metric("closed_total") == 1);
        assert_eq!(hub.metric("viewers"), OTHERS as u64 + 3, "and nobody else");
    });
}

#[test]
fn a_thousand_viewers_that_come_at_once_are_all_told_and_disturb_nobody() {
    const BEFORE: usize = 20;
    const COME: usize = 1_000;
    let _alone = ALONE.lock();
    system::raise_descriptor_limit().unwrap();
    let hub = Process::start(&[]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (mut there, mut others) = (crowd(&hub), crowd(&hub));
        come(&mut there, BEFORE);
        let _publisher = Publisher::start(scope, &is_over, hub.addr, 1 << 10);
        attend_until("frames come", &mut there, |crowd| crowd.meter.newest > 30);
        let kib = hub.kib();
        let _there = undisturbed(&hub, there, || {
            come(&mut others, COME);
            attend_until("each of them is told", &mut others, |crowd| {
                crowd.viewers().iter().all(|viewer| viewer.newest > 0)
            });
        });
        assert_eq!(others.stages().closed, 0);
        assert_eq!(hub.metric("viewers"), (BEFORE + COME) as u64 + 3);
        let each = hub.kib().saturating_sub(kib) as f64 / COME as f64;
        assert!(each <= 16.0, "{each} KiB for each viewer");
    });
}

#[test]
fn viewers_that_are_dropped_and_come_again_leave_nothing_behind() {
    const VIEWERS: usize = 500;
    let _alone = ALONE.lock();
    system::raise_descriptor_limit().unwrap();
    let hub = Process::start(&[]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut watcher = crowd(&hub);
        come(&mut watcher, 1);
        let _publisher = Publisher::start(scope, &is_over, hub.addr, 8 << 10);
        attend_until("frames come", &mut watcher, |crowd| crowd.meter.newest > 5);
        let mut after = Vec::new();
        let _watcher = undisturbed(&hub, watcher, || {
            for _ in 0..5 {
                let mut crowd = crowd(&hub);
                come(&mut crowd, VIEWERS);
                assert_eq!(hub.metric("viewers"), VIEWERS as u64 + 4);
                // All of them by a reset.
                drop(crowd);
                hub.until_viewers(3);
                hub_protocol::until("their descriptors are closed", || hub.descriptors() < 40);
                after.push((hub.kib(), hub.descriptors()));
            }
        });
        // What is set up for so many is kept for the next, and by the fifth time there is hardly more of it.
        let kib: Vec<_> = after.iter().map(|(kib, _)| *kib).collect();
        assert!(kib[4] <= kib[0] + 3_072 && kib[4] <= kib[3] + 1_024, "{after:?}");
    });
}

#[test]
fn viewers_that_come_at_once_to_a_large_room_are_told_what_was_written_once() {
    const COME: usize = 200;
    let _alone = ALONE.lock();
    let hub = hub_protocol::hub(|_| {});
    for key in 0..200 {
        hub.set(ROOM, &key.to_string(), json!("x".repeat(5_000))).unwrap();
    }
    let mut watcher = Viewer::connected(hub.addr());
    watcher.join("small");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (hub, is_over) = (&hub, &is_over);
        // The large one changes all the time.
        scope.spawn(move || {
            for n in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                hub.set(ROOM, "changes", json!(n)).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                hub.set("small", "t", json!(system::monotonic_ns())).unwrap();
                std::thread::sleep(Duration::from_millis(40));
            }
            hub.set("small", "t", json!(0)).unwrap();
        });
        let watching = scope.spawn(move || {
            let mut longest = 0;
            loop {
                match watcher.packet().1[1]["t"].as_u64() {
                    Some(0) => return longest,
                    Some(set) => longest = longest.max(system::monotonic_ns().saturating_sub(set)),
                    None => {}
                }
            }
        });
        let mut crowd = Crowd::new(Protocol::SocketIo, hub.addr().port()).unwrap();
        let begin = Instant::now();
        crowd.connect(COME, Kind::joining(Join::WithConnect)).unwrap();
        crowd.wait_for_joins().unwrap();
        assert_eq!(crowd.stages().joined, COME);
        // One state for each of them takes as much as 10 s here.
        let joined = begin.elapsed();
        assert!(joined < Duration::from_secs(4), "{joined:?}");
        is_over.store(true, Ordering::Relaxed);
        let longest = Duration::from_nanos(watching.join().unwrap());
        assert!(longest < Duration::from_millis(500), "a tick of another room came after {longest:?}");
    });
}
