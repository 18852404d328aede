//! Every language against every language, and the suites of Python, Bun and the example of the web.
//!
//! The four `ring` examples send and check the same payloads, and so do the four peers; each is a process of its own here.
#![cfg(all(feature = "capi", target_os = "linux"))]

mod common;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs, thread};

use circlet::ring::{self, Error, Mode, Options};
use common::{library, root, run};

const FRAMES: &str = "2000";
/// The program of the command line, where it is built along with these tests.
const PROGRAM: Option<&str> = option_env!("CARGO_BIN_EXE_circlet");
/// What a peer is to do.
const PEER: &str = "CIRCLET_PEER";

/// The C programs, compiled once for all tests here: each compilation empties the folder of the one before.
fn c_programs() -> [PathBuf; 2] {
    static BUILT: OnceLock<[PathBuf; 2]> = OnceLock::new();
    let build = || {
        let folder = common::scratch("languages");
        ["examples/c/ring.c", "tests/languages/peer.c"].map(|source| {
            let (built, kept) = (common::c_program(source), folder.join(source).with_extension(""));
            fs::create_dir_all(kept.parent().unwrap()).unwrap();
            fs::rename(built, &kept).unwrap();
            kept
        })
    };
    BUILT.get_or_init(build).clone()
}

/// The example programs, each with what starts it.
fn languages() -> Vec<(&'static str, Vec<OsString>)> {
    let example = |path: &str| root().join("examples").join(path).into_os_string();
    vec![
        ("Rust", vec![common::rust_example("ring").into()]),
        ("C", vec![c_programs()[0].clone().into()]),
        ("Python", vec![common::python().into(), example("python/ring.py")]),
        ("Bun", vec![common::bun().into(), example("bun/ring.ts")]),
    ]
}

fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    with_library(&mut command);
    command
}

fn with_library(command: &mut Command) -> &mut Command {
    if let Some(program) = PROGRAM {
        command.env("CIRCLET_PROGRAM", program);
    }
    command.env("CIRCLET_LIBRARY", library()).env("PYTHONPATH", root().join("python"))
}

#[test]
fn frames_go_from_every_language_to_every_language() {
    let languages = languages();
    for (from, sender) in &languages {
        for (to, receiver) in &languages {
            let name = format!("circlet-test-{}-{from}-{to}", std::process::id());
            let send = command(sender)
                .args(["send", &name, FRAMES])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let received = run(command(receiver).args(["recv", &name]));
            assert_eq!(received.trim(), format!("{FRAMES} frames received"), "{from} to {to}");
            let sent = send.wait_with_output().unwrap();
            assert!(sent.status.success(), "{from} to {to}: {}", String::from_utf8_lossy(&sent.stderr));
            assert!(!std::path::Path::new("/dev/shm").join(&name).exists(), "{from} to {to}: the name stays");
        }
    }
}

/// The peers, each with what starts it.
fn peers() -> Vec<(&'static str, Vec<OsString>)> {
    let ours = ["--exact", "a_peer_in_rust", "--ignored", "--nocapture"].map(OsString::from);
    let rust = [env::current_exe().unwrap().into_os_string()].into_iter().chain(ours).collect();
    vec![
        ("Rust", rust),
        ("C", vec![c_programs()[1].clone().into()]),
        ("Python", vec![common::python().into(), root().join("python/tests/peer.py").into()]),
        ("Bun", vec![common::bun().into(), root().join("bun/test/peer.ts").into()]),
    ]
}

