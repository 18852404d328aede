//! Ports of a pool of processes: ends of rings that go from process to process with nothing lost. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::{Call, Workers, WorkersBuilder};
use circlet::pool::{Failure, PortState, WorkerState};
use circlet::ring::{self, Mode, Options, PeerState, Ring, Role};
use serde_json::{Map, Value, json};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const MESSAGES: u64 = 100_000;
/// The number with which a worker dies.
const FATAL: u64 = 41_234;

fn python() -> WorkersBuilder {
    /// The interpreter behind whatever looks for it, which may take longer than it takes to start.
    static PROGRAM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let arguments = ["-c", "import sys; print(sys.executable)"];
        common::run(std::process::Command::new("python3").args(arguments)).trim().to_owned()
    });
    Workers::python()
        .program(&*PROGRAM)
        .library(common::library())
        .module_path(common::root().join("tests/data/workers"))
}

fn call(function: &str, arguments: Value) -> Call<Value> {
    Call::new(&format!("ports:{function}"), &arguments)
}

fn ask(pool: &Workers, function: &str, arguments: Value) -> Value {
    pool.submit(call(function, arguments)).unwrap().wait().unwrap()
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for too long");
        thread::yield_now();
    }
}

fn small(mode: Mode) -> Ring {
    ring::anonymous(&Options::new().mode(mode).capacity(1 << 14)).unwrap()
}

fn send_numbers(ring: &Ring) -> thread::JoinHandle<()> {
    let mut sender = ring.sender().unwrap();
    thread::spawn(move || {
        for number in 0..MESSAGES {
            sender.send(&number.to_le_bytes()).expect("for the sender the receiver never goes");
        }
    })
}

#[test]
fn a_receiver_that_goes_round_among_processes_gets_every_message_once_in_order_though_one_is_killed() {
    let pool = python().workers(4).build().unwrap();
    let idle = || {
        let registry = pool.snapshot().registry;
        registry.into_iter().filter(|(_, entry)| entry.state == WorkerState::Idle).collect::<Vec<_>>()
    };
    wait_until(|| idle().len() == 4);
    let workers = idle();
    let following: Map<_, _> = (0..4)
        .map(|place| {
            let (pid, next) = (workers[place].1.pid.unwrap(), workers[(place + 1) % 4].0);
            (pid.to_string(), json!(next.to_string()))
        })
        .collect();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let log = common::scratch("ports-go-round").join("log");
    let arguments = json!([port, following, log, FATAL]);
    let calls: Vec<_> =
        (0..4).map(|_| pool.submit(call("go_round", arguments.clone()).idempotent()).unwrap()).collect();
    send_numbers(&ring).join().unwrap();
    let turns: Vec<_> = calls.into_iter().map(|call| call.wait().unwrap().as_u64().unwrap()).collect();
    let noted = fs::read_to_string(&log).unwrap();
    assert!(noted.lines().map(|line| line.parse::<u64>().unwrap()).eq(0..MESSAGES), "each once, in order");
    assert!(turns.iter().filter(|turns| **turns > 10).count() >= 3, "{turns:?}");
    let snapshot = pool.snapshot();
    let killed =
        snapshot.registry.values().filter(|entry| entry.end == Some(circlet::pool::WorkerEnd::Crashed));
    assert_eq!(killed.count(), 1);
    assert_eq!(snapshot.message_port_registry.ports[0].messages_queued, Some(0));
    pool.close().unwrap();
}

