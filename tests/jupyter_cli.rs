//! `circlet jupyter`: what it tells Jupyter, and what it refuses. The kernel itself is tried by `python/tests/test_jupyter.py`.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]

mod common;

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn circlet(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("jupyter").args(words).env("CIRCLET_LIBRARY", common::library());
    command.env("PYTHONPATH", common::root().join("python")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_kernel_is_installed_found_and_uninstalled() {
    let prefix = common::scratch("jupyter");
    let python = common::python();
    let place =
        ["--prefix", prefix.to_str().unwrap(), "--name", "tried", "--python", python.to_str().unwrap()];
    let install = ["install", "--display-name", "Tried", "--session-python", "python3.99"];
    let done = circlet(&[&install[..], &place].concat());
    assert!(done.status.success(), "{}", text(&done.stderr));
    let folder = prefix.join("share/jupyter/kernels/tried");
    assert!(text(&done.stdout).contains(folder.to_str().unwrap()), "{}", text(&done.stdout));
    let file: Value = serde_json::from_str(&fs::read_to_string(folder.join("kernel.json")).unwrap()).unwrap();
    assert_eq!(file["display_name"], "Tried");
    assert_eq!(file["interrupt_mode"], "message");
    let words: Vec<_> = file["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        words[0].contains("python") && words[1..5] == ["-m", "circlet.jupyter", "-f", "{connection_file}"]
    );
    assert_eq!(words[5], "--SessionKernel.python=python3.99");
    assert_eq!(file["env"]["CIRCLET_LIBRARY"], common::library().to_str().unwrap());
    assert!(circlet(&[&["uninstall"][..], &place].concat()).status.success());
    assert!(!folder.exists());
    let again = circlet(&[&["uninstall"][..], &place].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("there is no kernel tried"), "{}", text(&again.stderr));
}

#[test]
fn an_interpreter_without_the_kernel_is_refused_with_what_it_needs() {
    let bare = common::scratch("jupyter-bare");
    let python = bare.join("python");
    fs::write(&python, "#!/bin/sh\nexec python3 -S \"$@\"\n").unwrap();
    fs::set_permissions(&python, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for program in [python.to_str().unwrap(), "/nowhere/python3"] {
        let refused = circlet(&["install", "--python", program]);
        assert_eq!(refused.status.code(), Some(2));
        let error = text(&refused.stderr);
        assert!(error.contains(program) && error.contains("--python"), "{error}");
    }
}