fn start(words: &[OsString], role: &str) -> Child {
    let mut command = command(words);
    command.env(PEER, role).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a peer to end, and returns what it printed.
fn end(peer: Child, who: &str) -> String {
    let output = peer.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{who}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Reads what a peer printed of how many messages came, and how many were missed.
fn counts(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find(|line| line.ends_with(" missed"))?;
    let (received, missed) = line.strip_suffix(" missed")?.split_once(" received, ")?;
    Some((received.parse().ok()?, missed.parse().ok()?))
}

/// The message follows from its producer and its number: every language's peer makes the same.
fn message(producer: u32, number: u32) -> Vec<u8> {
    let is_long = producer >= 10 && number % 100 == 99; // It goes in fragments.
    let len = (number * 37 + producer * 11) % 500 + if is_long { 20_000 } else { 0 };
    let body = (0..len).map(|at| (number * 31 + at * 7 + producer) as u8);
    [producer.to_le_bytes(), number.to_le_bytes()].concat().into_iter().chain(body).collect()
}

fn send_all(name: &str, producer: u32, count: u32) {
    let mut sender = ring::open(name).unwrap().sender().unwrap();
    for number in 0..count {
        sender.send_timeout(&message(producer, number), Duration::from_secs(60)).unwrap();
    }
}

fn recv_all(name: &str) {
    let mut receiver = ring::open(name).unwrap().receiver_from_oldest().unwrap();
    let (mut received, mut missed, mut next) = (0_u64, 0_u64, HashMap::new());
    loop {
        match receiver.recv_timeout(Duration::from_secs(60)) {
            Ok(frame) => {
                let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| frame[at + i]));
                let (producer, number) = (word(0), word(4));
                // Before the first there may be some that nobody can read any more.
                let expected = next.entry(producer).or_insert_with(|| {
                    missed += u64::from(number);
                    number
                });
                assert_eq!((*expected, &*frame), (number, &*message(producer, number)));
                *expected += 1;
                received += 1;
            }
            Err(Error::Lagged { frames, .. }) => {
                if let Some(expected) = next.get_mut(&1) {
                    *expected += u32::try_from(frames).unwrap();
                    missed += frames;
                }
            }
            Err(Error::Closed) => break,
            Err(other) => panic!("{other}"),
        }
    }
    println!("\n{received} received, {missed} missed");
}

#[test]
#[ignore = "one side of the tests below, in a process of its own"]
fn a_peer_in_rust() {
    let role = env::var(PEER).unwrap();
    match role.split(' ').collect::<Vec<_>>()[..] {
        ["send", name, producer, count] => send_all(name, producer.parse().unwrap(), count.parse().unwrap()),
        ["recv", name] => recv_all(name),
        _ => panic!("{role} is nothing to do"),
    }
}

#[test]
fn producers_of_two_languages_send_into_one_ring_that_every_language_reads() {
    const COUNT: u64 = 1000;
    let peers = peers();
    for (to, receiver) in &peers {
        for pair in [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] {
            let [one, other] = pair.map(|index| &peers[index]);
            let who = format!("{} and {} to {to}", one.0, other.0);
            let name = format!("circlet-test-mpsc-{}-{to}-{}-{}", std::process::id(), one.0, other.0);
            let options = Options::new().mode(Mode::Mpsc).capacity(8192).max_message(100_000);
            let ring = ring::create(&name, &options).unwrap();
            let producers = [(one, 10), (other, 11)]
                .map(|((_, words), id)| start(words, &format!("send {name} {id} {COUNT}")));
            // A ring is at its end when all who ever wrote have closed: nobody reads before both are there. Neither
            // can be at its end by then, as the ring has no room for all.
            while ring.stats().producers < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            let found = end(start(receiver, &format!("recv {name}")), &who);
            assert_eq!(counts(&found), Some((2 * COUNT, 0)), "{who}: {found}");
            producers.into_iter().for_each(|producer| drop(end(producer, &who)));
        }
    }
}

#[test]
fn a_broadcast_of_every_language_reaches_every_language() {
    const COUNT: u64 = 2000;
    let peers = peers();
    // With room for everything nobody misses any; without it, what came and what was missed is all there was.
    for (capacity, all_arrive) in [(1 << 20, true), (8192, false)] {
        for (from, sender) in &peers {
            let name = format!("circlet-test-broadcast-{}-{from}-{capacity}", std::process::id());
            let options = Options::new().mode(Mode::Broadcast).capacity(capacity);
            let _ring = ring::create(&name, &options).unwrap();
            let readers: Vec<_> =
                peers.iter().map(|(to, words)| (to, start(words, &format!("recv {name}")))).collect();
            end(start(sender, &format!("send {name} 1 {COUNT}")), from);
            for (to, reader) in readers {
                let found = end(reader, &format!("{from} to {to}"));
                let (received, missed) = counts(&found).unwrap();
                assert_eq!(received + missed, COUNT, "{from} to {to}: {found}");
                assert!(received > 0 && (missed == 0 || !all_arrive), "{from} to {to}: {found}");
            }
        }
    }
}

