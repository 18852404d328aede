//! Holds what the payload says of a project to what git, Cargo, Bun, npm, pytest and Python say of it.
#![cfg(all(feature = "project", unix))]
#![allow(clippy::unwrap_used, reason = "the lint knows test functions, but not what they share")]

mod common;
#[path = "project/dependencies.rs"]
mod dependencies;
#[path = "project/git.rs"]
mod git;
#[path = "common/programs.rs"]
mod programs;
#[path = "project/reports.rs"]
mod reports;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::run;

/// Makes a pipe, which nobody writes to.
fn pipe(path: &Path) {
    run(Command::new("mkfifo").arg(path));
}

/// Writes files, by their paths in a folder, with the folders around them.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Asks Python for a value, given as JSON on its standard output.
fn python(folder: &Path, code: &str) -> serde_json::Value {
    let text = run(Command::new("python3").arg("-c").arg(code).current_dir(folder));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