#[test]
fn what_a_call_has_received_is_gone_with_its_end_and_the_rest_is_there_for_the_next() {
    let pool = python().workers(2).build().unwrap();
    let ring = small(Mode::Mpsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let mut sender = ring.sender().unwrap();
    sender.send_many([b"one".as_slice(), b"two", b"three"]).unwrap();
    assert_eq!(ask(&pool, "receive", json!([port])), json!("one"));
    assert_eq!(ask(&pool, "first_of", json!([port])), json!("two"));
    assert_eq!(pool.ports().ports[0].messages_queued, Some(1));
    assert_eq!(ask(&pool, "receive", json!([port])), json!("three"));
}

#[test]
fn a_port_goes_from_one_live_process_to_another_while_calls_run() {
    let pool = python().workers(2).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    ring.sender().unwrap().send(b"kept").unwrap();
    let gate = common::scratch("ports-live").join("gate");
    let holder = pool.submit(call("hold", json!([port, gate]))).unwrap();
    wait_until(|| pool.ports().ports[0].owner.is_some());
    let first = pool.ports().ports[0].owner.unwrap();
    wait_until(|| pool.snapshot().registry.values().any(|entry| entry.state == WorkerState::Idle));
    let second = *pool.snapshot().registry.keys().find(|worker| **worker != first).unwrap();
    pool.transfer_port(port, Some(second)).unwrap();
    let said = ask(&pool, "wait_for", json!([port, 0.05]));
    assert!(said.as_str().unwrap().contains(&format!("with worker {first}")), "{said}");
    let waiting = pool.submit(call("receive", json!([port]))).unwrap();
    wait_until(|| pool.snapshot().pool.active == 2);
    fs::write(&gate, "").unwrap();
    assert_eq!(waiting.wait().unwrap(), json!("kept"), "the one that waited, which is the other");
    assert_eq!(holder.wait().unwrap(), json!(pool.snapshot().registry[&first].pid.unwrap()));
    let entry = pool.ports().ports[0];
    assert_eq!((entry.owner, entry.state), (Some(second), PortState::Transferred));
}

#[test]
fn a_worker_that_dies_with_a_claim_bars_nobodys_way() {
    let pool = python().workers(1).build().unwrap();
    let ring = small(Mode::Mpsc);
    let port = pool.open_port(&ring, Role::Producer).unwrap();
    let (mut other, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let failure = pool.submit(call("claim_and_die", json!([port]))).unwrap().wait().unwrap_err();
    assert!(matches!(failure, Failure::Crashed { signal: Some(9), .. }), "{failure:?}");
    other.send(b"behind it").unwrap();
    assert_eq!(&*receiver.recv_timeout(LONG).unwrap(), b"behind it");
    ask(&pool, "send", json!([port, "from", "the next"]));
    assert_eq!(&*receiver.recv().unwrap(), b"from");
    assert_eq!(&*receiver.recv().unwrap(), b"the next");
    drop(other);
    assert_eq!(receiver.peer_state(), PeerState::Alive, "the pool has a sender");
    pool.close().unwrap();
    assert!(matches!(receiver.recv(), Err(ring::Error::Closed)));
}

#[test]
fn what_is_no_port_of_a_call_is_refused() {
    let pool = python().workers(1).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let said = ask(&pool, "misuse", json!([port]));
    let expected = ["BusyError", "NotFoundError", "InvalidError", "NotFoundError", "InvalidError", "closed"];
    assert_eq!(said, json!(expected));
}

#[test]
fn a_call_that_waits_for_a_port_can_be_aborted_and_the_port_goes_to_the_next() {
    let pool = python().workers(2).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    ring.sender().unwrap().send(b"kept").unwrap();
    let gate = common::scratch("ports-abort").join("gate");
    let holder = pool.submit(call("hold", json!([port, gate]))).unwrap();
    wait_until(|| pool.ports().ports[0].owner.is_some());
    let waiting = pool.submit(call("receive", json!([port]))).unwrap();
    wait_until(|| pool.snapshot().pool.active == 2);
    waiting.abort();
    assert!(matches!(waiting.wait(), Err(Failure::Aborted)));
    fs::write(&gate, "").unwrap();
    holder.wait().unwrap();
    assert_eq!(ask(&pool, "receive", json!([port])), json!("kept"));
    let ended = pool.snapshot().registry.values().filter(|entry| entry.end.is_some()).count();
    assert_eq!(ended, 0, "it gave in, and was not killed");
}

fn bun() -> WorkersBuilder {
    let script = common::root().join("tests/data/workers/ports.ts");
    Workers::bun(script).program(common::bun()).library(common::library())
}

#[test]
fn a_port_goes_round_among_bun_processes_with_every_message_once_in_order() {
    let pool = bun().workers(2).build().unwrap();
    wait_until(|| pool.snapshot().pool.idle == 2);
    let workers: Vec<_> = pool.snapshot().registry.into_iter().collect();
    let following = json!({
        workers[0].1.pid.unwrap().to_string(): workers[1].0.to_string(),
        workers[1].1.pid.unwrap().to_string(): workers[0].0.to_string(),
    });
    let ring = small(Mode::Spsc);
    let mut sender = ring.sender().unwrap();
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let calls: Vec<_> =
        (0..2).map(|_| pool.submit(Call::new("goRound", &json!([port, following]))).unwrap()).collect();
    for number in 0..1000 {
        sender.send(number.to_string().as_bytes()).unwrap();
    }
    drop(sender);
    let mut all = Vec::new();
    for call in calls {
        let received: Vec<u32> = serde_json::from_value(call.wait().unwrap()).unwrap();
        assert!(received.is_sorted() && received.len() > 100, "{received:?}");
        all.extend(received);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..1000));
}

#[test]
fn a_call_of_bun_has_a_port_until_it_is_over() {
    let pool = bun().workers(1).build().unwrap();
    let ring = small(Mode::Spsc);
    let mut sender = ring.sender().unwrap();
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let value = |function: &str, arguments: Value| {
        pool.submit(Call::new(function, &arguments)).unwrap().wait().unwrap()
    };
    let said = value("misuse", json!([port]));
    let expected =
        ["BusyError", "NotFoundError", "InvalidError", "NotFoundError", "InvalidError", &port.to_string()];
    assert_eq!(said, json!(expected));
    sender.send_many([b"one".as_slice(), b"two"]).unwrap();
    assert_eq!(value("receive", json!([port])), json!("one"));
    assert_eq!(value("receive", json!([port])), json!("two"));
    let other = small(Mode::Mpsc);
    let port = pool.open_port(&other, Role::Producer).unwrap();
    value("send", json!([port, "a", "b"]));
    let mut receiver = other.receiver().unwrap();
    assert_eq!(&*receiver.recv().unwrap(), b"a");
    assert_eq!(&*receiver.recv().unwrap(), b"b");
}
