//! `circlet session`: what it says of payloads, and how it ends.
#![cfg(feature = "cli")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SEED: &str = include_str!("data/payload/seed.json");

fn session(words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("session").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who is refused may have ended before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn check_lists_what_contradicts_and_says_by_its_code_whether_anything_does() {
    let output = session(&["check", "-"], SEED);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 11), "{said}");
    assert!(said.contains("dependencies.lockfile.hash: no SHA-256"), "{said}");
    let output = session(&["check", "-", "--json"], SEED);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["contradictions"].as_array().unwrap().len(), 11);
    assert_eq!(json["unknown_fields"], serde_json::json!([]));
    let output = session(&["check", "-"], r#"{"goal": "draw", "mood": "calm"}"#);
    let wanted = "Fields that nobody knows, which are kept: mood\nNothing contradicts.\n";
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), wanted.to_owned()));
}

#[test]
fn what_is_no_payload_is_named_with_its_file_and_its_place() {
    for (file, input, wanted) in [
        ("-", r#"{"git": {"branch": 1}}"#, "standard input: the payload's field `git.branch` does not fit"),
        ("-", "not json", "standard input: the payload is not JSON"),
        ("-", "", "standard input: the payload is not JSON"),
        ("/nowhere.json", "", "/nowhere.json cannot be read"),
        ("/", "", "/ is a folder: name a file"),
    ] {
        let output = session(&["check", file], input);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(wanted) && output.stdout.is_empty(), "{errors}");
    }
}

#[test]
fn summary_says_a_payload_in_lines_within_its_budget() {
    let output = session(&["summary", "-"], SEED);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("Goal: \"cross-pollinate") && said.contains("\nWorkers: 2 active, 4 pool size"),
        "{said}"
    );
    let output = session(&["summary", "-", "--tokens", "60", "--json"], SEED);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["tokens"].as_u64().unwrap() <= 60 && json["omitted"].as_u64().unwrap() > 10, "{json}");
    assert_eq!(json["is_exact"], cfg!(feature = "tokens"));
    assert!(json["text"].as_str().unwrap().ends_with(" omitted\n"), "{json}");
    let output = session(&["summary", "-", "--tokens", "0"], SEED);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), ""));
}

/// A folder of the test's own, removed with it.
fn folder(name: &str) -> common::Removed {
    common::Removed(common::scratch(name))
}

