//! The programs of the README and of pages of `docs`, as they stand there. The Rust ones are documentation tests.
#![cfg(all(feature = "capi", target_os = "linux"))]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use circlet::ring::{self, Options};
use common::{library, root, run, scratch};

/// Writes the README's program in a language to a file, with the ring's name made this test's own.
fn program(language: &str, file: &str) -> (PathBuf, String) {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let name = format!("circlet-readme-{language}-{}", std::process::id());
    assert!(text.contains("\"frames\""));
    let path = scratch(&format!("readme-{language}")).join(file);
    fs::write(&path, text.replace("\"frames\"", &format!("{name:?}"))).unwrap();
    (path, name)
}

/// Writes a program of `docs/executor.md`.
fn executor_program(language: &str, file: &str) -> PathBuf {
    docs_program("executor", language, file)
}

/// Writes a program of `docs/payload.md`, with the page's name made this test's own.
fn payload_program(language: &str, file: &str) -> PathBuf {
    let path = docs_program("payload", language, file);
    let text = fs::read_to_string(&path).unwrap();
    let page = format!("circlet-docs-{language}-{}", std::process::id());
    let own =
        text.replace("\"app\"", &format!("{page:?}")).replace("\\\"app\\\"", &format!("\\\"{page}\\\""));
    assert_ne!(text, own);
    fs::write(&path, own).unwrap();
    path
}

