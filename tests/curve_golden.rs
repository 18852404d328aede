//! Curves against numbers that other programs made; `tests/data/curve/README.md` says which.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod common;

use std::process::Command;

#[test]
fn the_program_agrees_with_every_golden_case() {
    let folder = common::root().join("tests/data/curve");
    let check = |rest: &[&str]| {
        common::run(Command::new(common::python()).arg(folder.join("check.py")).arg(&folder).args(rest))
    };
    let self_test = check(&["--self-test"]);
    assert!(
        self_test.contains("44 golden answers, 0 refused") && self_test.contains("0 accepted"),
        "{self_test}"
    );
    let summary = check(&[env!("CARGO_BIN_EXE_circlet"), "curve", "--jobs"]);
    assert!(summary.ends_with("44 of 44 cases right\n"), "{summary}");
}
