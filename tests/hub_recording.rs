//! Recordings of hubs: written by the real program, and shown again by it.
#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use circlet::hub::{Column, Hub, HubOptions, Moment, Recording};
use serde_json::{Value, json};

mod common;
#[path = "common/hub_follower.rs"]
mod hub_follower;
#[path = "common/hub_process.rs"]
mod hub_process;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use hub_follower::Follower;
use hub_process::Served;
use hub_protocol::until;

fn moments(path: &Path) -> Vec<Moment> {
    Recording::open(path).unwrap().map(Result::unwrap).collect()
}

/// What a recording says was done, in order: what was set, and the events.
fn done(path: &Path) -> (Vec<Value>, Vec<Value>) {
    let (mut set, mut events) = (Vec::new(), Vec::new());
    for moment in moments(path) {
        let Moment::Changed { change, .. } = moment else { continue };
        let change = serde_json::to_value(&change).unwrap();
        set.extend(change.get("set").map(|set| set["x"].clone()));
        events.extend(change["events"].as_array().into_iter().flatten().map(|event| event["data"].clone()));
    }
    (set, events)
}

fn folder(name: &str) -> (common::Removed, PathBuf) {
    let folder = common::scratch(name);
    (common::Removed(folder.clone()), folder.join("a.jsonl"))
}

#[test]
fn what_viewers_saw_is_shown_again_at_its_pace_with_its_events_and_columns() {
    let (_removed, path) = folder("recording");
    let file = path.to_str().unwrap();
    let served = Served::start(&["serve", "--record", file]);
    let mut emitter = Follower::connect(served.addr, Some("secret"));
    let columns = json!({ "path": { "x": { "f32": "AADAPwAAIEA=" } } });
    emitter
        .ask("game-state-update", &json!({ "room": "g", "set": { "x": 0, "gone": 1 }, "columns": columns }));
    for n in 1..=5 {
        std::thread::sleep(Duration::from_millis(60));
        emitter.ask("game-state-update", &json!({ "room": "g", "set": { "x": n }, "removed": ["gone"] }));
        emitter.ask("agent-action", &json!({ "room": "g", "n": n }));
    }
    assert_eq!(served.end(), "");
    let recorded = moments(&path);
    assert!(matches!(recorded[0], Moment::Started { .. }));
    let Moment::Changed { change, .. } = &recorded[1] else { panic!("{:?}", recorded[1]) };
    assert_eq!(change.set["path"], vec![Column::f32("x", [1.5, 2.5])].into());
    let (set, events) = done(&path);
    assert_eq!(set, (0..=5).map(Value::from).collect::<Vec<_>>());
    assert_eq!(events, (1..=5).map(|n| json!({ "n": n })).collect::<Vec<_>>());

    let shown = Served::start(&["replay", file, "--speed", "0.5"]);
    let begin = Instant::now();
    let mut viewer = Follower::connect(shown.addr, None);
    viewer.join(&json!("g"));
    viewer.until(|it| it.state.get("x") == Some(&json!(5)) && it.events.last().is_some_and(|(n, _)| *n == 5));
    // 5 pauses of 60 ms and more, at half the speed.
    assert!(begin.elapsed() > Duration::from_millis(400), "{:?}", begin.elapsed());
    assert!(!viewer.state.contains_key("gone"));
    let said = shown.end();
    assert!(said.contains("this is the end"), "{said}");
}

#[test]
fn a_hub_goes_on_with_its_recording_also_after_it_was_killed_in_the_middle_of_a_line() {
    let (_removed, path) = folder("killed");
    let file = path.to_str().unwrap();
    let record = |n: u64| {
        let mut served = Served::start(&["serve", "--record", file]);
        let mut emitter = Follower::connect(served.addr, Some("secret"));
        let update = json!({ "room": "g", "set": { "x": n, (format!("of {n}")): n } });
        assert_eq!(emitter.ask("game-state-update", &update)["ok"], true);
        until("it is written", || fs::read_to_string(&path).unwrap().contains(&format!("of {n}")));
        served.child.kill().unwrap();
    };
    record(1);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"at_ms\": 12, \"ro").unwrap();
    record(2);
    // The end of one that was killed and that nobody went on with.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"at_ms\": 12, \"ro").unwrap();
    assert_eq!(moments(&path).len(), 4);
    // What was there before the second start is not there any more.
    let shown = Served::start(&["replay", file, "--max-pause", "0"]);
    let mut viewer = Follower::connect(shown.addr, None);
    viewer.join(&json!("g"));
    viewer.until(|it| json!(it.state) == json!({ "x": 2, "of 2": 2 }));
    shown.end();
    // In the middle it is no end.
    let whole = "{\"at_ms\":1,\"room\":\"g\"}\n";
    let text = fs::read_to_string(&path).unwrap().replacen("{\"at_ms\": 12, \"ro\n", whole, 1);
    fs::write(&path, text.replacen("\"x\":1", "\"x\":", 1)).unwrap();
    let wrong = Recording::open(&path).unwrap().find_map(Result::err).unwrap().to_string();
    assert!(wrong.contains("a.jsonl, line 2: "), "{wrong}");
}

