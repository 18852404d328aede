//! Ports of a pool of threads: ends of rings that go from worker to worker with nothing lost.
#![cfg(target_os = "linux")]

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use circlet::payload::WorkerThreads;
use circlet::pool::{Error, Job, JobContext, Pool, PortId, PortState, WorkerId};
use circlet::ring::{self, Mode, Options, PeerState, Receiver, Ring, Role};
use serde_json::json;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const MESSAGES: u64 = 100_000;

fn small(mode: Mode) -> Ring {
    ring::anonymous(&Options::new().mode(mode).capacity(1 << 14)).unwrap()
}

fn number(receiver: &mut Receiver) -> Result<u64, ring::Error> {
    let frame = receiver.recv()?;
    Ok(u64::from_le_bytes((&*frame).try_into().unwrap()))
}

/// Sends numbers in order, and waits where there is no room.
fn send_numbers(ring: &Ring) -> thread::JoinHandle<()> {
    let mut sender = ring.sender().unwrap();
    thread::spawn(move || {
        for number in 0..MESSAGES {
            sender.send(&number.to_le_bytes()).expect("for the sender the receiver never goes");
        }
    })
}

fn run<T: Send + 'static>(
    pool: &Pool,
    work: impl FnOnce(&JobContext<'_>) -> Result<T, circlet::pool::JobError> + Send + 'static,
) -> T {
    pool.submit(Job::new("port", work)).unwrap().wait().unwrap()
}

/// Has four workers run a job each, all of them at the same time; the jobs learn who the workers are.
fn on_each_of_four<T: Send + 'static>(
    pool: &Pool,
    work: impl Fn(&JobContext<'_>, &[WorkerId]) -> T + Clone + Send + 'static,
) -> Vec<T> {
    let (here, workers) = mpsc::channel();
    let mut told = Vec::new();
    let jobs: Vec<_> = (0..4)
        .map(|_| {
            let (tell, learn) = mpsc::channel::<Vec<WorkerId>>();
            told.push(tell);
            let (here, work) = (here.clone(), work.clone());
            let job = Job::new("port", move |context: &JobContext<'_>| {
                here.send(context.worker())?;
                Ok(work(context, &learn.recv()?))
            });
            pool.submit(job).unwrap()
        })
        .collect();
    let workers: Vec<_> = workers.iter().take(4).collect();
    told.iter().for_each(|tell| tell.send(workers.clone()).unwrap());
    jobs.into_iter().map(|job| job.wait().unwrap()).collect()
}

fn next_of(workers: &[WorkerId], own: WorkerId) -> WorkerId {
    let place = workers.iter().position(|worker| *worker == own).unwrap();
    workers[(place + 1) % workers.len()]
}

/// The receiver goes round among four workers, each of which takes some messages and hands it on.
fn a_receiver_goes_round(mode: Mode) {
    let pool = Pool::builder().workers(4).build().unwrap();
    let ring = small(mode);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let sending = send_numbers(&ring);
    let all = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&all);
    let turns = on_each_of_four(&pool, move |context, workers| {
        let next = next_of(workers, context.worker());
        for turn in 1.. {
            // The first turn is anybody's: the port is open.
            let mut receiver = context.receiver(port, LONG).unwrap();
            let mut is_over = false;
            for _ in 0..=turn * 37 % 101 {
                match number(&mut receiver) {
                    Ok(number) => received.lock().unwrap().push(number),
                    Err(ring::Error::Closed) => is_over = true,
                    Err(other) => panic!("{other}"),
                }
            }
            receiver.transfer(Some(next)).unwrap();
            if is_over {
                return turn;
            }
        }
        0
    });
    sending.join().unwrap();
    assert!(turns.iter().all(|turns| *turns > 100), "each had its turns: {turns:?}");
    assert!(all.lock().unwrap().iter().copied().eq(0..MESSAGES), "each message once, in order");
    pool.close().unwrap();
}

#[test]
fn a_receiver_that_goes_round_among_workers_gets_every_message_once_in_order() {
    a_receiver_goes_round(Mode::Spsc);
    a_receiver_goes_round(Mode::Mpsc);
}

#[test]
fn a_sender_that_goes_round_among_workers_sends_every_message_once_in_order() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        let pool = Pool::builder().workers(4).build().unwrap();
        let ring = small(mode);
        let mut receiver = ring.receiver().unwrap();
        let port = pool.open_port(&ring, Role::Producer).unwrap();
        let receiving = thread::spawn(move || {
            for expected in 0..MESSAGES {
                assert_eq!(number(&mut receiver).unwrap(), expected);
            }
            matches!(number(&mut receiver), Err(ring::Error::Closed))
        });
        let next_number = Arc::new(Mutex::new(0));
        on_each_of_four(&pool, move |context, workers| {
            loop {
                let mut sender = context.sender(port, LONG).unwrap();
                let mut number = next_number.lock().unwrap();
                let end = MESSAGES.min(*number + 73);
                for number in *number..end {
                    sender.send(&u64::to_le_bytes(number)).unwrap();
                }
                *number = end;
                drop(number);
                sender.transfer(Some(next_of(workers, context.worker()))).unwrap();
                if end == MESSAGES {
                    return;
                }
            }
        });
        pool.close().unwrap();
        assert!(receiving.join().unwrap(), "with the pool the port is closed");
    }
}