#[test]
fn each_example_works_by_itself() {
    for (language, words) in languages() {
        let text = run(&mut command(&words));
        assert!(text.contains("1000 frames received"), "{language}: {text}");
    }
    let example = |path: &str| root().join("examples").join(path).into_os_string();
    let rust = run(&mut Command::new(common::rust_example("curve")));
    let python = run(&mut command(&[common::python().into(), example("python/curve.py")]));
    let bun = run(&mut command(&[common::bun().into(), example("bun/curve.ts")]));
    let wanted = "length 311.079016\n16000 bytes of points in shared memory\n\
                  65 points suffice to stay within 0.1 of it\n";
    assert_eq!([rust.as_str(), &python, &bun], [wanted; 3]);
    let python = run(&mut command(&[common::python().into(), example("python/pool.py")]));
    let bun = run(&mut command(&[common::bun().into(), example("bun/pool.ts")]));
    assert_eq!([python.as_str(), &bun], ["500500\n500500\n100 curves sampled\n"; 2]);
    let python = run(&mut command(&[common::python().into(), example("python/processes.py")]));
    let bun = run(&mut command(&[common::bun().into(), example("bun/processes.ts")]));
    let ends = "6834\n6834\nValueError for this reason\nexit code 3\n";
    assert_eq!([python, bun.replace("RangeError", "ValueError")], [ends; 2]);
    let python = run(&mut command(&[common::python().into(), example("python/executor.py")]));
    let bun = run(&mut command(&[common::bun().into(), example("bun/executor.ts")]));
    let steps =
        "step 0\nstep 1\nstep 2\ntotal 3\nnumbers 0.5 1.5\ninterrupted by KeyboardInterrupt\nstill 3\n";
    assert_eq!([python.as_str(), &bun], [steps; 2]);
    let python = run(&mut command(&[common::python().into(), example("python/session.py")]));
    let bun = run(&mut command(&[common::bun().into(), example("bun/session.ts")]));
    let said = |api: &str, state: &str| {
        format!("measured: process\nused: {api}\nlate by 0.1 s: True\nchanged: {state}\nsaid: True\n")
    };
    assert_eq!(python, said("asyncio", "idle"));
    assert_eq!(bun.replace("true", "True"), said("Bun.sleep", "terminated"));
    let batch = run(&mut Command::new(common::rust_example("batch")));
    assert_eq!(batch, "1000000 points read where they were written\n");
}

#[test]
fn python_samples_a_batch_straight_into_a_claim() {
    let script = root().join("tests/languages/points.py").into_os_string();
    let text = run(&mut command(&[common::python().into(), script]));
    assert_eq!(text, "674304 points read where they were written\n");
}

#[test]
fn the_python_suite_passes() {
    let python = common::python();
    let tool = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(root().join("python")).env("CIRCLET_BUN", common::bun());
        run(with_library(&mut command));
    };
    tool(&["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    tool(&["-m", "mypy", "--cache-dir", "/dev/null"]);
    tool(&["-m", "ruff", "check", "--no-cache", "."]);
    tool(&["-m", "ruff", "format", "--no-cache", "--check", "circlet", "tests", "../examples/python"]);
}

#[test]
fn the_bun_suite_passes() {
    let folder = common::bun_package();
    run(with_library(Command::new(common::bun()).arg("test").current_dir(&folder)));
    for project in [".", "../examples/bun/app"] {
        let check = ["x", "--no-install", "tsc", "--noEmit", "-p", project];
        run(Command::new(common::bun()).args(check).current_dir(&folder));
    }
}

/// Runs a suite of the example of the web; screenshots are left in `target/scratch`.
fn web_example_passes(suite: &str) {
    let Some(program) = PROGRAM else {
        eprintln!("skipped: the program is not built without the feature `cli`");
        return;
    };
    let folder = common::web_example();
    let mut bun = Command::new(folder.join("node_modules/.bin/bun"));
    bun.args(["test", suite]).current_dir(&folder).env("CIRCLET_PROGRAM", program);
    run(bun.env("CIRCLET_SCRATCH", common::scratch(&format!("web-{suite}"))));
}

#[test]
fn the_web_example_shows_what_hooks_tell() {
    web_example_passes("web.test.ts");
    let check = ["x", "--no-install", "tsc", "--noEmit"];
    run(Command::new(common::bun()).args(check).current_dir(common::web_example()));
}

#[test]
fn the_web_example_plays_by_its_rules_and_its_hook_keeps_secrets_and_never_fails() {
    ["game.test.ts", "hook.test.ts"].into_iter().for_each(web_example_passes);
}

#[test]
fn the_node_suite_passes() {
    if PROGRAM.is_none() {
        eprintln!("skipped: the program is not built without the feature `cli`");
        return;
    }
    let mut node = Command::new("node");
    node.args(["--test", "test/node_tracker.mjs"]).current_dir(common::bun_package());
    run(with_library(&mut node));
}