/// Writes the first program of a page of the documentation in a language.
fn docs_program(page: &str, language: &str, file: &str) -> PathBuf {
    let docs = fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap();
    let (_, rest) = docs.split_once(&format!("```{language}\n")).unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let path = scratch(&format!("{page}-{language}")).join(file);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_c_program_of_the_payload_runs() {
    let source = payload_program("c", "program.c");
    let text = run(Command::new(common::compile_c(&source)).env_remove("CIRCLET_LIBRARY"));
    assert!(
        text.starts_with("[\"process\"]\n{\"schema\":1,") && text.contains("\"frames_sent\":1"),
        "{text}"
    );
}

#[test]
fn the_python_program_of_the_payload_runs() {
    let source = payload_program("python", "program.py");
    let mut python = Command::new(common::python());
    let text =
        run(python.arg(source).env("PYTHONPATH", root().join("python")).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("['process']\n{'blocks': ") && text.contains("\n1\n"), "{text}");
}

#[test]
fn the_bun_program_of_the_payload_runs() {
    let source = payload_program("ts", "program.ts");
    let text = fs::read_to_string(&source).unwrap();
    let entry = format!("{:?}", root().join("bun/src/index.ts"));
    fs::write(&source, text.replace("\"circlet\"", &entry)).unwrap();
    let text = run(Command::new(common::bun()).arg(source).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("[ \"process\" ]\n") && text.contains("\n1\n"), "{text}");
}

#[test]
fn the_c_program_of_the_hub_runs() {
    let source = docs_program("hub", "c", "program.c");
    let text = run(Command::new(common::compile_c(&source)).env_remove("CIRCLET_LIBRARY"));
    assert!(text.starts_with("{\"viewers\":0,\"rooms\":1,"), "{text}");
}

#[test]
fn the_python_program_of_the_hub_runs() {
    let source = docs_program("hub", "python", "program.py");
    let mut python = Command::new(common::python());
    let text =
        run(python.arg(source).env("PYTHONPATH", root().join("python")).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("http://127.0.0.1:") && text.ends_with(" True\n"), "{text}");
}

#[test]
fn the_bun_program_of_the_hub_runs() {
    let source = docs_program("hub", "ts", "program.ts");
    let text = fs::read_to_string(&source).unwrap();
    let entry = format!("{:?}", root().join("bun/src/index.ts"));
    fs::write(&source, text.replace("\"circlet\"", &entry)).unwrap();
    let text = run(Command::new(common::bun()).arg(source).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("http://127.0.0.1:") && text.ends_with(" true\n"), "{text}");
}

#[cfg(feature = "cli")]
#[test]
fn the_node_program_of_the_payload_runs() {
    let source = payload_program("js", "program.mjs");
    let text = fs::read_to_string(&source).unwrap();
    let entry = format!("{:?}", root().join("bun/node/index.mjs"));
    fs::write(&source, text.replace("\"circlet\"", &entry)).unwrap();
    let text = run(Command::new("node").arg(source).env("CIRCLET_PROGRAM", env!("CARGO_BIN_EXE_circlet")));
    assert!(text.starts_with("[ 'process' ]\n"), "{text}");
}

#[test]
fn the_c_program_of_the_executor_runs() {
    let source = executor_program("c", "program.c");
    let text = run(Command::new(common::compile_c(&source)).env_remove("CIRCLET_LIBRARY"));
    assert!(text.starts_with("1 hello\n") && text.contains("KeyboardInterrupt"), "{text}");
}

#[test]
fn the_python_program_of_the_executor_runs() {
    let source = executor_program("python", "program.py");
    let mut python = Command::new(common::python());
    let text =
        run(python.arg(source).env("PYTHONPATH", root().join("python")).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("42 hello\n") && text.contains("Grace interrupted KeyboardInterrupt"), "{text}");
}

#[test]
fn the_bun_program_of_the_executor_runs() {
    let source = executor_program("ts", "program.ts");
    let text = fs::read_to_string(&source).unwrap();
    let entry = format!("{:?}", root().join("bun/src/index.ts"));
    fs::write(&source, text.replace("\"circlet\"", &entry)).unwrap();
    let text = run(Command::new(common::bun()).arg(source).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with("42 hello\n") && text.ends_with("TimeoutError\n"), "{text}");
}

#[test]
fn the_c_program_compiles_without_a_warning_and_reads_a_ring() {
    let (source, name) = program("c", "program.c");
    let ring = ring::create(&name, &Options::new()).unwrap();
    let mut sender = ring.sender().unwrap();
    sender.send(&[0; 24]).unwrap();
    drop(sender);
    let text = run(&mut Command::new(common::compile_c(&source)));
    assert!(text.starts_with("24 bytes at 0x"), "{text}");
}

#[test]
fn the_python_program_runs() {
    let (source, _) = program("python", "program.py");
    let mut python = Command::new(common::python());
    let text =
        run(python.arg(source).env("PYTHONPATH", root().join("python")).env("CIRCLET_LIBRARY", library()));
    assert!(text.starts_with('[') && text.lines().count() == 1, "{text}");
}

#[test]
fn the_confined_program_is_refused_a_file() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Confinement\n").unwrap();
    let (text, _) = section.split_once("```python\n").unwrap().1.split_once("```").unwrap();
    let path = scratch("readme-confinement").join("program.py");
    fs::write(&path, text).unwrap();
    let mut python = Command::new(common::python());
    let text =
        run(python.arg(path).env("PYTHONPATH", root().join("python")).env("CIRCLET_LIBRARY", library()));
    assert_eq!(text, "PermissionError\n");
}

#[test]
fn the_bun_program_runs() {
    let (source, name) = program("ts", "program.ts");
    let text = fs::read_to_string(&source).unwrap();
    // The package is not installed here: it is imported from the checkout.
    let entry = format!("{:?}", root().join("bun/src/index.ts"));
    fs::write(&source, text.replace("\"circlet\"", &entry)).unwrap();
    let ring = ring::create(&name, &Options::new()).unwrap();
    let mut sender = ring.sender().unwrap();
    sender.send(&[0; 160]).unwrap();
    drop(sender);
    let mut bun = Command::new(common::bun());
    let text = run(bun.arg(source).env("CIRCLET_LIBRARY", library()).stdin(Stdio::null()));
    assert!(text.starts_with("10 points, read in place") && text.contains('8'), "{text}");
}