#[test]
fn snapshot_says_what_goes_on_in_a_process_and_a_folder_and_nothing_of_the_program_that_says_it() {
    let folder = folder("session-snapshot");
    std::fs::write(
        folder.0.join("package.json"),
        r#"{"dependencies": {"a": "1"}, "devDependencies": {"b": "1"}}"#,
    )
    .unwrap();
    let place = folder.0.to_str().unwrap();
    let json = |words: &[&str]| -> Value {
        let output = session(words, "");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let said = json(&["snapshot", "--folder", place]);
    assert_eq!((&said["schema"], &said["dependencies"]["tree"]["direct"]), (&1.into(), &1.into()));
    assert_eq!((said.get("process"), said["metadata"]["env"].get("process_id")), (None, None));
    assert!(said["metadata"]["platform"]["memory_bytes"].as_u64() > Some(1 << 20));
    let own = std::process::id();
    let said = json(&["snapshot", "--folder", place, "--pid", &own.to_string(), "--view"]);
    assert_eq!(said["metadata"]["env"]["process_id"], own);
    assert!(said["bun"]["performance"]["memory_mb"]["rss"].as_f64() > Some(1.0), "{said}");
    let output = session(&["snapshot", "--folder", place, "--pid", "4194305"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("process 4194305 cannot be looked at"), "{}", text(&output.stderr));
}

#[test]
fn diff_prints_the_patch_from_one_payload_to_another_and_says_by_its_code_whether_there_is_any() {
    let folder = folder("session-diff");
    let (seed, other) = (folder.0.join("seed.json"), folder.0.join("other.json"));
    std::fs::write(&seed, SEED).unwrap();
    std::fs::write(&other, r#"{"schema": 1, "seq": 9, "goal": "rest"}"#).unwrap();
    let run = |from: &std::path::Path, to: &std::path::Path| {
        session(&["diff", from.to_str().unwrap(), to.to_str().unwrap()], "")
    };
    let same = run(&seed, &seed);
    assert_eq!((same.status.code(), text(&same.stdout)), (Some(0), "{}\n".to_owned()));
    let output = run(&seed, &other);
    let patch: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &patch["goal"], &patch["git"]),
        (Some(1), &"rest".into(), &Value::Null)
    );
    assert!(patch.get("seq").is_none(), "{patch}");
}

#[test]
fn a_program_that_cannot_load_the_library_is_tracked_by_lines_and_watched_on_its_page() {
    let page = format!("circlet-test-track-{}", std::process::id());
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    let own = std::process::id().to_string();
    command.args([
        "session",
        "track",
        "--page",
        &page,
        "--interval",
        "5",
        "--runtime",
        "node",
        "--no-project",
        "--pid",
        &own,
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut requests, mut answers) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut ask = |request: &str| -> Value {
        writeln!(requests, "{request}").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let refused = ask(r#"{"patch": {"goal": "draw", "process": {"rss_bytes": 1}}}"#);
    assert_eq!(refused, serde_json::json!({"refused": ["process"]}));
    assert_eq!(ask(r#"{"log_api_usage": "node:vm"}"#), serde_json::json!({}));
    assert_eq!(ask(r#"{"register_worker": "w_1"}"#), serde_json::json!({}));
    assert!(
        ask(r#"{"register_worker": "w_1"}"#)["error"]
            .as_str()
            .unwrap()
            .contains("there is a worker `w_1` already")
    );
    assert_eq!(ask(r#"{"update_worker": {"id": "w_1", "patch": {"state": "idle"}}}"#), serde_json::json!({}));
    for wrong in ["not json", "{}", r#"{"mood": 1}"#, r#"{"patch": 5}"#, r#"{"diff": 999999}"#] {
        assert!(ask(wrong)["error"].is_string(), "{wrong}");
    }
    let said = ask(r#"{"snapshot": {}}"#)["snapshot"].clone();
    assert_eq!((&said["goal"], &said["node"]["apis"][0]), (&"draw".into(), &"node:vm".into()));
    assert_eq!(said["metadata"]["env"]["process_id"], std::process::id());
    let seq = said["seq"].as_u64().unwrap();
    ask(r#"{"patch": {"goal": "rest"}}"#);
    let newest = ask(r#"{"history": {}}"#)["history"].as_array().unwrap().len();
    assert!(newest > 0);
    assert_eq!(ask(&format!(r#"{{"diff": {seq}}}"#))["diff"]["goal"], "rest");
    // The page has what it was told with its next sample.
    let rests = || text(&session(&["summary", &format!("page:{page}")], "").stdout).contains("rest");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !rests() {
        assert!(Instant::now() < deadline, "the page does not say what its tracker was told");
    }
    let watched = session(&["watch", &page, "--count", "2", "--interval", "20ms"], "");
    let said = text(&watched.stdout);
    assert_eq!(
        (watched.status.code(), said.lines().count()),
        (Some(0), 2),
        "{said}{}",
        text(&watched.stderr)
    );
    assert!(said.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["goal"] == "rest"));
    let summary = session(&["summary", &format!("page:{page}")], "");
    assert!(text(&summary.stdout).contains("rest"), "{}", text(&summary.stdout));
    assert_eq!(text(&summary.stderr), "");
    drop(requests);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let page_source = format!("page:{page}");
    for words in [["watch", &page], ["summary", &page_source]] {
        let gone = session(&words, "");
        assert_eq!(gone.status.code(), Some(2));
        let said = text(&gone.stderr);
        assert!(said.contains(&page) && said.contains("no tracker has a page of this name"), "{said}");
    }
}

#[test]
fn a_page_whose_tracker_was_killed_is_read_and_said_to_be_old() {
    let page = format!("circlet-session-killed-{}", std::process::id());
    let mut child = Command::new(env!("CARGO_BIN_EXE_circlet"))
        .args(["session", "track", "--no-project", "--page", &page])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_mut().unwrap(), r#"{{"patch": {{"goal": "rest"}}}}"#).unwrap();
    // It has answered, and has its page.
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let watched = session(&["watch", &page, "--count", "2", "--interval", "20ms"], "");
    assert_eq!(watched.status.code(), Some(0), "{}", text(&watched.stderr));
    child.kill().unwrap();
    child.wait().unwrap();
    let summary = session(&["summary", &format!("page:{page}")], "");
    assert_eq!(summary.status.code(), Some(0));
    assert!(text(&summary.stdout).contains("rest"), "{}", text(&summary.stdout));
    assert!(text(&summary.stderr).contains("its tracker has ended"), "{}", text(&summary.stderr));
    circlet::shm::Segment::unlink(&page).unwrap();
}

#[test]
fn summary_and_metrics_say_what_goes_on_here_where_no_file_is_named() {
    let summary = session(&["summary", "--tokens", "450"], "");
    assert_eq!(summary.status.code(), Some(0), "{}", text(&summary.stderr));
    assert!(text(&summary.stdout).contains("Git:"), "{}", text(&summary.stdout));
    let metrics = session(&["metrics"], "");
    assert!(text(&metrics.stdout).contains("# TYPE circlet_"), "{}", text(&metrics.stdout));
}
