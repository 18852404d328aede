//! Recordings of hubs: written by the real program, and shown again by it.
#![cfg(all(feature = "cli", unix))]
#![allow(unsafe_code, reason = "a terminal of its own for a program")]

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
#[path = "common/terminal.rs"]
mod terminal;

use hub_follower::Follower;
use hub_process::Served;
use hub_protocol::until;
use terminal::Terminal;

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
        // No address was said either.
        assert_eq!(done.stdout, b"");
        String::from_utf8(done.stderr).unwrap()
    };
    assert!(run(&["replay", file]).contains("No such file"));
    let head = "{\"recording\": 1, \"hub\": \"x\", \"started_at_ms\": 1}\n";
    for (text, why) in [
        (String::new(), "it is empty"),
        ("something else\n".to_owned(), "expected value at column 1"),
        (format!("{{\"recording\": 1,\n{head}"), "EOF while parsing"),
        (head.replacen('1', "99", 1), "a recording of version 99, where 1 is known"),
        ("{\"at_ms\": 1, \"room\": \"g\"}\n".to_owned(), "another line"),
    ] {
        fs::write(&path, &text).unwrap();
        let said = run(&["replay", file]);
        let begins = r#"a recording of a hub begins with {"recording": 1, "hub": .., "started_at_ms": ..}"#;
        for part in ["a.jsonl, line 1: ", why, begins] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
        if text.starts_with("something") {
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

/// Writes a recording that sets `x` to 0, 1 and so on, a minute after the other.
fn write_minutes(path: &Path, minutes: u64) -> String {
    let head = json!({ "recording": 1, "hub": "a", "started_at_ms": 1 });
    let line = |n| json!({ "at_ms": n * 60_000, "room": "g", "set": { "x": n } }).to_string();
    let text = std::iter::once(head.to_string()).chain((0..minutes).map(line)).collect::<Vec<_>>().join("\n");
    fs::write(path, format!("{text}\n")).unwrap();
    text
}

#[test]
fn how_long_a_recording_is_and_how_far_it_is_are_said() {
    let (_removed, path) = folder("length");
    write_minutes(&path, 63);
    let outline = Recording::outline(&path, |_, _| true).unwrap().unwrap();
    assert_eq!((outline.length, outline.broken.is_none()), (Duration::from_secs(62 * 60), true));
    assert!(Recording::outline(&path, |_, _| false).unwrap().is_none(), "it was told to stop");
    let file = path.to_str().unwrap();
    let shown = Served::start(&["replay", file, "--speed", "240"]);
    let mut viewer = Follower::connect(shown.addr, None);
    viewer.join(&json!("hub"));
    let position = |it: &Follower| it.state.get("replay").and_then(|replay| replay["position_ms"].as_u64());
    viewer.until(|it| position(it).is_some());
    let first = position(&viewer);
    viewer.until(|it| position(it) > first);
    let replay = &viewer.state["replay"];
    assert_eq!(replay["file"], "a.jsonl");
    assert_eq!((&replay["length_ms"], &replay["speed"]), (&json!(62 * 60_000), &json!(240.0)));
    assert_eq!((&replay["round"], &replay["is_over"]), (&json!(1), &json!(false)));
    // No terminal: nothing is drawn.
    assert_eq!(shown.end(), "circlet: a.jsonl of 01:02:00, 240 times as fast as it was\n");

    // A run that follows another begins when it began, and one whose clock was set back at once.
    let run = |started_at_ms: u64| json!({ "recording": 1, "hub": "a", "started_at_ms": started_at_ms });
    let done = |at_ms: u64| json!({ "at_ms": at_ms, "room": "g" });
    let lines =
        [run(1_000), done(500), run(5_000), done(500), run(20), done(700)].map(|line| line.to_string());
    fs::write(&path, lines.join("\n")).unwrap();
    assert_eq!(Recording::outline(&path, |_, _| true).unwrap().unwrap().length, Duration::from_millis(5_200));
    let mut recording = Recording::open(&path).unwrap();
    let positions = std::iter::from_fn(|| recording.next().map(|_| recording.position().as_millis()));
    assert_eq!(positions.collect::<Vec<_>>(), [0, 500, 4_000, 4_500, 4_500, 5_200]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_comes_by_a_pipe_is_played_though_nobody_knows_how_long_it_is() {
    let (_removed, path) = folder("pipe");
    write_minutes(&path, 4);
    let script = r#"cat "$1" | exec "$2" replay /dev/stdin --max-pause 0 --once --addr 127.0.0.1:0"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(&path).arg(env!("CARGO_BIN_EXE_circlet"));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "circlet: stdin, as fast as it was\n");
}

#[test]
fn at_a_terminal_one_line_is_drawn_over_and_over() {
    let (_removed, path) = folder("terminal");
    write_minutes(&path, 3);
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.args(["replay", path.to_str().unwrap(), "--speed", "30", "--addr", "127.0.0.1:0"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("a.jsonl of 00:02:00, 30 times as fast as it was");
    terminal.wait_for("00:00:00 of 00:02:00");
    let between = terminal.wait_for("00:01:0");
    assert!(between.contains('\r') && !between.contains('\n'), "{between:?}");
    terminal.wait_for("this is the end");
    terminal.press("\x03");
    assert!(terminal.end().success());
}

#[test]
fn a_line_that_is_broken_is_told_before_anybody_comes_and_what_is_before_it_is_shown() {
    let (_removed, path) = folder("broken");
    let file = path.to_str().unwrap();
    let text = write_minutes(&path, 6);
    let syntax = text.replacen("{\"x\":3}", "{\"x\":}", 1);
    let kind = text.replacen("{\"x\":3}", "7", 1);
    for (text, is_found_first) in [(syntax, true), (kind, false)] {
        fs::write(&path, text).unwrap();
        let outline = Recording::outline(&path, |_, _| true).unwrap().unwrap();
        assert_eq!(outline.broken.is_some(), is_found_first);
        let shown = Served::start(&["replay", file, "--max-pause", "0"]);
        let mut viewer = Follower::connect(shown.addr, None);
        viewer.join(&json!("g"));
        viewer.until(|it| it.state.get("x") == Some(&json!(2)));
        let said = shown.end_with(1);
        let found = said.find("a.jsonl, line 5: ").unwrap();
        let length = if is_found_first { "00:02:00" } else { "00:05:00" };
        assert!(said.starts_with(&format!("circlet: a.jsonl of {length}, as fast as it was\n")), "{said}");
        assert_eq!(said.contains("it breaks off after that"), is_found_first, "{said}");
        assert!(said[found..].contains("this is the end"), "{said}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
        command.args(["replay", file, "--once", "--max-pause", "0", "--addr", "127.0.0.1:0"]);
        assert_eq!(command.output().unwrap().status.code(), Some(1));
    }
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

#[test]
fn a_file_that_is_taken_away_or_cut_off_while_it_is_recorded_to_is_told_of() {
    let (_removed, path) = folder("gone");
    let file = path.to_str().unwrap().to_owned();
    for (says, is_removed) in
        [("the recording: its file was removed", true), ("the recording: its file was cut off", false)]
    {
        let mut served = Served::start(&["serve", "--record", &file]);
        let mut emitter = Follower::connect(served.addr, Some("secret"));
        let mut set = |n: u64| {
            let update = json!({ "room": "g", "set": { "x": n } });
            assert_eq!(emitter.ask("game-state-update", &update)["ok"], true);
        };
        set(1);
        until("it is written", || done(&path).0 == [json!(1)]);
        if is_removed {
            fs::remove_file(&path).unwrap();
        } else {
            fs::File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        }
        set(2);
        let mut line = String::new();
        BufReader::new(served.child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(says), "{line}");
        drop(served);
        let _ = fs::remove_file(&path);
    }
}