#[test]
fn a_port_that_was_transferred_waits_for_its_worker_and_refuses_the_others() {
    let pool = Pool::builder().workers(2).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    ring.sender().unwrap().send(b"one").unwrap();
    let (own, owns) = mpsc::channel();
    let (done, is_done) = mpsc::channel::<()>();
    let owner = Job::new("owner", move |context: &JobContext<'_>| {
        own.send(context.worker())?;
        is_done.recv()?;
        Ok(context.receiver(port, LONG)?.recv()?.to_vec())
    });
    let owner = pool.submit(owner).unwrap();
    let worker = owns.recv().unwrap();
    pool.transfer_port(port, Some(worker)).unwrap();
    let other = run(&pool, move |context| {
        assert_ne!(context.worker(), worker, "that one is busy");
        Ok(context.receiver(port, Duration::from_millis(1)).map(drop).unwrap_err().to_string())
    });
    assert_eq!(other, Error::PortElsewhere { port, with: worker }.to_string());
    let entry = pool.ports().ports[0];
    assert_eq!(
        (entry.owner, entry.state, entry.messages_queued),
        (Some(worker), PortState::Transferred, Some(1))
    );
    done.send(()).unwrap();
    assert_eq!(owner.wait().unwrap(), b"one");
    pool.transfer_port(port, None).unwrap();
    let entry = pool.ports().ports[0];
    assert_eq!((entry.owner, entry.state, entry.messages_queued), (None, PortState::Open, Some(0)));
}

#[test]
fn whoever_uses_a_port_goes_on_after_it_was_transferred_or_closed() {
    let pool = Pool::builder().workers(2).build().unwrap();
    let ring = small(Mode::Spsc);
    let mut sender = ring.sender().unwrap();
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let (here, is_here) = mpsc::channel();
    let (done, is_done) = mpsc::channel::<()>();
    let user = Job::new("user", move |context: &JobContext<'_>| {
        let mut receiver = context.receiver(port, LONG)?;
        here.send(context.worker())?;
        is_done.recv()?;
        let twice = context.receiver(port, LONG).map(drop).unwrap_err().to_string();
        Ok((receiver.recv()?.to_vec(), twice))
    });
    let user = pool.submit(user).unwrap();
    let worker = is_here.recv().unwrap();
    pool.close_port(port).unwrap();
    assert_eq!(sender.peer_state(), PeerState::Alive, "somebody still uses it");
    sender.send(b"late").unwrap();
    let entry = pool.ports().ports[0];
    assert_eq!((entry.owner, entry.state, entry.messages_queued), (Some(worker), PortState::Closed, Some(1)));
    done.send(()).unwrap();
    let (message, twice) = user.wait().unwrap();
    assert_eq!(
        (message.as_slice(), twice.contains("there is no port")),
        (b"late".as_slice(), true),
        "{twice}"
    );
    assert_eq!(sender.peer_state(), PeerState::Closed);
    assert!(matches!(pool.close_port(port), Err(Error::NoPort { .. })));
    assert!(matches!(pool.transfer_port(port, None), Err(Error::NoPort { .. })));
}

#[test]
fn a_pool_that_ends_closes_its_ports_and_what_is_queued_is_there_for_the_next() {
    let ring = small(Mode::Spsc);
    let mut sender = ring.sender().unwrap();
    let pool = Pool::builder().workers(1).build().unwrap();
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    assert!(matches!(ring.receiver(), Err(ring::Error::Segment(_))), "the pool has it");
    sender.send(b"one").unwrap();
    sender.send(b"two").unwrap();
    let first = run(&pool, move |context| Ok(context.receiver(port, LONG)?.recv()?.to_vec()));
    assert_eq!(first, b"one");
    pool.close().unwrap();
    let entry = pool.ports().ports[0];
    assert_eq!((entry.owner, entry.state, entry.messages_queued), (None, PortState::Closed, Some(1)));
    assert!(matches!(pool.open_port(&ring, Role::Consumer), Err(Error::Closed)));
    assert_eq!(&*ring.receiver().unwrap().recv().unwrap(), b"two");
}

