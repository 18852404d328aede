//! Every language against every language, and the suites of Python and Bun.
//!
//! The four `ring` examples send and check the same payloads; each is a process of its own here.
#![cfg(all(feature = "capi", target_os = "linux"))]

mod common;

use std::ffi::OsString;
use std::process::{Command, Stdio};

use common::{library, root, run};

const FRAMES: &str = "2000";

/// The example programs, each with what starts it.
fn languages() -> Vec<(&'static str, Vec<OsString>)> {
    let example = |path: &str| root().join("examples").join(path).into_os_string();
    vec![
        ("Rust", vec![common::rust_example("ring").into()]),
        ("C", vec![common::c_program("examples/c/ring.c").into()]),
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
}

#[test]
fn the_python_suite_passes() {
    let python = common::python();
    let tool = |arguments: &[&str]| {
        run(with_library(Command::new(&python).args(arguments).current_dir(root().join("python"))));
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
    run(Command::new(common::bun()).args(["x", "--no-install", "tsc", "--noEmit"]).current_dir(&folder));
}