#[test]
fn what_is_no_recording_is_refused_and_stays_as_it_is() {
    let (_removed, path) = folder("refused");
    let file = path.to_str().unwrap();
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_circlet"))
            .args(arguments)
            .args(["--addr", "127.0.0.1:0"])
            .output();
        let done = done.unwrap();
        assert_eq!(done.status.code(), Some(2), "{done:?}");
        String::from_utf8(done.stderr).unwrap()
    };
    assert!(run(&["replay", file]).contains("No such file"));
    for text in ["", "something else\n", "{\"recording\": 99, \"hub\": \"x\", \"started_at_ms\": 1}\n"] {
        fs::write(&path, text).unwrap();
        assert!(run(&["replay", file]).contains("no recording of a hub"));
        if !text.is_empty() && !text.starts_with('{') {
            assert!(run(&["serve", "--record", file]).contains("no recording of a hub"));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::remove_file(&path).unwrap();
    let folder = path.parent().unwrap().to_str().unwrap();
    assert!(run(&["serve", "--record", folder]).contains("directory"));
    let mut options = HubOptions::default();
    options.addr = "127.0.0.1:0".parse().unwrap();
    options.record = Some(path.clone());
    let _hub = Hub::start(options).unwrap();
    assert!(run(&["serve", "--record", file]).contains("another hub records to it"));
}

#[test]
fn a_replay_begins_where_it_is_told_to_and_begins_again() {
    let (_removed, path) = folder("from");
    let file = path.to_str().unwrap();
    let mut text = json!({ "recording": 1, "hub": "a", "started_at_ms": 1 }).to_string() + "\n";
    for n in 0..10 {
        let line = json!({ "at_ms": n * 1_000, "room": "g", "set": { "x": n }, "events": [{ "event": "agent-action", "data": n }] });
        text += &format!("{line}\n");
    }
    fs::write(&path, text).unwrap();
    let begin = Instant::now();
    let shown = Served::start(&["replay", file, "--from", "8900ms"]);
    let mut viewer = Follower::connect(shown.addr, None);
    viewer.join(&json!("g"));
    viewer.until(|it| it.state.get("x") == Some(&json!(9)));
    assert!(begin.elapsed() < Duration::from_secs(8), "what was before is there at once");
    shown.end();
    let shown = Served::start(&["replay", file, "--repeat", "--max-pause", "20ms"]);
    let mut viewer = Follower::connect(shown.addr, None);
    viewer.join(&json!("g"));
    viewer.until(|it| it.events.iter().filter(|(_, data)| *data == 5).count() == 3);
    shown.end();
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.args(["replay", file, "--once", "--speed", "10000", "--addr", "127.0.0.1:0"]);
    assert!(command.output().unwrap().status.success());
    for (wrong, says) in [("--speed", "0.01 to 10000"), ("--from", "90s, 10m"), ("--max-pause", "90s, 10m")] {
        let done =
            Command::new(env!("CARGO_BIN_EXE_circlet")).args(["replay", file, wrong, "x"]).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_disk_that_is_full_stops_no_viewer_and_what_comes_after_is_recorded() {
    let (_removed, path) = folder("full");
    let folder = path.parent().unwrap();
    // A disk of 256 KiB of its own, most of which is taken.
    let script = r#"mount -t tmpfs -o size=256k none "$1" && head -c 200000 /dev/zero > "$1/taken" && exec "$2" serve --record "$1/a.jsonl" --addr 127.0.0.1:0"#;
    let mut command = Command::new("unshare");
    command.args(["-r", "-m", "sh", "-c", script, "sh"]).arg(folder).arg(env!("CARGO_BIN_EXE_circlet"));
    let mut served = Served::of(&mut command);
    let inside = PathBuf::from(format!("/proc/{}/root{}", served.child.id(), folder.display()));
    let mut viewer = Follower::connect(served.addr, None);
    viewer.join(&json!("g"));
    let mut emitter = Follower::connect(served.addr, Some("secret"));
    let mut update = |n: u64, length: usize| {
        let set = json!({ "x": n, "large": "x".repeat(length) });
        assert_eq!(emitter.ask("game-state-update", &json!({ "room": "g", "set": set }))["ok"], true);
        viewer.until(|it| it.state.get("x") == Some(&json!(n)));
    };
    update(1, 10);
    update(2, 100_000);
    let mut stderr = BufReader::new(served.child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("the recording: No space left on device"), "{line}");
    update(3, 10);
    fs::remove_file(inside.join("taken")).unwrap();
    line.clear();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("all works again"), "{line}");
    update(4, 10);
    let file = inside.join("a.jsonl");
    until("the last is written", || done(&file).0.last() == Some(&json!(4)));
    // What came while it was full is merged, not lost.
    assert_eq!(done(&file).0, [1, 3, 4].map(Value::from));
}
