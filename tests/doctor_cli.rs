//! `circlet doctor`: what it says of this machine, and how it ends.
#![cfg(all(feature = "cli", target_os = "linux"))]

use std::process::{Command, Output};

use circlet::exec::Abilities;
use serde_json::Value;

fn doctor(words: &[&str]) -> Output {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_circlet"));
    doctor.arg("doctor").args(words).env("CIRCLET_LIBRARY", "/nowhere/libcirclet.so").output().unwrap()
}

#[test]
fn it_says_of_each_thing_whether_it_is_here_and_what_to_do_where_it_is_not() {
    let output = doctor(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for check in Abilities::here().checks() {
        assert!(text.contains(check.name), "{} is not in {text}", check.name);
    }
    assert!(text.contains("Missing: C library. What helps: `cargo clib`"), "{text}");
    let can = text.ends_with("\nPolicies can be enforced here.\n");
    assert!(can || text.ends_with("\nPolicies cannot be enforced here.\n"), "{text}");
    assert_eq!(output.status.code(), Some(if can { 0 } else { 1 }));
}

#[test]
fn its_json_has_what_the_library_finds() {
    let output = doctor(&["--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let here = Abilities::here();
    let enforces = here.enforce_policies();
    assert_eq!(json["enforces_policies"], enforces);
    assert_eq!(output.status.code(), Some(if enforces { 0 } else { 1 }));
    let found = serde_json::to_value(&here).unwrap();
    for field in
        ["kernel", "landlock_abi", "mounts", "user_namespaces", "ptrace_scope", "not_confined", "python"]
    {
        assert_eq!(json["abilities"][field], found[field], "{field}");
    }
    assert!(json["abilities"]["library"]["missing"].as_str().unwrap().contains("/nowhere/libcirclet.so"));
    let checks = json["checks"].as_array().unwrap();
    assert_eq!(checks.len(), here.checks().len());
    let has_text = |check: &Value, field: &str| check[field].as_str().is_some_and(|text| !text.is_empty());
    assert!(
        checks
            .iter()
            .all(|check| ["name", "needed_for", "remedy"].iter().all(|field| has_text(check, field)))
    );
}
