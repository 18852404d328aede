//! Rings between real processes: producers that are killed at random, other pid namespaces, a peer that dies asleep.
//!
//! The processes are this program again, with [`TASK`] set.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a test forks")]

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use circlet::ring::{self, Error, Mode, Options, PeerState, Receiver};

/// What a process is to do: its words are the task's name, the ring's name, and what else the task needs.
const TASK: &str = "CIRCLET_TEST_TASK";
/// How long the stress goes on, in seconds.
const STRESS_SECONDS: &str = "CIRCLET_STRESS_SECONDS";
const SOON: Duration = Duration::from_secs(20);

fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("circlet-test-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn command(task: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(TASK, task);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// What the processes run. Without a task it is a test that has nothing to do.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    let words: Vec<_> = task.split(' ').collect();
    match words[..] {
        ["produce", name, producer, life, note] => {
            produce(name, producer.parse().unwrap(), life.parse().unwrap(), note);
        }
        ["hold", name] => hold(name),
        ["claims", name] => claims(name),
        ["forks", name] => forks(name),
        _ => panic!("{task:?}"),
    }
}

/// A payload that tells its producer, which life of it, and its number, and whose length and rest follow from them.
fn payload(producer: u64, life: u64, number: u64) -> Vec<u8> {
    let mixed = (producer << 50 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [producer.to_le_bytes(), life.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend((0..(mixed >> 40) % 300).map(|i| (mixed >> (i % 57)) as u8));
    bytes
}

/// Sends for ever, from where the note says that the last life came, and notes each frame that was sent.
fn produce(name: &str, producer: u64, life: u64, note: &str) {
    let note = File::options().read(true).write(true).open(note).unwrap();
    let mut sent = [0; 8];
    note.read_exact_at(&mut sent, 0).unwrap();
    let mut number = u64::from_le_bytes(sent);
    let mut sender = ring::open(name).unwrap().sender().unwrap();
    loop {
        let bytes = payload(producer, life, number);
        let sent = if number % 3 == 0 {
            // Longer than it needs to be, and given up now and then.
            if number % 9 == 0 {
                drop(sender.claim(64));
            }
            sender.claim(bytes.len() + 100).and_then(|mut claim| {
                claim[..bytes.len()].copy_from_slice(&bytes);
                claim.commit_len(bytes.len())
            })
        } else {
            sender.send(&bytes)
        };
        match sent {
            Ok(()) => {}
            Err(Error::Closed) => return,
            Err(other) => panic!("{other}"),
        }
        number += 1;
        note.write_all_at(&number.to_le_bytes(), 0).unwrap();
    }
}

/// Sends one frame, and then sleeps until it is killed.
fn hold(name: &str) {
    let ring = ring::open(name).unwrap();
    let mut sender = ring.sender().unwrap();
    sender.send(b"here").unwrap();
    // The reader's side too, where it is free: whoever waits for room there learns of the death.
    let _receiver = ring.receiver();
    loop {
        thread::park();
    }
}

/// Holds two claims open, sends a frame behind them, and sleeps until it is killed.
fn claims(name: &str) {
    let ring = ring::open(name).unwrap();
    let (mut one, mut two) = (ring.sender().unwrap(), ring.sender().unwrap());
    let _claims = (one.claim(100).unwrap(), two.claim(200).unwrap());
    ring.sender().unwrap().send(b"committed").unwrap();
    loop {
        thread::park();
    }
}

/// Checks what comes from producers that are killed and begin again.
#[derive(Default)]
struct Checker {
    /// The life and the number of each producer's last frame.
    last: HashMap<u64, (u64, u64)>,
    frames: u64,
    repeats: u64,
}

impl Checker {
    fn take(&mut self, frame: &[u8]) {
        let word = |at: usize| u64::from_le_bytes(frame[at..at + 8].try_into().unwrap());
        let (producer, life, number) = (word(0), word(8), word(16));
        assert_eq!(frame, payload(producer, life, number));
        match self.last.insert(producer, (life, number)) {
            None => assert_eq!(number, 0),
            Some((of, last)) if of == life => {
                assert_eq!(number, last + 1, "producer {producer} in its life {life}");
            }
            Some((of, last)) => {
                // It was killed behind the frame and before its note: it sends it once more.
                assert!(
                    life > of && (number == last + 1 || number == last),
                    "{producer}: {last} and then {number}"
                );
                self.repeats += u64::from(number == last);
            }
        }
        self.frames += 1;
    }

    fn drain(&mut self, receiver: &mut Receiver, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            match receiver.recv_many_by(50, ring::Deadline::after(Duration::from_millis(20))) {
                Ok(mut batch) => {
                    for frame in &mut batch {
                        self.take(frame);
                    }
                }
                Err(Error::TimedOut { .. } | Error::PeerDied | Error::Closed) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn four_producers_that_are_killed_and_restarted_at_random_lose_nothing() {
    let seconds = env::var(STRESS_SECONDS).map_or(4, |seconds| seconds.parse().unwrap());
    let name = unique("stress");
    let ring = ring::create(&name, &Options::new().mode(Mode::Mpsc).capacity(8192)).unwrap();
    let notes: Vec<PathBuf> =
        (0..4).map(|producer| env::temp_dir().join(format!("{name}-{producer}"))).collect();
    notes.iter().for_each(|note| fs::write(note, [0; 8]).unwrap());
    let start = |producer: usize, life: u64| -> Child {
        let note = notes[producer].display();
        command(&format!("produce {name} {producer} {life} {note}")).spawn().unwrap()
    };
    let mut receiver = ring.receiver().unwrap();
    let over = AtomicBool::new(false);
    let mut checker = Checker::default();
    let mut kills = 0_u64;
    thread::scope(|scope| {
        let reader = scope.spawn(|| checker.drain(&mut receiver, &over));
        let mut children: Vec<_> = (0..4).map(|producer| start(producer, 0)).collect();
        let mut random = 88_172_645_463_325_252_u64;
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end && !reader.is_finished() {
            // xorshift (Marsaglia 2003)
            for shift in [13_i32, -7, 17] {
                random ^= if shift > 0 { random << shift } else { random >> -shift };
            }
            let victim = (random % 4) as usize;
            thread::sleep(Duration::from_micros(random >> 20 & 0x1fff));
            children[victim].kill().unwrap();
            children[victim].wait().unwrap();
            kills += 1;
            children[victim] = start(victim, kills);
        }
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    // What was committed before the last deaths is still to come.
    while let Ok(frame) = receiver.recv_timeout(SOON) {
        checker.take(&frame);
    }
    for (producer, note) in notes.iter().enumerate() {
        let noted = u64::from_le_bytes(fs::read(note).unwrap().try_into().unwrap());
        let seen = checker.last.get(&(producer as u64)).map_or(0, |last| last.1 + 1);
        assert!(
            (noted..=noted + 1).contains(&seen),
            "producer {producer}: {seen} frames came, {noted} were sent"
        );
        fs::remove_file(note).unwrap();
    }
    println!("{kills} kills, {} frames, {} of them twice sent", checker.frames, checker.repeats);
    assert!(kills > 10 && checker.frames > 1000);
}

#[test]
fn what_was_committed_behind_claims_of_the_dead_comes_before_their_death_is_told() {
    let name = unique("claims");
    let ring = ring::create(&name, &Options::new().mode(Mode::Mpsc)).unwrap();
    let mut receiver = ring.receiver().unwrap();
    let mut child = command(&format!("claims {name}")).spawn().unwrap();
    let deadline = Instant::now() + SOON;
    while ring.stats().frames_sent == 0 {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    assert!(receiver.try_recv().unwrap().is_none(), "the claims are open");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"committed");
    assert!(matches!(receiver.recv_timeout(SOON), Err(Error::PeerDied)));
    // The seats of the dead are taken first: a clean end after that is a clean end.
    let senders: Vec<_> = (0..3).map(|_| ring.sender().unwrap()).collect();
    drop(senders);
    assert!(matches!(receiver.recv_timeout(SOON), Err(Error::Closed)));
}

#[test]
fn a_death_in_another_pid_namespace_is_seen() {
    let name = unique("namespace");
    let ring = ring::create(&name, &Options::new().mode(Mode::Mpsc)).unwrap();
    let mut receiver = ring.receiver().unwrap();
    let inside = command(&format!("hold {name}"));
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
    unshare
        .arg(inside.get_program())
        .args(inside.get_args())
        .envs(inside.get_envs().map(|(key, value)| (key, value.unwrap())));
    let mut outside = unshare.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(&*receiver.recv_timeout(SOON).expect("unshare needs user namespaces"), b"here");
    assert_eq!(receiver.peer_state(), PeerState::Alive);
    // Its process id means nothing here, and so does not matter.
    outside.kill().unwrap();
    assert!(matches!(receiver.recv_timeout(SOON), Err(Error::PeerDied)));
    outside.wait().unwrap();
    ring.sender().unwrap().send(b"successor").unwrap();
    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"successor");
}

/// Sends, lets a forked child with a copy of the sender arm and end after some laps, and dies.
fn forks(name: &str) {
    let ring = ring::open(name).unwrap();
    let mut sender = ring.sender().unwrap();
    sender.send(&[1; 100]).unwrap();
    let (mut told, mut tell) = std::io::pipe().unwrap();
    // SAFETY: the child calls nothing that another thread of this program may have locked: this is its only test.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let _ = told.read_exact(&mut [0]);
        let _ = sender.arm(100);
        // SAFETY: it ends this process, and nothing else.
        unsafe { libc::_exit(0) };
    }
    for number in 0..200 {
        sender.send(&vec![2; 50 + number * 37 % 300]).unwrap();
    }
    tell.write_all(&[0]).unwrap();
    // SAFETY: the status is an int of ours; the child is this process's own.
    unsafe { libc::waitpid(child, &mut 0, 0) };
    std::process::abort();
}

#[test]
fn what_a_forked_copy_of_a_sender_does_harms_nobody() {
    let name = unique("forks");
    let ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
    let mut child = command(&format!("forks {name}")).spawn().unwrap();
    let mut receiver = ring.receiver().unwrap();
    let mut count = 0;
    loop {
        match receiver.recv_timeout(SOON) {
            Ok(_) => count += 1,
            Err(Error::PeerDied) => break,
            Err(error) => panic!("{error}"),
        }
    }
    child.wait().unwrap();
    assert_eq!((count, ring.stats().frames_sent, ring.stats().used_bytes), (201, 201, 0));
    ring.sender().unwrap().send(b"of the successor").unwrap();
    assert_eq!(&*receiver.recv_timeout(SOON).unwrap(), b"of the successor");
}

#[test]
fn a_doorbell_rings_for_a_death() {
    use std::os::fd::AsRawFd;
    for _ in 0..20 {
        let name = unique("bell");
        let ring = ring::create(&name, &Options::new().mode(Mode::Mpsc)).unwrap();
        let mut child = command(&format!("hold {name}")).spawn().unwrap();
        let deadline = Instant::now() + SOON;
        while ring.stats().consumer != PeerState::Alive {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        let mut sender = ring.sender().unwrap();
        while sender.try_send(&[0; 4000]).is_ok() {}
        assert!(!sender.arm(4000).unwrap());
        child.kill().unwrap();
        let mut poll =
            libc::pollfd { fd: sender.fd().unwrap().as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the struct is whole and outlives the call.
        #[allow(unsafe_code, reason = "poll takes a pointer")]
        let rung = unsafe { libc::poll(&raw mut poll, 1, 20_000) };
        assert_eq!(rung, 1);
        child.wait().unwrap();
        assert!(sender.arm(4000).unwrap());
        assert!(matches!(sender.send(&[0; 4000]), Err(Error::PeerDied)));
    }
}
