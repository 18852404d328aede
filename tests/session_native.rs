//! Code of a session that is in C: what it prints, and how it is stopped. With a real Python and a real compiler.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use circlet::exec::{Error, Executor, Grace, Stopped};
use serde_json::json;

fn extension(name: &str) -> PathBuf {
    let object = common::scratch(&format!("session-native-{name}")).join("extension.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/extension.c");
    let mut command = Command::new("cc");
    command.args([
        "-std=c11",
        "-D_DEFAULT_SOURCE",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
    ]);
    assert!(command.arg(&object).arg(source).status().unwrap().success());
    object
}

#[test]
fn a_hundred_megabytes_come_whole_from_c_code() {
    let mut python = Executor::builder().library(common::library()).output_max(1 << 30).start().unwrap();
    let bytes = 100 << 20;
    let path = extension("says").display().to_string();
    python.run(&format!("import ctypes; c = ctypes.CDLL({path:?}); c.say.restype = ctypes.c_long")).unwrap();
    let outcome =
        python.run(&format!("print('before'); said = c.say({bytes}); print('after'); said")).unwrap();
    assert_eq!(outcome.value, Some(json!(bytes)));
    assert_eq!(outcome.stdout.len(), "before\n".len() + bytes + "after\n".len());
    assert!(outcome.stdout.starts_with("before\nxxx") && outcome.stdout.ends_with("xxxafter\n"), "in order");
}

#[test]
fn code_that_holds_the_interpreters_lock_in_c_is_killed_and_the_next_run_has_a_new_session() {
    let short = Duration::from_millis(100);
    let grace = Grace { group: short, kill: short };
    let mut python = Executor::builder().library(common::library()).grace(grace).start().unwrap();
    let path = extension("holds").display().to_string();
    let begin = Instant::now();
    // A PyDLL keeps the lock.
    let error =
        python.run_timeout(&format!("import ctypes; ctypes.PyDLL({path:?}).hold()"), short).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert!(begin.elapsed() >= 3 * short);
    assert_eq!(python.run("6 * 7").unwrap().value, Some(json!(42)));
}

#[test]
fn code_that_waits_for_its_children_is_interrupted_with_them() {
    let mut python = Executor::builder().library(common::library()).start().unwrap();
    for code in [
        "import subprocess; subprocess.run(['sleep', '1000'])",
        "import os, time\nif os.fork() == 0:\n    time.sleep(1000)\nos.wait()",
        "import subprocess; subprocess.run('trap \"\" INT; sleep 1000', shell=True)",
    ] {
        let outcome = python.run_timeout(code, Duration::from_millis(200)).unwrap();
        assert_eq!(outcome.error.unwrap().kind, "KeyboardInterrupt", "{code}");
        assert_eq!(outcome.stopped, Some(Stopped::Interrupted), "{code}");
    }
    assert_eq!(python.run("6 * 7").unwrap().value, Some(json!(42)));
}
