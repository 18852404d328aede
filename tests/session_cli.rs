//! `circlet session`: what it says of payloads, and how it ends.
#![cfg(feature = "cli")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

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
fn summary_says_a_payload_in_one_line() {
    let output = session(&["summary", "-"], SEED);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains("Pool: 3 workers, 2 active"), "{said}");
}