#[test]
fn a_pool_that_is_dropped_has_nobody_wait_for_a_port() {
    let ring = small(Mode::Spsc);
    let pool = Pool::builder().workers(2).build().unwrap();
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let (here, is_here) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    let user = Job::new("user", move |context: &JobContext<'_>| {
        let _receiver = context.receiver(port, LONG)?;
        here.send(())?;
        Ok(is_done.recv()?)
    });
    let user = pool.submit(user).unwrap();
    is_here.recv().unwrap();
    let (there, is_there) = mpsc::channel();
    let waiting = Job::new("waits", move |context: &JobContext<'_>| {
        there.send(())?;
        let refusal = context.receiver(port, Duration::MAX).map(drop).unwrap_err();
        done.send(matches!(refusal, Error::Closed))?;
        Ok(())
    });
    let waiting = pool.submit(waiting).unwrap();
    is_there.recv().unwrap();
    drop(pool);
    waiting.wait().unwrap();
    assert!(user.wait().unwrap(), "it was told, and the other had the port until then");
    assert!(ring.receiver().is_ok(), "the port is closed");
}

#[test]
fn a_worker_that_there_is_not_gets_no_port() {
    let pool = Pool::builder().workers(1).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let own = run(&pool, |context| Ok(context.worker()));
    let other = WorkerId::from(own.get().wrapping_sub(1));
    assert!(matches!(pool.transfer_port(port, Some(other)), Err(Error::NoSuchWorker { .. })));
    assert_eq!(own.to_string().parse::<WorkerId>().unwrap(), own);
}

#[test]
fn an_end_that_would_lose_something_is_refused() {
    let pool = Pool::builder().workers(1).build().unwrap();
    let broadcast = small(Mode::Broadcast);
    let refusal = pool.open_port(&broadcast, Role::Consumer).unwrap_err().to_string();
    assert!(refusal.contains("broadcast"), "{refusal}");
    let long = ring::anonymous(&Options::new().capacity(4096).max_message(1 << 20)).unwrap();
    let refusal = pool.open_port(&long, Role::Consumer).unwrap_err().to_string();
    assert!(refusal.contains("fragments"), "{refusal}");
    let sender = pool.open_port(&broadcast, Role::Producer).unwrap();
    let mut readers = [broadcast.receiver().unwrap(), broadcast.receiver().unwrap()];
    for text in ["one", "two"] {
        run(&pool, move |context| Ok(context.sender(sender, LONG)?.send(text.as_bytes())?));
    }
    for reader in &mut readers {
        assert_eq!(&*reader.recv().unwrap(), b"one");
        assert_eq!(&*reader.recv().unwrap(), b"two");
    }
    let role =
        run(&pool, move |context| Ok(context.receiver(sender, LONG).map(drop).unwrap_err().to_string()));
    assert!(role.contains("is the producer's end"), "{role}");
    assert_eq!(pool.ports().ports[0].messages_queued, None);
}

#[test]
fn the_snapshot_has_the_ports_as_a_session_payload_does() {
    let pool = Pool::builder().workers(1).build().unwrap();
    assert!(!serde_json::to_string(&pool.snapshot()).unwrap().contains("message_port_registry"));
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let worker = run(&pool, move |context| Ok(context.worker()));
    pool.transfer_port(port, Some(worker)).unwrap();
    let snapshot = serde_json::to_value(pool.snapshot()).unwrap();
    let expected = json!({ "ports": [{
        "id": port.to_string(), "owner": worker.to_string(), "state": "transferred", "messages_queued": 0
    }] });
    assert_eq!(snapshot["message_port_registry"], expected);
    let section = WorkerThreads::from_snapshot(&pool.snapshot()).unwrap();
    assert_eq!(section.message_port_registry.unwrap().ports.unwrap().len(), 1);
    assert_eq!(port.to_string().parse::<PortId>().unwrap(), port);
    assert!(matches!("q_1".parse::<PortId>(), Err(Error::NoPort { .. })));
}

#[test]
fn a_worker_that_ends_leaves_its_ports_to_all() {
    let pool = Pool::builder().min(0).max(1).keep(Duration::from_millis(1)).build().unwrap();
    let ring = small(Mode::Spsc);
    let port = pool.open_port(&ring, Role::Consumer).unwrap();
    let first = run(&pool, move |context| {
        context.receiver(port, LONG)?.transfer(Some(context.worker()))?;
        Ok(context.worker())
    });
    let ended = || pool.ports().ports[0].owner.is_none();
    let begin = std::time::Instant::now();
    while !ended() {
        assert!(begin.elapsed() < LONG, "the worker did not end");
        thread::yield_now();
    }
    ring.sender().unwrap().send(b"left").unwrap();
    let (second, message) =
        run(&pool, move |context| Ok((context.worker(), context.receiver(port, LONG)?.recv()?.to_vec())));
    assert_ne!(first, second);
    assert_eq!(message, b"left");
}
